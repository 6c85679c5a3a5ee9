"""Laws of interpolation, on random sizes."""

import keras
import numpy as np
import pytest
import reference
from compare import as_numpy, assert_close
from gradients import gradient
from hypothesis import given, settings
from hypothesis import strategies as st

from keras_upsample import ops

pytestmark = pytest.mark.backend_neutral

FUNCTIONS = {
    "nearest": ops.resize_nearest,
    "bilinear": ops.resize_bilinear,
    "bicubic": ops.resize_bicubic,
    "lanczos": ops.resize_lanczos,
}
COORDINATES = ("half_pixel", "align_corners", "asymmetric")

lengths = st.integers(1, 9)
cases = st.fixed_dictionaries(
    {
        "interpolation": st.sampled_from(sorted(FUNCTIONS)),
        "coordinates": st.sampled_from(COORDINATES),
        "size": st.tuples(lengths, lengths),
        "shape": st.tuples(st.integers(1, 2), lengths, lengths, st.integers(1, 2)),
    }
)
# JAX compiles anew for every size.
_examples = 8 if keras.backend.backend() == "jax" else 40
few = settings(max_examples=_examples, deadline=None, derandomize=True)


def resized(x: np.ndarray, case: dict, form: str = "operator") -> np.ndarray:
    with ops.resize_forms({case["interpolation"]: (form,)}):
        y = FUNCTIONS[case["interpolation"]](x, size=case["size"], coordinates=case["coordinates"])
    return as_numpy(y)[0]


def image(shape: tuple[int, ...], seed: int) -> np.ndarray:
    return np.random.default_rng(seed).uniform(-1, 1, shape).astype("float32")


@given(cases)
@few
def test_constants_are_kept(case: dict) -> None:
    y = resized(np.full(case["shape"], 3, "float32"), case)
    assert_close(y, np.full(y.shape, 3.0), of_range=1e-6)


@given(cases)
@few
def test_linear(case: dict) -> None:
    a, b = image(case["shape"], 1), image(case["shape"], 2)
    combined = resized(2 * a - 3 * b, case)
    assert_close(combined, 2.0 * resized(a, case) - 3.0 * resized(b, case), of_range=4e-6)


@given(cases)
@few
def test_forms_agree(case: dict) -> None:
    x = image(case["shape"], 3)
    taps = resized(x, case, "taps")
    for form in ("operator", "matrix", "pointwise", "concat", "steps"):
        assert_close(resized(x, case, form), taps, of_range=2e-6)


@given(cases)
@few
def test_flipped_input_gives_flipped_output(case: dict) -> None:
    """For the two symmetric coordinates; nearest only where no pixel lies half way."""
    if case["coordinates"] == "asymmetric" or case["interpolation"] == "nearest":
        case = {**case, "coordinates": "half_pixel"}
    if case["interpolation"] == "nearest":
        case = {**case, "size": tuple(3 * n for n in case["shape"][1:3])}
    if 1 in case["size"]:
        case = {**case, "coordinates": "half_pixel"}  # align_corners takes the first pixel then
    x = image(case["shape"], 4)
    flipped = resized(np.ascontiguousarray(x[:, ::-1, ::-1]), case)
    assert_close(flipped, resized(x, case)[:, ::-1, ::-1], of_range=2e-6)


@pytest.mark.parametrize("coordinates", COORDINATES)
@pytest.mark.parametrize("form", ["operator", "taps", "matrix", "pointwise", "concat", "steps"])
@pytest.mark.parametrize("interpolation", sorted(FUNCTIONS))
@pytest.mark.parametrize("target", [{"scale": 2}, {"scale": (1, 3)}, {"size": (5, 3)}])
def test_gradient_is_the_adjoint(
    interpolation: str, form: str, coordinates: str, target: dict
) -> None:
    """d<A x, w>/dx = Aᵀ w, with the matrix A of the oracle."""
    shape = (1, 3, 4, 1)
    size = target.get("size")
    if size is None:
        scale = target["scale"]
        size = (6, 8) if scale == 2 else (3, 12)
    basis = np.eye(12).reshape(12, 3, 4, 1)
    columns = reference.resize(basis, interpolation, size, coordinates)  # (12, *size, 1)
    w = image((1, *size, 1), 5)

    def inner(x: object) -> object:
        with ops.resize_forms({interpolation: (form,)}):
            y = FUNCTIONS[interpolation](x, **target, coordinates=coordinates)
        return keras.ops.sum(y * keras.ops.convert_to_tensor(w))

    expected = (columns * w).sum(axis=(1, 2, 3)).reshape(shape)
    assert_close(gradient(inner, image(shape, 6)), expected, of_range=3e-6)
