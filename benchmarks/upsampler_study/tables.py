"""The guide's tables, each with what it says and how it came about."""

import textwrap
from collections.abc import Mapping, Sequence
from typing import Any

import numpy as np

from .rules import RUNTIME_NAMES, share
from .summary import Summary, notable
from .techniques import BASELINE, SIZE, Technique


def filled(text: str) -> str:
    """Lines of up to 100 characters."""
    return textwrap.fill(text, 100, break_long_words=False, break_on_hyphens=False)


def table(header: Sequence[str], rows: Sequence[Sequence[str]], numbers: bool = False) -> str:
    """A Markdown table; with `numbers` all but the first column are flushed right."""
    rule = ["---", *["---:" if numbers else "---"] * (len(header) - 1)]
    return "\n".join("| " + " | ".join(row) + " |" for row in (header, rule, *rows))


def unmeasured(rows: Mapping[str, Technique], found: Sequence[Summary], content: Any) -> str:
    """The techniques without a run: what they cost by count, and when to take them."""
    known = {row.name for row in found}
    lines = []
    for row in rows.values():
        cost = content["costs"].get(row.name)
        if row.name not in known and cost:
            counts = f"{cost['parameters']:,}", f"{cost['multiply_adds'] / 1e6:,.0f} M"
            lines.append((f"`{row.name}`", *counts, row.take))
    if not lines:
        return ""
    header = ("technique", "parameters", "multiply-adds", "take it if")
    size = " x ".join(map(str, SIZE[:2]))
    text = (
        "These were not trained and not timed here, so no table below has them. Parameters and "
        f"multiply-adds are those of the whole network at {size}, as under [Cost](#cost)."
    )
    return f"""## Not measured here

{filled(text)}

{table(header, lines)}"""


def quality(rows: Sequence[Summary]) -> str:
    """What the networks score, and the grids that they make."""

    def cell(row: Summary, metric: str) -> str:
        return f"{row.mean(metric):.3f} ± {row.half_range(metric):.3f}"

    ordered = sorted(rows, key=lambda row: -row.mean("boundary_iou"))
    lines = [
        (
            f"`{row.name}`",
            *(cell(row, metric) for metric in ("boundary_iou", "mean_iou", "nucleus_iou")),
            share(row.energy_start),
            share(row.energy_trained),
        )
        for row in ordered
    ]
    names = {"boundary_iou": "boundary IoU", "mean_iou": "mean IoU", "nucleus_iou": "nucleus IoU"}
    margins = {name: notable(rows, metric) for metric, name in names.items()}
    chance = "One seed says nothing about the spread."
    if all(map(np.isfinite, margins.values())):
        least = ", ".join(f"{margin:.3f} of {name}" for name, margin in margins.items())
        chance = (
            f"Differences above {least} exceed the spread over seeds: they are two standard "
            "errors of a difference, with the mean effect of each seed removed. Among so many "
            "pairs a few exceed this by chance."
        )
    header = ("technique", "boundary IoU", "mean IoU", "nucleus IoU",
              "checkerboard before", "after training")  # fmt: skip
    text = (
        f"Mean over seeds ± half of the way from the worst to the best. {chance} Checkerboard: the "
        "share of the logits' energy at a period of 2 pixels on a blurred test image, which has "
        "none there itself; geometric mean over seeds "
        "(`keras_upsample.metrics.checkerboard_energy`)."
    )
    return f"""## Quality

{table(header, lines, numbers=True)}

{filled(text)}"""


def costs(rows: Sequence[Summary], content: Any) -> str:
    """What the networks cost."""
    runtimes = content["latency"].get("runtimes", {})
    if not runtimes:
        return ""
    names = [name for name in RUNTIME_NAMES if name in runtimes]
    ordered = sorted(rows, key=lambda row: float(np.mean([v[0] for v in row.speed.values()] or 9)))

    def cell(row: Summary, name: str) -> str:
        if name not in row.speed:
            return "–"
        return "{:.2f} ({:.2f})".format(*row.speed[name])

    lines = [
        (
            f"`{row.name}`",
            f"{row.parameters:,}",
            f"{row.multiply_adds / 1e6:,.0f} M",
            f"{row.training:.2f}",
            *(cell(row, name) for name in names),
        )
        for row in ordered
    ]
    base = ", ".join(
        "{} {:.2f} ({:.2f}) ms".format(RUNTIME_NAMES[name], *runtimes[name]["ms"][BASELINE])
        for name in names
    )
    header = (
        "technique",
        "parameters",
        "multiply-adds",
        "training",
        *(RUNTIME_NAMES[n] for n in names),
    )
    rounds, size = content["latency"]["rounds"], " x ".join(map(str, SIZE[:2]))
    text = (
        f"Of the whole network at {size}. Times are shares of `{BASELINE}`'s. Training: processor "
        "time of a run. Runtimes: the exported files on one thread, by the minimum of "
        f"{rounds} interleaved rounds, in brackets by the median; `{BASELINE}` takes {base}. The "
        "machine did other work at the same time: shares, taken in the same rounds, stand; "
        "milliseconds are only a hint."
    )
    return f"""## Cost

{table(header, lines, numbers=True)}

{filled(text)}"""


def files(rows: Sequence[Summary], content: Any) -> str:
    """What export found."""
    if not any(row.files for row in rows):
        return ""
    lines = []
    for row in rows:
        cells = []
        for name in ("tflite", "onnx"):
            file = row.files.get(name)
            if file is None:
                cells += ["–", "–"]
            elif "failure" in file:
                cells += ["none", file["failure"].replace("|", "/")]
            else:
                cells += [f"{file['operators']}", f"{max(file['error'].values()):.0e}"]
        lines.append((f"`{row.name}`", *cells))
    checked = sorted({r for row in rows for f in row.files.values() for r in f.get("error", {})})
    header = ("technique", "TFLite operators", "largest error", "ONNX operators", "largest error")
    text = (
        "The trained networks, exported and compared with the model on test images and noise, in "
        f"{', '.join(checked)}: the largest difference as a share of the output's range, over "
        "runtimes. Fixed sizes, built-in operators only."
    )
    return f"""## Files

{table(header, lines, numbers=True)}

{filled(text)}"""


def fusions(found: Sequence[Summary]) -> str:
    """The ways to join the skip, beside the plain one."""
    others = [row for row in found if row.group == "fusion"]
    if not others:
        return ""
    base = others[0].name.partition(",")[0]
    rows = [row for row in found if row.name == base] + others
    names = [name for name in RUNTIME_NAMES if any(name in row.speed for row in rows)]

    def times(row: Summary) -> list[str]:
        return [f"{row.speed[n][0] / rows[0].speed[n][0]:.2f}"
                if n in row.speed and n in rows[0].speed else "–" for n in names]  # fmt: skip

    lines = [
        (
            row.name.partition(", ")[2] or "concat",
            f"{row.mean('boundary_iou'):.3f} ± {row.half_range('boundary_iou'):.3f}",
            f"{row.mean('mean_iou'):.3f} ± {row.half_range('mean_iou'):.3f}",
            f"{row.parameters:,}",
            *times(row),
        )
        for row in rows
    ]
    header = ("fusion", "boundary IoU", "mean IoU", "parameters",
              *(RUNTIME_NAMES[n] for n in names))  # fmt: skip
    return f"""## How the skip is joined

With `{base}` upsampling, `ku.zoo.unet(..., fusion="NAME")`; times as shares of `concat`'s.

{table(header, lines, numbers=True)}"""
