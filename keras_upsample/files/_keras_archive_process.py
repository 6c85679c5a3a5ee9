"""The child process in which a Keras file is read first: `python -m ... PATH SECONDS BYTES`."""

import json
import sys
from pathlib import Path
from typing import Any

from ..errors import first_line
from ._hdf5_structure import ClaimError
from ._keras_archive import elements_of
from ._limits import address_space, limit_memory, limit_time

MARK = "first read:"


def main() -> None:
    """Print a line of JSON: the number of elements, or why the file is not read."""
    path, seconds, most = Path(sys.argv[1]), float(sys.argv[2]), int(sys.argv[3])
    import h5py  # noqa: F401  # before memory is limited: libraries reserve theirs when loaded

    limit_memory(address_space() + most)
    limit_time(seconds)
    try:
        said: dict[str, Any] = {"elements": elements_of(path)}
    except ClaimError as error:
        said = {"claim": str(error)}
    except MemoryError:
        said = {"claim": f"to read it takes more than {most / 2**30:.3g} GiB"}
    except Exception as error:  # of zipfile, h5py and NumPy
        said = {"damage": first_line(error)}
    print(f"\n{MARK} {json.dumps(said)}", flush=True)


if __name__ == "__main__":
    main()
