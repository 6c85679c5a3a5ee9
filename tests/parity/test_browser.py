"""Exported files in the browser, against the Keras model and against the native runtimes.

Where Node.js, Chromium or the npm packages are absent, the tests are skipped with the reason.
"""

from collections.abc import Callable
from pathlib import Path
from typing import Any

import browser_runtime
import pytest
from browser_cells import TARGETS_OF, Cell, Row, absence, rows
from small_unets import SHAPE, feeds, written

from keras_upsample.targets import TARGETS
from keras_upsample.zoo._upsamplers import UPSAMPLERS

QUICK = {
    ("bilinear", "onnxruntime-web", "onnx"),
    ("bilinear", "onnxruntime-web WebGPU", "onnx"),
    ("bilinear", "litert.js", "tflite"),
    ("bilinear", "litert.js WebGPU", "litert_gpu"),
}
# What does not run in a browser, or not well enough, with the reason.
_PRODUCTS = "LiteRT's GPU accelerator has no product of matrices with the constant on the left"
KNOWN: dict[Cell, str] = {
    ("max_unpooling", "onnxruntime-web", "onnx_float16"): (
        "maxima that half precision moves: no case within 95%, natively no better"
    ),
    ("bicubic", "litert.js WebGPU", "tflite_float16"): _PRODUCTS,
    ("lanczos", "litert.js WebGPU", "tflite_float16"): _PRODUCTS,
    ("max_unpooling", "litert.js WebGPU", "tflite_int8"): (
        "LiteRT's GPU accelerator has SELECT_V2 for few shapes; integer files use others"
    ),
}


def marked(cell: Cell) -> object:
    marks = [] if cell in QUICK else [pytest.mark.slow]
    if cell in KNOWN:
        marks.append(pytest.mark.xfail(reason=KNOWN[cell], strict=True))
    technique, runtime, target = cell
    gpu = ["webgpu"] if runtime.endswith("WebGPU") else []
    return pytest.param(cell, marks=marks, id="-".join((technique, target, *gpu)))


CELLS = [
    marked((technique, runtime, target))
    for runtime, targets in TARGETS_OF.items()
    for target in targets
    for technique in UPSAMPLERS
]


@pytest.fixture(scope="module")
def row(
    request: pytest.FixtureRequest, tmp_path_factory: pytest.TempPathFactory
) -> Callable[[Cell], Row]:
    """The row of a cell; at the first call all that are to be tested run in one browser."""
    made: dict[Cell, Row] = {}

    def find(cell: Cell) -> Row:
        if not made:
            here = [item for item in request.session.items if item.path == request.path]
            calls = [item.callspec.params for item in here if hasattr(item, "callspec")]
            made.update(rows((call["cell"] for call in calls), tmp_path_factory.mktemp("browser")))
        return made[cell]

    return find


@pytest.mark.parametrize("cell", CELLS)
def test_browser(cell: Cell, row: Callable[[Cell], Row], record_property) -> None:
    _, runtime, target = cell
    record_property("place", f"{runtime} {TARGETS[target].precision}")
    if reason := browser_runtime.available() or absence(cell):
        pytest.skip(reason)
    found = row(cell)
    assert not found.error
    assert not found.failure


@pytest.mark.slow
def test_what_the_device_refuses_is_an_error(tmp_path: Path) -> None:
    """LiteRT.js returns outputs: its shader for integers and a constant vector does not parse."""
    import keras
    import tensorflow as tf

    class Places(keras.layers.Layer):
        def call(self, x: Any) -> Any:
            whole = tf.cast(x * 100, "int32") + tf.constant([5, 6, 7])
            return tf.cast(whole, "float32")

    runtime = "litert.js WebGPU"
    if reason := browser_runtime.available() or absence(("places", runtime, "tflite")):
        pytest.skip(reason)
    entry = keras.Input(SHAPE, name="image")
    path = written(keras.Model(entry, Places()(entry)), "places", "tflite", tmp_path)
    (answer,) = browser_runtime.run([browser_runtime.Job(runtime, path, feeds(path))])
    assert "Validation error" in answer.error
    assert not answer.outputs
