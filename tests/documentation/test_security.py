"""The figures of SECURITY.md are those of the code."""

from pathlib import Path

import pytest

from keras_upsample import _keras_first_read
from keras_upsample.files import _hdf5_structure, _npm, _transfer
from keras_upsample.interchange import _fold, _net
from keras_upsample.runtimes import _first_load, _first_load_process


def _power(number: int) -> str:
    """2**24 -> "2²⁴"."""
    exponent = number.bit_length() - 1
    assert number == 2**exponent
    return "2" + str(exponent).translate(str.maketrans("0123456789", "⁰¹²³⁴⁵⁶⁷⁸⁹"))


PAGE = " ".join((Path(__file__).parents[2] / "SECURITY.md").read_text(encoding="utf-8").split())
GIB, MIB = 2**30, 2**20


@pytest.mark.parametrize(
    "sentence",
    [
        f"at most {_keras_first_read.MEMORY // GIB} GiB above that of the libraries and "
        f"{_keras_first_read.SECONDS} seconds (and one more for each "
        f"{_keras_first_read.SPEED / 1e6:g} MB)",
        f"at most {_hdf5_structure.MOST_EXPANSION} times the file "
        f"({_hdf5_structure.LEAST_CLAIM // MIB} MiB for small files)",
        f"at most {1 + 1 / _keras_first_read.SHARE:g} times the elements in the file, and "
        f"{_power(_keras_first_read.SPARE)}",
        f"(on zeros, open sizes at {_first_load_process.OPEN_SIZE}) are ended after "
        f"{_first_load.LOAD_SECONDS} and {_first_load.RUN_SECONDS} seconds (one more for each "
        f"{_first_load.SPEED / 1e6:g} MB), and for a file below {_first_load.SMALL / 1e6:g} MB at "
        f"{_first_load.MEMORY / GIB:g} GiB of memory",
        f"at most {_power(_net.MOST_ELEMENTS)} elements each, and together that and "
        f"{_fold.GROWTH} times the file's own",
        f"({_transfer.MOST // GIB} GiB where there is none) and after {_transfer.SECONDS} seconds, "
        f"and one more for each {_transfer.SLOWEST // 1000} kB; npm's on Linux at "
        f"{_npm.LISTS // MIB} MiB more than the size",
    ],
)
def test_figures(sentence: str) -> None:
    assert sentence in PAGE
