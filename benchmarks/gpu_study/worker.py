"""One part in a process of its own: `python -m gpu_study.worker ARGUMENTS ROWS`.

ARGUMENTS is JSON; every row is a line of JSON at the end of the file ROWS, which is so right
whenever the process is stopped.
"""

import json
import sys
from collections.abc import Sequence
from pathlib import Path
from time import perf_counter
from typing import Any

from gpu_study.tasks import Absent, Task
from gpu_study.timing import reason

LAYER_PARTS = ("jax", "torch")


def tasks_of(part: str, layers: Sequence[str], small: bool, folder: str) -> list[Task]:
    """What a part does."""
    if part in LAYER_PARTS:
        from gpu_study.layers import tasks

        return tasks(part, layers, small)
    from gpu_study.onnx_run import tasks as file_tasks

    return file_tasks(part, Path(folder), small)


def main(arguments: dict[str, Any], rows: Path) -> None:
    """Run the tasks in order; what one raises is its row."""
    with rows.open("a", encoding="utf-8") as file:

        def write(row: dict[str, Any]) -> None:
            file.write(json.dumps(row) + "\n")
            file.flush()

        try:
            tasks = tasks_of(**arguments)
        except Absent as why:
            write({"kind": "absent", "reason": str(why)})
            return
        write({"kind": "plan", "rows": len(tasks)})
        for task in tasks:
            start = perf_counter()
            try:
                found = task.run()
            except Exception as error:  # a device fails in many ways; the other rows go on
                found = {"error": reason(error), "passed": False}
            write({**task.about, **found, "took": round(perf_counter() - start, 2)})


if __name__ == "__main__":
    main(json.loads(sys.argv[1]), Path(sys.argv[2]))
