"""Networks of others in TFLite, ONNX and TF.js files: table, a toy, the real ones (slow)."""

import json
import shutil
import subprocess
import sys

import numpy as np
import pytest

from keras_upsample import metadata, predict, runtimes, zoo
from keras_upsample.data import photograph
from keras_upsample.files._package import Package, cached_paths, fetch_members
from keras_upsample.files._recorded import record
from keras_upsample.zoo._load_file import load_file
from keras_upsample.zoo._package_source import Source
from keras_upsample.zoo._packaged_files import FILES, PADDLE_OCR, UKIS, PackagedFile

TFJS = "4.22.0"
RNG = np.random.default_rng(6)


@pytest.mark.parametrize("name", FILES)
def test_table(name):
    preset = FILES[name]
    assert zoo.PACKAGED[name] is preset and preset.name == name
    assert preset.task in metadata.TASKS and preset.kind in metadata.KINDS
    assert len(preset.source.package.sha256) == 64 and preset.source.licence
    assert preset.source.established and preset.source.origin.startswith("https://")
    assert preset.scaling.channels in (None, len(preset.channels))
    assert bool(preset.classes) == (preset.kind != "picture")
    cached_paths(preset.source.package, preset.members)  # names that the cache takes


def test_bands_have_the_numbers_of_the_package():
    """Spot checks of `model_6b_l1c.json` and `model_4b_l2a.json`, by (x − mean) / std."""
    six, four = FILES["csmask:l1c_6bands"], FILES["csmask:l2a_4bands"]
    assert six.channels == ("blue", "green", "red", "nir", "swir16", "swir22")
    assert four.channels == six.channels[:4]
    assert six.scaling.scale[5] == pytest.approx(1 / 0.12604215741157532)
    assert six.scaling.offset[3] == pytest.approx(-0.33431220054626465 / 0.23213787376880646)
    assert four.scaling.offset[0] == pytest.approx(-0.26681777834892273 / 0.33637598156929016)


@pytest.fixture
def toy(tmp_path, monkeypatch):
    """A TF.js model of one convolution, in the cache: 2x, of values in [0, 255]."""
    monkeypatch.setenv("KERAS_UPSAMPLE_CACHE", str(tmp_path))
    source = Source(Package("toy", "1", "0" * 64, 1), "", "MIT", "2026, us", "", "", "")
    preset = PackagedFile(
        "toy", "x2", {"model.json": "model.json", "w.bin": "w.bin"}, "from_tfjs", "Twice", source,
        "super_resolution", "picture", ("red", "green", "blue"),
        metadata.Scaling.to_range(0, 255), "", "", value_range=(0.0, 255.0), scale=2,
    )  # fmt: skip
    kernel = RNG.normal(0, 0.3, (1, 1, 3, 3)).astype("<f4")
    json_file, weights = cached_paths(source.package, preset.members, "x2")
    json_file.parent.mkdir(parents=True)
    plain = {"trainable": True, "dtype": "float32"}
    image = {"batch_input_shape": [None, None, None, 3], "name": "i", "dtype": "float32"}
    up = {**plain, "name": "u", "size": [2, 2], "interpolation": "nearest"}
    conv = {**plain, "name": "c", "filters": 3, "kernel_size": [1, 1], "use_bias": False}
    layers = [
        {"class_name": kind, "config": config, "name": config["name"], "inbound_nodes": nodes}
        for kind, config, nodes in (
            ("InputLayer", image, []),
            ("UpSampling2D", up, [[["i", 0, 0, {}]]]),
            ("Conv2D", conv, [[["u", 0, 0, {}]]]),
        )
    ]
    ends = {"input_layers": [["i", 0, 0]], "output_layers": [["c", 0, 0]]}
    config = {"name": "toy", "layers": layers, **ends}
    entry = {"name": "c/kernel", "shape": [1, 1, 3, 3], "dtype": "float32"}
    topology = {"model_config": {"class_name": "Functional", "config": config}}
    topology["keras_version"] = "2.10.0"
    manifest = [{"paths": ["w.bin"], "weights": [entry]}]
    json_file.write_text(
        json.dumps(
            {"format": "layers-model", "modelTopology": topology, "weightsManifest": manifest}
        )
    )
    weights.write_bytes(kernel.tobytes())
    record([json_file, weights])
    return preset, kernel


