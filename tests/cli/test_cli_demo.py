"""`keras-upsample demo`: the folder, and what its page computes in a browser.

Where Node.js, Chromium, the npm packages or a network's own package are absent, tests are skipped.
"""

import json
import os
import subprocess
import sys
from pathlib import Path

import keras
import numpy as np
import pytest
from PIL import Image

import keras_upsample as ku
from keras_upsample._cli import demo as command
from keras_upsample._cli.models import UserError
from keras_upsample._cli.options import ModelChoice
from keras_upsample.data import photograph
from keras_upsample.errors import FetchError
from keras_upsample.metadata import Metadata, Output, attach
from keras_upsample.zoo import PACKAGED

sys.path.insert(0, str(Path(__file__).parents[1] / "parity"))
import browser_runtime

# One network of each family, and two presets that ship: percentiles of a grey image, a picture.
NETWORKS = (
    "unet:nuclei",
    "espcn:photos_x2",
    "selfie:256x256",
    "dbnet:ppocr_v4",
    "csmask:l1c_6bands",
    "esrgan_slim:x2",
    "real_esrgan:video_x4",
    "waifu2x:cunet_x2",
    "real_cugan:se_x2_conservative",
)
GREY = "unet:nuclei"


def sample_of(name: str, folder: Path) -> Path:
    """A file whose size the network takes as it is, so that nothing is resampled."""
    if name.startswith("csmask"):
        image = photograph("coffee")[:256, :256].astype("float32") / 400
        bands = np.concatenate([image[..., ::-1], image * 0.8], -1)
        np.save(folder / "scene.npy", bands.astype("float32"))
        return folder / "scene.npy"
    image = photograph("astronaut", (256, 256))
    if None in getattr(PACKAGED.get(name), "size", (None, None)):
        image = image[:64, 64:160]
    picture = Image.fromarray(image)
    (picture.convert("L") if name == GREY else picture).save(folder / "picture.png")
    return folder / "picture.png"


def values_of(file: Path) -> np.ndarray:
    if file.suffix == ".npy":
        return np.load(file)
    image = np.asarray(Image.open(file))
    return image[..., None] if image.ndim == 2 else image


def scaled(image: np.ndarray, name: str) -> np.ndarray:
    """What the network takes, by its card."""
    x = image.astype("float64")
    if name == GREY:
        low, high = np.percentile(x, (1, 99.8))
        return np.clip((x - low) / (high - low), 0, 1)
    if name.startswith("csmask"):
        scaling = PACKAGED[name].scaling
        return x * np.array(scaling.scale) + np.array(scaling.offset)
    if name.startswith("dbnet"):
        return x[..., ::-1] / 255 * 2 - 1
    return x if name.startswith("esrgan_slim") else x / 255


def opened(folder: Path, out: Path) -> dict:
    """What the page says; its values and pictures are in `out`."""
    script = browser_runtime.FOLDER / "demo.mjs"
    done = subprocess.run(
        ["node", str(script), str(folder), str(browser_runtime._packages()), str(out)],
        env={**os.environ, "CHROMIUM": browser_runtime._chromium()},
        capture_output=True,
        text=True,
        timeout=600,
    )
    assert done.returncode == 0, done.stderr
    return json.loads(done.stdout)


@pytest.mark.slow
@pytest.mark.parametrize("name", NETWORKS)
def test_the_page_computes_what_the_model_does(name: str, tmp_path: Path) -> None:
    if reason := browser_runtime.available():
        pytest.skip(reason)
    sample, folder = sample_of(name, tmp_path), tmp_path / "page"
    try:
        command.write_demo(ModelChoice(name), folder, sample, 256, None)
        model = ku.zoo.load(name)
    except FetchError as error:
        pytest.skip(f"not to be had: {error}")
    told = opened(folder, tmp_path)
    assert told["state"] == "done", told["text"]
    assert all(address.startswith("http://127.0.0.1:") for address in told["asked"])

    image = values_of(sample)
    wanted_input = scaled(image, name)
    got_input = np.fromfile(tmp_path / "input.bin", "<f4").reshape(wanted_input.shape)
    np.testing.assert_allclose(got_input, wanted_input, atol=2e-5 * np.ptp(wanted_input))

    wanted = np.asarray(model(wanted_input[None].astype("float32"), training=False))
    got = np.fromfile(tmp_path / "output.bin", "<f4").reshape(told["shape"])
    assert got.shape == wanted.shape
    assert np.abs(got - wanted).max() < 1e-4 * max(np.ptp(wanted), 1e-2)

    result = ku.predict.predict(name, image)
    drawn = np.asarray(Image.open(tmp_path / "drawn.png").convert("RGB")).astype(int)
    if result.picture is not None:
        assert np.abs(drawn - result.picture).max() <= 1
        return
    shares = [float(line.rpartition(" ")[2][:-1]) for line in told["classes"]]
    counts = [100 * float((result.labels == n).mean()) for n in range(len(result.classes))]
    np.testing.assert_allclose(shares, counts, atol=0.1)
    assert [line.rpartition(":")[0] for line in told["classes"]] == list(result.classes)
    if image.shape[-1] <= 3:  # class 0 shows the picture as it is, the others a colour over it
        coloured = np.abs(drawn - image).max(-1) > 1
        assert not coloured[result.labels == 0].mean() > 1e-3
        assert coloured[result.labels != 0].mean() > 0.95 or not (result.labels != 0).any()


