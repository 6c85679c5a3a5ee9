"""Python blocks of the README and of docs/, run from the repository's root, with their results."""

import re
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[1]
PYTHON = re.compile(r"^```python\n(.*?)^```", re.S | re.M)
PAGES = (ROOT / "README.md", *sorted((ROOT / "docs").glob("*.md")))
LONGEST = 105
"""Lines of a README of two screens, a few more for the comments that name its commands."""


def block_with(words: str) -> str:
    """The first block of the pages that holds some words."""
    blocks = [block for page in PAGES for block in PYTHON.findall(page.read_text())]
    return next(block for block in blocks if words in block)


def run(block: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> dict:
    monkeypatch.chdir(ROOT)
    names: dict = {}
    exec(compile(block.replace('"build/', f'"{tmp_path}/build/'), "README.md", "exec"), names)
    return names


def save_my_model(path: Path) -> None:
    import keras

    image = keras.Input((None, None, 3), name="image")
    x = keras.layers.Conv2D(2, 1, name="logits")(keras.layers.Rescaling(1 / 255)(image))
    keras.Model(image, x).save(path)


def test_readme_is_two_screens_long() -> None:
    assert len((ROOT / "README.md").read_text().splitlines()) <= LONGEST


def test_readme_example(tmp_path, monkeypatch) -> None:
    (block,) = PYTHON.findall((ROOT / "README.md").read_text())
    save_my_model(tmp_path / "my_model.keras")
    names = run(block.replace('"my_model', f'"{tmp_path}/my_model'), tmp_path, monkeypatch)
    assert [a.target for a in names["report"].artefacts] == ["saved_model", "tflite", "onnx"]
    assert len(list((tmp_path / "build/mine").glob("*.onnx"))) == 1
    assert names["result"].picture.shape == (120, 180, 3)


def test_presets_example(tmp_path, monkeypatch) -> None:
    names = run(block_with('zoo.unet(weights="nuclei")'), tmp_path, monkeypatch)
    assert names["model"].class_names == ["background", "nucleus"]


def test_pytorch_example(tmp_path, monkeypatch) -> None:
    names = run(block_with("from_torch_geometry"), tmp_path, monkeypatch)
    assert tuple(names["torch"]["article/x"].shape) == (1, 16, 8, 8)
    assert tuple(names["y"].shape) == (1, 16, 16, 8)


def test_own_model_example(tmp_path, monkeypatch) -> None:
    run(block_with('"build/mine.onnx", layout="nchw"'), tmp_path, monkeypatch)
    assert (tmp_path / "build/mine.onnx").is_file()
    assert (tmp_path / "build/mine.tflite").is_file()
    assert (tmp_path / "build/fast.tflite").is_file()


def test_eight_bits_example(tmp_path, monkeypatch) -> None:
    names = run(block_with("verifications[0].snr_db"), tmp_path, monkeypatch)
    assert names["report"].verifications[0].snr_db > 30


def test_metadata_example(tmp_path, monkeypatch, capsys) -> None:
    save_my_model(tmp_path / "my_model.keras")
    block = block_with('"build/water.tflite"').replace('"my_model', f'"{tmp_path}/my_model')
    run(block.replace('"water.keras', f'"{tmp_path}/water.keras'), tmp_path, monkeypatch)
    assert "classes        land, water" in capsys.readouterr().out
    assert (tmp_path / "build/water.tflite").is_file()


def test_lowering_example(tmp_path, monkeypatch) -> None:
    (block,) = PYTHON.findall((ROOT / "docs/lowering.md").read_text())
    names = run(block, tmp_path, monkeypatch)
    assert not names["lowered"].notice
    assert len(names["lowered"].applied) > 10


def test_edge_example(tmp_path, monkeypatch) -> None:
    names = run(block_with("edge.c_array"), tmp_path, monkeypatch)
    assert names["report"].passed
    assert "espcn_len" in (tmp_path / "build/model.h").read_text()
