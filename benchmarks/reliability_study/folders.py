"""Folders with files of the user's: none may change without `--overwrite`."""

import shutil
from collections.abc import Callable
from pathlib import Path
from typing import Any

from reliability_study.forked import run_command
from reliability_study.jobs import OUT, files_in
from reliability_study.report import Stop

Layout = Callable[[Path], None]


def _text(*names: str) -> Layout:
    def make(folder: Path) -> None:
        for name in names:
            path = folder / name
            path.parent.mkdir(parents=True, exist_ok=True)
            path.write_text(f"mine: {name}")

    return make


def _link(name: str) -> Layout:
    def make(folder: Path) -> None:
        other = folder.parent / "elsewhere"
        other.write_text("mine, elsewhere")
        (folder / name).symlink_to(other)

    return make


PREDICT, EXPORT, IMPORT, TRAIN, DEMO = "predict", "export", "import", "train", "demo"

LAYOUTS: tuple[tuple[str, str, Layout], ...] = (
    ("notes beside", PREDICT, _text("notes.txt", "a/b/c.txt", ".hidden")),
    ("a picture of a result's name", PREDICT, _text("rgb_overlay.png")),
    (
        "all names of results",
        PREDICT,
        _text("rgb_classes.png", "rgb_overlay.png", "rgb_probabilities.npy"),
    ),
    ("a link of the result's name", PREDICT, _link("rgb_classes.png")),
    ("a folder of the result's name", PREDICT, _text("rgb_classes.png/notes.txt")),
    ("names that look unfinished", PREDICT, _text(".mine.in-progress", ".a.abcdefgh.in-progress")),
    ("a folder that looks unfinished, whole", PREDICT, _text(".rgb.abcdefgh.in-progressing/x")),
    ("another file in the place of out", PREDICT, _text()),
    ("a tflite file of the name", EXPORT, _text("a.tflite")),
    ("an onnx file of the name", EXPORT, _text("a.onnx")),
    ("data of an onnx file", EXPORT, _text("a.onnx.12345678.data", "a.onnx.data")),
    ("a report of the user's", EXPORT, _text("report.json")),
    ("a folder saved_model with notes", EXPORT, _text("saved_model/notes.txt")),
    ("a folder saved_model of another tool", EXPORT, _text("saved_model/saved_model.pb")),
    ("a link of the file's name", EXPORT, _link("a.tflite")),
    ("a folder of the file's name", EXPORT, _text("a.tflite/notes.txt")),
    ("variables of the user's", EXPORT, _text("saved_model/variables/mine.txt")),
    ("a model of the name", IMPORT, _text("model.keras")),
    ("a model of another run", TRAIN, _text("model.keras", "best.keras", "history.csv")),
    ("a page of the user's", DEMO, _text("index.html", "model.tflite", "notes.txt")),
)


def keep_what_is_the_users(seeds: Path, folder: Path, count: int, stop: Stop) -> dict[str, Any]:
    """Run the command in each layout; count the files of the user's that changed or went."""
    images = str(seeds / "labelled" / "images")
    words = {
        PREDICT: ("predict", str(seeds / "models/a.tflite"), str(seeds / "pictures/rgb.png"),
                  "--out", OUT, "--probabilities"),
        EXPORT: ("export", str(seeds / "models/a.keras"), "--images", images, "--out", OUT,
                 "--target", "saved_model", "--target", "tflite", "--target", "onnx",
                 "--input-shape", "32,32,3"),
        IMPORT: ("import", str(seeds / "models/a.tflite"), "--out", f"{OUT}/model.keras"),
        TRAIN: ("train", str(seeds / "labelled"), "--out", OUT, "--filters", "4,8", "--crop", "16",
                "--batch-size", "2", "--steps", "2", "--steps-per-epoch", "2", "--ignore", "255",
                "--class-names", "ground,disc"),
        DEMO: ("demo", str(seeds / "models/a.keras"), "--out", OUT),
    }  # fmt: skip
    done = changed = tracebacks = refused = 0
    found: list[str] = []
    for number, (what, command, make) in enumerate(LAYOUTS[:count]):
        if stop():
            break
        work = folder / str(number)
        shutil.rmtree(work, ignore_errors=True)
        if "in the place of out" in what:
            work.mkdir(parents=True)
            (work / OUT).write_text("mine")
        else:
            (work / OUT).mkdir(parents=True)
            make(work / OUT)
        before = _all(work)
        outcome = run_command(
            words[command], work, variables={"KERAS_UPSAMPLE_CACHE": str(folder / "cache")}
        )
        after = _all(work)
        harmed = [name for name, content in before.items() if after.get(name) != content]
        done += 1
        changed += len(harmed)
        refused += outcome.status != 0
        tracebacks += outcome.traceback
        found += [f"{what}, {command}: {name} changed or went" for name in harmed]
        if outcome.traceback:
            found.append(f"{what}, {command}: traceback: {outcome.line[:200]}")
        elif outcome.status not in (0, 1, 2):
            found.append(f"{what}, {command}: status {outcome.status}")
    return {
        "layouts": done,
        "refused": refused,
        "files changed or gone": changed,
        "tracebacks": tracebacks,
        "found": found,
    }


def _all(work: Path) -> dict[str, Any]:
    """Files and links below, but for temporary ones."""
    links = {str(p.relative_to(work)): str(p.readlink()) for p in work.rglob("*") if p.is_symlink()}
    found = {k: v[0] for k, v in files_in(work).items() if not k.startswith("tmp")}
    # A name that only looks unfinished is looked at too.
    for path in work.rglob("*in-progress*"):
        if path.is_file() and "tmp" not in path.parts:
            found[str(path.relative_to(work))] = path.read_text(errors="replace")
    return {**found, **links}
