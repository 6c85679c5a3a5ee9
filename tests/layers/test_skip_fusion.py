"""Skip fusion: the rules of alignment and the values of every mode."""

import keras
import numpy as np
import pytest
import reference
from compare import as_numpy, assert_close

from keras_upsample import layers

pytestmark = pytest.mark.backend_neutral


def image(shape: tuple[int, ...], seed: int = 16) -> np.ndarray:
    return np.random.default_rng(seed).uniform(-1, 1, shape).astype("float32")


def skip_rule(d: np.ndarray, x: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    result = np.zeros((len(d), *x.shape[1:3], d.shape[3]))
    h, w = min(d.shape[1], x.shape[1]), min(d.shape[2], x.shape[2])
    result[:, :h, :w] = d[:, :h, :w]
    return result, x


def centre_rule(d: np.ndarray, x: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    h, w = min(d.shape[1], x.shape[1]), min(d.shape[2], x.shape[2])

    def cut(value: np.ndarray) -> np.ndarray:
        top, left = (value.shape[1] - h) // 2, (value.shape[2] - w) // 2
        return value[:, top : top + h, left : left + w]

    return cut(d), cut(x)


SIZES = [
    ((4, 6), (4, 6)),
    ((4, 6), (3, 5)),  # the decoder is larger: an odd size was rounded up on the way down
    ((4, 6), (5, 7)),  # smaller: it was rounded down
    ((4, 6), (5, 3)),
    ((1, 9), (4, 4)),
    ((56, 5), (64, 14)),
]


def modelled(layer: keras.layers.Layer, d: np.ndarray, x: np.ndarray) -> object:
    inputs = [keras.Input((None, None, value.shape[3])) for value in (d, x)]
    return keras.Model(inputs, layer(inputs))([d, x])


@pytest.mark.parametrize(("decoder", "skip"), SIZES)
@pytest.mark.parametrize(("align", "rule"), [("skip", skip_rule), ("center_crop", centre_rule)])
def test_alignment(align: str, rule: object, decoder: tuple[int, int], skip: tuple) -> None:
    d, x = image((2, *decoder, 3)), image((2, *skip, 2), 17)
    a, b = rule(d, x)
    layer = layers.SkipFusion2D(align=align)
    assert_close(layer([d, x]), np.concatenate([a, b], axis=-1), of_range=0)
    assert_close(modelled(layer, d, x), np.concatenate([a, b], axis=-1), of_range=0)
    add = layers.SkipFusion2D("add", align)
    if d.shape[3] == x.shape[3]:
        assert_close(add([d, x]), a + b)
    same = layers.SkipFusion2D("add", align)([d, np.concatenate([x, x[..., :1]], axis=-1)])
    assert_close(same, a + np.concatenate([b, b[..., :1]], axis=-1), of_range=2e-7)


def test_without_alignment_the_sizes_must_agree() -> None:
    d, x = image((1, 4, 6, 3)), image((1, 4, 6, 2))
    assert_close(layers.SkipFusion2D(align=None)([d, x]), np.concatenate([d, x], -1), of_range=0)
    with pytest.raises(ValueError, match="Use `align='skip'`"):
        layers.SkipFusion2D(align=None)([d, x[:, :3]])


def arrays(layer: keras.layers.Layer) -> list[np.ndarray]:
    """The weights with random biases too; 1x1 kernels as matrices (in, out)."""
    rng = np.random.default_rng(18)
    layer.set_weights([rng.normal(size=weight.shape) for weight in layer.weights])
    values = [as_numpy(weight)[0].astype("float64") for weight in layer.weights]
    return [value[0, 0] if value.ndim == 4 else value for value in values]


def test_add_projects_the_skip() -> None:
    d, x = image((2, 4, 6, 3)), image((2, 4, 6, 5), 17)
    layer = layers.SkipFusion2D("add")
    layer.build([d.shape, x.shape])
    kernel, bias = arrays(layer)
    assert kernel.shape == (5, 3)
    assert_close(layer([d, x]), d + (x @ kernel + bias), of_range=2e-6)
    equal = layers.SkipFusion2D("add")
    equal.build([d.shape, d.shape])
    assert not equal.weights


@pytest.mark.parametrize(("channels", "expected"), [(None, 2), (7, 7)])
def test_attention(channels: int | None, expected: int) -> None:
    d, x = image((2, 4, 6, 3)), image((2, 4, 6, 5), 17)
    layer = layers.SkipFusion2D("attention", attention_channels=channels)
    layer.build([d.shape, x.shape])
    w_skip, w_decoder, b, psi, b_psi = arrays(layer)
    assert (w_skip.shape, w_decoder.shape) == ((5, expected), (3, expected))
    gated = reference.attention_gate(d, x, w_skip, w_decoder, b, psi, b_psi)
    assert_close(layer([d, x]), gated, of_range=2e-6)


@pytest.mark.parametrize(("reduction", "inner"), [(2, 4), (3, 2), (100, 1)])
def test_scse(reduction: int, inner: int) -> None:
    d, x = image((2, 4, 6, 3)), image((2, 4, 6, 5), 17)
    layer = layers.SkipFusion2D("scse", reduction=reduction)
    layer.build([d.shape, x.shape])
    w1, b1, w2, b2, w, b = arrays(layer)
    assert w1.shape == (8, inner)
    joined = np.concatenate([d, x], axis=-1).astype("float64")
    expected = reference.squeeze_excite(joined, w1, b1, w2, b2, w, b)
    assert_close(layer([d, x]), expected, of_range=2e-6)


def test_pad_and_crop_undo_each_other() -> None:
    for shape in [(2, 5, 7, 3), (1, 8, 4, 1), (1, 1, 9, 2)]:
        x = image(shape)
        pad, crop = layers.PadToMultiple2D((4, 2)), layers.CropLike2D()
        padded = as_numpy(pad(x))[0]
        rows, columns = -(-shape[1] // 4) * 4, -(-shape[2] // 2) * 2
        expected = np.zeros((shape[0], rows, columns, shape[3]))
        expected[:, : shape[1], : shape[2]] = x
        assert_close(padded, expected, of_range=0)
        assert_close(crop([padded, x]), x, of_range=0)
        inputs = keras.Input((None, None, shape[3]))
        model = keras.Model(inputs, crop([pad(inputs) * 2, inputs]))
        assert_close(model(x), 2 * x.astype("float64"), of_range=0)
