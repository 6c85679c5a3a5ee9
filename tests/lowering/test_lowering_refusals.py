"""Where a rule must not apply: the model computes the same, and its layers stand as they were."""

from typing import Any

import keras
import numpy as np
import pytest
from keras import layers, ops
from linear_cases import chain, conv, norm, scaled
from lowering_checks import check, check_untouched, count, model_of, only, stirred, target
from refusal_cases import CONV, FORMS, NORM, SHAPE, STAYS, UP, check_stays, up
from upsampling_cases import ready_for_filtering

from keras_upsample.layers import (
    BilinearUpSampling2D,
    PixelShuffle2D,
    SubpixelConv2D,
    TransposedConv2D,
)
from keras_upsample.lowering import lower
from keras_upsample.lowering._rules import deconvolution, fold, identity, merge


@pytest.mark.parametrize("name", STAYS)
def test_stays(name: str, monkeypatch: pytest.MonkeyPatch) -> None:
    ready_for_filtering(monkeypatch)
    check_stays(name)


def test_dearer_product_stays() -> None:
    """54 multiply-adds a pixel in place of 42, and of 84."""
    check_untouched(model_of(chain(conv(2, 1), conv(2, 3)), *SHAPE), CONV)
    assert count(check(model_of(chain(conv(4, 1), conv(2, 3)), *SHAPE), merge).model, CONV) == 1


def test_dilated_transposed_convolution_stays() -> None:
    """Without a comparison: TensorFlow can't compute it on a CPU."""
    model = model_of(layers.Conv2DTranspose(2, 3, dilation_rate=2), *SHAPE)
    lowered = lower(model, target(FORMS))
    assert not lowered.notice and not lowered.applied
    assert count(lowered.model, layers.Conv2DTranspose) == 1


def test_a_middle_that_is_an_output_stays() -> None:
    x = keras.Input(SHAPE)
    y = conv()(x)
    check_untouched(stirred(keras.Model(x, [norm()(y), y])), CONV, NORM)
    y = up()(x)
    check_untouched(stirred(keras.Model(x, [y, conv(2, 1)(y)])), UP, forms=FORMS)


@pytest.mark.parametrize(
    "change", ["weight", "beside the diagonal", "bias", "activation", "one filter less"]
)
def test_no_bilinear_deconvolution(change: str) -> None:
    filters = 1 if change == "one filter less" else 2
    activation = "relu" if change == "activation" else None
    layer = TransposedConv2D(filters, initializer="bilinear", activation=activation)
    x = keras.Input((3, 4, 2))
    model = keras.Model(x, layer(x))
    kernel = np.array(layer.kernel)
    if change == "weight":
        kernel[0, 1, 1, 1] += 1e-4
    elif change == "beside the diagonal":
        kernel[1, 2, 0, 1] = 1e-4
    elif change == "bias":
        layer.bias.assign([0, 1e-4])
    layer.kernel.assign(kernel)
    check_untouched(model, TransposedConv2D, forms=FORMS, never=only(deconvolution))


def test_quantised_dense_stays() -> None:
    dense = layers.Dense(4)
    model = model_of(chain(dense, norm()), 3)
    dense.quantize("int8")
    check_untouched(model, layers.Dense, NORM)


INTEGERS = {
    "rescaling, convolution": lambda: (
        chain(scaled(1 / 255), conv(padding="same")),
        layers.Rescaling,
    ),
    "resize, 1x1": lambda: (chain(BilinearUpSampling2D(2), conv(2, 1)), BilinearUpSampling2D),
    "subpixel": lambda: (SubpixelConv2D(2), SubpixelConv2D),
    "transposed": lambda: (TransposedConv2D(2), TransposedConv2D),
    "shuffle": lambda: (PixelShuffle2D(1), PixelShuffle2D),
}


@pytest.mark.parametrize("name", INTEGERS)
def test_layers_that_read_integers_stay(name: str) -> None:
    """A convolution of Keras can't."""
    stack, kind = INTEGERS[name]()
    check_untouched(model_of(stack, *SHAPE, dtype="uint8"), kind, forms=FORMS)


def test_layers_of_two_precisions_stay() -> None:
    stack = chain(conv(dtype="mixed_float16"), norm(dtype="float32"))
    check_untouched(model_of(stack, *SHAPE), CONV, NORM)


def test_arguments_that_are_arrays() -> None:
    """They can't be asked for their truth."""

    def stack(x: Any) -> Any:
        y = ops.multiply(layers.Dropout(0.5)(x), np.array([1, 2, 3], "float32"))
        return norm()(conv()(y + 1))

    lowered = check(model_of(stack, *SHAPE), fold, identity)
    assert not count(lowered.model, layers.Dropout)
