"""The file names of well-known data sets, for folders whose user names no pattern."""

import dataclasses
from collections.abc import Iterable, Iterator
from pathlib import PurePosixPath


@dataclasses.dataclass(frozen=True)
class Convention:
    """How an image and its mask are called.

    Attributes:
        image: pattern of images.
        mask: pattern of masks.
        who: the data set or program that uses it; may be empty.
        beside: further files of each mask that hold no class numbers.
    """

    image: str
    mask: str
    who: str = ""
    beside: tuple[str, ...] = ()


SAME = Convention("{name}", "{name}")

_SUFFIXES = {  # of masks of images {name} -> who
    "_mask": "Carvana",
    "-mask": "",
    "_masks": "",
    "_label": "",
    "_labels": "",
    "_seg": "",
    "_segmentation": "ISIC",
    "_gt": "",
    "_GT": "",
    "_groundtruth": "",
    "_annotation": "",
    "_anno": "GlaS",
    "_L": "CamVid",
    "_matte": "",
}
_CITYSCAPES = ("labelIds", "labelTrainIds")
_BOTH = (  # image, mask, who
    ("image_{name}", "mask_{name}", ""),
    ("img_{name}", "mask_{name}", ""),
    ("image_{name}", "label_{name}", ""),
    ("img_{name}", "label_{name}", ""),
    ("image{name}", "mask{name}", ""),
    ("img{name}", "mask{name}", ""),
    ("image{name}", "label{name}", ""),
    ("img{name}", "label{name}", ""),
    ("{name}", "mask_{name}", ""),
    ("{name}", "label_{name}", ""),
    ("{name}_image", "{name}_mask", ""),
    ("{name}_img", "{name}_mask", ""),
    ("{name}_image", "{name}_label", ""),
    ("{name}_rgb", "{name}_mask", ""),
    ("{name}_sat", "{name}_mask", "DeepGlobe"),
    ("{name}_training", "{name}_manual1", "DRIVE"),
    ("{name}_test", "{name}_manual1", "DRIVE"),
)

CONVENTIONS = (
    *(Convention("{name}", f"{{name}}{suffix}", who) for suffix, who in _SUFFIXES.items()),
    *(Convention(*names) for names in _BOTH),
    *(
        Convention(
            "{name}_leftImg8bit",
            f"{{name}}_{fine}_{kind}",
            "Cityscapes",
            (f"{{name}}_{fine}_color", f"{{name}}_{fine}_instanceIds"),
        )
        for fine in ("gtFine", "gtCoarse")
        for kind in _CITYSCAPES
    ),
)
"""What is tried, if names are not the same."""


def affixes(
    images: Iterable[PurePosixPath], masks: Iterable[PurePosixPath]
) -> Iterator[Convention]:
    """The patterns by what all images begin and end with, and all masks; only good for a hint."""
    image, mask = (_pattern([path.stem for path in paths]) for paths in (images, masks))
    if image and mask:
        yield Convention(image, mask)


def _pattern(stems: list[str]) -> str | None:
    if len(stems) < 2:
        return None
    begin = _common_begin(stems).rstrip("0123456789")
    rest = [stem[len(begin) :] for stem in stems]
    end = _common_begin([stem[::-1] for stem in rest])[::-1].lstrip("0123456789")
    if any(set(part) & set("{}/") for part in (begin, end)):
        return None
    return f"{begin}{{name}}{end}"


def _common_begin(texts: list[str]) -> str:
    low, high = min(texts), max(texts)
    count = next((i for i, (a, b) in enumerate(zip(low, high, strict=False)) if a != b), len(low))
    return low[:count]
