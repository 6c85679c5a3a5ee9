"""Files of both exporters of PyTorch, against PyTorch's own outputs (files/make.py)."""

import subprocess
import sys
from pathlib import Path

import keras
import numpy as np
import pytest

from keras_upsample import interchange

FILES = sorted((Path(__file__).parent / "files").glob("*.onnx"))
ATTENTIONS = {"multi_head": 1, "transformer": 2, "windows": 2, "reduction": 1, "norms": 0}


def test_the_files_are_there():
    assert len(FILES) == 17


@pytest.mark.parametrize("path", FILES, ids=lambda path: path.stem)
def test_pytorchs_outputs(path):
    model = interchange.from_onnx(path, verify=False)
    with np.load(path.with_suffix(".npz")) as given:
        x, wanted = (np.moveaxis(given[name], 1, -1) for name in "xy")
    np.testing.assert_allclose(model(x, training=False), wanted, atol=1e-5 * np.ptp(wanted))
    kinds = [type(layer).__name__ for layer in model.layers]
    count = next(n for name, n in ATTENTIONS.items() if path.stem.startswith(name))
    assert kinds.count("Attention") == count
    assert not {"Elementwise", "Softmax"} & set(kinds)
    if path.stem.startswith("norms"):
        assert [kind for kind in kinds if kind.endswith("Normalization")] == [
            "GroupNormalization",
            "LayerNormalization",
            "LayerNormalization",
            "GroupNormalization",
            "BatchNormalization",
        ]


@pytest.mark.parametrize("name", ["transformer", "transformer__dyn"])
def test_layers_have_the_names_of_modules(name):
    model = interchange.from_onnx(Path(__file__).parent / "files" / f"{name}.onnx", verify=False)
    names = [layer.name for layer in model.layers]
    for module in ("patches", "blocks_0_norm1", "blocks_0_qkv", "blocks_1_proj", "blocks_1_fc2"):
        assert module in names
    assert "blocks_0_attention" in names


@pytest.mark.parametrize("name", ["transformer", "windows", "norms"])
def test_what_is_loaded_computes_the_same_bits(name, tmp_path):
    path = Path(__file__).parent / "files" / f"{name}.onnx"
    model = interchange.from_onnx(path, verify=False)
    model.save(tmp_path / "m.keras")
    again = keras.saving.load_model(tmp_path / "m.keras")
    with np.load(path.with_suffix(".npz")) as given:
        x = np.moveaxis(given["x"], 1, -1)
    np.testing.assert_array_equal(again(x, training=False), model(x, training=False))


@pytest.mark.slow
def test_another_process_loads_the_same_bits(tmp_path):
    code = """
import sys, keras, keras_upsample, numpy as np
for name in sys.argv[2:]:
    model = keras.saving.load_model(f"{sys.argv[1]}/{name}.keras")
    x = np.load(f"{sys.argv[1]}/{name}.x.npy")
    np.save(f"{sys.argv[1]}/{name}.y.npy", model(x, training=False))
"""
    names, wanted = ["transformer", "windows", "norms"], {}
    for name in names:
        path = Path(__file__).parent / "files" / f"{name}.onnx"
        model = interchange.from_onnx(path, verify=False)
        with np.load(path.with_suffix(".npz")) as given:
            x = np.moveaxis(given["x"], 1, -1)
        model.save(tmp_path / f"{name}.keras")
        np.save(tmp_path / f"{name}.x.npy", x)
        wanted[name] = np.asarray(model(x, training=False))
    subprocess.run([sys.executable, "-c", code, str(tmp_path), *names], check=True)
    for name, y in wanted.items():
        np.testing.assert_array_equal(np.load(tmp_path / f"{name}.y.npy"), y)


@pytest.mark.slow
@pytest.mark.parametrize(
    "name, most", [("multi_head", 2), ("reduction", 3), ("transformer", 4), ("windows", 8)]
)
def test_transposes_in_a_tflite_file(name, most, tmp_path):
    """Two for a block whose queries, keys and values are one projection, one more where they are
    two, two more for windows."""
    from keras_upsample import export
    from keras_upsample.edge._file import read

    model = interchange.from_onnx(Path(__file__).parent / "files" / f"{name}.onnx", verify=False)
    export.to_tflite(model, tmp_path / "m.tflite")
    kinds = [operator.name for operator in read(tmp_path / "m.tflite").operators]
    assert kinds.count("TRANSPOSE") == most
    assert kinds.count("BATCH_MATMUL") == kinds.count("SOFTMAX") * 2
