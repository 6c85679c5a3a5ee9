"""What is measured for the cards of networks in TFLite, ONNX and TF.js files."""

import pathlib
import shutil
import subprocess
import tempfile
from typing import Any

import domain_images
import latencies
import numpy as np

from keras_upsample import zoo
from keras_upsample.files._package import cached_paths
from keras_upsample.zoo._packaged_files import PackagedFile

TFJS = "4.22.0"
SIDES = {"esrgan_slim": (64, 64), "dbnet": (320, 320)}  # of what has no size of its own
DEVICE = "ethos_u85_256"
GATE = 1.1  # dB, of 8-bit files that are only measured
_RUN = """
const tf = require('@tensorflow/tfjs'), fs = require('fs'), path = require('path');
const [, , file, shape] = process.argv, json = JSON.parse(fs.readFileSync(file));
const floats = b => new Float32Array(b.buffer.slice(b.byteOffset, b.byteOffset + b.byteLength));
const parts = json.weightsManifest.flatMap(g => g.paths)
  .map(p => fs.readFileSync(path.join(path.dirname(file), p)));
(async () => {
  const model = await tf.loadLayersModel(tf.io.fromMemory({
    modelTopology: json.modelTopology,
    weightSpecs: json.weightsManifest.flatMap(g => g.weights),
    weightData: floats(Buffer.concat(parts)).buffer,
  }));
  const x = tf.tensor(floats(fs.readFileSync('x.bin')), shape.split(',').map(Number));
  fs.writeFileSync('y.bin', Buffer.from((await model.predict(x).data()).buffer));
})();
"""


def size_of(preset: PackagedFile) -> tuple[int, int]:
    """Height and width that cost is counted for."""
    height, width = preset.size
    return (height, width) if height and width else SIDES[preset.model]


