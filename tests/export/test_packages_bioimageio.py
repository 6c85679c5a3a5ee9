"""bioimage.io packages: their description beside the ONNX file and the model, and bioimage.io's own
test where its package is installed.

bioimageio.core does not install beside this package's version of pydantic: the environment variable
BIOIMAGEIO_PYTHON may name the Python of an environment that has it.
"""

import os
import subprocess
import sys
import zipfile
from importlib.util import find_spec
from pathlib import Path
from typing import Any

import keras
import numpy as np
import onnx
import pytest
import yaml
from exporting import picture

from keras_upsample import export
from keras_upsample.files._sha256 import sha256_of
from keras_upsample.metadata import Input, Metadata, Output, Scaling, attach

PYTHON = os.environ.get("BIOIMAGEIO_PYTHON") or (
    sys.executable if find_spec("bioimageio") and find_spec("bioimageio.core") else ""
)
CREDITS = {"author": "A. Nobody", "cite": "Nobody et al., Nets, 10.1007/978-3-319-24574-4_28"}
SCALINGS = {
    "percentiles": Scaling("percentiles", scale=(2.0,), offset=(-1.0,)),
    "full_range": Scaling.mean_std((0.4, 0.5), (0.2, 0.3)),
    "stored": Scaling("stored", scale=(0.5,)),
}
_PROGRAM = """
import sys
from bioimageio.core import test_model
found = test_model(sys.argv[1], weight_format="onnx")
print(found.status)
if found.status != "passed":
    print(found.format())
"""


def network(scaling: Scaling, size: tuple = (None, None)) -> Any:
    """Of an output twice as large as the image."""
    image = keras.Input((*size, 2), name="Image")
    x = keras.layers.Conv2D(4, 3, padding="same", activation="tanh")(image)
    x = keras.layers.UpSampling2D(2, interpolation="bilinear")(x)
    model = keras.Model(image, keras.layers.Conv2D(3, 1, name="scores")(x), name="net")
    facts = Metadata(
        "net",
        task="segmentation",
        licence="CC0-1.0",
        inputs=(Input("Image", channels=("nuclei stain", "light"), scaling=scaling),),
        outputs=(Output("scores", "logits", ("a", "b", "c")),),
    )
    return attach(model, facts)


@pytest.fixture(scope="module")
def made(tmp_path_factory: pytest.TempPathFactory) -> dict[str, tuple[Any, Path]]:
    out = tmp_path_factory.mktemp("made")
    found = {}
    for name, scaling in SCALINGS.items():
        model = network(scaling, (40, 56) if name == "stored" else (None, None))
        layout = "nchw" if name == "full_range" else "nhwc"
        report = export.package(
            model,
            out,
            "bioimageio",
            name=name,
            images=picture(channels=2),
            layout=layout,
            **CREDITS,
        )
        assert report.path == str(out / f"{name}.zip")
        found[name] = model, Path(report.path)
    return found


def unpacked(path: Path, folder: Path) -> tuple[dict[str, Any], Path]:
    with zipfile.ZipFile(path) as archive:
        archive.extractall(folder)
    return yaml.safe_load((folder / "rdf.yaml").read_text(encoding="utf-8")), folder


def scaled(image: np.ndarray, steps: list[dict[str, Any]], axes: list[str]) -> np.ndarray:
    """The steps of the description, by the formulas of bioimage.io's specification."""
    x = image.astype("float64")
    for step in steps:
        kwargs = step["kwargs"]
        if step["id"] == "scale_range":
            over = tuple(axes.index(axis) for axis in kwargs["axes"])
            low, high = (
                np.percentile(x, kwargs[f"{end}_percentile"], axis=over, keepdims=True)
                for end in ("min", "max")
            )
            x = (x - low) / (high - low + kwargs["eps"])
        elif step["id"] == "clip":
            x = np.clip(x, kwargs["min"], kwargs["max"])
        elif step["id"] == "scale_linear":
            shape = [1] * 4
            if "axis" in kwargs:
                shape[axes.index(kwargs["axis"])] = -1
            gain, offset = (np.reshape(kwargs[name], shape) for name in ("gain", "offset"))
            x = x * gain + offset
        else:
            assert step == {"id": "ensure_dtype", "kwargs": {"dtype": "float32"}}
    return x.astype("float32")


