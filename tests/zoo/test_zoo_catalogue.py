"""The list of models, the builders and the cards are one and the same."""

import json
import pathlib
import subprocess
import sys

import pytest

from keras_upsample import zoo

ROOT = pathlib.Path(__file__).parents[2]
NAMES = {entry.name for entry in zoo.CATALOGUE}


def test_catalogue_builders_and_cards_agree():
    tables = {"CATALOGUE", "PACKAGED", "PRESETS", "PackagedFile", "PackagedPreset", "Preset"}
    functions = {"load", "multiply_adds", "preset_named"}
    assert set(zoo.__all__) - tables - functions == NAMES
    presets = {preset.folder for preset in zoo.PRESETS.values()}
    families = {preset.model for preset in zoo.PACKAGED.values()}
    cards = {path.parent.name for path in (ROOT / "zoo").glob("*/README.md")}
    assert cards == NAMES | presets | families
    for name in NAMES:
        builder = getattr(zoo, name)
        assert builder.__name__ == name and builder.__doc__
        assert (ROOT / "zoo" / name / "architecture.svg").is_file()
        assert name in (ROOT / "zoo" / "README.md").read_text()


@pytest.mark.parametrize(
    "name",
    ["unet", *(pytest.param(name, marks=pytest.mark.slow) for name in sorted(NAMES - {"unet"}))],
)
def test_a_cards_figures_are_the_models(name):
    folder = ROOT / "zoo" / name
    figures = json.loads((folder / "figures.json").read_text())
    model = getattr(zoo, name)((256, 256, 3))
    assert figures["parameters"] == model.count_params()
    assert figures["multiply_adds"] == zoo.multiply_adds(model)
    card = (folder / "README.md").read_text()
    assert f"{model.count_params():,}" in card
    assert f"{figures['multiply_adds']:,}" in card


def test_papers_are_named_in_the_docstrings():
    for entry in zoo.CATALOGUE:
        address = entry.paper.rsplit(" ", 1)[1]
        assert address.startswith(("https://arxiv.org/abs/", "https://doi.org/"))
        assert address in getattr(zoo, entry.name).__doc__


def test_the_catalogue_imports_neither_keras_nor_tensorflow():
    code = (
        "import sys; from keras_upsample import zoo; assert len(zoo.CATALOGUE) >= 4; "
        "print([m for m in ('keras', 'tensorflow', 'numpy') if m in sys.modules])"
    )
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert done.stdout.strip() == "[]"
