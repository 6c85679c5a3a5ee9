"""`python -m keras_upsample.runtimes._tflm_process FILE INPUTS OUTPUTS`: one run, by .npz files.

A process of its own: the interpreter ends the one it is in where a file is not what it expects.
"""

import sys
from collections.abc import Callable
from pathlib import Path
from typing import Any

ALIGNMENT = 16
_SMALLEST, LARGEST = 1 << 16, 2**31 - ALIGNMENT


def interpreter_of(content: bytes) -> tuple[Any, int]:
    """An interpreter, and the size of the arena in which it allocates.

    Raises:
        RuntimeError: it allocates in none; TFLM's reason went to the standard error.
    """
    from tflite_micro.python.tflite_micro import runtime

    size = _SMALLEST
    while True:
        try:
            return runtime.Interpreter.from_bytes(content, arena_size=size), size
        except Exception as error:  # a RuntimeError without a kind
            if size == LARGEST:
                raise RuntimeError(str(error)) from error
            size = min(4 * size, LARGEST)


def main() -> None:
    """The inputs are arrays "0", "1", ...; so are the outputs."""
    import numpy as np

    content, (inputs, outputs) = Path(sys.argv[1]).read_bytes(), sys.argv[2:]
    interpreter, _ = interpreter_of(content)
    with np.load(inputs) as given:
        for name in given.files:
            interpreter.set_input(given[name], int(name))
    interpreter.invoke()
    values = every(interpreter.get_output)
    np.savez(outputs, **{str(place): value for place, value in enumerate(values)})


def every(get: Callable[[int], Any]) -> list[Any]:
    """`get(0)`, `get(1)`, ...: of inputs or outputs, whose number the interpreter doesn't tell."""
    found: list[Any] = []
    while True:
        try:
            value = get(len(found))
        except Exception:  # behind the last one
            return found
        if value is None:
            return found
        found.append(value)


if __name__ == "__main__":
    main()
