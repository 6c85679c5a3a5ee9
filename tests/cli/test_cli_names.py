"""Names are data: no name of a file, or in one, is a pattern, an option, markup, or a command to
the terminal."""

import io
import json
import os
import shutil
import sys
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from PIL import Image
from test_cli_predict import brightest
from typer.testing import CliRunner

from keras_upsample import interchange, runtimes
from keras_upsample._cli.inputs import image_files
from keras_upsample._cli.progress import export_progress, image_progress
from keras_upsample._cli.screen import screen
from keras_upsample._text import json_text, printable, printable_lines
from keras_upsample.cli import app
from keras_upsample.files._plain_path import plain_path

ODD = (
    "[1]",
    "[!a]",
    "*",
    "?",
    "--config=x",
    "-x",
    "a\nb",
    "a\x1b[31mred\x1b[0m",
    "a\rb",
    "a\u202eb",
    "{}",
    "{0.__class__}",
    "%s",
    "[red]x",
    "[bold]x",
    "~",
    "$HOME",
)
NOT_UTF8 = os.fsdecode(b"\xff\xfe\x9b31m")
STEMS = (*ODD, NOT_UTF8) if sys.platform == "linux" else ODD
pytestmark = pytest.mark.skipif(sys.platform == "win32", reason="no such names there")


@pytest.fixture(autouse=True)
def folder(tmp_path, monkeypatch) -> Path:
    monkeypatch.setenv("KERAS_UPSAMPLE_CACHE", str(tmp_path / "cache"))
    monkeypatch.chdir(tmp_path)
    return tmp_path


def command(*arguments: object, code: int = 0) -> tuple[str, str]:
    """What it shows on standard output and error; all of it printable UTF-8."""
    done = CliRunner().invoke(app, [str(each) for each in arguments])
    if done.exception is not None and not isinstance(done.exception, SystemExit):
        raise done.exception
    shown = done.stdout_bytes.decode("utf-8"), done.stderr_bytes.decode("utf-8")
    assert done.exit_code == code, shown
    for text in shown:
        assert text.replace("\n", "").isprintable(), text
    return shown


def pictures(folder: Path) -> None:
    folder.mkdir()
    Image.fromarray(np.full((6, 7, 3), 9, "uint8")).save("one.png")
    for stem in STEMS:
        shutil.copy("one.png", folder / f"{stem}.png")


def test_pictures_in_a_folder_and_by_their_names(folder, capfd) -> None:
    pictures(folder / "in")
    model = brightest(folder / "m.onnx")
    wanted = sorted(f"{stem}_classes.png" for stem in STEMS)
    out, _ = command("predict", model, "in", "--out", "out", "--no-overlays")
    assert out == f"{len(STEMS)} images predicted: out\n"
    assert sorted(file.name for file in Path("out").glob("*_classes.png")) == wanted
    os.chdir("in")
    names = [f"{stem}.png" for stem in STEMS]
    out, _ = command("predict", model, "--out", folder / "b", "--no-overlays", "--", *names)
    assert out == f"{len(STEMS)} images predicted: {folder / 'b'}\n"
    assert sorted(file.name for file in (folder / "b").glob("*_classes.png")) == wanted
    assert capfd.readouterr().err.replace("\n", "").isprintable()


def test_pictures_that_fail_have_one_line_each(folder, capfd) -> None:
    (folder / "in").mkdir()
    for stem in STEMS:
        (folder / "in" / f"{stem}.png").write_bytes(b"no picture")
    command("predict", brightest(folder / "m.onnx"), "in", "--out", "out", code=1)
    said = capfd.readouterr().err
    assert said.replace("\n", "").isprintable()
    lines = [line for line in said.splitlines() if "can't be read" in line]
    assert len(lines) == len(STEMS)
    for stem in STEMS:
        assert sum(repr(f"in/{stem}.png") in line for line in lines) == 1, stem


@pytest.mark.parametrize("stem", STEMS, ids=ascii)
def test_a_path_that_is_not_there(stem, capfd) -> None:
    command("predict", "--out", "out", "--", "no.onnx", f"{stem}.png", code=2)
    assert capfd.readouterr().err.count("\n") == 1
    command("info", "--", f"{stem}.onnx", code=2)
    said = capfd.readouterr().err
    assert said.count("\n") == 1 and said.strip().isprintable()


def test_folders_in_a_pattern_are_names(folder) -> None:
    for name in ("[1]", "1"):
        pictures(folder / name)
    matched = image_files(["[1]/-*.png"], folder / "out")
    assert [str(file) for file in matched] == ["[1]/--config=x.png", "[1]/-x.png"]
    assert [str(file) for file in image_files(["?/[-]x.png"], folder / "out")] == ["1/-x.png"]
    (folder / "1" / "deep").mkdir()
    shutil.copy("one.png", folder / "1" / "deep" / "a.png")
    assert [str(f) for f in image_files(["1/**/a.png"], folder / "o")] == ["1/deep/a.png"]


@pytest.mark.parametrize("name", [*STEMS, "[/bold]"], ids=ascii)
def test_bars_show_names_as_they_are(name) -> None:
    for bar in (image_progress, export_progress):
        written = io.StringIO()
        with bar(screen(file=written, force_terminal=True, width=120), [name]) as step:
            step(*((0, 0.5) if bar is image_progress else (name, "verify")))
        assert printable(name)[:24] in written.getvalue()
        assert name.isprintable() or name not in written.getvalue()


