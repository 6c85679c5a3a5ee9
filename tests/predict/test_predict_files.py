"""Results as files: their pixels, their names, and that none is half-written."""

import errno
import os
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
import tifffile
from PIL import Image
from predicting import picture, predictor

from keras_upsample import viz
from keras_upsample._cli.predicting import predict_all
from keras_upsample.files import _durable
from keras_upsample.images import _tiff_writer, _writers
from keras_upsample.images._pictures import sources_in
from keras_upsample.images._writers import NpyWriter, PngWriter
from keras_upsample.predict import _files, predict_to_files

RNG = np.random.default_rng(35)


def names(folder) -> list[str]:
    """What a user sees there."""
    found = [path.relative_to(folder) for path in folder.rglob("*")]
    return sorted(path.name for path in found if not path.parts[0].startswith("."))


def saved(folder, image: np.ndarray, name: str = "a.png"):
    path = folder / name
    Image.fromarray(image).save(path)
    return path


@pytest.mark.parametrize("tile", [None, 8])
def test_class_map_overlay_and_probabilities(tile, tmp_path) -> None:
    image = picture(21, 18)
    out = tmp_path / "new" / "out"
    model = predictor(classes=("a", "b", "c"))
    shares = []
    files = predict_to_files(
        model,
        saved(tmp_path, image),
        out,
        tile=tile,
        overlap=4,
        probabilities=True,
        progress=shares.append,
    )
    assert names(out) == ["a_classes.png", "a_overlay.png", "a_probabilities.npy"]
    assert sorted(files.written) == [out / name for name in names(out)] and files.kept == ()
    labels = image.argmax(-1)
    with Image.open(out / "a_classes.png") as classes:
        assert classes.mode == "P"
        np.testing.assert_array_equal(np.asarray(classes), labels)
        assert classes.getpalette()[:9] == [v for colour in viz.PALETTE[:3] for v in colour]
        colours = np.array(viz.PALETTE)[labels]
        np.testing.assert_array_equal(np.asarray(classes.convert("RGB")), colours)
    expected = viz.overlay_image(image, labels)
    np.testing.assert_array_equal(np.asarray(Image.open(out / "a_overlay.png")), expected)
    probabilities = np.load(out / "a_probabilities.npy", mmap_mode="r")
    assert probabilities.dtype == np.float32
    np.testing.assert_allclose(probabilities, image / 255, atol=1e-6)
    assert shares == sorted(shares) and shares[-1] == 1
    assert len(shares) == 1 + (1 if tile is None else 5 * 4)


def test_the_model_s_own_colours_and_no_overlay(tmp_path) -> None:
    model = predictor(colours=((9, 8, 7), (250, 0, 1)))
    predict_to_files(model, saved(tmp_path, picture()), tmp_path / "out", overlays=False)
    assert names(tmp_path / "out") == ["a_classes.png"]
    palette = Image.open(tmp_path / "out" / "a_classes.png").getpalette()
    assert palette[:6] == [9, 8, 7, 250, 0, 1] and len(palette) == 9


def test_one_probability(tmp_path) -> None:
    image = picture(9, 12, 1)
    model = predictor(channels=1, outputs=1)
    path = saved(tmp_path, image[..., 0])
    predict_to_files(model, path, tmp_path / "out", probabilities=True)
    with Image.open(tmp_path / "out" / "a_classes.png") as classes:
        np.testing.assert_array_equal(np.asarray(classes), image[..., 0] >= 128)
        assert len(classes.getpalette()) == 6
    assert np.load(tmp_path / "out" / "a_probabilities.npy").shape == (9, 12, 1)


def test_more_classes_than_a_palette_has_room_for(tmp_path) -> None:
    def one_of_300(image: np.ndarray) -> np.ndarray:
        return np.eye(300, dtype="float32")[np.rint(image[..., 0] * 299).astype(int)]

    image = np.arange(12 * 25, dtype="uint16").reshape(12, 25)
    tifffile.imwrite(tmp_path / "a.tif", image * 219)  # 299 · 219 = 65481
    model = predictor(one_of_300, channels=1, outputs=300)
    predict_to_files(model, tmp_path / "a.tif", tmp_path / "out")
    with Image.open(tmp_path / "out" / "a_classes.png") as classes:
        found = np.asarray(classes).astype(int)
    np.testing.assert_array_equal(found, np.rint(image * 219 / 65535 * 299))
    assert found.max() > 255


def test_what_is_looked_at_has_contrast_whatever_the_network_sees(tmp_path) -> None:
    image = (picture(32, 32, 3, "uint16") >> 4).astype("uint16")  # 12 bits of 16
    tifffile.imwrite(tmp_path / "a.tif", image, photometric="rgb")
    seen, first = [], np.eye(3, dtype="float32")[0]
    model = predictor(lambda x: seen.append(x) or np.broadcast_to(first, x.shape))
    predict_to_files(model, tmp_path / "a.tif", tmp_path / "out")
    np.testing.assert_allclose(seen[-1], image / 65535, atol=1e-7)
    shown = np.asarray(Image.open(tmp_path / "out" / "a_overlay.png"))  # class 0 is left as it is
    low, high = np.percentile(image, (1, 99.8), axis=(0, 1))
    expected = np.clip((image - low) / (high - low), 0, 1) * 255
    assert np.abs(shown - expected).max() < 0.51


