"""Channels scaled against each other: the function stays, what rounding loses does not."""

from typing import Any

import keras
import numpy as np
import pytest
from compare import assert_close
from keras import layers
from lowering_checks import OF_RANGE, noise

from keras_upsample.layers import (
    BilinearUpSampling2D,
    MaxPoolingWithIndices2D,
    MaxUnpooling2D,
    PixelShuffle2D,
    SkipFusion2D,
    TransposedConv2D,
)
from keras_upsample.program._emitted_layers import Interleave2D
from keras_upsample.program._operations import Linear, Transposed
from keras_upsample.program._program import program_of
from keras_upsample.program._signature import signature_of
from keras_upsample.quantization import _channels, _equalise
from keras_upsample.quantization._equalise import equalise

SIZE = (8, 6, 3)


def unequal(model: Any, seed: int = 0) -> Any:
    """Channels of each convolution differ in range by up to 100."""
    rng = np.random.default_rng(seed)
    for layer in model._flatten_layers():
        if hasattr(layer, "kernel"):
            kernel = np.asarray(layer.kernel)
            channels = 2 if isinstance(layer, TransposedConv2D | layers.Conv2DTranspose) else 3
            shape = [1, 1, 1, 1]
            shape[channels] = kernel.shape[channels]
            layer.kernel.assign(kernel * 10 ** rng.uniform(-1, 1, shape))
            if layer.bias is not None:
                layer.bias.assign(rng.normal(size=layer.bias.shape))
    return model


def conv(filters: int, activation: Any = "relu", **options: Any) -> Any:
    return layers.Conv2D(filters, 3, padding="same", activation=activation, **options)


def skip_net() -> Any:
    """What a factor passes through, twice."""
    keras.utils.set_random_seed(1)
    image = keras.Input(SIZE, name="image")
    x = skip = conv(4)(image)
    x = layers.MaxPooling2D(2)(x)
    x = conv(8, None)(x)
    x = layers.ReLU()(x)
    x = layers.ZeroPadding2D(1)(x)
    x = layers.DepthwiseConv2D(3, activation="relu")(x)
    up = layers.Concatenate()(
        [
            TransposedConv2D(3, 2)(x),
            layers.Conv2DTranspose(2, 4, 2, padding="same")(x),
            layers.UpSampling2D(2, interpolation="bilinear")(x),
            PixelShuffle2D(2)(conv(8, None)(x)),
            PixelShuffle2D(2, order="crd")(conv(12, "relu")(x)),
            BilinearUpSampling2D(2)(layers.AveragePooling2D(1)(conv(2)(x))),
            Interleave2D((2, 2))([conv(4)(x), conv(4, None)(x)]),
            Interleave2D((2, 2))(conv(8)(x)),
        ]
    )
    x = SkipFusion2D("concat")([up, skip])
    return unequal(keras.Model(image, conv(2, None)(conv(6)(x))))


def stops() -> Any:
    """What a factor does not pass through; only the channels of `free` may be scaled."""
    keras.utils.set_random_seed(1)
    image = keras.Input(SIZE, name="image")
    x = conv(4, name="reads_free")(conv(5, name="free")(image))
    y = conv(4)(x)
    twice = conv(4)
    both = layers.Add()([x, twice(twice(y))])
    z = conv(4, "sigmoid")(both)
    z = layers.LayerNormalization()(conv(4)(z))
    return unequal(keras.Model(image, [conv(3)(z), conv(2, "relu6")(both), y]))


def unpooling_net() -> Any:
    """A factor goes through both ends of max unpooling."""
    keras.utils.set_random_seed(1)
    image = keras.Input(SIZE, name="image")
    skip = conv(4, name="pooled")(image)
    x, places = MaxPoolingWithIndices2D(2)(skip)
    x = conv(4, name="unpooled")(conv(5, name="between")(x))
    x = layers.Concatenate()([MaxUnpooling2D(2)([x, places]), skip])
    return unequal(keras.Model(image, conv(2, None, name="scores")(x)))


def weights_of(model: Any) -> dict[str, np.ndarray]:
    return {
        layer.name: np.asarray(layer.kernel) for layer in model.layers if hasattr(layer, "kernel")
    }


def run(model: Any, shared_steps: bool = False) -> tuple[Any, tuple[str, ...]]:
    program = program_of(model, signature_of(model).fixed())
    feeds = [{"image": noise(1, *SIZE, seed=seed)} for seed in range(8)]
    made = equalise(program, feeds, shared_steps=shared_steps)
    return made.model, made.notes[0].layers if made.notes else ()


@pytest.mark.parametrize("shared_steps", [False, True])
@pytest.mark.parametrize("build", [skip_net, stops, unpooling_net])
def test_the_function_stays(build: Any, shared_steps: bool) -> None:
    model = build()
    before = weights_of(model)
    made, names = run(model, shared_steps)
    assert names
    for kept, kernel in weights_of(model).items():
        assert np.array_equal(kernel, before[kept]), kept
    x = noise(3, *SIZE, seed=99)
    wanted, given = keras.tree.flatten(model(x)), keras.tree.flatten(made(x))
    for w, g in zip(wanted, given, strict=True):
        assert_close(np.asarray(g), np.asarray(w), of_range=OF_RANGE)


def test_what_stops_a_factor() -> None:
    """The sum, the shared layer, the outputs and the activations that bend."""
    _, names = run(stops())
    assert set(names) == {"free", "reads_free"}