def of_names(path: Path, *, stem: str) -> Path:
    """An ONNX file whose tensors have a name that is a command to the terminal."""
    import onnx

    model = onnx.load(str(brightest(path)))
    for value in (model.graph.input[0], model.graph.output[0]):
        value.name += stem
    model.graph.node[0].input[0] += stem
    model.graph.node[0].output[0] += stem
    path.write_bytes(model.SerializeToString())
    return path


def test_names_in_files(folder, capfd) -> None:
    harm = "\x1b]0;title\x07\u202e\x9b31m[red]"
    path = of_names(folder / "m.onnx", stem=harm)
    out, _ = command("info", path)
    assert printable(f"image{harm}") in out
    out, _ = command("info", "--json", path)
    assert f"image{harm}" in strings(json.loads(out))
    assert capfd.readouterr().err.replace("\n", "").isprintable()


def strings(value: Any):
    if isinstance(value, dict):
        value = [*value, *value.values()]
    if isinstance(value, list):
        for each in value:
            yield from strings(each)
    elif isinstance(value, str):
        yield value


@pytest.mark.parametrize("text", [*STEMS, "tab\there", "\x7f\x85\u2028", 'quote"\\', "ß 漢 é"])
def test_text_is_escaped_and_comes_back(text) -> None:
    shown = printable(text)
    assert shown.isprintable() and shown.encode("utf-8")
    if "\\" not in text:
        assert shown.encode("latin-1", "backslashreplace").decode("unicode_escape") == text
    assert printable_lines(f"{text}\nmore").endswith("\nmore")
    written = json_text({text: [text]})
    assert written.replace("\n", "").isprintable()
    assert json.loads(written.encode("utf-8")) == {text: [text]}


@pytest.mark.parametrize("name", ["[1]", NOT_UTF8], ids=ascii)
def test_files_of_models_at_such_paths(name, folder) -> None:
    if name not in STEMS:
        pytest.skip("no such names there")
    (folder / name).mkdir()
    path = folder / name / f"{name}.onnx"
    shutil.copy(brightest(folder / "m.onnx"), path)
    image = {"image": np.ones((1, 32, 32, 3), "float32")}
    assert runtimes.load(path)(image)["logits"].shape == (1, 32, 32, 3)
    assert interchange.from_onnx(path).count_params() == 0


@pytest.mark.parametrize("name", ["[1]", NOT_UTF8], ids=ascii)
def test_exports_to_such_folders(name, folder) -> None:
    import keras

    from keras_upsample.export import export
    from keras_upsample.export._source import load_source

    if name not in STEMS:
        pytest.skip("no such names there")
    keras.utils.set_random_seed(3)
    image = keras.Input((8, 8, 3), name="image")
    model = keras.Model(image, keras.layers.Conv2D(2, 3, padding="same")(image), name="m")
    export(model, folder / name, ["saved_model", "onnx"])
    report = json.loads((folder / name / "report.json").read_bytes().decode("utf-8"))
    places = [str(folder / name / each) for each in ("saved_model", "m.onnx")]
    assert [each["path"] for each in report["artefacts"]] == places
    copy = folder / name / name  # a folder whose own name is no name for TensorFlow either
    shutil.copytree(folder / name / "saved_model", copy)
    values = np.random.default_rng(3).random((2, 8, 8, 3), "float32")
    wanted = model(values).numpy()
    (found,) = runtimes.load(copy)({"image": values}).values()
    np.testing.assert_allclose(found, wanted, atol=1e-5)
    (found,) = keras.tree.flatten(load_source(copy)(values))
    np.testing.assert_allclose(found, wanted, atol=1e-5)


def test_a_plain_path_is_not_changed(folder) -> None:
    with plain_path(Path("a.onnx")) as same:
        assert same == Path("a.onnx")
    (folder / "[1]").mkdir()
    with plain_path(Path("[1]/a.onnx")) as other:
        other.write_bytes(b"here")
        assert "[" not in str(other)
    assert Path("[1]/a.onnx").read_bytes() == b"here"
    assert not other.exists()


def test_training_data_of_such_names(folder) -> None:
    from keras_upsample.data import folder as read_folder

    for part in ("images", "masks"):
        (folder / part).mkdir()
        for stem in STEMS:
            shape = (5, 6, 3) if part == "images" else (5, 6)
            Image.fromarray(np.ones(shape, "uint8")).save(folder / part / f"{stem}.png")
    found = read_folder(folder / "images", folder / "masks")
    assert sorted(found.names) == sorted(STEMS)
    Image.fromarray(np.ones((1, 2), "uint8")).save(folder / "masks" / "a\nb.png")
    with pytest.raises(ValueError, match=r"  a\\nb\.png, a\\nb\.png: ") as info:
        read_folder(folder / "images", folder / "masks")
    assert str(info.value).count("\n") == 1


def test_a_run_where_tensorflow_writes_no_logs(folder) -> None:
    from keras_upsample.training import recipe_named, train

    if NOT_UTF8 in STEMS:
        with pytest.raises(ValueError, match="`out` must be a path in UTF-8") as info:
            train(recipe_named("unet:cells"), NOT_UTF8)
        assert str(info.value).isprintable()


@pytest.mark.parametrize(
    "name", ["--a\x1b[31m", "--out\u202e=x", NOT_UTF8, "info\x1b]0;x\x07"], ids=ascii
)
def test_names_that_a_pattern_of_the_shell_made_arguments(name) -> None:
    for arguments in ((name,), ("info", "unet", name), ("data", "fetch", "--", name)):
        said = "".join(command(*arguments, code=2))
        assert printable(name).partition("=")[0] in said
