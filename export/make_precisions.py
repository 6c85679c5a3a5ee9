"""Technique x precision x runtime, in figures: writes the table in `export/README.md`.

python export/make_precisions.py              # all: many minutes
python export/make_precisions.py carafe area  # some; the rows of the others stay

The cells are those of `tests/parity/test_precisions.py`.
"""

import os
import re
import sys
import tempfile
from pathlib import Path
from typing import TYPE_CHECKING

os.environ.setdefault("TF_CPP_MIN_LOG_LEVEL", "3")

ROOT = Path(__file__).parents[1]
sys.path.insert(0, str(ROOT / "tests" / "parity"))

if TYPE_CHECKING:
    from precision_cells import Files

README = Path(__file__).with_name("README.md")
END = "<!-- End of the precisions. -->"
HEAD = """\
## Technique, precision, runtime

A small U-Net (8, 16, 32 channels, 64x64 pixels, random weights) with each upsampler, at each
precision, in each runtime, on a photograph. Float files: largest |runtime − Keras model| as a share
of the output's range. Files with integer activations: signal-to-noise ratio against the Keras
model. In brackets: the same figure against the runtime that the file is made for, which is the
first column of the table; *equal* means bit for bit. A float cell must meet the gate of its target,
an integer cell 30 dB against that first runtime. The loss by 8 bits itself is not judged here:
8-bit files of networks with random weights may miss the gate of 30 dB (see
[docs/edge.md](../docs/edge.md) for trained networks).

[docs/browser.md](../docs/browser.md) has the results in a browser. No package can run the files
that Vela compiles for an NPU; the `int8` row is the same file before compilation.
"""


def main() -> None:
    """Command line."""
    from make_matrix import LATENCY, PRECISIONS, chosen, conditions
    from places import PLACES
    from precision_cells import PLACES_OF, Files

    from keras_upsample.zoo._upsamplers import UPSAMPLERS

    wanted = chosen(__doc__)
    text = README.read_text()
    before, _, rest = text.partition(PRECISIONS)
    old, _, behind = rest.partition(END)
    absent = {name: why for name, (_, _, reason) in PLACES.items() if (why := reason())}
    kept = {
        tuple(line.split(" | ")[:2]): line for line in old.splitlines() if line.startswith("| ")
    }
    tables = []
    with tempfile.TemporaryDirectory() as folder:
        files = Files(Path(folder))
        for kind in ("tflite", "onnx", "saved_model"):
            targets = [name for name in PLACES_OF if name.startswith(kind)]
            places = [
                place
                for place in dict.fromkeys(p for name in targets for p in PLACES_OF[name])
                if place not in absent
            ]
            lines = [
                f"| upsampler | target | {' | '.join(places)} |",
                "|---|---|" + "---:|" * len(places),
            ]
            for technique in UPSAMPLERS:
                for target in targets:
                    key = (f"| {technique}", target)
                    if technique in wanted or key not in kept:
                        cells = [cell(files, technique, target, place) for place in places]
                        kept[key] = f"| {technique} | {target} | {' | '.join(cells)} |"
                        print(kept[key], flush=True)
                    lines.append(kept[key])
            tables.append("\n".join(lines))
    missing = "".join(f" Not run: {name} ({why})." for name, why in absent.items())
    block = "\n\n".join((PRECISIONS, HEAD.rstrip(), *tables, conditions() + missing, END))
    if not rest:
        before, marker, behind = text.partition(LATENCY)
        behind = marker + behind
    README.write_text(f"{before.rstrip()}\n\n{block}\n\n{behind.lstrip()}")


def cell(files: "Files", technique: str, target: str, place: str) -> str:
    """The figure against the model, and in brackets that against the file's own runtime."""
    from precision_cells import PLACES_OF, figure

    from keras_upsample.errors import first_line

    if place not in PLACES_OF[target]:
        return ""
    try:
        row = files.row((technique, target, place))
    except Exception as error:  # of a converter or of a runtime
        why = re.sub(r"`[^`]*/([^`/]+)`", r"`\1`", first_line(error))  # names without folders
        return f"no: {why}".replace("|", "/")
    text = figure(target, row.model)
    if row.native is not None:
        equal = row.native.max_error == 0
        text += " (equal)" if equal else f" ({figure(target, row.native)})"
    return f"{text}, gate missed" if row.failure else text


if __name__ == "__main__":
    main()
