"""Runs every command and snippet of the documents as a user who has only the wheel.

python tests/documents.py --python VENV/bin/python                  # all pages
python tests/documents.py --python VENV/bin/python README.md        # some of them

VENV has the wheel installed and nothing of this clone. Each page gets a folder of its own outside
the clone, with the pictures and models that its commands name. The commands of a page run in order,
pages side by side. A block of ```python runs as a program, one of ```sh line by line; other kinds
are no commands. A comment above a block says more:

    <!-- in a clone -->         the commands are run in a copy of the repository
    <!-- needs edge -->         they are run with `--extra edge`, which VENV has installed
                                then, and no others are
    <!-- not run: reason -->    they are not
"""

import argparse
import os
import re
import shutil
import subprocess
import sys
import tempfile
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from pathlib import Path
from time import perf_counter

ROOT = Path(__file__).parents[1]
PAGES = ("README.md", "docs/*.md", "export/README.md", "examples/*.md", "zoo/*/README.md")
_BLOCK = re.compile(
    r"(?:^<!-- (?P<note>[^\n]*?) -->\n+)?^```(?P<kind>\w+)\n(?P<text>.*?)^```", re.S | re.M
)

_INPUTS = """
import keras, numpy as np, os, tifffile
from PIL import Image
from keras_upsample.data import photograph
for folder in ("photos", "images", "masks", "scans", "more/deep"):
    os.makedirs(folder, exist_ok=True)
Image.fromarray(photograph("chelsea", (90, 120))).save("photo.jpg")
for number, name in enumerate(("coffee", "rocket", "astronaut")):
    picture = photograph(name, (96, 96))
    for folder in ("photos", "images"):
        Image.fromarray(picture).save(f"{folder}/{name}.png")
    Image.fromarray((picture[..., 0] > 128).astype("uint8")).save(f"masks/{name}.png")
for place in ("scan.tif", "scans/a.tif", "scans/b.tif", "more/deep/c.tif"):
    tifffile.imwrite(place, np.random.default_rng(0).integers(0, 4000, (80, 100), dtype="uint16"))
colours = np.random.default_rng(1).integers(0, 255, (300, 100, 3), dtype="uint8")
tifffile.imwrite("scan_rgb.tif", colours, photometric="rgb")
image = keras.Input((None, None, 3), name="image")
x = keras.layers.Rescaling(1 / 255)(image)
x = keras.layers.Conv2D(8, 3, padding="same", activation="relu")(x)
x = keras.layers.Conv2D(2, 1, name="logits")(x)
model = keras.Model(image, x, name="mine")
model.save("my_model.keras")
model.save("old.h5")
model.export("saved_model", verbose=False)
model(np.zeros((1, 32, 32, 3), "float32"))  # Keras asks for a call
model.export("theirs.onnx", format="onnx", verbose=False)
"""


@dataclass(frozen=True)
class Block:
    """One block of a page that is to be run."""

    page: Path
    line: int
    kind: str
    text: str
    note: str


def blocks(page: Path) -> Iterator[Block]:
    """The commands and snippets of a page."""
    text = page.read_text(encoding="utf-8")
    for match in _BLOCK.finditer(text):
        if match["kind"] in ("sh", "python"):
            line = text[: match.start("text")].count("\n") + 1
            yield Block(page, line, match["kind"], match["text"], match["note"] or "")


def run(block: Block, python: Path, place: Path) -> str:
    """What went wrong, or ""."""
    path = f"{python.parent}{os.pathsep}{os.environ['PATH']}"
    environment = {k: v for k, v in os.environ.items() if k not in ("PYTHONPATH", "VIRTUAL_ENV")}
    environment |= {
        "PATH": path,
        "TF_CPP_MIN_LOG_LEVEL": "3",
        "COLUMNS": "160",
        "MPLBACKEND": "Agg",
    }
    if block.kind == "python":
        # -P: the installed package, also where the folder is a clone
        commands = [[str(python), "-P", "-c", block.text]]
    else:
        lines = block.text.replace("\\\n", " ").splitlines()
        commands = [["bash", "-c", line] for line in lines if line.strip() and line[0] != "#"]
    for command in commands:
        done = subprocess.run(
            command, cwd=place, env=environment, capture_output=True, text=True, check=False
        )
        if done.returncode:
            return f"{command[-1].strip()}\nexit code {done.returncode}\n{done.stderr[-3000:]}"
    return ""


def run_page(page: Path, python: Path, inputs: Path, folder: Path, wanted: set[str]) -> list[bool]:
    """Whether each block passed, in order; `folder` is empty and this page's own. With `wanted`
    only blocks that have one of these notes are run."""
    place, clone = folder / "place", folder / "clone"
    shutil.copytree(inputs, place)
    verdicts = []
    for block in blocks(page):
        where = place
        if block.note.startswith("not run") or (
            block.note not in wanted if wanted else block.note.startswith("needs ")
        ):
            continue
        if block.note == "in a clone":
            where = clone
            shutil.copytree(ROOT, clone, dirs_exist_ok=True, ignore=_not_copied)
            shutil.copytree(inputs, clone, dirs_exist_ok=True)
        start, name = perf_counter(), f"{page.relative_to(ROOT)}:{block.line}"
        wrong = run(block, python, where)
        verdicts.append(not wrong)
        said = f"{'FAILED' if wrong else 'passed'} {name} ({perf_counter() - start:.0f} s)"
        print(f"{said}\n{wrong}" if wrong else said, flush=True)
    return verdicts


def main() -> int:
    """Runs the pages; the exit code is the number of blocks that failed, at most 100."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("pages", nargs="*", default=list(PAGES), help="patterns from the root")
    parser.add_argument("--python", type=Path, required=True, help="of the environment")
    parser.add_argument(
        "--extra", action="append", default=[], help="run what needs this extra, and only that"
    )
    parser.add_argument("--jobs", type=int, default=os.cpu_count(), help="pages at one time")
    options = parser.parse_args()
    wanted = {f"needs {extra}" for extra in options.extra}
    python = options.python.absolute()
    pages = [page for pattern in options.pages for page in sorted(ROOT.glob(pattern))]
    with tempfile.TemporaryDirectory() as folder, ThreadPoolExecutor(options.jobs) as pool:
        inputs = Path(folder, "inputs")
        inputs.mkdir()
        subprocess.run([python, "-c", _INPUTS], cwd=inputs, check=True, stderr=subprocess.DEVNULL)
        begun = [
            pool.submit(run_page, page, python, inputs, Path(tempfile.mkdtemp(dir=folder)), wanted)
            for page in pages
        ]
        verdicts = [passed for page in begun for passed in page.result()]
    print(f"{verdicts.count(True)} blocks passed, {verdicts.count(False)} failed")
    return min(verdicts.count(False), 100)


def _not_copied(folder: str, names: list[str]) -> list[str]:
    return [n for n in names if n in ("build", ".git", "node_modules") or n.startswith(".venv")]


if __name__ == "__main__":
    sys.exit(main())
