"""The guide's pictures: one sheet of crops, one chart."""

from collections.abc import Mapping, Sequence
from pathlib import Path

import numpy as np

from .rules import RUNTIME_NAMES
from .summary import Summary, notable

ZOOM, GAP, TITLE, COLUMNS = 3, 6, 18, 4
# Okabe and Ito's blue, vermilion, green: apart for the colour-blind.
COLOURS = ("#0072b2", "#d55e00", "#009e73")


def sheet(panels: Mapping[str, Sequence[np.ndarray]], path: Path) -> None:
    """Panels of one or more square pictures each, under their names, every pixel a square.

    Args:
        panels: name -> pictures (H, H, 3) or (H, H) uint8, shown side by side.
        path: the PNG to write.
    """
    from PIL import Image, ImageDraw, ImageFont

    side = ZOOM * next(iter(panels.values()))[0].shape[0]
    wide = max(len(pictures) for pictures in panels.values())
    cell = (wide * side + (wide - 1) * 2 + GAP, side + TITLE + GAP)
    lines = -(-len(panels) // COLUMNS)
    canvas = Image.new("RGB", (COLUMNS * cell[0] - GAP, lines * cell[1] - GAP), "white")
    draw, font = ImageDraw.Draw(canvas), ImageFont.load_default(size=13)
    for number, (name, pictures) in enumerate(panels.items()):
        left, top = number % COLUMNS * cell[0], number // COLUMNS * cell[1]
        draw.text((left, top), name, fill="black", font=font)
        for k, picture in enumerate(pictures):
            rgb = picture if picture.ndim == 3 else np.repeat(picture[..., None], 3, axis=2)
            large = np.kron(rgb, np.ones((ZOOM, ZOOM, 1), "uint8"))
            canvas.paste(Image.fromarray(large), (left + k * (side + 2), top + TITLE))
    path.parent.mkdir(parents=True, exist_ok=True)
    canvas.save(path, optimize=True)


def chart(rows: Sequence[Summary], path: Path) -> None:
    """Edges by seed, time by runtime and checkerboard before and after, a line a technique."""
    from matplotlib import pyplot

    rows = sorted(rows, key=lambda row: row.mean("boundary_iou"))
    lines = np.arange(len(rows))
    figure, panels = pyplot.subplots(
        1, 3, figsize=(11, 0.6 + 0.32 * len(rows)), sharey=True, layout="constrained"
    )
    edges, times, energy = panels
    margin = notable(rows, "boundary_iou")
    best = max(row.mean("boundary_iou") for row in rows)
    if np.isfinite(margin):
        edges.axvspan(best - margin, best, color="0.92", label="within the spread of the best")
    for y, row in zip(lines, rows, strict=True):
        values = row.scores["boundary_iou"]
        edges.plot(values, [y] * len(values), "o", color=COLOURS[0], ms=3.5, alpha=0.6)
        edges.plot(row.mean("boundary_iou"), y, "|", color="black", ms=11)
        energy.plot([row.energy_start, row.energy_trained], [y, y], "-", color="0.8", zorder=0)
    edges.set_title("boundary IoU: seeds, mean")
    for name, colour in zip(RUNTIME_NAMES, COLOURS, strict=True):
        known = [(row.speed[name][0], y) for y, row in zip(lines, rows, strict=True)
                 if name in row.speed]  # fmt: skip
        if known:
            times.plot(
                *zip(*known, strict=True), "o", color=colour, ms=4, label=RUNTIME_NAMES[name]
            )
    times.set_title("time, as a share of transposed_conv's")
    if times.lines:
        times.set_xscale("log", base=2)
        times.xaxis.set_major_formatter("{x:g}")
        times.legend(fontsize=7)
    for what, label, face in (
        ("energy_start", "before training", "white"),
        ("energy_trained", "after", COLOURS[1]),
    ):
        energy.plot(
            [getattr(row, what) for row in rows], lines, "o", ms=4.5, mfc=face, mec=COLOURS[1],
            label=label,
        )  # fmt: skip
    energy.set_xscale("log")
    energy.set_title("checkerboard energy")
    energy.legend(fontsize=7)
    edges.set_yticks(lines, [row.name for row in rows])
    for axes in panels:
        axes.grid(axis="both", color="0.93")
        axes.set_axisbelow(True)
        axes.title.set_fontsize(9)
        axes.tick_params(labelsize=8)
    path.parent.mkdir(parents=True, exist_ok=True)
    figure.savefig(path, dpi=110, metadata={"Software": None})
    pyplot.close(figure)
