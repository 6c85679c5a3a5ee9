"""`python -m keras_upsample.runtimes._tflm_process FILE INPUTS OUTPUTS`: one run, by .npz files.

A process of its own: the interpreter ends the one it is in where a file is not what it expects.
"""

import sys
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
    results: dict[str, Any] = {}
    while (value := _output(interpreter, len(results))) is not None:
        results[str(len(results))] = value
    np.savez(outputs, **results)


def _output(interpreter: Any, index: int) -> Any:
    try:
        return interpreter.get_output(index)
    except Exception:  # behind the last output
        return None


if __name__ == "__main__":
    main()
