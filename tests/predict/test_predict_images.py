"""Files of every kind against the arrays that were written into them."""

from itertools import pairwise

import numpy as np
import pytest
import tifffile
from PIL import Image
from predicting import picture, predictor

from keras_upsample.images._pictures import sources_in
from keras_upsample.images._sources import ImageError, of_array
from keras_upsample.predict import predict
from keras_upsample.predict._channels import fit_channels

RNG = np.random.default_rng(33)


def read(path, channels: int | None = 3) -> list[np.ndarray]:
    """Every image of a file, put together from bands of uneven height."""
    images = []
    for source in sources_in(path, channels):
        height, width, depth = source.shape
        cuts = [0, *sorted({1, height // 3, height - 1} - {0, height}), height]
        bands = [source.rows(a, b) for a, b in pairwise(cuts)]
        image = np.concatenate(bands)
        assert image.shape == (height, width, depth) and image.dtype == source.dtype
        assert image.dtype.isnative
        images.append(image)
    return images


@pytest.mark.parametrize("kind", ["png", "bmp", "tif", "webp"])
def test_rgb(kind: str, tmp_path) -> None:
    image = picture()
    options = {"lossless": True} if kind == "webp" else {}
    Image.fromarray(image).save(tmp_path / f"a.{kind}", **options)
    np.testing.assert_array_equal(read(tmp_path / f"a.{kind}"), [image])


@pytest.mark.parametrize(
    ("mode", "expected"),
    [("1", 1), ("L", 1), ("LA", 2), ("P", 3), ("RGBA", 4), ("CMYK", 3), ("I;16", 1)],
)
def test_modes(mode: str, expected: int, tmp_path) -> None:
    rgb = Image.fromarray(picture())
    if mode == "I;16":
        values = RNG.integers(0, 65536, (13, 17), dtype="uint16")
        saved = Image.fromarray(values)
    else:
        saved = rgb.convert(mode)
        plain = {"1": "L", "P": "RGB", "CMYK": "RGB"}.get(mode, mode)
        values = np.asarray(saved.convert(plain))
    path = tmp_path / ("a.tif" if mode == "CMYK" else "a.png")
    saved.save(path)
    (image,) = read(path)
    assert image.shape[2] == expected
    np.testing.assert_array_equal(image, values.reshape(13, 17, -1))


def test_palette_with_transparency_is_rgba(tmp_path) -> None:
    Image.fromarray(picture()).convert("P").save(tmp_path / "a.png", transparency=0)
    (source,) = sources_in(tmp_path / "a.png", 3)
    assert source.shape[2] == 4 and source.alpha


UPRIGHT = {  # EXIF orientation -> what makes the stored picture upright
    1: lambda a: a,
    2: lambda a: a[:, ::-1],
    3: lambda a: a[::-1, ::-1],
    4: lambda a: a[::-1],
    5: lambda a: a.transpose(1, 0, 2),
    6: lambda a: np.rot90(a, -1),
    7: lambda a: a[::-1, ::-1].transpose(1, 0, 2),
    8: lambda a: np.rot90(a),
}


@pytest.mark.parametrize("orientation", UPRIGHT)
@pytest.mark.parametrize("kind", ["png", "tif"])
def test_exif_orientation(orientation: int, kind: str, tmp_path) -> None:
    image = picture()
    exif = Image.Exif()
    exif[0x0112] = orientation
    path = tmp_path / f"a.{kind}"
    Image.fromarray(image).save(path, exif=exif)
    np.testing.assert_array_equal(read(path), [UPRIGHT[orientation](image)])
    labels = predict(predictor(), path, tile=8, overlap=2).labels
    np.testing.assert_array_equal(labels, UPRIGHT[orientation](image).argmax(-1))


def test_jpeg_with_orientation(tmp_path) -> None:
    image = np.zeros((16, 32, 3), "uint8")
    image[:, 16:] = 255
    exif = Image.Exif()
    exif[0x0112] = 6
    Image.fromarray(image).save(tmp_path / "a.jpg", exif=exif)
    (found,) = read(tmp_path / "a.jpg")
    assert found.shape == (32, 16, 3)
    assert found[:15].max() < 40 and found[17:].min() > 215  # left becomes top


TIFF = {
    "plain": {},
    "big-endian": {"byteorder": ">"},
    "bigtiff": {"bigtiff": True},
    "strips": {"compression": "zlib", "rowsperstrip": 5},
    "one strip": {"compression": "zlib", "rowsperstrip": 64},
    "tiles": {"tile": (16, 16)},
    "zlib tiles": {"tile": (16, 32), "compression": "zlib", "predictor": 2},
    "lzma": {"compression": "lzma", "rowsperstrip": 7, "byteorder": ">"},
}


@pytest.mark.parametrize("how", TIFF)
@pytest.mark.parametrize("dtype", ["uint8", "uint16", "float32"])
@pytest.mark.parametrize("channels", [1, 3])
def test_tiff(how: str, dtype: str, channels: int, tmp_path) -> None:
    image = picture(37, 41, channels, dtype)
    path = tmp_path / "a.tif"
    options = {"photometric": "rgb" if channels == 3 else "minisblack", **TIFF[how]}
    if dtype == "float32":
        options.pop("predictor", None)  # that of floats is written by imagecodecs only
    tifffile.imwrite(path, image if channels == 3 else image[..., 0], **options)
    np.testing.assert_array_equal(read(path), [image])


def test_windows_of_a_compressed_tiff_are_decoded_once(tmp_path, monkeypatch) -> None:
    image = picture(64, 32)
    tifffile.imwrite(tmp_path / "a.tif", image, compression="zlib", rowsperstrip=8)
    (source,) = sources_in(tmp_path / "a.tif", 3)
    from keras_upsample.images import _tiff_pages

    decoded = []
    values = _tiff_pages._values
    monkeypatch.setattr(
        _tiff_pages, "_values", lambda page, n: decoded.append(n) or values(page, n)
    )
    source.rows(17, 30)
    assert decoded == [2, 3]  # nothing but what the rows are in
    source.rows(28, 41)
    assert decoded == [2, 3, 4, 5]
    np.testing.assert_array_equal(source.rows(0, 64), image)


def test_planes_and_samples(tmp_path) -> None:
    image = picture(21, 19, 3, "uint16")
    planar = image.transpose(2, 0, 1)
    for name, options in {"plain": {}, "zlib": {"compression": "zlib", "rowsperstrip": 4}}.items():
        path = tmp_path / f"{name}.tif"
        tifffile.imwrite(path, planar, photometric="rgb", planarconfig="separate", **options)
        np.testing.assert_array_equal(read(path), [image])


@pytest.mark.parametrize("compression", [None, "zlib"])
@pytest.mark.parametrize(
    ("axes", "shape", "channels", "frames"),
    [
        ("TYX", (3, 9, 11), 1, ["t0", "t1", "t2"]),
        ("TYX", (12, 9, 11), 1, [f"t{i:02d}" for i in range(12)]),
        ("CYX", (2, 9, 11), 2, [""]),
        ("TCYX", (2, 3, 9, 11), 3, ["t0", "t1"]),
        ("CTYX", (2, 3, 9, 11), 2, ["t0", "t1", "t2"]),
        ("TZYX", (2, 2, 9, 11), 1, ["t0_z0", "t0_z1", "t1_z0", "t1_z1"]),
        ("TYXS", (2, 9, 11, 3), 3, ["t0", "t1"]),
        ("CYXS", (2, 9, 11, 3), 3, ["c0", "c1"]),
    ],
)
def test_axes(axes: str, shape: tuple, channels: int, frames: list, compression, tmp_path) -> None:
    data = RNG.integers(0, 256, shape, dtype="uint8")
    path = tmp_path / "a.tif"
    options = {"metadata": {"axes": axes}, "compression": compression}
    photometric = "rgb" if "S" in axes else "minisblack"
    tifffile.imwrite(path, data, photometric=photometric, ome=False, **options)
    assert [source.frame for source in sources_in(path, channels)] == frames
    named = axes.replace("C", "c").replace("S", "C") if "S" in axes else axes
    order = [i for i, a in enumerate(named) if a not in "YXC"]
    moved = data.transpose(*order, *(named.index(a) for a in "YXC" if a in named))
    expected = moved.reshape(len(frames), 9, 11, -1)
    np.testing.assert_array_equal(read(path, channels), expected)


@pytest.mark.parametrize("compression", [None, "zlib"])
@pytest.mark.parametrize("axes", ["TYX", "CYX", "TCYX", "CTYX"])
def test_planes_under_other_names(axes: str, compression, tmp_path) -> None:
    shape = (2, 4, 9, 11) if len(axes) == 4 else (4, 9, 11)
    data = RNG.integers(0, 256, shape, dtype="uint8")
    options = {"metadata": {"axes": axes}, "compression": compression, "rowsperstrip": 4}
    path = tmp_path / "a.tif"
    tifffile.imwrite(path, data, photometric="rgb", planarconfig="separate", **options)
    channels = {"TYX": 1, "CYX": 4, "TCYX": 4, "CTYX": 2}[axes]
    order = {"TYX": (0, 1, 2), "CYX": (1, 2, 0), "TCYX": (0, 2, 3, 1), "CTYX": (1, 2, 3, 0)}
    expected = data.transpose(order[axes]).reshape(-1, 9, 11, channels)
    np.testing.assert_array_equal(read(path, channels), expected)
    if axes == "TYX":
        assert not any(source.alpha for source in sources_in(path, 1))


def test_pages_without_names(tmp_path) -> None:
    pages = [Image.fromarray(picture(9, 11)) for _ in range(3)]
    pages[0].save(tmp_path / "a.tif", save_all=True, append_images=pages[1:])
    assert [source.frame for source in sources_in(tmp_path / "a.tif", 3)] == ["0", "1", "2"]
    np.testing.assert_array_equal(read(tmp_path / "a.tif"), [np.asarray(p) for p in pages])
    # as many grey pages as the model takes channels are one image
    greys = [page.convert("L") for page in pages[:2]]
    greys[0].save(tmp_path / "b.tif", save_all=True, append_images=greys[1:])
    expected = np.stack([np.asarray(page) for page in greys], axis=-1)
    np.testing.assert_array_equal(read(tmp_path / "b.tif", 2), [expected])
    assert len(read(tmp_path / "b.tif", 1)) == len(read(tmp_path / "b.tif", 3)) == 2


@pytest.mark.parametrize(("mode", "channels"), [("L", 2), ("L", 3), ("RGB", 3), ("I;16", 1)])
def test_pages_compressed_by_a_codec_that_only_pillow_has(mode, channels, tmp_path) -> None:
    dtype = "uint16" if mode == "I;16" else "uint8"
    pages = [picture(9, 11, 3 if mode == "RGB" else 1, dtype) for _ in range(2)]
    images = [Image.fromarray(page.squeeze()) for page in pages]
    options = {"save_all": True, "append_images": images[1:], "compression": "tiff_lzw"}
    images[0].save(tmp_path / "a.tif", **options)
    expected = [np.concatenate(pages, axis=2)] if mode == "L" and channels == 2 else pages
    np.testing.assert_array_equal(read(tmp_path / "a.tif", channels), expected)


def test_a_codec_that_nobody_has(tmp_path, monkeypatch) -> None:
    from keras_upsample.images import _tiff

    image = Image.fromarray(picture(9, 11))
    image.save(tmp_path / "a.tif", save_all=True, append_images=[image], compression="tiff_lzw")
    monkeypatch.setattr(_tiff, "decodable", lambda page: False)  # whatever is installed
    monkeypatch.setattr(Image, "open", lambda path: 1 / 0)
    with pytest.raises(ImageError, match="compressed by LZW, which can't be decoded here"):
        read(tmp_path / "a.tif")


def test_kinds_of_tiff_that_only_pillow_reads(tmp_path) -> None:
    image = Image.fromarray(picture(9, 11))
    image.convert("P").save(tmp_path / "a.tif")
    expected = np.asarray(image.convert("P").convert("RGB"))
    np.testing.assert_array_equal(read(tmp_path / "a.tif"), [expected])
    image.save(tmp_path / "b.tif", compression="tiff_lzw")
    np.testing.assert_array_equal(read(tmp_path / "b.tif"), [np.asarray(image)])
    two = image.convert("P")
    two.save(tmp_path / "c.tif", save_all=True, append_images=[two])
    with pytest.raises(ImageError, match="has 2 pages in a form"):
        sources_in(tmp_path / "c.tif", 3)


def test_alpha_and_grey(tmp_path) -> None:
    rgba = RNG.integers(0, 256, (9, 11, 4), dtype="uint8")
    grey = RNG.integers(0, 256, (9, 11, 2), dtype="uint8")
    Image.fromarray(rgba).save(tmp_path / "a.png")
    Image.fromarray(rgba).save(tmp_path / "a.tif")
    Image.fromarray(grey, "LA").save(tmp_path / "b.png")
    tifffile.imwrite(tmp_path / "b.tif", grey, photometric="minisblack", extrasamples=[2])
    for name in ("a.png", "a.tif"):
        (source,) = sources_in(tmp_path / name, 3)
        np.testing.assert_array_equal(fit_channels(source, 3).rows(2, 9), rgba[2:, :, :3])
        np.testing.assert_array_equal(fit_channels(source, 4).rows(0, 9), rgba)
    for name in ("b.png", "b.tif"):
        (source,) = sources_in(tmp_path / name, 1)
        np.testing.assert_array_equal(fit_channels(source, 1).rows(0, 9), grey[..., :1])
        np.testing.assert_array_equal(fit_channels(source, 3).rows(0, 9), grey[..., [0, 0, 0]])
        np.testing.assert_array_equal(fit_channels(source, 2).rows(0, 9), grey)


def test_channels_are_chosen_in_their_order() -> None:
    image = picture(5, 6, 5)
    source = of_array(image)
    np.testing.assert_array_equal(fit_channels(source, 2, (3, 1)).rows(1, 4), image[1:4, :, [3, 1]])
    np.testing.assert_array_equal(fit_channels(source, 3, (4,)).rows(0, 5), image[..., [4, 4, 4]])
    np.testing.assert_array_equal(fit_channels(source, None, (2,)).rows(0, 5), image[..., [2]])
    for chosen in ((5,), (-1,), ()):
        with pytest.raises(ImageError, match="`channels` must be of 0 to 4, for the image has 5"):
            fit_channels(source, 2, chosen)


def test_colours_are_no_grey() -> None:
    grey = np.repeat(picture(5, 6, 1), 3, axis=2)
    np.testing.assert_array_equal(fit_channels(of_array(grey), 1).rows(0, 5), grey[..., :1])
    source = fit_channels(of_array(picture(5, 6)), 1)
    with pytest.raises(ImageError, match="has colours, the model takes 1 channel"):
        source.rows(0, 5)
    with pytest.raises(ImageError, match="has 5 channels, the model takes 3"):
        fit_channels(of_array(picture(5, 6, 5)), 3)
    with pytest.raises(ImageError, match="has 1 channel, the model takes 2"):
        fit_channels(of_array(picture(5, 6, 1)), 2)


@pytest.mark.parametrize("kind", ["png", "jpg", "tif", "zlib.tif", "plain.tif"])
def test_truncated_files(kind: str, tmp_path) -> None:
    path = tmp_path / f"a.{kind}"
    image = picture(64, 64)
    if kind == "zlib.tif":
        tifffile.imwrite(path, image, compression="zlib", rowsperstrip=8)
    elif kind == "plain.tif":
        tifffile.imwrite(path, image)
    else:
        Image.fromarray(image).save(path)
    data = path.read_bytes()
    path.write_bytes(data[: len(data) // 2])
    with pytest.raises(ImageError) as raised:
        read(path)
    assert "can't be read" in str(raised.value) and "\n" not in str(raised.value)


@pytest.mark.parametrize(
    ("name", "content", "message"),
    [
        ("a.png", b"", "can't be read: cannot identify image file"),
        ("a.tif", b"II*\0", "can't be read"),
        ("a.jpg", b"no picture at all", "can't be read: cannot identify image file"),
        ("none.png", None, "does not exist"),
        (".", None, "is a folder, not an image"),
    ],
)
def test_no_images(name: str, content, message: str, tmp_path) -> None:
    if content is not None:
        (tmp_path / name).write_bytes(content)
    with pytest.raises(ImageError) as raised:
        sources_in(tmp_path / name, 3)
    assert message in str(raised.value) and "\n" not in str(raised.value)


def test_pictures_too_large_to_be_decoded_whole(tmp_path, monkeypatch) -> None:
    from keras_upsample.images import _claims

    Image.fromarray(picture(16, 16)).save(tmp_path / "a.png")
    monkeypatch.setattr(_claims, "MOST_BYTES", 1023)
    with pytest.raises(ImageError, match="has 16x16 pixels, and PNG can only be decoded whole"):
        sources_in(tmp_path / "a.png", 3)
    monkeypatch.setattr(_claims, "MOST_BYTES", 1024)
    assert Image.MAX_IMAGE_PIXELS is not None  # of Pillow's own guard
    monkeypatch.setattr(Image, "MAX_IMAGE_PIXELS", 10)
    assert len(read(tmp_path / "a.png")) == 1 and Image.MAX_IMAGE_PIXELS == 10


@pytest.mark.parametrize(
    "bad", [np.zeros(4), np.zeros((1, 2, 3, 4)), np.zeros((0, 3)), np.array([["a"]]), None]
)
def test_arrays_that_are_no_images(bad) -> None:
    with pytest.raises(ValueError, match="`image` must be an array \\(H, W\\) or \\(H, W, C\\)"):
        predict(predictor(), bad)


def test_several_images_in_a_file_are_no_single_one(tmp_path) -> None:
    tifffile.imwrite(
        tmp_path / "a.tif", picture(9, 11, 4).transpose(2, 0, 1), photometric="minisblack"
    )
    with pytest.raises(ImageError, match="holds 4 images"):
        predict(predictor(), tmp_path / "a.tif")
