"""What is measured for the cards of networks that come in packages, one function a kind."""

import itertools
import pathlib
import tempfile
from typing import Any

import domain_images
import latencies
import numpy as np

from keras_upsample import zoo

SIDE = 192  # of the enlarged picture that PSNR is measured on
COST_SIDE = 64  # of the image that multiply-adds are counted for
LARGE_SIDE = 32  # of the 8-bit files and latencies of networks with 20 times the cost
DEVICE = "ethos_u85_256"
TILES = (384, 192, 80)  # image, tile and overlap, in pixels


def side_of(preset: zoo.PackagedPreset) -> int:
    """Height and width of the files that are made of a network."""
    return (
        LARGE_SIDE if preset.name in ("real_esrgan:anime_x4", "real_esrgan:photo_x4") else COST_SIDE
    )


def accuracy(preset: zoo.PackagedPreset) -> dict[str, Any]:
    """Parameters and cost; the difference from ncnn; PSNR beside bicubic's, RGB."""
    from PIL import Image

    model = zoo.load(preset.name)
    truth = _photograph(SIDE)
    side = SIDE // preset.scale
    small = Image.fromarray(truth).resize((side, side), Image.Resampling.BICUBIC)
    bicubic = np.asarray(small.resize((SIDE, SIDE), Image.Resampling.BICUBIC)) / 255
    figures = {
        "parameters": model.count_params(),
        "multiply_adds": zoo.multiply_adds(
            zoo.load(preset.name, input_shape=(COST_SIDE, COST_SIDE, 3))
        ),
        "from_ncnn": _from_ncnn(preset, model),
    }
    if preset.scale > 1:
        found = np.asarray(model(_scaled(small)[None]))[0]
        figures |= {"psnr": _psnr(truth / 255, found), "bicubic": _psnr(truth / 255, bicubic)}
    else:
        found = np.asarray(model(_scaled(_with_jpeg(truth))[None]))[0]
        before = _scaled(_with_jpeg(truth))
        figures |= {"psnr": _psnr(truth / 255, found), "jpeg": _psnr(truth / 255, before)}
    return figures


def _from_ncnn(preset: zoo.PackagedPreset, model: Any) -> float:
    """The largest difference on an odd-sized photograph, to which the net gets its border."""
    from keras_upsample.files._package import cached_paths
    from keras_upsample.interchange.ncnn._run import run

    image = _scaled(_photograph(SIDE)[60:113, 70:115])
    (height, width), pixels, m = image.shape[:2], preset.pixels, preset.multiple
    pads = [(pixels, pixels + -n % m) for n in (height, width)]
    files = cached_paths(preset.source.package, preset.members)
    (wanted,) = run(*files, np.pad(image, (*pads, (0, 0)), mode="edge")).values()
    wanted = wanted[: preset.scale * height, : preset.scale * width]
    if preset.adds_image:
        wanted = wanted + image.repeat(preset.scale, 0).repeat(preset.scale, 1)
    return float(np.abs(np.asarray(model(image[None]))[0] - wanted).max())


def colours(preset: zoo.PackagedPreset) -> dict[str, Any]:
    """The largest error for images of one colour, each channel 0 or 1, away from the border."""
    model = zoo.load(preset.name)
    corners = np.array(list(itertools.product((0, 1), repeat=3)), "float32")[:, None, None]
    found = np.asarray(model(np.tile(corners, (1, 64, 64, 1))))
    middle = found.shape[1] // 2
    return {"largest": float(np.abs(found[:, middle, middle] - corners[:, 0, 0]).max())}


def int8(preset: zoo.PackagedPreset) -> dict[str, Any]:
    """What 8-bit weights and activations lose, and Vela's estimate: a file for an Ethos-U85."""
    return _integer(preset, DEVICE)


def int16x8(preset: zoo.PackagedPreset) -> dict[str, Any]:
    """What 8-bit weights and 16-bit activations lose."""
    return _integer(preset, "tflite_int16x8")