@pytest.mark.parametrize("shape", [None, (5, 7, 3)])
def test_a_toy_is_loaded_and_predicts(toy, shape):
    preset, kernel = toy
    model = load_file(preset, shape, None)
    assert model.input_shape == (None, *(shape or (None, None, 3)))
    facts = metadata.of(model)
    assert (facts.task, facts.licence, facts.author) == ("super_resolution", "MIT", "us")
    assert facts.input.value_range == (0, 255) and facts.preset == "toy:x2"
    image = RNG.integers(0, 256, (5, 7, 3)).astype("uint8")
    expected = image.repeat(2, 0).repeat(2, 1).astype("float64") @ kernel[0, 0]
    found = predict.predict(model, image).picture
    assert np.abs(found - np.clip(expected, 0, 255)).max() <= 0.51


def test_a_size_that_does_not_fit(toy):
    fixed = FILES["selfie:256x256"]
    with pytest.raises(ValueError, match=r"`input_shape` of selfie:256x256 is \(256, 256, 3\)"):
        load_file(fixed, (128, 128, 3), None)
    with pytest.raises(ValueError, match=r"is \(height, width, 3\) in multiples of 32"):
        load_file(FILES["dbnet:ppocr_v4"], (100, 64, 3), None)


@pytest.mark.slow
@pytest.mark.parametrize("name", ["selfie:256x256", "selfie:144x256"])
def test_people(name):
    """Against LiteRT on a photograph; the astronaut is found."""
    preset = FILES[name]
    model = load_file(preset, None, None, verify=True)
    height, width = preset.size
    picture = photograph("astronaut")[: 512 * height // width]
    small = photograph("astronaut", (height, width)).astype("float32")[None] / 255
    (file,) = cached_paths(preset.source.package, preset.members)
    (expected,) = runtimes.load(file)({"input_1": small}).values()
    assert np.abs(np.asarray(model(small)) - expected).max() < 5e-5
    labels = predict.predict(model, picture).labels
    assert labels.shape == picture.shape[:2]
    rows, columns = (n // 100 for n in picture.shape[:2])
    assert labels[40 * rows : 60 * rows, 40 * columns : 50 * columns].mean() > 0.99  # her face
    assert labels[: 10 * rows, 70 * columns : 90 * columns].mean() < 0.01  # the wall


@pytest.mark.slow
def test_text():
    """At open sizes against ONNX Runtime, and lines of text that Pillow drew."""
    from PIL import Image, ImageDraw

    preset = FILES["dbnet:ppocr_v4"]
    model = load_file(preset, None, None, verify=True)
    page = Image.new("RGB", (320, 224), (240, 235, 220))
    draw = ImageDraw.Draw(page)
    for top in (40, 100, 160):
        draw.text((40, top), "upsampling layers", fill=(20, 20, 60), font_size=26)
    image = np.asarray(page)
    (file,) = cached_paths(preset.source.package, preset.members)
    scaled = (image[None, ..., ::-1].astype("float32") / 255 - 0.5) / 0.5  # as the package does
    (expected,) = runtimes.load(file)({"x": scaled.transpose(0, 3, 1, 2)}).values()
    found = predict.predict(model, image, probabilities=True)
    difference = found.probabilities[..., -1] - expected[0, 0]
    assert np.abs(difference).max() < 5e-5
    np.testing.assert_array_equal(found.labels, expected[0, 0] >= 0.3)
    assert found.labels[54:63, 50:210].mean() > 0.95 and found.labels[75:95].mean() < 0.01
    odd = predict.predict(model, image[:-1, :-3]).labels  # filled up to a multiple of 32
    assert odd.shape == (223, 317) and (odd == found.labels[:-1, :-3]).mean() > 0.99


@pytest.mark.slow
@pytest.mark.parametrize("name", [name for name in FILES if name.startswith("csmask")])
def test_clouds(name, tmp_path):
    """Against the package's own code: order of bands, scaling, classes."""
    preset = FILES[name]
    model = load_file(preset, None, None)
    code = {f"ukis_csmask/{file}": file for file in ("__init__.py", "mask.py", "utils.py")}
    paths = fetch_members(UKIS.package, code)
    folder = tmp_path / "ukis_csmask"
    folder.mkdir()
    (onnx,) = cached_paths(UKIS.package, preset.members)
    statistics = f"{onnx.stem}.json"
    beside = fetch_members(UKIS.package, {f"ukis_csmask/{statistics}": statistics})
    for path in (*paths, onnx, *beside):
        shutil.copy(path, folder / path.name)
    image = scene(len(preset.channels))
    np.save(tmp_path / "image.npy", image[..., ::-1])  # another order of bands than the model's
    # Its own tiles overlap otherwise than ours; one tile is compared, as its session gives it.
    program = (
        "import numpy as np; from ukis_csmask.mask import CSmask;"
        "x = np.load('image.npy');"
        f"m = CSmask(x, {list(preset.channels[::-1])}, {preset.weights[:3]!r}, "
        "providers=['CPUExecutionProvider']);"
        "z = m.session.run(None, {m.input_names: np.moveaxis(m.img, -1, 0)[None]})[0];"
        "np.save('scores.npy', np.moveaxis(z[0], 0, -1))"
    )
    subprocess.run([sys.executable, "-c", program], cwd=tmp_path, check=True)
    scores = np.load(tmp_path / "scores.npy")
    found = predict.predict(model, image).labels
    assert len(np.unique(scores.argmax(-1))) > 1
    # The file computes in float16, where classes whose scores are nearly equal change places.
    best = np.sort(scores, axis=-1)
    clear = best[..., -1] - best[..., -2] > 0.03 * np.ptp(scores)
    assert clear.mean() > 0.7
    np.testing.assert_array_equal(found[clear], scores.argmax(-1)[clear])


def scene(bands):
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


@pytest.mark.slow
@pytest.mark.parametrize("scale", [2, 3, 4, 8])
def test_enlarging(scale, tmp_path):
    """Against TensorFlow.js itself, in Node."""
    if not (shutil.which("node") and shutil.which("npm")):
        pytest.skip("needs node and npm")
    preset = FILES[f"esrgan_slim:x{scale}"]
    model = load_file(preset, None, None)
    image = photograph("astronaut")[100:117, 200:223]
    image.astype("float32").tofile(tmp_path / "x.bin")
    file, _ = cached_paths(preset.source.package, preset.members, preset.weights)
    install = ["npm", "install", "--silent", "--no-audit", f"@tensorflow/tfjs@{TFJS}"]
    subprocess.run(install, cwd=tmp_path, check=True)
    (tmp_path / "run.js").write_text(PROGRAM)
    subprocess.run(["node", "run.js", str(file), "1,17,23,3"], cwd=tmp_path, check=True)
    expected = np.fromfile(tmp_path / "y.bin", "<f4").reshape(17 * scale, 23 * scale, 3)
    found = np.asarray(model(image[None].astype("float32")))[0]
    assert np.abs(found - expected).max() < 5e-5 * np.ptp(expected)
    picture = predict.predict(model, image).picture
    assert np.abs(picture - np.clip(expected, 0, 255)).max() < 0.51


PROGRAM = """
const tf = require('@tensorflow/tfjs'), fs = require('fs'), path = require('path');
const [, , file, shape] = process.argv, json = JSON.parse(fs.readFileSync(file));
const floats = b => new Float32Array(b.buffer.slice(b.byteOffset, b.byteOffset + b.byteLength));
const read = p => fs.readFileSync(path.join(path.dirname(file), p));
const data = Buffer.concat(json.weightsManifest.flatMap(g => g.paths.map(read)));
const artifacts = {
  modelTopology: json.modelTopology,
  weightSpecs: json.weightsManifest.flatMap(g => g.weights),
  weightData: floats(data).buffer,
};
(async () => {
  const model = await tf.loadLayersModel(tf.io.fromMemory(artifacts));
  const x = tf.tensor(floats(fs.readFileSync('x.bin')), shape.split(',').map(Number));
  fs.writeFileSync('y.bin', Buffer.from((await model.predict(x).data()).buffer));
})();
"""


@pytest.mark.slow
def test_the_package_scales_text_as_the_preset_does():
    """What `rapidocr-onnxruntime` itself configures: 0.5 and 0.5, threshold 0.3."""
    (path,) = fetch_members(PADDLE_OCR.package, {"rapidocr_onnxruntime/config.yaml": "config.yaml"})
    import yaml

    settings = yaml.safe_load(path.read_text())["Det"]
    assert settings["mean"] == settings["std"] == [0.5, 0.5, 0.5]
    assert settings["thresh"] == FILES["dbnet:ppocr_v4"].threshold
