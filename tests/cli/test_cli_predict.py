"""`keras-upsample predict` as a user runs it: files, exit codes, one line an error."""

import os
import subprocess
import sys
from pathlib import Path

import numpy as np
import pytest
import tifffile
from brightest import brightest
from PIL import Image

from keras_upsample._cli.inputs import image_files
from keras_upsample._cli.models import UserError
from keras_upsample._keras_file import load_keras_file
from keras_upsample.errors import ArtefactError
from keras_upsample.predict._result_names import result_names

RNG = np.random.default_rng(39)


def run(*arguments: object, cwd: Path | None = None):
    return subprocess.run(
        [sys.executable, "-m", "keras_upsample", "predict", *map(str, arguments)],
        capture_output=True,
        text=True,
        cwd=cwd,
        env={**os.environ, "COLUMNS": "200"},
    )


def lines(text: str) -> list[str]:
    return text.strip().splitlines()


def save(path: Path, channels: int = 3, **options) -> np.ndarray:
    path.parent.mkdir(parents=True, exist_ok=True)
    values = RNG.permuted(np.broadcast_to(np.arange(channels) * 80, (19, 23, channels)), axis=2)
    image = values.astype("uint8")
    if path.suffix == ".tif":
        tifffile.imwrite(path, image, **options)
    else:
        Image.fromarray(image).save(path, **options)
    return image


def labels(path: Path) -> np.ndarray:
    with Image.open(path) as image:
        assert image.mode == "P"
        return np.asarray(image)


def test_files_folders_patterns_and_a_broken_image(tmp_path: Path) -> None:
    model = brightest(tmp_path / "m.onnx")
    one, two = save(tmp_path / "one.png"), save(tmp_path / "folder" / "two.tif", photometric="rgb")
    three = save(tmp_path / "deep" / "er" / "three.bmp")
    (tmp_path / "folder" / "broken.jpg").write_bytes(b"\xff\xd8 no more")
    (tmp_path / "folder" / "notes.txt").write_text("no picture")
    result = run(model, "one.png", "folder", "deep/**/*.bmp", "--out", "out", cwd=tmp_path)
    assert result.returncode == 1, result.stderr
    (line,) = lines(result.stderr)
    assert "broken.jpg' can't be read" in line
    assert result.stdout == "3 images predicted, 1 failed: out\n"
    assert sorted(path.name for path in (tmp_path / "out").glob("[!.]*")) == sorted(
        f"{name}_{what}.png" for name in ("one", "two", "three") for what in ("classes", "overlay")
    )
    for name, image in (("one", one), ("two", two), ("three", three)):
        found = labels(tmp_path / "out" / f"{name}_classes.png")
        np.testing.assert_array_equal(found, image.argmax(-1))


def test_existing_results_are_kept(tmp_path: Path) -> None:
    model = brightest(tmp_path / "m.onnx")
    image = save(tmp_path / "a.png")
    first = run(model, "a.png", "--out", "o", "--no-overlays", cwd=tmp_path)
    assert first.returncode == 0 and first.stdout == "1 image predicted: o\n"
    assert [path.name for path in (tmp_path / "o").glob("[!.]*")] == ["a_classes.png"]
    kept = run(model, ".", "--out", "o", "--no-overlays", cwd=tmp_path)
    assert kept.returncode == 0
    assert kept.stdout == (
        "0 images predicted, 1 kept (made from the same image by the same model; --overwrite "
        "replaces them): o\n"
    )
    (tmp_path / "o" / "a_classes.png").write_bytes(b"mine")
    refused = run(model, ".", "--out", "o", "--no-overlays", cwd=tmp_path)
    assert refused.returncode == 1 and "a_classes.png' is there" in refused.stderr
    assert (tmp_path / "o" / "a_classes.png").read_bytes() == b"mine"
    again = run(model, "a.png", "--out", "o", "--no-overlays", "--overwrite", cwd=tmp_path)
    assert again.returncode == 1 and "move it away" in again.stderr
    assert (tmp_path / "o" / "a_classes.png").read_bytes() == b"mine"
    (tmp_path / "o" / "a_classes.png").unlink()
    for options in ((), ("--overwrite",)):
        again = run(model, "a.png", "--out", "o", "--no-overlays", *options, cwd=tmp_path)
        assert again.returncode == 0 and again.stdout == "1 image predicted: o\n", again.stderr
    np.testing.assert_array_equal(labels(tmp_path / "o" / "a_classes.png"), image.argmax(-1))


