"""Files to damage: models of every format that this package writes, and pictures of every kind."""

import shutil
import sys
from pathlib import Path

from reliability_study.forked import Limits, run_function

TESTS = Path(__file__).parents[2] / "tests"
SIDE = 32
FILTERS = [4, 8]
QUANTISED = {"int8": "tflite_int8", "int16x8": "tflite_int16x8"}


def seeds_in(folder: Path, *, short: bool = False) -> Path:
    """The folder with `models/`, `pictures/` and `labelled/`, made at its first use.

    Args:
        folder: it.
        short: make `.keras` and float `.tflite` files alone.

    Raises:
        RuntimeError: they can't be made; the message ends with the reason.
    """
    if (folder / "whole").exists():
        return folder
    shutil.rmtree(folder, ignore_errors=True)
    folder.mkdir(parents=True)
    made = run_function(lambda: _make(folder, short), folder, limits=Limits(seconds=900))
    if made.status:
        raise RuntimeError(f"The seeds can't be made: {made.errors[-2000:]}")
    (folder / "whole").touch()
    return folder


def _make(folder: Path, short: bool) -> None:
    pictures(folder / "pictures")
    models(folder / "models", short)
    labelled(folder / "labelled")


def models(folder: Path, short: bool) -> None:
    """`a` and `b`, of other weights; a.tflite holds metadata, as every export does."""
    import keras

    import keras_upsample as ku
    from keras_upsample.files import _onnx_file

    folder.mkdir()
    work = folder / "work"
    shape = (SIDE, SIDE, 3)
    for seed, name in enumerate("ab"):
        keras.utils.set_random_seed(seed)
        model = ku.zoo.unet(classes=3, filters=FILTERS)
        model.save(folder / f"{name}.keras")
        ku.export.export(model, folder, ["tflite"], name=name, input_shape=shape)
        if name == "a" and not short:
            model.save(folder / "a.h5")
            ku.export.export(model, work, ["saved_model", "onnx"], name=name)
            for kind, target in QUANTISED.items():
                ku.export.export(model, work, [target], name=kind, input_shape=shape, gate=2.0)
            before, _onnx_file.MOST_BYTES = _onnx_file.MOST_BYTES, 0
            ku.export.export(model, folder, ["onnx"], name="beside")
            _onnx_file.MOST_BYTES = before
    _plain_tflite(folder)
    (folder / "report.json").unlink()
    if short:
        return
    shutil.move(work / "saved_model", folder / "saved_model")
    for file in sorted(work.glob("*.onnx")) + sorted(work.glob("*.tflite")):
        shutil.move(file, folder / file.name)
    shutil.rmtree(work)


def _plain_tflite(folder: Path) -> None:
    """As TensorFlow writes it: without our metadata."""
    import keras
    import tensorflow as tf

    inputs = keras.Input((SIDE, SIDE, 3), batch_size=1)
    x = keras.layers.Conv2D(4, 3, strides=2, padding="same", activation="relu")(inputs)
    x = keras.layers.Conv2DTranspose(3, 2, strides=2)(x)
    converter = tf.lite.TFLiteConverter.from_keras_model(keras.Model(inputs, x))
    (folder / "plain.tflite").write_bytes(converter.convert())


def pictures(folder: Path) -> None:
    """Every kind of picture that `predict` opens, of 23 by 19 pixels."""
    import numpy as np
    import tifffile
    from PIL import Image

    folder.mkdir()
    rng = np.random.default_rng(0)
    values = rng.integers(0, 256, (19, 23, 3), "uint8")
    image = Image.fromarray(values)
    for name in ("rgb.png", "rgb.bmp", "rgb.webp", "rgb.jpg"):
        image.save(folder / name)
    image.convert("L").save(folder / "grey.png")
    image.convert("RGBA").save(folder / "alpha.png")
    image.convert("P").save(folder / "palette.png")
    image.convert("1").save(folder / "bits.png")
    image.convert("P").save(folder / "palette.bmp")
    image.save(folder / "progressive.jpg", progressive=True)
    image.convert("CMYK").save(folder / "cmyk.jpg")
    exif = Image.Exif()
    exif[0x0112] = 6
    image.save(folder / "turned.jpg", exif=exif)
    frames = [Image.fromarray(np.roll(values, k, 1)) for k in range(3)]
    for name in ("frames.gif", "frames.webp", "frames.png"):
        frames[0].save(folder / name, save_all=True, append_images=frames[1:])
    image.save(folder / "lossless.webp", lossless=True)
    tifffile.imwrite(folder / "plain.tif", values, photometric="rgb")
    tifffile.imwrite(folder / "deep.tif", values.astype("float32"), photometric="rgb")
    tifffile.imwrite(
        folder / "tiles.tif", values, photometric="rgb", tile=(16, 16), compression="zlib"
    )
    tifffile.imwrite(folder / "stack.tif", np.stack([values[..., 0]] * 4), metadata={"axes": "TYX"})
    image.save(folder / "lzw.tif", compression="tiff_lzw")
    image.save(folder / "jpeg.tif", compression="jpeg")
    geo = [
        (33550, "d", 3, (0.5, 0.5, 0.0)),
        (33922, "d", 6, (0.0, 0.0, 0.0, 500000.0, 5000000.0, 0.0)),
        (34735, "H", 8, (1, 1, 0, 1, 3072, 0, 1, 32633)),
        (42113, "s", 0, "0"),
    ]
    tifffile.imwrite(
        folder / "geo.tif", values, photometric="rgb", compression="zlib", rowsperstrip=7,
        extratags=[(*tag, True) for tag in geo],
    )  # fmt: skip


def labelled(folder: Path) -> None:
    """Images and masks to train on."""
    sys.path.insert(0, str(TESTS / "training"))
    from toy_discs import discs, write_folder

    write_folder(folder, discs(4, channels=3))
