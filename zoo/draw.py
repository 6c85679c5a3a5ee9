"""Draws a model of the zoo as an SVG, from its own Keras graph.

Every box is a feature map: its height grows with its resolution, its width with its channels, and
a row holds one resolution. Pooling goes down, upsampling goes up, skips run along a row.
"""

import html
import pathlib
from typing import Any

from boxes import Box, boxes_of

FONT = "DejaVu Sans, Helvetica, Arial, sans-serif"
FILLS = {
    "image": ("#d9d9d9", "#6e6e6e"),
    "conv": ("#b7d0ea", "#33638f"),
    "stage": ("#b7d0ea", "#33638f"),
    "pool": ("#f3c3b4", "#a8482c"),
    "mean": ("#f6e3b0", "#96701c"),
    "join": ("#d8c9ea", "#6a4a97"),
    "score": ("#c4e3c4", "#3b7d3b"),
}
INK, COPY, DOWN, UP = "#222222", "#7a7a7a", "#b5472a", "#2f7d32"
GAP, ROW_GAP, LANE, MARGIN, LEFT = 21, 46, 6, 18, 84


def _place(boxes: list[Box]) -> tuple[float, float]:
    x = float(LEFT)
    for box in boxes:
        label = 7.0 * len(str(box.channels))  # neighbours in a row must not touch with their text
        pitch = max(box.width, label)
        box.x = x + pitch / 2
        x += pitch + GAP * (0.62 if box.kind == "conv" else 1.0)
    y = MARGIN + 20.0
    for size in sorted({box.size for box in boxes}, reverse=True):
        row = [box for box in boxes if box.size == size]
        height = max(box.height for box in row)
        y += LANE * len(_detours(boxes, size, rising=True))
        for box in row:
            box.y = y + height / 2
        y += height + ROW_GAP + LANE * max(len(_detours(boxes, size)) - 2, 0)
    return x + MARGIN, y


def _detours(boxes: list[Box], size: tuple[int, int], rising: bool = False) -> list[Box]:
    """The boxes of a row from which an arrow must pass others of it.

    To another box of the row, below it, or, `rising`, to a finer row, above it.
    """
    row = [box for box in boxes if box.size == size]
    found = []
    for box in boxes:
        for parent, _ in box.parents:
            passes = parent.size == size and any(parent.x < b.x < box.x for b in row)
            if passes and (box.size > size if rising else box.size == size):
                found.append(parent)
    return list({id(box): box for box in found}.values())


def svg(model: Any, title: str) -> str:
    """The drawing of `model`, which must have a static size."""
    boxes = boxes_of(model)
    width, bottom = _place(boxes)
    parts = []
    for box in boxes:
        for parent, risen in box.parents:
            tall = max(b.height for b in boxes if b.size == parent.size) / 2
            lane = None
            if parent in (below := _detours(boxes, parent.size)) and box.size == parent.size:
                if any(parent.x < b.x < box.x for b in boxes if b.size == box.size):
                    lane = tall + 10 + LANE * below.index(parent)
            elif parent in (above := _detours(boxes, parent.size, rising=True)):
                lane = -tall - 26 - LANE * above.index(parent) if box.size > parent.size else None
            parts.append(_arrow(parent, box, risen, lane))
    seen = set()
    for box in boxes:
        fill, stroke = FILLS[box.kind]
        left, top = box.x - box.width / 2, box.y - box.height / 2
        parts.append(
            f'<rect x="{left:.1f}" y="{top:.1f}" width="{box.width:.1f}" '
            f'height="{box.height:.1f}" fill="{fill}" stroke="{stroke}" stroke-width="1.1"/>'
        )
        if box.kind == "join" and box.caption:
            parts.append(_text(box.x, box.y + 5, box.caption, 15))
        if box.kind == "join" and not box.caption:
            # The left part is what the skip brought.
            skip = FILLS["conv"][0]
            parts.append(
                f'<rect x="{left:.1f}" y="{top:.1f}" width="{box.width / 2:.1f}" '
                f'height="{box.height:.1f}" fill="{skip}" stroke="{stroke}" stroke-width="1.1"/>'
            )
        parts.append(_text(box.x, top - 5, str(box.channels), 10.5))
        if box.caption and box.kind != "join":
            parts.append(_text(box.x, top - 17, box.caption, 9.5))
        if box.size not in seen:
            seen.add(box.size)
            parts.append(
                _text(left - 9, box.y + 4, f"{box.size[0]}×{box.size[1]}", 11, anchor="end")
                if box.kind == "image"
                else _text(left - 22, box.y + 15, f"{box.size[0]}×{box.size[1]}", 11, anchor="end")
            )
    legend, right, height = _legend(bottom - 12, {box.kind for box in boxes}, boxes)
    width = max(width, right)
    return (
        f'<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 {width:.0f} {height:.0f}" '
        f'width="{width:.0f}" height="{height:.0f}" font-family="{FONT}">\n'
        f"<title>{html.escape(title)}</title>\n"
        f'<rect width="100%" height="100%" fill="#ffffff"/>\n'
        + _markers()
        + "\n".join([*parts, *legend])
        + "\n</svg>\n"
    )


