"""Every upsampling technique on the same work: the figures behind docs/upsampling-guide.md.

python benchmarks/upsamplers.py train      # trains what benchmarks/results/upsamplers.json lacks
python benchmarks/upsamplers.py measure    # parameters, multiply-adds, verified files, times
python benchmarks/upsamplers.py count      # parameters and multiply-adds of what was not trained
python benchmarks/upsamplers.py report     # docs/upsampling-guide.md and its pictures

Training takes about half an hour of one processor; interrupted, it goes on where it was.
"""

import argparse
import datetime
import os
import sys
from pathlib import Path
from typing import Any

os.environ.setdefault("TF_CPP_MIN_LOG_LEVEL", "3")
# TensorFlow leaves oneDNN off on processors without AVX-512; there too it is faster.
os.environ.setdefault("TF_ENABLE_ONEDNN_OPTS", "1")

from upsampler_study.store import Budget, Store
from upsampler_study.techniques import techniques

ROOT = Path(__file__).resolve().parents[1]
RESULTS = ROOT / "benchmarks" / "results" / "upsamplers.json"
BUILD = ROOT / "build" / "upsamplers"
# glibc hands memory back to the kernel after every step, and page faults are half of the time.
MALLOC = {
    "MALLOC_TOP_PAD_": "268435456",
    "MALLOC_TRIM_THRESHOLD_": "8000000000",
    "MALLOC_MMAP_THRESHOLD_": "33554432",
}


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("what", choices=("train", "measure", "count", "report"))
    parser.add_argument("--seeds", type=int, default=3, help="0, 1, ... (3)")
    parser.add_argument("--threads", type=int, default=1, help="processor threads to train on (1)")
    parser.add_argument("--rounds", type=int, default=25, help="of timing (25)")
    parser.add_argument("--again", nargs="*", default=[], metavar="NAME", help="train these anew")
    parser.add_argument("--times-only", action="store_true", help="measure: keep costs and files")
    options = parser.parse_args()
    store = Store(RESULTS, Budget())
    rows = techniques()
    if unknown := set(options.again) - set(rows):
        parser.error(f"unknown technique {', '.join(sorted(unknown))}; there are {', '.join(rows)}")
    if options.what == "train":
        train(list(rows.values()), options, store)
    elif options.what == "measure":
        measure(trained(rows, store), options, store)
    elif options.what == "count":
        count(rows, store)
    else:
        print(report(rows, store, ROOT / "docs"))


def train(rows: list[Any], options: Any, store: Store) -> None:
    if sys.platform == "linux" and not MALLOC.keys() <= os.environ.keys():
        os.execve(sys.executable, [sys.executable, *sys.argv], {**os.environ, **MALLOC})
    import tensorflow as tf
    from rich.progress import Progress
    from upsampler_study.training import train_missing

    from keras_upsample.data import labelled_images

    tf.config.threading.set_intra_op_parallelism_threads(options.threads)
    tf.config.threading.set_inter_op_parallelism_threads(1)
    for name in options.again:
        for seed in range(options.seeds):
            store.content["runs"].pop(f"{name}/{seed}", None)
    data = labelled_images("cells", "train"), labelled_images("cells", "test")
    shown(store, *data)
    with Progress() as bar:
        train_missing(rows, range(options.seeds), store, data, BUILD, bar)


def shown(store: Store, train_on: Any, test_on: Any) -> None:
    """What the crop shows: the second channel, and the classes as marked."""
    import numpy as np
    from upsampler_study import quality

    number = quality.CROP[0]
    truth = np.eye(len(train_on.classes))[quality.crop_of(test_on.labels[number])]
    image = quality.crop_of(test_on.images[number])
    store.add_crops(
        {
            "image": quality.as_grey(image[..., ::-1]),
            "truth": quality.as_colours(100 * truth),
        }
    )


def trained(rows: Any, store: Store) -> list[Any]:
    """The techniques with a run under the budget; all where there is none."""
    return [row for row in rows.values() if store.runs(row.name)] or list(rows.values())


def count(rows: Any, store: Store) -> None:
    from upsampler_study import costs

    known = {row.name for row in trained(rows, store)}
    for row in rows.values():
        if row.name not in known:
            store.content["costs"][row.name] = costs.counted(row, store.budget.filters)
            print(row.name, store.content["costs"][row.name])
    store.save()


def measure(rows: list[Any], options: Any, store: Store) -> None:
    from rich.progress import Progress
    from upsampler_study import costs

    from keras_upsample.data import labelled_images
    from keras_upsample.export._report import package_versions

    content, files = store.content, BUILD / "files"
    with Progress() as bar:
        steps = 0 if options.times_only else len(rows)
        task = bar.add_task("measure", total=steps + len(costs.RUNTIMES))

        def tell(doing: str) -> None:
            bar.update(task, description=doing, advance=1)

        if not options.times_only:
            images = list(labelled_images("cells", "test").images)
            content["costs"], content["files"] = {}, {}
            for row in rows:
                tell(row.name)
                content["costs"][row.name] = costs.counted(row, store.budget.filters)
                content["files"][row.name] = costs.exported(row, store, BUILD, files, images)
            store.save()
        content["latency"] = {
            "runtimes": costs.timed(rows, files, options.rounds, tell),
            "rounds": options.rounds,
            "date": datetime.date.today().isoformat(),
        }
        content["machine"], content["versions"] = costs.machine(), package_versions()
        store.save()


def report(rows: Any, store: Store, docs: Path) -> Path:
    from upsampler_study import pictures
    from upsampler_study.guide import PICTURES, guide
    from upsampler_study.summary import summaries

    found = summaries(trained(rows, store), store.content, store.budget.key)
    judged = [row for row in found if row.group != "fusion"]
    path = docs / f"{PICTURES}.md"
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_text(guide(rows, found, store.content), encoding="utf-8")
    crops = store.crops()
    panels = {"image, and as marked": [crops["image"], crops["truth"]]}
    for row in judged:
        panels[row.name] = [crops[f"{row.name}/edge"], crops[f"{row.name}/start"]]
    pictures.sheet(panels, docs / PICTURES / "edges.png")
    pictures.chart(judged, docs / PICTURES / "overview.png")
    return path


if __name__ == "__main__":
    main()
