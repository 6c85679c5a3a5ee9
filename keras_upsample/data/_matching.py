"""Files of two folders -> pairs of an image and its mask."""

import dataclasses
import warnings
from pathlib import Path

from ._conventions import CONVENTIONS, SAME, Convention, affixes
from ._files import Files, one_place
from ._match import Match, first
from ._patterns import Pattern


@dataclasses.dataclass(frozen=True)
class Pairing:
    """Images and their masks.

    Attributes:
        pairs: image and mask.
        names: names of the pairs: the image's path from its folder, without suffix.
        said: how they were found, in a sentence; empty where their names are the same.
    """

    pairs: list[tuple[Path, Path]]
    names: list[str]
    said: str = ""


def pair(
    images: Path, masks: Path, image_pattern: str | None = None, mask_pattern: str | None = None
) -> Pairing:
    """The pairs, by patterns, by equal names, or by the one convention that fits all files.

    Raises:
        ValueError: no such folder, no picture, a bad pattern; a picture has no other half, or
            several.
    """
    for what, text in (("image_pattern", image_pattern), ("mask_pattern", mask_pattern)):
        if text is not None:
            Pattern(what, text)
    pictures, answers = Files("images", images, masks), Files("masks", masks, images)
    if image_pattern is not None or mask_pattern is not None:
        given = Convention(image_pattern or "{name}", mask_pattern or "{name}")
        return _only_pairs(Match(given, pictures, answers), by_pattern=True)
    one_folder = one_place(images, masks)
    if not one_folder:
        same = Match(SAME, pictures, answers)
        if same.complete():
            return _only_pairs(same)
    found = {
        tuple(match.pairs()): match
        for match in (Match(convention, pictures, answers) for convention in CONVENTIONS)
        if match.complete()
    }
    if len(found) == 1:
        (match,) = found.values()
        pairing = _only_pairs(match, by_pattern=True)
        warnings.warn(pairing.said, UserWarning, stacklevel=3)
        return pairing
    hints = [match.convention for match in found.values()] or _hints(pictures, answers)
    advice = " or ".join(
        f"image_pattern={hint.image!r}, mask_pattern={hint.mask!r}" for hint in hints[:4]
    )
    advice = (
        f" {'Choose' if len(hints) > 1 else 'Pass'} {advice}."
        if advice
        else (" Pass `image_pattern` and `mask_pattern`, e.g. '{name}' and '{name}_mask'.")
    )
    if len(found) > 1:
        raise ValueError(f"`images` and `masks` match in several ways.{advice}")
    if one_folder:
        raise ValueError(
            f"`images` and `masks` are one folder, {str(images)!r}, and its names do not tell "
            f"masks from images.{advice}"
        )
    lines = Match(SAME, pictures, answers).problems()
    raise ValueError(
        "`images` and `masks` must match by file name without its ending. Received: "
        + "; ".join(lines)
        + f".{advice}"
    )


def _only_pairs(match: Match, by_pattern: bool = False) -> Pairing:
    for what, keyed in (("images", match.images), ("masks", match.masks)):
        if not keyed:
            pattern = match.convention.image if what == "images" else match.convention.mask
            raise ValueError(f"`{what}` hold no picture of the pattern {pattern!r}.")
    lines = match.problems()
    if match.both:
        raise ValueError(
            f"{len(match.both)} files fit both patterns, {match.convention.image!r} and "
            f"{match.convention.mask!r}: {', '.join(first(match.both))}. Narrow one of them."
        )
    if lines:
        raise ValueError(
            f"`images` and `masks` must match by the patterns {match.convention.image!r} and "
            f"{match.convention.mask!r}. Received: {'; '.join(lines)}."
        )
    names = [str(image.with_suffix("")) for image, _ in match.pairs()]
    return Pairing(match.files(), names, match.sentence() if by_pattern else "")


def _hints(images: Files, masks: Files) -> list[Convention]:
    """Patterns under which each image has a mask, while other files remain."""
    tried = [*CONVENTIONS, *affixes(images.paths, masks.paths)]
    return [one for one in tried if one != SAME and Match(one, images, masks).all_images()]