def _integer(preset: zoo.PackagedPreset, target: str) -> dict[str, Any]:
    """The gate of 8-bit files (30 dB) is lowered, so that a file of less can be measured."""
    from keras_upsample import export, runtimes

    model = zoo.load(preset.name)
    side = side_of(preset)
    image = _scaled(_photograph(side))
    expected = np.clip(np.asarray(model(image[None]))[0], 0, 1)
    shape = (side, side, 3)
    with tempfile.TemporaryDirectory() as folder:
        (made,) = export.export(model, folder, [target], input_shape=shape, gate=10.0).artefacts
        runner = runtimes.load(made.path)
        (found,) = runner({runner.inputs[0].name: image[None]}).values()
    figures: dict[str, Any] = {
        "side": side,
        "bytes": made.file_size,
        "psnr": _psnr(expected, found[0]),
        "snr": min(v.snr_db for v in made.verifications),
    }
    if made.check is not None:
        figures |= {"verdict": made.check.verdict, "notes": list(made.check.notes)}
    return figures


def tiles(preset: zoo.PackagedPreset) -> dict[str, Any]:
    """A photograph in overlapping tiles, compared with the whole of it at once: grey levels."""
    from keras_upsample import predict

    side, tile, overlap = TILES
    image = _photograph(side)
    predictor = predict.load_model(preset.name)
    whole = predict.predict(predictor, image, tile=side).picture.astype(int)
    tiled = predict.predict(predictor, image, tile=tile, overlap=overlap).picture.astype(int)
    off = np.abs(tiled - whole)
    return {"largest": int(off.max()), "share": float((off > 1).mean())}


def large(preset: zoo.PackagedPreset) -> dict[str, Any]:
    """As `tiles`, a photograph with a side of 2048 pixels."""
    from keras_upsample import predict

    _, tile, overlap = TILES
    image = domain_images.large(preset.model, 3)
    predictor = predict.load_model(preset.name)
    whole = predict.predict(predictor, image, tile=max(image.shape)).picture.astype(int)
    tiled = predict.predict(predictor, image, tile=tile, overlap=overlap).picture.astype(int)
    off = np.abs(tiled - whole)
    return {
        "size": image.shape[:2],
        "largest": int(off.max()),
        "share": float((off > 1).mean()),
    }


def latency(preset: zoo.PackagedPreset) -> dict[str, Any]:
    """Milliseconds of one image, in ncnn too; for a machine that does nothing else."""
    from keras_upsample.files._package import cached_paths
    from keras_upsample.interchange.ncnn._run import installed

    side = side_of(preset)
    figures = latencies.of_model(zoo.load(preset.name), (side, side, 3))
    if installed():
        files = cached_paths(preset.source.package, preset.members)
        whole = side + 2 * preset.pixels + -side % preset.multiple  # with the border
        figures[latencies.ORIGINAL] = latencies.of_ncnn(*files, whole, whole)
    return figures


def picture(names: list[str], path: pathlib.Path) -> None:
    """A part of a photograph, enlarged by bicubic interpolation and by several networks."""
    from PIL import Image

    from keras_upsample import data, viz

    scale = max(zoo.PACKAGED[name].scale for name in names)
    large = data.photograph("astronaut")[10:250, 120:360]
    side = 240 // scale
    small = Image.fromarray(large).resize((side, side), Image.Resampling.BICUBIC)
    cut = np.s_[60:180, 60:180]
    bicubic = np.asarray(small.resize((240, 240), Image.Resampling.BICUBIC))
    panels = {f"bicubic x{scale}": bicubic[cut]}
    for name in names:
        found = np.asarray(zoo.load(name)(_scaled(small)[None]))[0]
        panels[name.partition(":")[2]] = np.rint(np.clip(found, 0, 1) * 255).astype("uint8")[cut]
    viz.compare(large[cut], panels).savefig(path, dpi=80)


def _photograph(side: int) -> np.ndarray:
    from keras_upsample import data

    return data.photograph("astronaut")[40 : 40 + side, 100 : 100 + side]


def _scaled(image: Any) -> np.ndarray:
    return np.asarray(image).astype("float32") / 255


def _with_jpeg(image: np.ndarray) -> np.ndarray:
    """As a JPEG file of quality 50 has it."""
    import io

    from PIL import Image

    file = io.BytesIO()
    Image.fromarray(image).save(file, "JPEG", quality=50)
    return np.asarray(Image.open(file))


def _psnr(truth: np.ndarray, found: np.ndarray) -> float:
    from keras_upsample import metrics

    return float(metrics.psnr(truth, np.clip(found, 0, 1), border=4))
