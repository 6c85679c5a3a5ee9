"""What a convention of file names makes of two folders."""

from collections.abc import Iterable, Sequence
from pathlib import Path, PurePosixPath

from .._text import printable
from ._conventions import Convention
from ._files import Files, one_place
from ._patterns import Key, Pattern

_SHOWN = 10


class Match:
    """The files of two folders by a convention.

    Attributes:
        images: images by the name that they share with their masks.
        masks: masks by the same names.
        left_out: masks that do not fit the convention.
        unmatched: images that do not.
        both: files of a common folder that are images and masks.
    """

    def __init__(self, convention: Convention, images: Files, masks: Files) -> None:
        self.convention = convention
        image, mask = (
            Pattern("image_pattern", convention.image),
            Pattern("mask_pattern", convention.mask),
        )
        self.masks, self.images = masks.keyed(mask), images.keyed(image)
        self.left_out = {*masks.paths}.difference(*self.masks.values())
        self.unmatched = {*images.paths}.difference(*self.images.values())
        self.both: list[str] = []
        self._roots = images.folder, masks.folder
        if one_place(images.folder, masks.folder):
            # A mask is no image: "{name}" is what the other pattern leaves.
            taken = [
                {path for paths in keyed.values() for path in paths}
                for keyed in (self.images, self.masks)
            ]
            if convention.image == "{name}":
                self.images = _without(self.images, taken[1])
            elif convention.mask == "{name}":
                self.masks = _without(self.masks, taken[0])
            else:
                self.both = sorted(map(str, taken[0] & taken[1]))
            used = {p for d in (self.images, self.masks) for paths in d.values() for p in paths}
            self.left_out, self.unmatched = {*masks.paths} - used, set()

    def pairs(self) -> list[tuple[PurePosixPath, PurePosixPath]]:
        return [(self.images[key][0], self.masks[key][0]) for key in self.images]

    def all_images(self) -> bool:
        """Whether each image has one mask."""
        single = all(
            len(self.images[key]) == 1 == len(self.masks.get(key, ())) for key in self.images
        )
        return bool(self.images) and single

    def complete(self) -> bool:
        """Whether there is one mask for each image, one image for each mask, and nothing else."""
        beside = [Pattern("mask_pattern", text) for text in self.convention.beside]
        rest = [path for path in self.left_out if not any(p.key(path) for p in beside)]
        return (
            self.all_images()
            and not rest
            and not self.unmatched
            and not self.both
            and self.images.keys() == self.masks.keys()
        )

    def problems(self) -> list[str]:
        images, masks = self.images, self.masks
        lines = []
        for title, keys in (
            ("images without a mask", images.keys() - masks.keys()),
            ("masks without an image", masks.keys() - images.keys()),
            ("images of one name", {key for key, paths in images.items() if len(paths) > 1}),
            ("masks of one name", {key for key, paths in masks.items() if len(paths) > 1}),
        ):
            if keys:
                shown = ", ".join(first(sorted("/".join(key).lstrip("/") for key in keys)))
                lines.append(f"{len(keys)} {title}: {shown}")
        return lines

    def files(self) -> list[tuple[Path, Path]]:
        images, masks = self._roots
        return [(images / image, masks / mask) for image, mask in self.pairs()]

    def sentence(self) -> str:
        image, mask = self.pairs()[0]
        who = f" (as {self.convention.who})" if self.convention.who else ""
        rest = len(self.left_out | self.unmatched)
        others = f"; {rest} other pictures are left out" if rest else ""
        return (
            f"`images` and `masks` are matched as {self.convention.image!r} and "
            f"{self.convention.mask!r}{who}: {len(self.images)} pairs, e.g. {str(image)!r} with "
            f"{str(mask)!r}{others}. Pass `image_pattern` and `mask_pattern` for others."
        )


def _without(
    keyed: dict[Key, list[PurePosixPath]], taken: Iterable[PurePosixPath]
) -> dict[Key, list[PurePosixPath]]:
    taken = {*taken}
    left = {key: [path for path in paths if path not in taken] for key, paths in keyed.items()}
    return {key: paths for key, paths in left.items() if paths}


def first(lines: Sequence[str]) -> list[str]:
    """The first lines, as they can be shown, and how many more there are."""
    more = len(lines) - _SHOWN
    return [*map(printable, lines[:_SHOWN]), *([f"... and {more} more"] if more > 0 else [])]
