"""A write that a signal interrupts at each of its instructions.

    python every_instruction.py CASE FOLDER before|new [STEP]

CASE is a name of `every_moment.CASES`. A signal is an exception between any two instructions: a
trace function raises it at the n-th one of the writer and of Python's context managers, for each n
in steps of STEP. It prints one JSON object for each: the line, the exit status, and the folder
before, and after the process ended. The last one is the folder after a whole write. It forks.
"""

import atexit
import contextlib
import json
import os
import shutil
import sys
from itertools import count
from pathlib import Path

from every_moment import CASES, NEW, OLD, content

from keras_upsample import _publish
from keras_upsample.files import _durable, _lock, _onnx_file, _workshop

FILES = {m.__file__ for m in (_publish, _durable, _lock, _workshop, contextlib)}


class Interrupt:
    """A trace function that raises at the n-th instruction; Python drops it then."""

    def __init__(self, number: int) -> None:
        self.left, self.line = number, ""

    def __call__(self, frame, event, argument):
        if frame.f_code.co_filename not in FILES:
            return None
        frame.f_trace_opcodes = True
        if event == "opcode":
            self.left -= 1
            if not self.left:
                self.line = f"{Path(frame.f_code.co_filename).name}:{frame.f_lineno}"
                raise KeyboardInterrupt
        return self


def run(work) -> int:
    """The exit status of a process that ends as Python's own do: what is registered runs."""
    process = os.fork()
    if process == 0:
        status, kept = 1, None
        try:
            work()
            status = 0
        except KeyboardInterrupt as error:
            kept, status = error, 130  # its frames live on until the program has ended
        finally:
            sys.settrace(None)
            atexit._run_exitfuncs()
            os._exit(status if kept is None else 130)
    return os.waitstatus_to_exitcode(os.waitpid(process, 0)[1])


def moment(case: str, number: int, folder: Path, before: bool) -> dict:
    write, name = CASES[case]
    if before:
        write(folder / name, OLD)
    stood = content(folder)
    _workshop._healed.clear()
    fault, note = Interrupt(number), folder.with_name(f"{folder.name}.line")

    def work() -> None:
        sys.settrace(fault)
        try:
            write(folder / name, NEW)
        finally:
            sys.settrace(None)
            note.write_text(fault.line)

    status = run(work)
    return {"line": note.read_text(), "status": status, "stood": stood, "after": content(folder)}


def main(case: str, base: Path, before: bool, step: int) -> None:
    os.fsync = lambda descriptor: None  # nobody cuts the power here, and it takes its time
    _onnx_file.MOST_BYTES = 0  # every value goes to the file beside
    if case == "onnx":
        import onnx  # noqa: F401  once, not in every process
    for number in count(1, step):
        folder = base / str(number)
        folder.mkdir()
        facts = moment(case, number, folder, before)
        if not facts["line"]:
            assert facts["status"] == 0
            print(json.dumps({"whole": facts["after"]}))
            return
        print(json.dumps(facts))
        shutil.rmtree(folder)


if __name__ == "__main__":
    main(sys.argv[1], Path(sys.argv[2]), sys.argv[3] == "before", int((*sys.argv, "1")[4]))