def sample(preset: PackagedFile) -> np.ndarray:
    """A picture for a network: a photograph, a page, or a synthetic scene of reflectances."""
    from keras_upsample import data

    if preset.model == "csmask":
        return domain_images.scene(len(preset.channels))
    if preset.model == "dbnet":
        return domain_images.page()
    if preset.model == "selfie":
        height, width = size_of(preset)
        return data.photograph("astronaut")[: 512 * height // width]
    return data.photograph("astronaut")[40:104, 190:254]


def accuracy(preset: PackagedFile) -> dict[str, Any]:
    """Parameters, cost, and the difference from the file in its own runtime on the sample."""
    model = zoo.load(preset.name)
    height, width = size_of(preset)
    channels = len(preset.channels)
    fixed = model  # what takes one size alone is not loaded again
    if None in preset.size:
        fixed = zoo.load(preset.name, input_shape=(height, width, channels))
    x = _scaled(preset, sample(preset), (height, width))
    found = np.asarray(model(x[None], training=False))[0]
    wanted = _original(preset, x)
    figures = {
        "parameters": model.count_params(),
        "multiply_adds": zoo.multiply_adds(fixed),
        "bytes": sum(p.stat().st_size for p in _files(preset)),
        "largest": float(np.abs(found - wanted).max()),
        "range": float(np.ptp(wanted)),
    }
    if preset.classes:
        figures["same_classes"] = float(
            (_classes(preset, found) == _classes(preset, wanted)).mean()
        )
    else:
        figures |= _psnr(preset)
    return figures


def integer(preset: PackagedFile) -> dict[str, Any]:
    """What an 8-bit file loses against the model, by `domain_images`, and where an NPU runs it.

    The gate of 8-bit files (30 dB) is lowered for this, so that a file of less can be measured.
    """
    from keras_upsample import export, runtimes

    size, channels = size_of(preset), len(preset.channels)
    model = zoo.load(preset.name, input_shape=(*size, channels))
    found = domain_images.of_family(preset.model, channels)
    calibration, tested = found or (None, {"astronaut": sample(preset)})
    pictures = {name: _scaled(preset, image, size) for name, image in tested.items()}
    images: dict[str, Any] = {}
    if calibration is not None:
        calibrating = [_scaled(preset, image, size) for image in calibration]
        images["representative_data"] = np.stack(calibrating)
        images["images"] = np.stack([*pictures.values()])
    with tempfile.TemporaryDirectory() as folder:
        (made,) = export.export(model, folder, [DEVICE], gate=GATE, **images).artefacts
        runner, name = runtimes.load(made.path), _input(made.path)
        against = {
            label: _loss(
                preset,
                np.asarray(next(iter(runner({name: x[None]}).values())))[0],
                np.asarray(model(x[None], training=False))[0],
            )
            for label, x in pictures.items()
        }
    figures: dict[str, Any] = {
        "target": DEVICE,
        "bytes": made.file_size,
        "snr": min(v.snr_db for v in made.verifications),
        "against": against,
    }
    if made.check is not None:
        figures["device"] = {"verdict": made.check.verdict, "notes": list(made.check.notes)}
    return figures


def _loss(preset: PackagedFile, found: np.ndarray, truth: np.ndarray) -> dict[str, Any]:
    """Of one picture: IoU with the model's classes (except class 0), or PSNR against the model."""
    if not preset.classes:
        noise = np.mean((np.clip(found, 0, 255) - np.clip(truth, 0, 255)) ** 2)
        return {"psnr": float(10 * np.log10(255**2 / noise))}
    return _agreement(preset, _classes(preset, found), _classes(preset, truth))


def _agreement(preset: PackagedFile, ours: np.ndarray, theirs: np.ndarray) -> dict[str, Any]:
    """Share of pixels of the same class, and IoU of every class but class 0."""
    iou = {}
    for number, name in enumerate(preset.classes):
        either = ((ours == number) | (theirs == number)).sum()
        if number and either:
            iou[name] = float(((ours == number) & (theirs == number)).sum() / either)
    return {"same_classes": float((ours == theirs).mean()), "iou": iou}


def large(preset: PackagedFile) -> dict[str, Any]:
    """A picture with a side of 2048 pixels in tiles, against another way of predicting it.

    That is the whole at once, or broader overlaps where the size is fixed; for a network of whole
    pictures, the same picture with a side of 512.
    """
    from keras_upsample import predict

    image = domain_images.large(preset.model, len(preset.channels))
    predictor = predict.load_model(preset.name)
    tiled = predict.predict(predictor, image)
    if preset.whole:
        small = predict.predict(predictor, sample(preset)).labels
        way, other = "side of 512", np.asarray(small).repeat(4, 0).repeat(4, 1)
        compared = [tiled.labels, other]
    elif preset.size == (None, None):
        options = {} if preset.classes else {"tile": 256, "overlap": 64}
        tiled = predict.predict(predictor, image, **options)
        whole = predict.predict(predictor, image, tile=max(image.shape))
        way = "whole"
        compared = [tiled.labels, whole.labels]
        if not preset.classes:
            off = np.abs(tiled.picture.astype(int) - whole.picture)
            return {"size": image.shape[:2], "way": way, **_off(off)}
    else:
        way = "overlap of 128"
        compared = [tiled.labels, predict.predict(predictor, image, overlap=128).labels]
    return {"size": image.shape[:2], "way": way, **_agreement(preset, *compared)}


def _off(off: np.ndarray) -> dict[str, float]:
    return {"largest": int(off.max()), "share": float((off > 1).mean())}


def latency(preset: PackagedFile) -> dict[str, Any]:
    """Milliseconds of one image, of the original file too; for a machine that does nothing else."""
    shape = (*size_of(preset), len(preset.channels))
    model = zoo.load(preset.name, input_shape=shape)
    original = None if preset.reader == "from_tfjs" else _files(preset)[0]
    return latencies.of_model(model, shape, original)


def picture(names: list[str], path: pathlib.Path) -> None:
    """The sample, and what networks make of it."""
    from keras_upsample import predict, viz

    first = zoo.PACKAGED[names[0]]
    image = sample(first)
    panels, classes = {}, first.classes
    for name in names:
        found = predict.predict(name, image)
        if found.labels is not None:
            panels[name] = found.labels
        else:
            panels[name] = _enlarged(found.picture, 8 // zoo.PACKAGED[name].scale)
    if first.model == "csmask":
        image = np.clip(image[..., 2::-1] / 0.6, 0, 1) ** 0.6  # red, green, blue
        image = np.rint(image * 255).astype("uint8")
    if not classes:
        image = _enlarged(image, 8)
    viz.compare(image, panels, **({"classes": classes} if classes else {})).savefig(path, dpi=80)


def _enlarged(image: np.ndarray, factor: int) -> np.ndarray:
    return image.repeat(factor, 0).repeat(factor, 1)


def _scaled(preset: PackagedFile, image: np.ndarray, size: tuple[int, int]) -> np.ndarray:
    """As `predict` gives the picture to the network, resized to one size."""
    from PIL import Image

    values = image.astype("float32") / (255 if image.dtype == np.uint8 else 1)
    if tuple(preset.channels) == ("blue", "green", "red"):
        values = values[..., ::-1]
    planes = [
        np.asarray(Image.fromarray(plane).resize(size[::-1], Image.Resampling.BILINEAR))
        for plane in np.moveaxis(values, -1, 0)
    ]
    scale, offset = np.array(preset.scaling.scale), np.array(preset.scaling.offset)
    return (np.stack(planes, -1) * scale + offset).astype("float32")


def _original(preset: PackagedFile, x: np.ndarray) -> np.ndarray:
    """The file in LiteRT, ONNX Runtime or TensorFlow.js."""
    from keras_upsample import runtimes

    file = _files(preset)[0]
    if preset.reader == "from_tfjs":
        with tempfile.TemporaryDirectory() as folder:
            install = ["npm", "install", "--silent", "--no-audit", f"@tensorflow/tfjs@{TFJS}"]
            subprocess.run([shutil.which("npm"), *install[1:]], cwd=folder, check=True)
            place = pathlib.Path(folder)
            (place / "run.js").write_text(_RUN)
            x.tofile(place / "x.bin")
            shape = ",".join(map(str, (1, *x.shape)))
            subprocess.run(["node", "run.js", str(file), shape], cwd=folder, check=True)
            rows, columns = (n * preset.scale for n in x.shape[:2])
            return np.fromfile(place / "y.bin", "<f4").reshape(rows, columns, 3)
    planar = preset.reader == "from_onnx"
    given = x.transpose(2, 0, 1) if planar else x
    result = next(iter(runtimes.load(file)({_input(file): given[None]}).values()))[0]
    return result.transpose(1, 2, 0) if planar else result


def _input(path: pathlib.Path) -> str:
    from keras_upsample import runtimes

    return str(runtimes.load(path).inputs[0].name)


def _files(preset: PackagedFile) -> list[pathlib.Path]:
    folder = preset.weights if preset.reader == "from_tfjs" else ""
    return cached_paths(preset.source.package, preset.members, folder)


def _classes(preset: PackagedFile, values: np.ndarray) -> np.ndarray:
    if values.shape[-1] > 1:
        return values.argmax(-1)
    return values[..., 0] >= (preset.threshold or 0.5)


def _psnr(preset: PackagedFile) -> dict[str, float]:
    """Of a photograph that was reduced and enlarged again, beside bicubic enlargement; RGB."""
    from PIL import Image

    from keras_upsample import data, metrics

    side = 384
    truth = data.photograph("astronaut")[:side, 64 : 64 + side]
    small = Image.fromarray(truth).resize((side // preset.scale,) * 2, Image.Resampling.BICUBIC)
    bicubic = np.asarray(small.resize((side, side), Image.Resampling.BICUBIC)) / 255
    found = np.asarray(zoo.load(preset.name)(np.asarray(small)[None].astype("float32")))[0] / 255
    return {
        "psnr": float(metrics.psnr(truth / 255, np.clip(found, 0, 1), border=8)),
        "bicubic": float(metrics.psnr(truth / 255, bicubic, border=8)),
    }
