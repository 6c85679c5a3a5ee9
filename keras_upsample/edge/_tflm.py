"""TensorFlow Lite for Microcontrollers (TFLM): whether a file runs, and in how much memory."""

import json
import re
from dataclasses import dataclass
from pathlib import Path

from .._installed import need
from .._text import printable
from ..errors import ArtefactError
from ..runtimes._child import run_module
from ..runtimes._tflm import tflm_reason
from ._file import read


@dataclass(frozen=True)
class Arena:
    """Memory that a file needs in TFLM's interpreter.

    Attributes:
        arena: size in bytes of the smallest arena in which the file runs on this machine, with
            64-bit pointers. A microcontroller has 32-bit pointers and needs somewhat less.
        flash: size of the file in bytes; it stays in flash.
        operators: operators to register in a `MicroMutableOpResolver`.
    """

    arena: int
    flash: int
    operators: tuple[str, ...]


_ARRAY = b"MODEL_ALIGNED static const unsigned char "


def require_tflm() -> None:
    """Raise unless TFLM's interpreter is installed.

    Raises:
        ModuleNotFoundError: it is not.
    """
    need("tflite_micro", "tflite-micro is not installed.", "tflite-micro")


def smallest_arena(path: str | Path) -> Arena:
    """Find the smallest arena by bisection, to 16 bytes, the alignment of tensors in it.

    Args:
        path: a TFLite file.

    Raises:
        ModuleNotFoundError: `tflite-micro` is not installed.
        ArtefactError: the interpreter refuses the file; the message names the operator.

    Example:
        >>> smallest_arena("build/unet_int8.tflite").arena  # doctest: +SKIP
    """
    facts = read(path)
    require_tflm()
    # Another process: a file that the interpreter did not foresee ends the process it is in.
    done = run_module("edge._tflm_process", [str(path)])
    try:
        found = json.loads(done.stdout.splitlines()[-1])
    except (IndexError, ValueError):
        found = {"error": f"its process ended with {done.returncode}"}
    if "error" in found:
        raise ArtefactError(
            f"`{printable(path)}` does not run in TFLM: {tflm_reason(done.stderr, found['error'])}"
        )
    names = tuple(sorted({op.name for op in facts.operators}))
    return Arena(found["arena"], facts.size, names)


def c_array(path: str | Path, header: str | Path, name: str = "model") -> None:
    """Write a file as a C header: `alignas(16) const unsigned char NAME[]` and `NAME_len`.

    Args:
        path: a TFLite file.
        header: path of the header to write. A header that this function wrote is replaced.
        name: name of the array, a C identifier.

    Raises:
        ValueError: `name` is not a C identifier, or `header` is a file that this function did not
            write.
        ArtefactError: `path` is not a TFLite file.
    """
    from .._publish import publish

    if not re.fullmatch(r"[A-Za-z_]\w*", name):
        raise ValueError(f"`name` must be a C identifier. Received: {name!r}.")
    read(path)
    place = Path(header)
    if place.is_symlink() or (place.is_file() and _ARRAY not in place.read_bytes()):
        raise ValueError(
            f"`header` {str(header)!r} is there and was not written by this function. Choose "
            "another path, or move it away."
        )
    content = Path(path).read_bytes()
    rows = [
        "  " + ", ".join(f"0x{byte:02x}" for byte in content[i : i + 12]) + ","
        for i in range(0, len(content), 12)
    ]
    guard = f"{name.upper()}_H_"
    lines = [
        f"#ifndef {guard}", f"#define {guard}", "",
        "#ifdef __cplusplus", "#define MODEL_ALIGNED alignas(16)", "#else",
        "#define MODEL_ALIGNED _Alignas(16)", "#endif", "",
        f"MODEL_ALIGNED static const unsigned char {name}[] = {{", *rows, "};",
        f"static const unsigned int {name}_len = {len(content)};", "", f"#endif  // {guard}", "",
    ]  # fmt: skip
    with publish(header) as staged:
        staged.write_text("\n".join(lines), encoding="utf-8")
