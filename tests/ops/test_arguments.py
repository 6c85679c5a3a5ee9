"""Bad arguments of the tensor functions, and the choice of forms."""

import keras
import numpy as np
import pytest

from keras_upsample import ops
from keras_upsample.ops import _forms

pytestmark = pytest.mark.backend_neutral

X = np.zeros((1, 4, 6, 8), "float32")
K = np.zeros((2, 2, 3, 8), "float32")


@pytest.mark.parametrize(
    ("call", "message"),
    [
        (lambda: ops.resize_nearest(X), "Exactly one of `scale`"),
        (lambda: ops.resize_nearest(X, scale=2, size=4), "Exactly one of `scale`"),
        (lambda: ops.resize_nearest(X, scale=0), "`scale` must be an int >= 1. Received: 0"),
        (lambda: ops.resize_nearest(X, scale=1.5), "`scale` must be an int >= 1. Received: 1.5"),
        (lambda: ops.resize_nearest(X, scale=True), "`scale` must be an int"),
        (lambda: ops.resize_nearest(X, scale="2"), "`scale` must be an int"),
        (lambda: ops.resize_nearest(X, scale=(2, 2, 2)), "`scale` must be an int or a pair"),
        (lambda: ops.resize_nearest(X, size=(0, 4)), "`size` must be an int >= 1"),
        (lambda: ops.resize_bilinear(X, scale=2, coordinates="pixel"), "`coordinates` must be one"),
        (lambda: ops.resize_bilinear(X, scale=2, coordinates=None), "`coordinates` must be one"),
        (lambda: ops.resize_bilinear(X, scale=2, data_format="NHWC"), "`data_format` must be one"),
        (lambda: ops.resize_bilinear(X[0], scale=2), "`x` must have 4 axes"),
        (lambda: ops.resize_bilinear(X[:, :0], scale=2), "at least one pixel"),
        (lambda: ops.resize_bilinear(X.astype("int32"), scale=2), "`x` must hold floats"),
        (lambda: ops.resize_bicubic(X.astype("uint8"), scale=2), "`x` must hold floats"),
        (lambda: ops.resize_bicubic(X, scale=2, coefficient="a"), "`coefficient` must be a finite"),
        (lambda: ops.resize_bicubic(X, scale=2, coefficient=np.nan), "`coefficient` must be a fin"),
        (lambda: ops.resize_bicubic(X, scale=2, border="reflect"), "`border` must be one of"),
        (lambda: ops.pixel_shuffle(X, 3), "Use 9 channels"),
        (lambda: ops.pixel_shuffle(X, (2, 2)), "`scale` must be an int"),
        (lambda: ops.pixel_shuffle(X, 2, "rdc"), "`order` must be one of 'dcr', 'crd'"),
        (lambda: ops.pixel_unshuffle(X, 4), r"Pad to 8 first, e.g. by PadToMultiple2D\(4\)"),
        (lambda: ops.transposed_conv2d(X, K[0], scale=2), "`kernel` must have shape"),
        (lambda: ops.transposed_conv2d(X, K, scale=-1), "`scale` must be an int >= 1"),
        (lambda: ops.transposed_conv2d(X, K, scale=2, crop=1), "`crop` must be"),
        (lambda: ops.transposed_conv2d(X, K, scale=2, crop=((-1, 0), (0, 0))), "`crop` must begin"),
        (lambda: ops.resize_nearest(keras.Input((4, 6, 8)), scale=2), "use the layer"),
    ],
)
def test_bad_argument(call: object, message: str) -> None:
    with pytest.raises((ValueError, TypeError), match=message):
        call()


def test_forms_nest_and_are_restored() -> None:
    assert _forms.forms_for("nearest") == ("operator", "taps")
    with ops.resize_forms({"nearest": ("matrix",), "bicubic": ["matrix", "operator"]}):
        assert _forms.forms_for("nearest") == ("matrix", "taps")
        assert _forms.forms_for("bicubic") == ("matrix", "operator", "taps")
        assert _forms.forms_for("bilinear") == ("operator", "taps")
        with pytest.raises(RuntimeError), ops.resize_forms({"nearest": ("taps",)}):
            assert _forms.forms_for("nearest") == ("taps",)
            assert _forms.forms_for("bicubic") == ("matrix", "operator", "taps")
            raise RuntimeError
        assert _forms.forms_for("nearest") == ("matrix", "taps")
    assert _forms.forms_for("nearest") == ("operator", "taps")


@pytest.mark.parametrize(
    ("forms", "message"),
    [
        ({"sinc": ("taps",)}, "Received: 'sinc'"),
        ({"nearest": ("native",)}, "Correct 'native'"),
        ({"nearest": "taps"}, "must be a tuple of forms"),
    ],
)
def test_wrong_form(forms: dict, message: str) -> None:
    with pytest.raises(ValueError, match=message), ops.resize_forms(forms):
        pass
    assert _forms.forms_for("nearest") == ("operator", "taps")
