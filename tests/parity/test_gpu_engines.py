"""Every technique, every zoo model and every preset in the engines of GPUs.

They run on Chromium's software driver where there is no GPU: it proves the engine's graph, its
shaders and their arithmetic, not a vendor's compiler, and no speed.
"""

from collections.abc import Iterator
from pathlib import Path

import pytest
from gpu_cells import CELLS, COLUMNS, Cell, Files, absent

# What is not right, with the reason.
_MAXIMA = "half precision moves maxima, as in 16-bit files on a processor"
_DEEP = "random weights, many convolutions: up to 1.7% of the elements are off by 1e-2 to 2e-2"
_HALF = ("LiteRT GPU, half", "ONNX Runtime WebGPU, half")
KNOWN: dict[Cell, str] = {
    **{(name, column): _MAXIMA for name in ("max_unpooling", "segnet") for column in _HALF},
    **{
        (name, column): _DEEP
        for name in ("segnet, bilinear", "pspnet, MobileNetV2")
        for column in _HALF
    },
    ("fcn32s", _HALF[0]): _DEEP,
    ("fcn16s", _HALF[1]): _DEEP,
}


def marked(cell: Cell) -> object:
    name, column = cell
    marks = [] if COLUMNS[column].quick == name else [pytest.mark.slow]
    if cell in KNOWN:
        marks.append(pytest.mark.xfail(reason=KNOWN[cell], strict=True))
    return pytest.param(cell, marks=marks, id="-".join(cell))


@pytest.fixture(scope="module")
def files(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Files]:
    yield Files(Path(tmp_path_factory.mktemp("gpu")))


@pytest.mark.parametrize("cell", [marked(cell) for cell in CELLS])
def test_gpu(cell: Cell, files: Files, record_property) -> None:
    column = COLUMNS[cell[1]]
    record_property("place", cell[1])
    if reason := absent(column):
        pytest.skip(reason)
    row = files.row(cell)
    if not (row.refused and column.may_refuse):
        assert not row.failure