@pytest.fixture
def no_fetch(monkeypatch, tmp_path: Path) -> None:
    """Two empty files in place of onnxruntime-web."""
    from keras_upsample.files import _package

    def fetch(package, members, **_):
        assert (package.name, package.index) == ("onnxruntime-web", "npm")
        paths = [tmp_path / name for name in members.values()]
        for path in paths:
            path.touch()
        return paths

    monkeypatch.setattr(_package, "fetch_members", fetch)


def test_the_folder(no_fetch, tmp_path: Path) -> None:
    Image.fromarray(photograph("coffee")).save(tmp_path / "cup.PNG")
    out = tmp_path / "page"
    command.write_demo(ModelChoice("espcn:photos_x2"), out, tmp_path / "cup.PNG", 128, None)
    assert {path.name for path in out.iterdir()} == {
        "index.html", "demo.mjs", "input.mjs", "output.mjs", "demo.json", "model.onnx",
        "sample.png", "ort.wasm.bundle.min.mjs", "ort-wasm-simd-threaded.wasm",
    }  # fmt: skip
    facts = json.loads((out / "demo.json").read_text())
    assert facts["name"] == "espcn:photos_x2" and facts["sample"] == "sample.png"
    assert facts["picture"] and facts["range"] == [0, 1] and facts["limit"] == 128
    assert facts["size"] is None and facts["channels"] == 3
    model = ku.zoo.load("espcn:photos_x2")
    assert ku.export.verify(model, out / "model.onnx").passed


@pytest.mark.parametrize("name", ["index.html", "demo.json", "sample.png"])
def test_a_file_of_the_user_stays(name, no_fetch, tmp_path: Path) -> None:
    Image.fromarray(photograph("coffee")).save(tmp_path / "cup.png")
    out = tmp_path / "page"
    out.mkdir()
    (out / name).write_text("{}")
    with pytest.raises(UserError, match=f"holds '{name}', which no demo wrote"):
        command.write_demo(ModelChoice("espcn:photos_x2"), out, tmp_path / "cup.png", 128, None)
    assert [(path.name, path.read_text()) for path in out.iterdir()] == [(name, "{}")]


def test_a_demo_is_written_again_beside_other_files(no_fetch, tmp_path: Path) -> None:
    for side in (96, 64):
        command.write_demo(ModelChoice("espcn:photos_x2"), tmp_path / "page", None, side, None)
        (tmp_path / "page" / "mine.txt").write_text("mine")
    assert json.loads((tmp_path / "page" / "demo.json").read_text())["limit"] == 64
    assert (tmp_path / "page" / "mine.txt").read_text() == "mine"


def test_classes_and_a_fixed_size() -> None:
    model = ku.zoo.load("unet:cells", input_shape=(64, 96, 2))
    facts = command.facts_of(ku.predict.load_model(model), model, 256)
    assert facts["size"] == [64, 96] and facts["channels"] == 2
    assert [each["name"] for each in facts["classes"]] == ["background", "cytoplasm", "nucleus"]
    assert facts["scaling"]["base"] == "percentiles"


def test_what_a_page_can_not_show_is_refused() -> None:
    entry = keras.Input((None, None, 3), name="image")
    depth = keras.Model(entry, keras.layers.Conv2D(1, 3, padding="same", name="depth")(entry))
    attach(depth, Metadata(task="regression", outputs=(Output(kind="regression"),)))
    with pytest.raises(UserError, match="'regression'"):
        command.facts_of(ku.predict.load_model(depth), depth, 256)


def test_a_sample_that_is_not_there(tmp_path: Path) -> None:
    arguments = ["demo", "espcn:photos_x2", "--out", "page", "--sample", "none.png"]
    done = subprocess.run(
        [sys.executable, "-m", "keras_upsample", *arguments],
        cwd=tmp_path,
        capture_output=True,
        text=True,
    )
    assert done.returncode == 2 and "'none.png' is not a file" in done.stderr
    assert not (tmp_path / "page").exists()