def test_what_max_unpooling_lets_through() -> None:
    _, names = run(unpooling_net())
    assert set(names) == {"pooled", "between", "unpooled", "scores"}


def test_a_channel_that_is_always_zero_harms_nothing() -> None:
    model = unpooling_net()
    model.get_layer("pooled").bias.assign(np.full(4, -1e6, "float32"))
    made, _ = run(model)
    assert all(np.isfinite(w).all() for w in map(np.asarray, made.weights))
    x = noise(1, *SIZE, seed=3)
    assert_close(np.asarray(made(x)), np.asarray(model(x)), of_range=OF_RANGE)


def share_of_the_skip(pool: Any, shared_steps: bool) -> float:
    """Of the range of a concatenation: the part that is pooled and that the scores hardly read."""
    keras.utils.set_random_seed(3)
    image = keras.Input(SIZE, name="image")
    skip = conv(4, name="skip")(image)
    pooled = keras.tree.flatten(pool(skip))[0]
    up = conv(4, None, name="up")(skip)
    both = layers.Concatenate(name="both")([up, skip])
    scores = conv(2, None, name="scores")
    model = keras.Model(image, [scores(both), conv(2, None)(pooled), skip])  # which is fixed
    scores.kernel.assign(scores.kernel * np.where(np.arange(8) < 4, 1.0, 0.001)[:, None])
    made, _ = run(model, shared_steps)
    probe = keras.Model(made.input, made.get_layer("both").output)
    values = np.asarray(probe(noise(1, *SIZE, seed=4)))
    return float(np.ptp(values[..., 4:]) / np.ptp(values))


def test_parts_that_share_a_step_leave_each_other_room() -> None:
    pool = layers.MaxPooling2D(2)
    apart, together = (share_of_the_skip(pool, shared) for shared in (False, True))
    assert together > 1.5 * apart


def test_maxima_that_are_to_be_found_again_get_more_room() -> None:
    """A wrong place costs more than a wrong digit."""
    plain = share_of_the_skip(layers.MaxPooling2D(2), True)
    told = share_of_the_skip(MaxPoolingWithIndices2D(2), True)
    assert told > 1.5 * plain


def loss(model: Any) -> float:
    """In dB, of all activations rounded to 8 bits by tensor and all weights by output channel."""
    x = noise(1, *SIZE, seed=5)
    exact = rounded = x.astype("float64")
    for layer in (layer for layer in model.layers if hasattr(layer, "kernel")):
        kernel = np.asarray(layer.kernel, "float64")
        step = np.abs(kernel).max(axis=(0, 1, 2)) / 127
        coarse = np.round(kernel / step) * step
        bias = np.asarray(layer.bias, "float64")
        exact = _apply(exact, kernel, bias, layer)
        rounded = _apply(rounded, coarse, bias, layer)
        step = np.ptp(rounded) / 255
        rounded = np.round(rounded / step) * step
    return float(10 * np.log10(exact.var() / np.mean((rounded - exact) ** 2)))


def _apply(x: np.ndarray, kernel: np.ndarray, bias: np.ndarray, layer: Any) -> np.ndarray:
    from lowering_checks import ACTIVATIONS, convolved

    y = convolved(x, kernel, bias, ((1, 1), (1, 1)))
    linear = layer.activation is keras.activations.linear
    return y if linear else ACTIVATIONS["relu"](y)


@pytest.mark.parametrize("seed", [0, 1, 2])
def test_rounding_loses_less(seed: int) -> None:
    keras.utils.set_random_seed(seed)
    chain = [keras.Input(SIZE, name="image"), conv(8), conv(8), conv(8), conv(4, None)]
    model = keras.Sequential(chain)
    for layer in model.layers[:-1]:  # unequal, and the next layer makes up for it
        index = model.layers.index(layer)
        rng = np.random.default_rng(seed + index)
        factors = 10 ** rng.uniform(-1.5, 1.5, layer.filters)
        layer.kernel.assign(np.asarray(layer.kernel) * factors)
        behind = model.layers[index + 1]
        behind.kernel.assign(np.asarray(behind.kernel) / factors[:, None])
    made, names = run(model)
    assert len(names) == 4
    assert loss(made) > loss(model) + 6


def test_a_model_without_free_channels_stays() -> None:
    image = keras.Input(SIZE, name="image")
    model = keras.Model(image, conv(2, "sigmoid")(image))
    made, names = run(model)
    assert made is model
    assert names == ()


@pytest.mark.parametrize(
    ("module", "name", "old", "new"),
    [
        (_equalise, "_rescale", "reading(1 / reads)", "reading(reads)"),
        (Linear, "scaled", "scale * self.exact_bias", "self.exact_bias"),
        (Transposed, "_kernel_by_channel", "self.exact_kernel * scale", "self.exact_kernel"),
        (_channels, "_homogeneous", "activation is keras.activations.relu", "True"),
        (_channels, "Channels", "for row in grid[1:]", "for row in grid[2:]"),
    ],
)
def test_a_mutation_is_caught(
    module: Any, name: str, old: str, new: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    from test_lowering_mutations import mutate

    mutate(monkeypatch, module, name, old, new)
    for build in (skip_net, stops):
        model = build()
        made, _ = run(model)
        x = noise(2, *SIZE, seed=9)
        for w, g in zip(keras.tree.flatten(model(x)), keras.tree.flatten(made(x)), strict=True):
            w, g = np.asarray(w), np.asarray(g)
            if np.abs(w - g).max() > 1e-3 * np.ptp(w):
                return
    pytest.fail("every value stayed")