def test_super_resolution(tmp_path) -> None:
    image = picture(9, 12)
    twice = predictor(lambda x: x.repeat(3, 0).repeat(3, 1), scale=3, enlarges=True)
    predict_to_files(twice, saved(tmp_path, image), tmp_path / "out", tile=4, overlap=2)
    assert names(tmp_path / "out") == ["a_x3.png"]
    found = np.asarray(Image.open(tmp_path / "out" / "a_x3.png"))
    np.testing.assert_array_equal(found, image.repeat(3, 0).repeat(3, 1))
    one = {"channels": 1, "outputs": 1, "scale": 2, "enlarges": True}
    grey = predictor(lambda x: x.repeat(2, 0).repeat(2, 1), **one)
    predict_to_files(grey, saved(tmp_path, image[..., 0], "b.png"), tmp_path / "out")
    with Image.open(tmp_path / "out" / "b_x2.png") as enlarged:
        assert enlarged.mode == "L"
        np.testing.assert_array_equal(np.asarray(enlarged), image[..., 0].repeat(2, 0).repeat(2, 1))


def test_class_maps_larger_than_the_image(tmp_path) -> None:
    image = picture(9, 12)
    model = predictor(lambda x: x.repeat(2, 0).repeat(2, 1), scale=2)
    predict_to_files(model, saved(tmp_path, image), tmp_path / "out", tile=4, overlap=2)
    large = image.repeat(2, 0).repeat(2, 1)
    labels = np.asarray(Image.open(tmp_path / "out" / "a_classes.png"))
    np.testing.assert_array_equal(labels, large.argmax(-1))
    shown = np.asarray(Image.open(tmp_path / "out" / "a_overlay.png"))
    np.testing.assert_array_equal(shown, viz.overlay_image(large, labels))


def test_frames_have_files_of_their_own(tmp_path) -> None:
    frames = np.stack([picture(9, 11) for _ in range(2)])
    tifffile.imwrite(tmp_path / "a.tif", frames, metadata={"axes": "TYXS"}, photometric="rgb")
    shares = []
    predict_to_files(
        predictor(), tmp_path / "a.tif", tmp_path / "out", name="b", progress=shares.append
    )
    assert names(tmp_path / "out") == [
        f"b_t{i}_{what}.png" for i in (0, 1) for what in ("classes", "overlay")
    ]
    for i in (0, 1):
        labels = np.asarray(Image.open(tmp_path / "out" / f"b_t{i}_classes.png"))
        np.testing.assert_array_equal(labels, frames[i].argmax(-1))
    assert shares == [0.5, 1.0, 1.0]


def test_results_are_kept_unless_told_otherwise(tmp_path) -> None:
    image, out = picture(), tmp_path / "out"
    path = saved(tmp_path, image)
    calls = []
    model = predictor(lambda x: calls.append(1) or x.copy())
    predict_to_files(model, path, out, overlays=False)
    made = (out / "a_classes.png").read_bytes()

    again = predict_to_files(model, path, out)  # the overlay is missing, and only that is written
    assert again.written == (out / "a_overlay.png",) and again.kept == (out / "a_classes.png",)
    assert (out / "a_classes.png").read_bytes() == made
    expected = viz.overlay_image(image, image.argmax(-1))
    np.testing.assert_array_equal(np.asarray(Image.open(out / "a_overlay.png")), expected)

    count = len(calls)
    assert predict_to_files(model, path, out).written == ()
    assert len(calls) == count + 1  # of noise, which tells the function from others

    (out / "a_classes.png").write_bytes(b"edited by hand")
    for overwrite in (False, True):
        with pytest.raises(ValueError, match="neither taken for this one nor replaced"):
            predict_to_files(model, path, out, overwrite=overwrite)
        assert (out / "a_classes.png").read_bytes() == b"edited by hand"

    (out / "a_classes.png").write_bytes(made)
    replaced = predict_to_files(model, path, out, overwrite=True)
    assert len(replaced.written) == 2 and replaced.kept == ()
    np.testing.assert_array_equal(np.asarray(Image.open(out / "a_classes.png")), image.argmax(-1))


def test_nothing_is_half_written(tmp_path) -> None:
    out = tmp_path / "out"
    path = saved(tmp_path, picture(40, 16))

    def breaks(image: np.ndarray) -> np.ndarray:
        breaks.calls += 1
        assert names(out) == [] or not any(p.is_file() and p.parent == out for p in out.iterdir())
        if breaks.calls > 5:
            raise RuntimeError("out of memory")
        return image.copy()

    breaks.calls = 0
    with pytest.raises(ValueError, match="out of memory"):
        predict_to_files(predictor(breaks), path, out, tile=8, overlap=0, probabilities=True)
    assert breaks.calls in (6, 7) and not out.exists()  # one may be ahead

    predict_to_files(predictor(), path, out)
    before = {p: p.read_bytes() for p in out.iterdir() if p.is_file()}
    breaks.calls = 3
    breaks_later = predictor(lambda x: (_ for _ in ()).throw(KeyboardInterrupt()))
    with pytest.raises(KeyboardInterrupt):
        predict_to_files(breaks_later, path, out, overwrite=True)
    assert {p: p.read_bytes() for p in out.iterdir() if p.is_file()} == before