def _arrow(start: Box, end: Box, risen: bool, lane: float | None) -> str:
    """From box to box; `lane`: how far below or above the row's middle, to pass other boxes."""
    if lane is not None and lane < 0:
        colour = UP
        right = start.x + start.width / 2
        path = (
            f"M{right:.1f},{start.y:.1f} H{right + 6:.1f} V{start.y + lane:.1f} H{end.x:.1f} "
            f"V{end.y + end.height / 2 + 2:.1f}"
        )
    elif lane is not None:
        colour = COPY
        into = end.x - end.width / 4  # the middle is for what rises from below
        path = (
            f"M{start.x:.1f},{start.y + start.height / 2:.1f} V{start.y + lane:.1f} H{into:.1f} "
            f"V{end.y + end.height / 2 + 2:.1f}"
        )
    elif start.y == end.y:
        colour = COPY if end.x - start.x > 90 else INK
        path = f"M{start.x + start.width / 2:.1f},{start.y:.1f} H{end.x - end.width / 2 - 2:.1f}"
    elif risen or start.y > end.y:
        colour = UP
        path = (
            f"M{start.x + start.width / 2:.1f},{start.y:.1f} H{end.x:.1f} "
            f"V{end.y + end.height / 2 + 2:.1f}"
        )
    else:
        colour = DOWN
        path = (
            f"M{start.x:.1f},{start.y + start.height / 2:.1f} V{end.y:.1f} "
            f"H{end.x - end.width / 2 - 2:.1f}"
        )
    line = (
        f'<path d="{path}" fill="none" stroke="{colour}" stroke-width="1.4" '
        f'marker-end="url(#{_name(colour)})"/>'
    )
    if colour == UP:
        factor = round(max(end.size) / max(start.size))
        line += _text(
            end.x + 5, end.y + end.height / 2 + 22, f"×{factor}", 10.5, "start", colour=UP
        )
    return line


def _name(colour: str) -> str:
    return "a" + colour[1:]


def _markers() -> str:
    heads = "".join(
        f'<marker id="{_name(colour)}" viewBox="0 0 8 8" refX="7" refY="4" markerWidth="6.5" '
        f'markerHeight="6.5" orient="auto"><path d="M0,0.8 L8,4 L0,7.2 Z" fill="{colour}"/>'
        "</marker>"
        for colour in (INK, COPY, DOWN, UP)
    )
    return f"<defs>{heads}</defs>\n"


def _text(
    x: float, y: float, text: str, size: float, anchor: str = "middle", colour: str = INK
) -> str:
    return (
        f'<text x="{x:.1f}" y="{y:.1f}" font-size="{size}" text-anchor="{anchor}" '
        f'fill="{colour}">{html.escape(text)}</text>'
    )


def _legend(y: float, kinds: set[str], boxes: list[Box]) -> tuple[list[str], float, float]:
    words = {
        "image": "image",
        "conv": "convolution (3×3 unless said), ReLU",
        "stage": "features of the encoder",
        "pool": "2×2 max pooling",
        "mean": "mean over the image",
        "join": "skip joined with decoder",
        "score": "class scores (1×1)",
    }
    parts, x = [], float(MARGIN)
    for kind, word in words.items():
        if kind in kinds:
            fill, stroke = FILLS[kind]
            parts.append(
                f'<rect x="{x:.0f}" y="{y - 10:.0f}" width="11" height="11" fill="{fill}" '
                f'stroke="{stroke}"/>'
            )
            parts.append(_text(x + 17, y, word, 11, "start"))
            x += 17 + 6.1 * len(word) + 16
    joins = "join" in kinds
    skip = "skip" if joins else "positions of the maxima"
    unpooled = any(len(box.parents) > 1 for box in boxes if box.kind != "join")
    for colour, word in ((COPY, skip), (UP, "upsampling")):
        if joins or unpooled or colour == UP:
            parts.append(
                f'<path d="M{x:.0f},{y - 4:.0f} h22" stroke="{colour}" stroke-width="1.6" '
                f'fill="none" marker-end="url(#{_name(colour)})"/>'
            )
            parts.append(_text(x + 29, y, word, 11, "start"))
            x += 29 + 6.1 * len(word) + 16
    words = "Above a box: channels. Left of a row: its size."
    if any(box.caption.startswith("dw") for box in boxes):
        words += " dw: channel by channel; behind it the rate of dilation, if any."
    parts.append(_text(MARGIN, y + 20, words, 11, "start"))
    return parts, max(x, 6.1 * len(words) + 2 * MARGIN), y + 34


def write(model: Any, title: str, path: pathlib.Path) -> None:
    """Writes the drawing to `path`."""
    path.write_text(svg(model, title), encoding="utf-8")