@pytest.mark.parametrize("name", SCALINGS)
def test_the_description_is_true(made: dict, name: str, tmp_path: Path) -> None:
    model, path = made[name]
    facts, folder = unpacked(path, tmp_path)
    assert facts["license"] == "CC0-1.0" and facts["authors"] == [{"name": "A. Nobody"}]
    (cite,) = facts["cite"]
    assert cite == {"text": "Nobody et al., Nets", "doi": "10.1007/978-3-319-24574-4_28"}
    files = [facts["documentation"], facts["weights"]["onnx"]]
    files += [item["test_tensor"] for item in facts["inputs"] + facts["outputs"]]
    for file in files:
        assert sha256_of(folder / file["source"]) == file["sha256"]
    file = onnx.load(folder / "model.onnx")
    assert facts["weights"]["onnx"]["opset_version"] == file.opset_import[0].version

    (given,), (output,) = facts["inputs"], facts["outputs"]
    axes = [axis.get("id", axis["type"]) for axis in given["axes"]]
    image = np.load(folder / given["test_tensor"]["source"])
    assert str(image.dtype) == given["data"]["type"]
    network_input = scaled(image, given["preprocessing"], axes)
    back = {"nchw": (0, 2, 3, 1), "nhwc": (0, 1, 2, 3)}["nchw" if axes[1] == "channel" else "nhwc"]
    wanted = np.asarray(model(network_input.transpose(back)))
    assert np.ptp(wanted) > 0.1
    got = np.load(folder / output["test_tensor"]["source"])
    if axes[1] == "channel":
        got = got.transpose(back)
    np.testing.assert_allclose(got, wanted, atol=1e-5 * np.ptp(wanted))

    by_id = {axis.get("id", axis["type"]): axis for axis in given["axes"]}
    told = {axis.get("id", axis["type"]): axis for axis in output["axes"]}
    assert by_id["channel"]["channel_names"] == ["nuclei stain", "light"]
    assert told["channel"]["channel_names"] == ["a", "b", "c"]
    if name == "stored":
        assert [by_id[axis]["size"] for axis in "yx"] == [40, 56]
        assert [told[axis]["size"] for axis in "yx"] == [80, 112]
        return
    for axis in "yx":
        size = by_id[axis]["size"]["min"] + by_id[axis]["size"]["step"]
        assert told[axis]["size"]["axis_id"] == axis
        assert size / told[axis]["scale"] + told[axis]["size"]["offset"] == 2 * size
        assert told[axis]["halo"] == 64  # twice the 32 pixels of the image


@pytest.mark.skipif(not PYTHON, reason="bioimageio.core is not installed (BIOIMAGEIO_PYTHON)")
@pytest.mark.parametrize("name", SCALINGS)
def test_bioimage_io_passes_it(made: dict, name: str, tmp_path: Path) -> None:
    _, path = made[name]
    done = subprocess.run(
        [PYTHON, "-W", "ignore", "-c", _PROGRAM, str(path)],
        capture_output=True,
        text=True,
        env={
            **os.environ,
            "PYTHONPATH": "",
            "HOME": str(tmp_path),
            "HTTPS_PROXY": "http://[::1]:9",
        },
    )
    assert done.returncode == 0, done.stderr[-2000:]
    assert done.stdout.strip().endswith("passed"), done.stdout[-6000:]


def test_what_the_model_does_not_know_is_asked_for(tmp_path: Path, made: dict) -> None:
    model, path = made["stored"]
    with pytest.raises(ValueError, match=r"author, cite. Pass author= \(--author\), cite= \(--c"):
        export.package(model, tmp_path, "bioimageio")
    with pytest.raises(ValueError, match="`cite` must end in a DOI or an address"):
        export.package(model, tmp_path, "bioimageio", author="N", cite="a paper")
    with pytest.raises(ValueError, match="`author` is for format 'bioimageio'"):
        export.package(model, tmp_path, "triton", author="N")
    assert not list(tmp_path.iterdir())
    (tmp_path / "net.zip").write_bytes(b"of others")
    with pytest.raises(ValueError, match="was not written by this package"):
        export.package(model, tmp_path, "bioimageio", **CREDITS)
    _, folder = unpacked(path, tmp_path / "parts")
    again = tmp_path / "again"
    for _ in range(2):  # the second replaces the first
        report = export.package(
            folder / "model.onnx", again, "bioimageio", name="stored", **CREDITS
        )
        assert Path(report.path).read_bytes() == path.read_bytes()
    assert [file.name for file in again.iterdir() if file.suffix] == ["stored.zip"]
