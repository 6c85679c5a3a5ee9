"""Time and memory of one full export: the default U-Net, three formats, verified.

python benchmarks/export_budget.py [NAME]
"""

import os
import resource
import sys
import tempfile
import time

os.environ.setdefault("TF_CPP_MIN_LOG_LEVEL", "3")


def main() -> None:
    import keras_upsample as ku
    from keras_upsample.runtimes._runner import cpu_threads

    name = sys.argv[1] if len(sys.argv) > 1 else "unet"
    model = getattr(ku.zoo, name)(classes=3)
    last = [time.perf_counter(), ""]
    spent: dict[str, float] = {}

    def step(target: str, what: str) -> None:
        now = time.perf_counter()
        if last[1]:
            spent[last[1]] = spent.get(last[1], 0.0) + now - last[0]
        last[:] = [now, f"{target} {what}"]

    start = time.perf_counter()
    last[0] = start
    with tempfile.TemporaryDirectory() as folder:
        report = ku.export.export(model, folder, progress=step)
    total = time.perf_counter() - start
    print(report)
    for what, seconds in spent.items():
        print(f"{what:<22} {seconds:6.1f} s")
    peak = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 2**20
    print(
        f"{model.count_params():,} parameters, {cpu_threads()} threads: "
        f"{total:.1f} s, peak {peak:.2f} GiB resident"
    )


if __name__ == "__main__":
    main()