def test_a_file_that_breaks_half_way_leaves_nothing(tmp_path) -> None:
    path = tmp_path / "a.tif"
    tifffile.imwrite(path, picture(64, 16), compression="zlib", rowsperstrip=8)
    with tifffile.TiffFile(path) as file:
        offset = file.pages[0].dataoffsets[6]
    data = bytearray(path.read_bytes())
    data[offset : offset + 40] = bytes(40)
    path.write_bytes(data)
    calls = []
    model = predictor(lambda x: calls.append(1) or x.copy())
    with pytest.raises(ValueError, match="can't be read"):
        predict_to_files(model, path, tmp_path / "out", tile=8, overlap=0)
    assert calls and not (tmp_path / "out").exists()


def test_a_folder_that_can_not_be_written(tmp_path) -> None:
    path = saved(tmp_path, picture())
    with pytest.raises((PermissionError, NotADirectoryError)):
        predict_to_files(predictor(), path, path / "out")


@pytest.mark.skipif(not Path("/proc/self/mem").exists(), reason="no file that answers EIO")
@pytest.mark.parametrize("ending", ["classes.png", "overlay.png", "probabilities.npy"])
@pytest.mark.parametrize("on_earth", [False, True], ids=["picture", "GeoTIFF"])
def test_a_result_that_the_disk_does_not_take_is_named(ending, on_earth, tmp_path, monkeypatch):
    """Address 0 of a process can't be written to: the kernel's own EIO, which has no name."""
    if on_earth:
        ending = Path(ending).with_suffix(".tif").name
        (tmp_path / "a.pgw").write_text("1\n0\n0\n-1\n0\n0\n")
    image, out = saved(tmp_path, picture()), tmp_path / "out"
    opened = _durable.open_new

    def unwritable(path: Path):
        if path.name.endswith(ending):
            path.symlink_to("/proc/self/mem")
        return opened(path)

    for module in (_writers, _tiff_writer):
        monkeypatch.setattr(module, "open_new", unwritable)
    with pytest.raises(OSError) as caught:
        predict_to_files(predictor(), image, out, probabilities=True)
    named = str(out / f"a_{ending}")
    assert (caught.value.errno, caught.value.filename) == (errno.EIO, named)
    assert not out.exists()

    reports: list[str] = []
    tally = predict_all(
        predictor(), [image], out, step=lambda *_: None, report=reports.append,
        note=reports.append, probabilities=True,
    )  # fmt: skip
    assert tally.failed == 1 and len(reports) == 1
    assert f"Input/output error: {named!r}" in reports[0]


def test_an_image_that_the_disk_does_not_give_is_named(tmp_path, monkeypatch):
    image = saved(tmp_path, picture())
    (source,) = sources_in(image, 3)

    def read(top: int, bottom: int):
        raise OSError(errno.EIO, os.strerror(errno.EIO))

    monkeypatch.setattr(_files, "sources_in", lambda *_: [replace(source, read=read)])
    with pytest.raises(ValueError, match=r"The image can't be read: .*Input/output error$"):
        predict_to_files(predictor(), image, tmp_path / "out")


@pytest.mark.parametrize(
    ("dtype", "channels", "palette"),
    [("uint8", 1, None), ("uint16", 1, None), ("uint8", 3, None), ("uint8", 1, 5)],
)
@pytest.mark.parametrize("size", [(1, 1), (23, 37), (300, 3)])
def test_png_written_in_bands(dtype, channels, palette, size, tmp_path) -> None:
    most = palette or np.iinfo(dtype).max + 1
    rows = RNG.integers(0, most, (*size, channels), dtype=dtype)
    rows = rows if channels == 3 else rows[..., 0]
    colours = [(i, 2 * i, 255 - i) for i in range(palette)] if palette else None
    path = tmp_path / "a.png"
    with PngWriter(path, size, dtype, palette=colours, channels=channels) as writer:
        for part in np.array_split(rows, min(4, size[0])):
            writer.write(part)
    with Image.open(path) as image:
        image.verify()
    with Image.open(path) as image:
        np.testing.assert_array_equal(np.asarray(image), rows)
        if palette:
            assert image.getpalette() == [v for colour in colours for v in colour]


def test_npy_written_in_bands(tmp_path) -> None:
    values = RNG.random((7, 5, 3)).astype("float32")
    with NpyWriter(tmp_path / "a.npy", values.shape) as writer:
        writer.write(values[:4])
        writer.write(values[4:])
    np.testing.assert_array_equal(np.load(tmp_path / "a.npy"), values)
