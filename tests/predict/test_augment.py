"""Test-time augmentation against a loop in NumPy."""

import numpy as np
import pytest
import tifffile
from PIL import Image
from predicting import box, picture, predictor, small_net

from keras_upsample.predict import load_model, predict, predict_to_files
from keras_upsample.predict._augment import AUGMENTATIONS

RNG = np.random.default_rng(72)


def index_change(name: str, image: np.ndarray) -> np.ndarray:
    """The change written pixel by pixel."""
    height, width = image.shape[:2]
    places = {
        "flip_horizontal": (height, width, lambda r, c: (r, width - 1 - c)),
        "flip_vertical": (height, width, lambda r, c: (height - 1 - r, c)),
        "rotate_90": (width, height, lambda r, c: (c, width - 1 - r)),
        "rotate_180": (height, width, lambda r, c: (height - 1 - r, width - 1 - c)),
        "rotate_270": (width, height, lambda r, c: (height - 1 - c, r)),
        "transpose": (width, height, lambda r, c: (c, r)),
        "transverse": (width, height, lambda r, c: (height - 1 - c, width - 1 - r)),
    }
    rows, columns, place = places[name]
    result = np.empty((rows, columns, image.shape[2]), image.dtype)
    for row in range(rows):
        for column in range(columns):
            result[row, column] = image[place(row, column)]
    return result


UNDO = {"rotate_90": "rotate_270", "rotate_270": "rotate_90"}


def looped(run, image: np.ndarray, names: tuple[str, ...]) -> np.ndarray:
    """The mean over the image as it is and after each change, in float64."""
    total = run(image).astype("float64")
    for name in names:
        total += index_change(UNDO.get(name, name), run(index_change(name, image)))
    return total / (len(names) + 1)


def lopsided(image: np.ndarray) -> np.ndarray:
    """A convolution that no flip or rotation leaves as it is: each pixel and what is beside it."""
    right = np.pad(image, ((0, 0), (0, 1), (0, 0)))[:, 1:]
    below = np.pad(image, ((0, 1), (0, 0), (0, 0)))[1:]
    return (0.6 * image + 0.3 * right + 0.1 * below).astype("float32")


def test_every_name_is_tested() -> None:
    image = picture(3, 5)
    assert len({index_change(name, image).tobytes() for name in AUGMENTATIONS}) == 7
    for name in AUGMENTATIONS:
        back = index_change(UNDO.get(name, name), index_change(name, image))
        np.testing.assert_array_equal(back, image)


@pytest.mark.parametrize("names", [*((name,) for name in AUGMENTATIONS), AUGMENTATIONS])
def test_mean_of_probabilities(names: tuple[str, ...]) -> None:
    """Of probabilities, not of scores: the softmax comes before the mean."""
    image = picture(13, 18)
    model = predictor(lambda x: 9 * lopsided(x), logits=True)

    def run(x: np.ndarray) -> np.ndarray:
        powers = np.exp(9 * lopsided(x).astype("float64"))
        return powers / powers.sum(axis=-1, keepdims=True)

    expected = looped(run, (image / 255).astype("float32"), names)
    result = predict(model, image, probabilities=True, augment=names)
    np.testing.assert_allclose(result.probabilities, expected, atol=1e-6)
    np.testing.assert_array_equal(result.labels, expected.argmax(-1))
    plain = predict(model, image, probabilities=True)
    assert np.abs(plain.probabilities - expected).max() > 0.05


def test_an_equivariant_model_is_left_as_it_is() -> None:
    image = picture(13, 18)
    model = predictor(box(2))
    plain = predict(model, image, probabilities=True).probabilities
    result = predict(model, image, probabilities=True, augment=AUGMENTATIONS).probabilities
    np.testing.assert_allclose(result, plain, atol=1e-6)


@pytest.mark.parametrize("size", [(61, 47), (33, 90)])
def test_tiles(size: tuple[int, int]) -> None:
    """As the whole image at once: the network sees no farther than a quarter of the overlap."""
    image = picture(*size)
    model = predictor(lambda x: lopsided(box(1)(x)))
    names = ("flip_horizontal", "rotate_90", "transverse")
    expected = looped(lambda x: lopsided(box(1)(x)), (image / 255).astype("float32"), names)
    result = predict(model, image, probabilities=True, augment=names, tile=24, overlap=8)
    np.testing.assert_allclose(result.probabilities, expected, atol=1e-6)