def test_options(tmp_path: Path) -> None:
    model = brightest(tmp_path / "m.onnx", 2)
    image = save(tmp_path / "a.tif", 4, photometric="minisblack", planarconfig="contig")
    result = run(
        model, "a.tif", "--out", "o", "--channels", "3,1", "--probabilities", "--tile", 32,
        "--overlap", 0, "--normalization", "none", "--class-names", "ground,water", cwd=tmp_path,
    )  # fmt: skip
    assert result.returncode == 0, result.stderr
    probabilities = np.load(tmp_path / "o" / "a_probabilities.npy")
    chosen = image[..., [3, 1]].astype("float64")
    expected = 1 / (1 + np.exp(chosen[..., 1] - chosen[..., 0]))
    np.testing.assert_allclose(probabilities[..., 0], expected, atol=1e-6)
    np.testing.assert_array_equal(labels(tmp_path / "o" / "a_classes.png"), chosen.argmax(-1))


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        (("none.onnx", "a.png"), "'none.onnx' is neither a preset (unet:cells"),
        (("m.onnx", "b.png"), "'b.png' does not exist."),
        (("m.onnx", "a.png", "--tile", "64", "--overlap", "50"), "at most half of a tile"),
        (("m.onnx", "a.png", "--class-names", "a,b"), "`classes` must name the 3 classes"),
        (("bad.keras", "a.png"), "is damaged: a .keras file is a zip archive"),
        (("m.onnx", "a.png", "--out", "a.png/x"), "Choose a folder that you may write to."),
    ],
)
def test_one_line_and_exit_code_2(arguments, message: str, tmp_path: Path) -> None:
    brightest(tmp_path / "m.onnx")
    save(tmp_path / "a.png")
    (tmp_path / "bad.keras").write_text("no archive")
    out = () if "--out" in arguments else ("--out", "o")
    result = run(*arguments, *out, cwd=tmp_path)
    assert result.returncode == 2, result.stderr
    (line,) = lines(result.stderr)
    assert message in line
    assert not (tmp_path / "o").exists()


def test_pictures_in_the_folder_of_the_results_are_said_to_be_there(tmp_path: Path) -> None:
    from keras_upsample._cli.inputs import image_files
    from keras_upsample._cli.models import UserError

    save(tmp_path / "a.png")
    for text in (tmp_path, tmp_path / "*.png"):
        with pytest.raises(UserError, match=r"only pictures in --out .* Choose another folder"):
            image_files([str(text)], tmp_path)
    with pytest.raises(UserError, match="matches no picture"):
        image_files([str(tmp_path / "*.txt")], tmp_path)


def test_bad_channels_are_a_usage_error(tmp_path: Path) -> None:
    result = run("m.onnx", "a.png", "--out", "o", "--channels", "0;1", cwd=tmp_path)
    assert result.returncode == 2
    assert "--channels takes whole numbers >= 0" in " ".join(result.stderr.split())


def test_an_image_that_does_not_fit_is_reported_with_its_name(tmp_path: Path) -> None:
    model = brightest(tmp_path / "m.onnx", 2)
    save(tmp_path / "a.png")
    result = run(model, "a.png", "--out", "o", cwd=tmp_path)
    assert result.returncode == 1
    (line,) = lines(result.stderr)
    assert line.startswith("a.png: The image has 3 channels, the model takes 2. Choose among")
    assert result.stdout == "0 images predicted, 1 failed: o\n"


def test_keras_files_need_trust_for_code(tmp_path: Path) -> None:
    import keras

    inputs = keras.Input((None, None, 3))
    x = keras.layers.Lambda(lambda x: 2 * x, name="logits")(inputs)
    keras.Model(inputs, x).save(tmp_path / "m.keras")
    image = save(tmp_path / "a.png")
    with pytest.raises(ArtefactError, match="--trust"):
        load_keras_file(tmp_path / "m.keras")
    given = ("--normalization", "full_range")
    result = run("m.keras", "a.png", "--out", "o", "--trust", *given, cwd=tmp_path)
    assert result.returncode == 0 and result.stderr == ""  # no log line of any library
    np.testing.assert_array_equal(labels(tmp_path / "o" / "a_classes.png"), image.argmax(-1))


def names(files: list[Path], folder: Path) -> list[str]:
    return [str(file.relative_to(folder)) for file in files]


