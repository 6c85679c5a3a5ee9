"""Exported files in the browser, against the Keras model and against the native runtimes.

Where Node.js, Chromium or the npm packages are absent, the tests are skipped with the reason.
"""

from collections.abc import Callable

import browser_runtime
import pytest
from browser_cells import TARGETS_OF, Cell, Row, rows

from keras_upsample.targets import TARGETS
from keras_upsample.zoo._upsamplers import UPSAMPLERS

QUICK = {("bilinear", "onnxruntime-web", "onnx"), ("bilinear", "litert.js", "tflite")}
# What does not run in a browser, or not well enough, with the reason.
KNOWN: dict[Cell, str] = {
    ("max_unpooling", "onnxruntime-web", "onnx_float16"): (
        "maxima that half precision moves: no case within 95%, natively no better"
    ),
}


def marked(cell: Cell) -> object:
    marks = [] if cell in QUICK else [pytest.mark.slow]
    if cell in KNOWN:
        marks.append(pytest.mark.xfail(reason=KNOWN[cell], strict=True))
    return pytest.param(cell, marks=marks, id="-".join((cell[0], *cell[2:])))


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
    if reason := browser_runtime.available():
        pytest.skip(reason)
    found = row(cell)
    assert not found.error
    assert not found.failure
