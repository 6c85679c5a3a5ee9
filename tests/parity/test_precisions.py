"""Every technique at every precision in every runtime: against the model, and between runtimes."""

from collections.abc import Iterator
from pathlib import Path

import pytest
from places import PLACES
from precision_cells import CELLS, PLACES_OF, Cell, Files

QUICK = {"transposed_conv", "bilinear"}
QUICK_TARGETS = {"tflite_int8", "onnx_int8", "onnx_float16"}
QUICK_CELLS = {("dysample", "tflite_int8", "LiteRT-CPU-XNNPACK")}  # whose places are integers
# What does not run somewhere, or not well enough, with the reason.
_INDICES = "max unpooling compares numbers, which rounded ones win by chance"
_CONSTANT_ON_THE_LEFT = (
    "the GPU accelerator refuses these products of matrices; `litert_gpu` has other forms"
)
_PLACES_OF_8_BITS = "random weights: FreqFusion moves pixels by offsets of 8 bits, which costs 2 dB"
KNOWN: dict[Cell, str] = {
    **{
        (technique, target, "LiteRT-GPU"): _CONSTANT_ON_THE_LEFT
        for technique in ("bicubic", "lanczos")
        for target in ("tflite", "tflite_float16", "tflite_dynamic")
    },
    ("bilinear", "tflite_int16x8", "TFLM"): "TFLM has no RESIZE_BILINEAR of 16 bits",
    **{
        (technique, "tflite_int16x8", "TFLM"): "TFLM does not allocate it"
        for technique in ("joint_bilateral", "sapa", "freq_fusion")
    },
    **{
        ("freq_fusion", target, place): _PLACES_OF_8_BITS
        for target in ("tflite_int8", "onnx_int8", "openvino_int8")
        for place in PLACES_OF[target]
    },
    ("max_unpooling", "tflite_int8", "TFLM"): "TFLM has no SELECT_V2 of 32-bit integers",
    ("max_unpooling", "tflite_int8", "LiteRT-CPU-reference"): _INDICES,
    ("max_unpooling", "tflite_dynamic", "LiteRT-CPU-XNNPACK"): _INDICES,
    ("max_unpooling", "tflite_dynamic", "LiteRT-CPU-reference"): _INDICES,
    ("max_unpooling", "tflite_dynamic", "LiteRT-GPU"): _INDICES,
    ("max_unpooling", "tflite_int8", "LiteRT-GPU"): "the GPU accelerator refuses its SELECT_V2",
    ("max_unpooling", "onnx_float16", "ONNX-Runtime-CPU"): _INDICES,
}


def marked(cell: Cell) -> object:
    technique, target, place = cell
    quick = (technique in QUICK and target in QUICK_TARGETS) or cell in QUICK_CELLS
    marks = [] if quick else [pytest.mark.slow]
    if cell in KNOWN:
        marks.append(pytest.mark.xfail(reason=KNOWN[cell], strict=True))
    return pytest.param(cell, marks=marks, id="-".join((technique, target, place)))


@pytest.fixture(scope="module")
def files(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Files]:
    yield Files(Path(tmp_path_factory.mktemp("precisions")))


@pytest.mark.parametrize("cell", [marked(cell) for cell in CELLS])
def test_precisions(cell: Cell, files: Files, record_property) -> None:
    _, target, place = cell
    record_property("place", f"{place} {target}")
    if reason := PLACES[place][2]():
        pytest.skip(reason)
    assert not files.row(cell).failure
