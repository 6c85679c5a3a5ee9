"""Networks without padding, tiled, against the network run on the whole reflected image."""

from dataclasses import replace
from functools import cache

import keras
import numpy as np
import pytest
import tifffile
from compare import assert_close
from PIL import Image
from predicting import box, picture, predictor

from keras_upsample.errors import ArtefactError
from keras_upsample.metadata import Output
from keras_upsample.predict import _valid, load_model, predict, predict_to_files
from keras_upsample.predict._networks import Network
from keras_upsample.predict._valid import Margin, margin_of, reflect
from keras_upsample.predict._valid_tiles import valid_tiles

RNG = np.random.default_rng(54)


class CentreCrop(keras.layers.Layer):
    """The middle of a tensor, as large as another one; of an odd rest the end loses more."""

    def call(self, inputs):
        x, like = inputs
        import tensorflow as tf

        have, want = tf.shape(x), tf.shape(like)
        y, x0 = (have[1] - want[1]) // 2, (have[2] - want[2]) // 2
        return x[:, y : y + want[1], x0 : x0 + want[2]]


def unet(depth: int, size: int | None = None, *, adaptive: bool = False) -> keras.Model:
    """The paper's network with few channels: 3x3 convolutions without padding, copy and crop."""
    inputs = keras.Input((size, size, 3), name="image")
    x, skips = inputs, []
    for level in range(depth + 1):
        for _ in range(2):
            x = keras.layers.Conv2D(3 + level, 3, activation="relu")(x)
        if level < depth:
            skips.append(x)
            x = keras.layers.MaxPooling2D(2)(x)
    lost = 0  # from a copy to what is decoded beside it
    for level in reversed(range(depth)):
        cropped = 2 * (lost + 4)  # 8, 32, 80, 176 as in the paper
        lost = cropped + 4
        x = keras.layers.Conv2DTranspose(3 + level, 2, strides=2)(x)
        skip = skips[level]
        crop = CentreCrop()([skip, x]) if adaptive else keras.layers.Cropping2D(cropped // 2)(skip)
        x = keras.layers.Concatenate()([crop, x])
        for _ in range(2):
            x = keras.layers.Conv2D(3 + level, 3, activation="relu")(x)
    model = keras.Model(inputs, keras.layers.Conv2D(3, 1, name="logits")(x), name="valid")
    rng = np.random.default_rng(55)
    for weight in model.weights:
        spread = (2 / max(1, np.prod(weight.shape[:-1]))) ** 0.5
        weight.assign(rng.normal(0, spread, weight.shape))
    return model


@cache
def loaded(depth: int):
    """A network, and the same ready for pictures."""
    network = unet(depth)
    return network, load_model(network, normalization="full_range")


def at_once(model, image: np.ndarray, margin: int, period: int, least: int) -> np.ndarray:
    """Probabilities of the whole image, reflected around it to a size that the network takes."""
    height, width = image.shape[:2]
    sizes = [least + -(-max(n + 2 * margin - least, 0) // period) * period for n in (height, width)]
    after = [n - m - margin for n, m in zip(sizes, (height, width), strict=True)]
    border = ((margin, after[0]), (margin, after[1]), (0, 0))
    whole = np.pad(image.astype("float32") / 255, border, mode="reflect")
    logits = np.asarray(model(whole[None], training=False))[0, :height, :width].astype("float64")
    powers = np.exp(logits - logits.max(axis=-1, keepdims=True))
    return powers / powers.sum(axis=-1, keepdims=True)


@pytest.mark.parametrize(
    ("depth", "margin", "period", "least"), [(1, 8, 2, 64), (2, 20, 4, 64), (3, 44, 8, 268)]
)
@pytest.mark.parametrize("adaptive", [False, True])
def test_margins_are_found(depth: int, margin: int, period: int, least: int, adaptive) -> None:
    model = load_model(unet(depth, adaptive=adaptive), normalization="full_range")
    found = model.network.margin
    assert found is not None and (found.pixels, found.period) == (margin, period)
    assert (found.least - least) % period == 0 and model.scale == 1 and model.outputs == 3


@pytest.mark.parametrize("depth", [1, 2, 3])
@pytest.mark.parametrize("size", [(150, 97), (33, 200), (7, 5), (1, 1)])
@pytest.mark.parametrize("tile", [None, 40])
def test_tiles_are_the_whole_reflected_image(depth: int, size, tile) -> None:
    network, model = loaded(depth)
    image = picture(*size)
    margin = model.network.margin
    result = predict(model, image, tile=tile, probabilities=True)
    expected = at_once(network, image, margin.pixels, margin.period, margin.least)
    assert_close(result.probabilities, expected, of_range=1e-5)
    assert np.ptp(expected) > 0.1 or min(size) == 1


def test_overlaps_change_nothing() -> None:
    network, model = loaded(2)
    image = picture(150, 120)
    margin = model.network.margin
    expected = at_once(network, image, margin.pixels, margin.period, margin.least)
    for overlap in (0, 20, 32):
        result = predict(model, image, tile=80, overlap=overlap, probabilities=True)
        assert_close(result.probabilities, expected, of_range=1e-5)
    with pytest.raises(ValueError, match="`overlap` must be at most half of a tile"):
        predict(model, image, tile=80, overlap=60)


@pytest.mark.parametrize("size", [60, 92, 76])
def test_a_network_of_a_fixed_size(size: int) -> None:
    open_, fixed = unet(2), unet(2, size)
    fixed.set_weights(open_.get_weights())
    image = picture(131, 90)
    model = load_model(fixed, normalization="full_range")
    assert model.network.margin == Margin(20, 4, size)
    result = predict(model, image, probabilities=True)
    assert_close(result.probabilities, at_once(open_, image, 20, 4, 44), of_range=1e-5)
    with pytest.raises(ValueError, match="its tiles have this size"):
        predict(model, image, tile=64)


def test_an_onnx_file_without_padding(tmp_path) -> None:
    from keras_upsample import export

    network = unet(1)
    export.to_onnx(network, tmp_path / "a.onnx", images=picture(64, 64)[None])
    image = picture(70, 51)
    model = load_model(tmp_path / "a.onnx", normalization="full_range")
    result = predict(model, image, tile=24, probabilities=True)
    assert_close(result.probabilities, at_once(network, image, 8, 2, 64), of_range=1e-5)


def test_files_with_nodata_and_an_overlay(tmp_path) -> None:
    """A network in NumPy: the mean over 5x5 pixels that are all there."""

    def mean(image: np.ndarray) -> np.ndarray:
        return box(2)(image)[2:-2, 2:-2]

    image = picture(50, 40)
    image[10:14] = 0
    tifffile.imwrite(
        tmp_path / "a.tif", image, photometric="rgb", extratags=[(42113, "s", 0, "0", True)]
    )
    output = Output("probabilities", "probabilities")
    network = Network(mean, "mean", 3, (None, None), output, lambda: 4, margin=Margin(2, 1, 5))
    model = predictor(mean)
    model = replace(model, network=network)
    predict_to_files(model, tmp_path / "a.tif", tmp_path, tile=16, probabilities=True)
    whole = np.pad(image / 255, ((2, 2), (2, 2), (0, 0)), mode="reflect")
    expected = mean(whole.astype("float32"))
    expected[10:14] = np.nan
    found = np.load(tmp_path / "a_probabilities.npy")
    np.testing.assert_allclose(found, expected, atol=1e-6)
    with Image.open(tmp_path / "a_overlay.png") as overlay:
        shown = np.asarray(overlay)
    background = (expected.argmax(-1) == 0) & np.isfinite(expected[..., 0])
    inside = background.copy()  # of a region of class 0, which leaves the image as it is
    inside[1:] &= background[:-1]
    inside[:, 1:] &= background[:, :-1]
    np.testing.assert_array_equal(shown[..., :3][inside], image[inside])


@pytest.mark.parametrize("size", [1, 2, 3, 7])
@pytest.mark.parametrize("border", [0, 1, 2, 5, 30])
def test_reflection_is_that_of_numpy(size: int, border: int) -> None:
    expected = np.pad(np.arange(size), border, mode="reflect")
    np.testing.assert_array_equal(reflect(-border, size + border, size), expected)


def test_a_network_that_is_neither() -> None:
    inputs = keras.Input((None, None, 3))
    halved = keras.Model(inputs, keras.layers.Conv2D(2, 3, strides=2, padding="same")(inputs))
    with pytest.raises(ValueError, match="or smaller by the same margin on every side"):
        load_model(halved)
    uneven = keras.Model(inputs, keras.layers.Conv2D(2, (3, 5))(inputs))
    with pytest.raises(ValueError, match="or smaller by the same margin on every side"):
        load_model(uneven)
    assert margin_of(lambda image: image[:-1, :-1], 3) is None
    image = keras.Input((64, 64, 3))
    for strides in (2, 4):
        smaller = keras.layers.Conv2D(2, 3, strides=strides, padding="same")(image)
        with pytest.raises(ValueError, match="or smaller by the same margin on every side"):
            load_model(keras.Model(image, smaller))


@pytest.mark.parametrize("length", [1, 387, 388, 389, 1000, 3000])
def test_the_paper_s_tiles(length: int) -> None:
    """572 -> 388, tiles at multiples of 16, every pixel in one."""
    rows, columns, shared = valid_tiles((572, 572), Margin(92), 16, (length, length), None, 0)
    assert rows == columns and shared == (4, 4)
    assert all(span.start % 16 == 0 and span.length == 388 for span in rows)
    covered = np.zeros(length, int)
    for span in rows:
        assert span.start <= span.begin and span.end <= span.start + 388
        covered[span.begin : span.end] += 1
    assert covered.min() == 1 and covered.max() <= 2


def test_sizes_are_not_tried_in_more_memory_than_a_picture_has(monkeypatch) -> None:
    """A damaged file claims 16,387 channels: 21 GB at 572 x 572 pixels."""
    tried = []

    def run(image: np.ndarray) -> np.ndarray:
        tried.append(image.nbytes)
        raise ValueError("no such size")

    assert margin_of(run, 20_000) is None and tried == []
    monkeypatch.setattr(_valid, "_MOST_BYTES", 2**20)
    assert margin_of(run, 3) is None
    assert max(tried) == 4 * 295**2 * 3 <= 2**20 < 4 * 296**2 * 3


def test_a_network_of_images_of_gigabytes_is_refused() -> None:
    image = keras.Input((40_000, 40_000, 3))
    model = keras.Model(image, keras.layers.Conv2D(1, 1)(image), name="wide")
    with pytest.raises(ArtefactError, match=r"'wide' takes images of 40000x40000 .* 17\.9 GiB"):
        load_model(model)
