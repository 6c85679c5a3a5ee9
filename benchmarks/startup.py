"""How fast the package imports and the command line answers.

python benchmarks/startup.py
"""

import subprocess
import sys
import time

COMMANDS = {
    "python -c pass": [sys.executable, "-c", "pass"],
    "import keras_upsample": [sys.executable, "-c", "import keras_upsample"],
    "--help": [sys.executable, "-m", "keras_upsample", "--help"],
    "list": [sys.executable, "-m", "keras_upsample", "list"],
}


def main() -> None:
    times: dict[str, list[float]] = {name: [] for name in COMMANDS}
    for _ in range(7):
        for name, command in COMMANDS.items():
            start = time.perf_counter()
            subprocess.run(command, check=True, capture_output=True)
            times[name].append(time.perf_counter() - start)
    for name, values in times.items():
        values.sort()
        print(f"{name:<22} min {values[0]:.3f} s, median {values[len(values) // 2]:.3f} s")


if __name__ == "__main__":
    main()
