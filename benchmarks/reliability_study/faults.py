"""The library of faults.c: compiled where gcc is, loaded by LD_PRELOAD."""

import ctypes
import os
import shutil
import subprocess
import sys
from pathlib import Path

SOURCE = Path(__file__).with_name("faults.c")
KILL = -1
"""In the place of an error number: the process is killed."""


def start_with_faults(folder: Path) -> bool:
    """Start this program anew with the library, unless it has it; false where it can't be made."""
    if loaded() is not None:
        return True
    compiler = shutil.which("gcc")
    if compiler is None or sys.platform != "linux":
        return False
    folder.mkdir(parents=True, exist_ok=True)
    library = (folder / "faults.so").resolve()
    subprocess.run(
        [compiler, "-O1", "-shared", "-fPIC", "-o", str(library), str(SOURCE), "-ldl"], check=True
    )
    os.environ["LD_PRELOAD"] = str(library)
    return os.execv(sys.executable, [sys.executable, *sys.orig_argv[1:]])


def loaded() -> ctypes.CDLL | None:
    library = ctypes.CDLL(None)
    if not hasattr(library, "reliability_arm"):
        return None
    library.reliability_call.restype = ctypes.c_char_p
    library.reliability_count.restype = ctypes.c_long
    library.reliability_arm.argtypes = [ctypes.c_char_p, ctypes.c_long, ctypes.c_int]
    return library


def arm(folder: Path, number: int, error: int) -> None:
    """Let the n-th call of this process below a folder fail."""
    library = loaded()
    if library is None:
        raise RuntimeError("The library of faults is not loaded.")
    library.reliability_arm(str(folder.resolve()).encode(), number, error)


def note(path: Path) -> None:
    """Write how many calls there were, and the one that failed."""
    library = loaded()
    if library is not None:
        count, call = library.reliability_count(), library.reliability_call()
        library.reliability_arm(b"/nowhere", 0, 0)
        path.write_text(f"{count}\n{call.decode(errors='replace')}")
