"""What is measured for the cards of networks in TFLite, ONNX and TF.js files."""

import pathlib
import shutil
import subprocess
import tempfile
from typing import Any

import numpy as np

from keras_upsample import zoo
from keras_upsample.files._package import cached_paths
from keras_upsample.zoo._packaged_files import PackagedFile

TFJS = "4.22.0"
SIDES = {"esrgan_slim": (64, 64), "dbnet": (320, 320)}  # of what has no size of its own
DEVICE = "ethos_u85_256"
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
        return scene(len(preset.channels))
    if preset.model == "dbnet":
        return page()
    if preset.model == "selfie":
        height, width = size_of(preset)
        return data.photograph("astronaut")[: 512 * height // width]
    return data.photograph("astronaut")[40:104, 190:254]


def page() -> np.ndarray:
    """Lines of text that Pillow draws on a photograph of bricks (CC0), some of them askew."""
    from PIL import Image, ImageDraw

    from keras_upsample import data

    result = Image.fromarray(data.photograph("brick")).convert("RGB").resize((640, 416))
    lines = (
        ("UPSAMPLING", 70, (40, 24), 0, "white"),
        ("every runtime gets the equal form", 26, (60, 120), 0, "black"),
        ("that it runs fastest there", 26, (60, 158), 0, "black"),
        ("askew, by eight degrees", 34, (150, 210), 8, "yellow"),
        ("12:45  Gleis 3  Basel", 30, (330, 330), -5, "navy"),
    )
    for text, size, place, degrees, colour in lines:
        layer = Image.new("RGBA", (600, 120))
        ImageDraw.Draw(layer).text((20, 30), text, fill=colour, font_size=size)
        turned = layer.rotate(degrees, Image.Resampling.BICUBIC)
        result.paste(turned, (place[0] - 20, place[1] - 30), turned)
    return np.asarray(result)


def scene(bands: int) -> np.ndarray:
    """Reflectances of ground with bright blobs, and dark copies of these beside them."""
    from scipy.ndimage import gaussian_filter

    rng = np.random.default_rng(0)
    ground = np.array([0.06, 0.08, 0.09, 0.28, 0.22, 0.14])[:bands]
    bright = np.array([0.62, 0.6, 0.6, 0.65, 0.45, 0.35])[:bands]
    texture, cloud = (gaussian_filter(rng.normal(size=(256, 256)), s) for s in (6, 14))
    cloud = np.clip((cloud / cloud.std() - 0.8) * 2, 0, 1)[..., None]
    image = ground * (1 + 0.15 * texture[..., None] / texture.std())
    image = image * (1 - 0.6 * np.roll(cloud, (18, 18), (0, 1)))
    return (image * (1 - cloud) + cloud * bright).astype("float32")


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
    """What an 8-bit file loses against the model on the sample, and where an NPU runs it.

    The gate of 8-bit files (30 dB) is lowered for this, so that a file of less can be measured.
    """
    from keras_upsample import edge, export, runtimes

    size = size_of(preset)
    shape = (*size, len(preset.channels))
    model = zoo.load(preset.name, input_shape=shape)
    x = _scaled(preset, sample(preset), size)
    truth = np.asarray(model(x[None], training=False))[0]
    with tempfile.TemporaryDirectory() as folder:
        path = pathlib.Path(folder) / "int8.tflite"
        report = export.to_tflite(model, path, precision="int8", gate=10.0)
        found = np.asarray(next(iter(runtimes.load(path)({_input(path): x[None]}).values())))[0]
        checked = edge.check(path, DEVICE)
    figures: dict[str, Any] = {
        "bytes": report.file_size,
        "snr": min(v.snr_db for v in report.verifications),
        "device": {"verdict": checked.verdict, "notes": list(checked.notes)},
    }
    if preset.classes:
        figures["same_classes"] = float((_classes(preset, found) == _classes(preset, truth)).mean())
    else:
        noise = np.mean((np.clip(found, 0, 255) - np.clip(truth, 0, 255)) ** 2)
        figures["psnr"] = float(10 * np.log10(255**2 / noise))
    return figures


def latency(preset: PackagedFile) -> dict[str, Any]:
    """Milliseconds of one image; for a machine that does nothing else."""
    from keras_upsample import export, runtimes

    shape = (*size_of(preset), len(preset.channels))
    model = zoo.load(preset.name, input_shape=shape)
    with tempfile.TemporaryDirectory() as folder:
        report = export.export(model, folder, ["tflite", "onnx"], input_shape=shape)
        paths = [artefact.path for artefact in report.artefacts]
        measured = runtimes.benchmark(paths, names=["LiteRT", "ONNX Runtime"])
    return {
        "threads": measured.threads,
        **{t.name: {"min": 1e3 * t.minimum, "median": 1e3 * t.median} for t in measured.timings},
    }


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
