"""`python -m keras_upsample.edge._tflm_process FILE`: prints the smallest arena as JSON."""

import json
import sys
from pathlib import Path
from typing import Any

from ..runtimes._tflm_process import ALIGNMENT, every, interpreter_of


def main() -> None:
    """Bisect between an arena that fails and one that works."""
    from tflite_micro.python.tflite_micro import runtime

    content = Path(sys.argv[1]).read_bytes()
    try:
        _, good = interpreter_of(content)
    except RuntimeError as error:
        print(json.dumps({"error": str(error)}))
        return

    def allocates(size: int) -> bool:
        try:
            runtime.Interpreter.from_bytes(content, arena_size=size)
        except Exception:  # a RuntimeError without a kind
            return False
        return True

    bad = 0
    while good - bad > ALIGNMENT:
        middle = (good + bad) // 2 // ALIGNMENT * ALIGNMENT
        middle = max(middle, bad + ALIGNMENT)
        if middle >= good:
            break
        if allocates(middle):
            good = middle
        else:
            bad = middle
    run(runtime, content, good)
    print(json.dumps({"arena": good}))


def run(runtime: Any, content: bytes, size: int) -> None:
    """Run one inference on zeros; if the arena is too small, it ends the process."""
    import numpy as np

    interpreter = runtime.Interpreter.from_bytes(content, arena_size=size)
    for index, detail in enumerate(every(interpreter.get_input_details)):
        interpreter.set_input(np.zeros(detail["shape"], detail["dtype"]), index)
    interpreter.invoke()


if __name__ == "__main__":
    main()