def test_image_files(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    for name in ("b.png", "a.JPG", "c.txt", ".hidden.png", "sub/d.tif", "out/b_classes.png"):
        path = tmp_path / name
        path.parent.mkdir(exist_ok=True)
        path.write_bytes(b"")
    monkeypatch.chdir(tmp_path)
    out = tmp_path / "out"

    def found(*images: str) -> list[str]:
        return names([tmp_path / file for file in image_files(images, out)], tmp_path)

    assert found(".") == ["a.JPG", "b.png"]
    assert found("b.png", ".", "./b.png") == ["b.png", "a.JPG"]  # each once
    assert found("**/*") == ["a.JPG", "b.png", "sub/d.tif"]  # results of before are no images
    assert found("out/b_classes.png") == ["out/b_classes.png"]  # unless they are named
    assert found("c.txt") == ["c.txt"]  # nor is a named file judged by its suffix
    (tmp_path / "[1].png").write_bytes(b"")
    assert found("[1].png") == ["[1].png"]  # a file of that name goes before the pattern
    for bad in ("none.png", "*.gif", "out"):
        with pytest.raises(UserError, match=r"does not exist|matches no|holds only pictures in"):
            image_files([bad], out)


@pytest.mark.parametrize(
    ("files", "expected"),
    [
        (["a.png", "b.png"], ["a", "b"]),
        (["a.png", "a.tif", "b.png"], ["a_png", "a_tif", "b"]),
        (["a.png", "A.png"], ["x_a_png", "x_A_png_2"]),
        (["x/a.png", "y/a.png"], ["x_a_png", "y_a_png"]),
        (["1/x/a.png", "2/x/a.png"], ["x_a_png", "x_a_png_2"]),
        (["a.b.png"], ["a.b"]),
    ],
)
def test_result_names(files: list[str], expected: list[str], tmp_path: Path) -> None:
    found = result_names([tmp_path / "x" / file for file in files])
    assert found == expected
    assert len({name.casefold() for name in found}) == len(files)


def test_pixels_without_data_are_told(tmp_path: Path) -> None:
    model = brightest(tmp_path / "m.onnx")
    image = save(tmp_path / "a.tif", photometric="rgb")
    image[3:5] = 200
    tifffile.imwrite(tmp_path / "a.tif", image, photometric="rgb")
    result = run(model, "a.tif", "--out", "out", "--nodata", "200", cwd=tmp_path)
    assert (result.returncode, result.stdout) == (0, "1 image predicted: out\n"), result.stderr
    (line,) = lines(result.stderr)
    assert line == (
        "a.tif: 46 of 437 pixels hold no data (nodata 200), and have none in the results"
    )
    assert (labels(tmp_path / "out" / "a_classes.png")[3:5] == 255).all()
    bad = run(model, "a.tif", "--out", "out2", "--nodata", "-1", cwd=tmp_path)
    assert bad.returncode == 1
    assert "`nodata` must be a value of the image, which holds uint8" in lines(bad.stderr)[0]


def test_what_is_assumed_is_said(tmp_path: Path) -> None:
    brightest(tmp_path / "m.onnx", known=False)
    save(tmp_path / "a.png")
    result = run("m.onnx", "a.png", "--out", "o", cwd=tmp_path)
    (line,) = lines(result.stderr)
    assert "Nothing says what values 'image' takes: 0 to 1 is assumed." in line
    said = run("m.onnx", "a.png", "--out", "p", "--normalization", "none", cwd=tmp_path)
    assert said.stderr == "" and said.returncode == 0


def test_a_task_is_checked_and_refused_in_one_line(tmp_path: Path) -> None:
    brightest(tmp_path / "m.onnx")
    save(tmp_path / "a.png")
    wrong = run("m.onnx", "a.png", "--out", "o", "--task", "depth", cwd=tmp_path)
    assert wrong.returncode == 2 and "`task` must be one of 'segmentation'" in wrong.stderr
    (line,) = lines(
        run("m.onnx", "a.png", "--out", "o", "--task", "super_resolution", cwd=tmp_path).stderr
    )
    assert "needs an output larger than the input" in line
    done = run("m.onnx", "a.png", "--out", "o", "--task", "restoration", cwd=tmp_path)
    assert done.returncode == 0
    with (
        Image.open(tmp_path / "o" / "a_restored.png") as restored,
        Image.open(tmp_path / "a.png") as given,
    ):
        np.testing.assert_array_equal(np.asarray(restored), np.asarray(given))


def test_objects_and_augmentation(tmp_path) -> None:
    """Files, counts on the screen, and one line for each option that does not fit."""
    spots = np.zeros((64, 80), "uint16")
    spots[10:30, 12:30] = spots[40:56, 50:70] = 4000
    Image.fromarray(spots).save(tmp_path / "a.png")
    given = ("unet:nuclei", "a.png", "--out", "o")
    done = run(
        *given, "--objects", "--object-classes", "nucleus", "--least-area", 30, "--connectivity", 4,
        "--augment", "flip_horizontal,rotate_90", "--no-overlays", cwd=tmp_path,
    )  # fmt: skip
    assert done.returncode == 0, done.stderr
    assert "a.png: 2 objects (2 nucleus)" in done.stderr
    names = ("a_classes.png", "a_instances.tif", "a_objects.csv", "a_objects.geojson")
    assert sorted(path.name for path in (tmp_path / "o").glob("[!.]*")) == list(names)
    for more, said in (
        (("--least-area", 5), "--least-area is for --objects. Add it."),
        (("--object-classes", "nucleus"), "--object-classes is for --objects. Add it."),
        (("--objects", "--connectivity", 6), "`connectivity` must be 4 or 8. Received: 6."),
        (("--objects", "--object-classes", "nuclei"), "Did you mean 'nucleus'?"),
        (("--augment", "flip"), "'flip' is unknown. Allowed: flip_horizontal"),
    ):
        wrong = run(*given, *more, cwd=tmp_path)
        assert wrong.returncode == 2 and said in wrong.stderr, wrong.stderr
        assert len(wrong.stderr.strip().splitlines()) == 1
