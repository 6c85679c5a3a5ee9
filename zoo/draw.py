"""Draws a model of the zoo as an SVG, from its own Keras graph.

Every box is a feature map: its height grows with its resolution, its width with its channels, and
a row holds one resolution. Pooling goes down, upsampling goes up, skips run along a row.
"""

import dataclasses
import html
import math
import pathlib
from typing import Any

FONT = "DejaVu Sans, Helvetica, Arial, sans-serif"
FILLS = {
    "image": ("#d9d9d9", "#6e6e6e"),
    "conv": ("#b7d0ea", "#33638f"),
    "pool": ("#f3c3b4", "#a8482c"),
    "join": ("#d8c9ea", "#6a4a97"),
    "score": ("#c4e3c4", "#3b7d3b"),
}
INK, COPY, DOWN, UP = "#222222", "#7a7a7a", "#b5472a", "#2f7d32"
GAP, ROW_GAP, MARGIN, LEFT = 21, 46, 18, 84
JOINS = ("SkipFusion2D", "Add", "Concatenate")


@dataclasses.dataclass
class Box:
    """One feature map."""

    kind: str
    size: tuple[int, int]
    channels: int
    caption: str
    parents: list[tuple["Box", bool]]  # the box, and whether an upsampling lies between
    x: float = 0.0
    y: float = 0.0  # of the centre

    @property
    def width(self) -> float:
        return 3 + 2.4 * math.log2(self.channels + 1)

    @property
    def height(self) -> float:
        return 170 * (max(self.size) / 256) ** 0.6


def boxes_of(model: Any) -> list[Box]:
    """The feature maps worth a box, in the model's order; other layers become part of an arrow."""
    made: dict[int, list[tuple[Box, bool]]] = {}  # tensor -> boxes that it comes from
    boxes = []
    for layer in model.layers:
        kind, caption = _kind(layer)
        inputs = layer.input if isinstance(layer.input, list) else [layer.input]
        parents = [source for tensor in inputs for source in made.get(id(tensor), [])]
        if layer.name in ("head_crop", "decoder_crop_pool4", "decoder_crop_pool3"):
            parents = made[id(inputs[0])]  # the second input only tells the size
        if kind is None:
            up = "_up" in layer.name
            made[id(layer.output)] = [(box, risen or up) for box, risen in parents]
            continue
        _, height, width, channels = layer.output.shape
        box = Box(kind, (height, width), channels, caption, parents)
        boxes.append(box)
        made[id(layer.output)] = [(box, False)]
    return boxes


def _kind(layer: Any) -> tuple[str | None, str]:
    name, sort = layer.name, type(layer).__name__
    if sort == "InputLayer":
        return "image", ""
    if sort == "MaxPooling2D":
        return "pool", ""
    if sort in JOINS:
        return "join", "+" if sort == "Add" or getattr(layer, "mode", "") == "add" else ""
    if name.startswith("decoder_score"):
        return "score", ""
    if name == "logits":
        return "score", ""
    if name == "head_conv" or "_up" in name or sort != "Conv2D":
        return None, ""
    kernel = layer.kernel_size[0]
    return "conv", "" if kernel == 3 else f"{kernel}×{kernel}"


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
        for box in row:
            box.y = y + height / 2
        y += height + ROW_GAP
    return x + MARGIN, y


def svg(model: Any, title: str) -> str:
    """The drawing of `model`, which must have a static size."""
    boxes = boxes_of(model)
    width, bottom = _place(boxes)
    parts = []
    for box in boxes:
        for parent, risen in box.parents:
            between = [b for b in boxes if b.y == box.y == parent.y and parent.x < b.x < box.x]
            parts.append(_arrow(parent, box, risen, bool(between)))
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
            parts.append(_text(box.x, top + box.height + 12, box.caption, 9.5))
        if box.size not in seen:
            seen.add(box.size)
            parts.append(
                _text(left - 9, box.y + 4, f"{box.size[0]}×{box.size[1]}", 11, anchor="end")
                if box.kind == "image"
                else _text(left - 22, box.y + 15, f"{box.size[0]}×{box.size[1]}", 11, anchor="end")
            )
    legend, height = _legend(width, bottom - 12, {box.kind for box in boxes}, boxes)
    return (
        f'<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 {width:.0f} {height:.0f}" '
        f'width="{width:.0f}" height="{height:.0f}" font-family="{FONT}">\n'
        f"<title>{html.escape(title)}</title>\n"
        f'<rect width="100%" height="100%" fill="#ffffff"/>\n'
        + _markers()
        + "\n".join([*parts, *legend])
        + "\n</svg>\n"
    )


def _arrow(start: Box, end: Box, risen: bool, blocked: bool) -> str:
    if blocked:  # pass below the boxes that stand in the row between the two
        colour = COPY
        below = start.y + start.height / 2 + 13
        path = (
            f"M{start.x:.1f},{start.y + start.height / 2:.1f} V{below:.1f} H{end.x:.1f} "
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


def _legend(width: float, y: float, kinds: set[str], boxes: list[Box]) -> tuple[list[str], float]:
    words = {
        "image": "image",
        "conv": "convolution (3×3 unless said), ReLU",
        "pool": "2×2 max pooling",
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
    for colour, word in ((COPY, "skip"), (UP, "upsampling")):
        if any(box.kind == "join" for box in boxes) or colour == UP:
            parts.append(
                f'<path d="M{x:.0f},{y - 4:.0f} h22" stroke="{colour}" stroke-width="1.6" '
                f'fill="none" marker-end="url(#{_name(colour)})"/>'
            )
            parts.append(_text(x + 29, y, word, 11, "start"))
            x += 29 + 6.1 * len(word) + 16
    parts.append(
        _text(MARGIN, y + 20, "Above a box: channels. Left of a row: its size.", 11, "start")
    )
    return parts, y + 34


def write(model: Any, title: str, path: pathlib.Path) -> None:
    """Writes the drawing to `path`."""
    path.write_text(svg(model, title), encoding="utf-8")
