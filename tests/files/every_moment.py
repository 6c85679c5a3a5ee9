"""A write that is killed, or fails, at each of its calls of the file system, and the next good one.

    python every_moment.py CASE FAULT FOLDER before|new

CASE is a name of `CASES`, FAULT is `kill` or the name of an error (`ENOSPC`). It prints one JSON
object for each moment: the call, what was said, and the folder before, after, and after the next
good write. It forks, which a process with TensorFlow's threads must not, so it is one of its own.
"""

import errno
import json
import os
import shutil
import signal
import sys
import xml.etree.ElementTree as ElementTree
from functools import partial
from itertools import count
from pathlib import Path

from keras_upsample._publish import publish
from keras_upsample.files import _onnx_file
from keras_upsample.files._onnx_file import save_onnx
from keras_upsample.files._openvino_ir import save_ir, values_path
from keras_upsample.files._workshop import replace_file

CALLS = (
    "open", "os.rename", "os.mkdir", "os.rmdir", "os.remove", "os.truncate", "os.chmod",
    "os.scandir", "os.listdir"
)  # fmt: skip


def write_text(path: Path, text: str) -> None:
    with publish(path) as staged:
        staged.write_text(text)


def write_plain(path: Path, text: str) -> None:
    with replace_file(path) as staged:
        staged.write_text(text)


def write_folder(path: Path, text: str) -> None:
    with publish(path, directory=True) as staged:
        (staged / "variables").mkdir(parents=True)
        (staged / "saved_model.pb").write_text(text)
        (staged / "variables" / "variables.index").write_text(text)


def write_onnx(path: Path, text: str) -> None:
    """With its values in a file beside, whose name depends on them."""
    import numpy as np
    from onnx import TensorProto, helper

    info = helper.make_tensor_value_info("y", TensorProto.FLOAT, [600])
    graph = helper.make_graph([helper.make_node("Identity", ["w"], ["y"])], "g", [], [info])
    with publish(path) as staged:
        values = {"w": np.full(600, len(text), "float32")}
        save_onnx(helper.make_model(graph, producer_name="keras_upsample"), staged, values)


def write_ir(path: Path, text: str) -> None:
    """An OpenVINO file with its values beside, whose name is the graph's."""
    with publish(path) as staged:
        values_path(staged).write_text(text)
        graph = ElementTree.fromstring(f'<net name="{text}"><layers/></net>')
        save_ir(graph, staged, "0")


CASES = {
    "file": (write_text, "a.txt"),
    "plain": (write_plain, "a.txt"),
    "folder": (write_folder, "saved"),
    "onnx": (write_onnx, "a.onnx"),
    "ir": (write_ir, "a.xml"),
}
OLD, NEW, LAST = "old", "newer", "the last one"


class Fault:
    """An audit hook that strikes at the n-th call below a folder."""

    def __init__(self, folder: Path, number: int, kind: str) -> None:
        self.folder, self.number, self.kind = str(folder), number, kind
        self.note = folder.with_name(f"{folder.name}.call")
        self.count, self.busy = 0, False

    def __call__(self, event: str, arguments: tuple) -> None:
        if event not in CALLS or self.busy or not arguments:
            return
        path = arguments[0]
        if not isinstance(path, str | os.PathLike) or not os.fspath(path).startswith(self.folder):
            return
        self.count += 1
        if self.count != self.number:
            return
        self.busy = True
        self.note.write_text(f"{event} {Path(path).name}")
        if self.kind == "kill":
            os.kill(os.getpid(), signal.SIGKILL)
        self.busy = False
        code = getattr(errno, self.kind)
        raise OSError(code, os.strerror(code), os.fspath(path))


def content(folder: Path) -> dict[str, str]:
    return {
        str(path.relative_to(folder)): path.read_bytes().hex() if path.is_file() else "folder"
        for path in sorted(folder.rglob("*"))
    }


def run(work) -> int:
    """The exit status of a process of its own; negative for the number of a signal."""
    process = os.fork()
    if process == 0:
        status = 1
        try:
            work()
            status = 0
        except OSError as error:
            print(f"{type(error).__name__}: {error}", file=sys.stderr)
        finally:
            sys.stderr.flush()
            os._exit(status)
    _, status = os.waitpid(process, 0)
    return os.waitstatus_to_exitcode(status)


def strike(fault: Fault, write, path: Path) -> None:
    sys.addaudithook(fault)
    write(path, NEW)


def moment(case: str, fault: Fault, folder: Path, before: bool) -> dict | None:
    """What became of the folder; None if the write made fewer calls."""
    write, name = CASES[case]
    if before:
        assert run(partial(write, folder / name, OLD)) == 0
    stood = content(folder)
    status = run(partial(strike, fault, write, folder / name))
    if not fault.note.exists():
        assert status == 0
        return None
    after = content(folder)
    assert run(partial(write, folder / f"other_{name}", LAST)) == 0
    healed = content(folder)
    assert run(partial(write, folder / name, LAST)) == 0
    facts = {"call": fault.note.read_text(), "status": status, "stood": stood, "after": after}
    return {**facts, "healed": healed, "last": content(folder)}


def main(case: str, kind: str, base: Path, before: bool) -> None:
    _onnx_file.MOST_BYTES = 0  # every value goes to the file beside
    if case == "onnx":
        import onnx  # noqa: F401  once, not in every process
    for number in count(1):
        folder = base / str(number)
        folder.mkdir()
        facts = moment(case, Fault(folder, number, kind), folder, before)
        print(json.dumps(facts or {"whole": content(folder)}))
        shutil.rmtree(folder)
        if facts is None:
            return


if __name__ == "__main__":
    main(sys.argv[1], sys.argv[2], Path(sys.argv[3]), sys.argv[4] == "before")
