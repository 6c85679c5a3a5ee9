"""The Python of the README and of `docs/lowering.md` runs, from the repository's root."""

import re
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[1]
PYTHON = re.compile(r"^```python\n(.*?)^```", re.S | re.M)
BLOCKS = PYTHON.findall((ROOT / "README.md").read_text())


def run(block: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> dict:
    monkeypatch.chdir(ROOT)
    names: dict = {}
    exec(compile(block.replace('"build/', f'"{tmp_path}/build/'), "README.md", "exec"), names)
    return names


def test_there_are_six_blocks() -> None:
    assert len(BLOCKS) == 6
    assert "from_torch_geometry" in BLOCKS[1]


def test_presets_example(tmp_path, monkeypatch) -> None:
    names = run(BLOCKS[0], tmp_path, monkeypatch)
    assert names["result"].picture.shape == (120, 180, 3)
    assert names["model"].class_names == ["background", "nucleus"]


def test_pytorch_example(tmp_path, monkeypatch) -> None:
    names = run(BLOCKS[1], tmp_path, monkeypatch)
    assert tuple(names["torch"]["article/x"].shape) == (1, 16, 8, 8)
    assert tuple(names["y"].shape) == (1, 16, 16, 8)


@pytest.mark.slow
def test_default_unet_example(tmp_path, monkeypatch) -> None:
    names = run(BLOCKS[2], tmp_path, monkeypatch)
    assert [a.target for a in names["report"].artefacts] == ["saved_model", "tflite", "onnx"]
    assert (tmp_path / "build/unet/unet.onnx").is_file()


def test_own_model_example(tmp_path, monkeypatch) -> None:
    run(BLOCKS[3], tmp_path, monkeypatch)
    assert (tmp_path / "build/mine.onnx").is_file()
    assert (tmp_path / "build/mine.tflite").is_file()
    assert (tmp_path / "build/fast.tflite").is_file()


def test_eight_bits_example(tmp_path, monkeypatch) -> None:
    names = run(BLOCKS[4], tmp_path, monkeypatch)
    assert names["report"].verifications[0].snr_db > 30


def test_metadata_example(tmp_path, monkeypatch, capsys) -> None:
    import keras

    image = keras.Input((None, None, 3), name="image")
    x = keras.layers.Conv2D(2, 1, name="logits")(keras.layers.Rescaling(1 / 255)(image))
    keras.Model(image, x).save(tmp_path / "my_model.keras")
    block = BLOCKS[5].replace('"my_model', f'"{tmp_path}/my_model')
    run(block.replace('"water.keras', f'"{tmp_path}/water.keras'), tmp_path, monkeypatch)
    assert "classes        land, water" in capsys.readouterr().out
    assert (tmp_path / "build/water.tflite").is_file()


def test_lowering_example(tmp_path, monkeypatch) -> None:
    (block,) = PYTHON.findall((ROOT / "docs/lowering.md").read_text())
    names = run(block, tmp_path, monkeypatch)
    assert not names["lowered"].notice
    assert len(names["lowered"].applied) > 10


def test_edge_example(tmp_path, monkeypatch) -> None:
    (block,) = PYTHON.findall((ROOT / "docs/edge.md").read_text())
    names = run(block, tmp_path, monkeypatch)
    assert names["report"].passed
    assert "espcn_len" in (tmp_path / "build/model.h").read_text()