def test_super_resolution() -> None:
    """The mean of the pictures, each of them rounded at the end alone."""
    image = picture(7, 12)

    def run(x: np.ndarray) -> np.ndarray:
        return lopsided(x.repeat(2, 0).repeat(2, 1))

    names = ("flip_vertical", "rotate_270")
    expected = looped(run, (image / 255).astype("float32"), names)
    result = predict(predictor(run, scale=2, enlarges=True), image, augment=names)
    np.testing.assert_allclose(result.picture, np.rint(expected * 255), atol=1)
    assert np.abs(result.picture - expected * 255).max() < 0.51


def test_a_keras_model_and_objects(tmp_path) -> None:
    """Whose padding is at the right and below alone: of odd sizes no rotation is the same."""
    model = load_model(small_net(), task="segmentation")
    image = picture(15, 22)
    names = ("flip_horizontal", "transpose")

    def run(x: np.ndarray) -> np.ndarray:
        return model.finish(model.run(x))

    expected = looped(run, (image / 255).astype("float32"), names)
    result = predict(model, image, probabilities=True, augment=names, objects=True)
    np.testing.assert_allclose(result.probabilities, expected, atol=1e-5)
    inside = result.objects.label_image() > 0
    np.testing.assert_array_equal(inside, result.labels > 0)
    Image.fromarray(image).save(tmp_path / "a.png")
    predict_to_files(
        model, tmp_path / "a.png", tmp_path, probabilities=True, augment=names, objects=True
    )
    np.testing.assert_allclose(
        np.load(tmp_path / "a_probabilities.npy"), result.probabilities, atol=1e-6
    )
    instances = tifffile.imread(tmp_path / "a_instances.tif")
    np.testing.assert_array_equal(instances, result.objects.label_image())


def test_a_network_without_padding() -> None:
    """Tiles are changed together with the margin that is read around them."""
    from keras_upsample.predict._valid import Margin

    image = picture(19, 30)
    values = (image / 255).astype("float32")
    model = predictor(lambda x: lopsided(x)[2:-2, 2:-2])
    from dataclasses import replace

    model = replace(model, network=replace(model.network, margin=Margin(2)))
    names = ("flip_horizontal", "rotate_180")

    def run(x: np.ndarray) -> np.ndarray:
        return lopsided(np.pad(x, ((2, 2), (2, 2), (0, 0)), "reflect"))[2:-2, 2:-2]

    result = predict(model, image, probabilities=True, augment=names)
    np.testing.assert_allclose(result.probabilities, looped(run, values, names), atol=1e-6)


def test_results_with_and_without_are_not_confused(tmp_path) -> None:
    Image.fromarray(picture(9, 11)).save(tmp_path / "a.png")
    model, out = predictor(lopsided), tmp_path / "out"
    predict_to_files(model, tmp_path / "a.png", out, augment=("rotate_180",))
    with pytest.raises(ValueError, match="another 'augment'"):
        predict_to_files(model, tmp_path / "a.png", out)
    assert predict_to_files(model, tmp_path / "a.png", out, augment=("rotate_180",)).kept


@pytest.mark.parametrize(
    ("fields", "augment", "said"),
    [
        ({}, "flip_horizontal", "`augment` must be a sequence of names"),
        ({}, ("flip",), "'flip' is unknown. Allowed: flip_horizontal"),
        ({}, ("flip_horizontl",), "Did you mean 'flip_horizontal'?"),
        ({}, ("rotate_90", "rotate_90"), "holds a name twice"),
        ({"size": (12, 16)}, ("rotate_180", "rotate_90"), "12x16 pixels, and 'rotate_90' swaps"),
        ({"kind": "class_map", "outputs": 1}, ("rotate_90",), "class numbers, which have no mean"),
    ],
)
def test_bad_augmentations(fields: dict, augment, said: str) -> None:
    with pytest.raises(ValueError, match=said):
        predict(predictor(**fields), picture(12, 16), augment=augment)
