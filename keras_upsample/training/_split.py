"""A random split of images into parts that keeps films whole."""

from collections.abc import Mapping, Sequence

import numpy as np


def split_groups(
    groups: Sequence[str], shares: Mapping[str, float], seed: int
) -> dict[str, list[int]]:
    """Choose images for each part at random; the rest is "train".

        groups a a b c, shares {"validation": 0.4}  ->  validation [0, 1], train [2, 3]

    Images of one group go into one part, so that neighbouring frames are never separated. A part
    gets its share of the groups, rounded, and at least one.

    Args:
        groups: the group of each image.
        shares: part -> its share of the groups, in (0, 1).
        seed: seed of the choice.

    Returns:
        Part -> numbers of its images, in their order.

    Raises:
        ValueError: nothing would be left to train on.
    """
    names = list(dict.fromkeys(groups))
    counts = {part: max(1, round(share * len(names))) for part, share in shares.items()}
    if sum(counts.values()) >= len(names):
        frames = len(groups)
        raise ValueError(
            f"{len(names)} image{'s' * (len(names) != 1)} can't be split into "
            f"{' and '.join(['training', *shares])}"
            + (
                f" ({frames} frames of {len(names)} films; a film is never split)"
                * (frames > len(names))
            )
            + ". Name a folder for validation (--validation), add images, or pass a fraction of 0 "
            "(--validation-fraction 0)."
        )
    order = np.random.default_rng(seed).permutation(len(names))
    part_of: dict[str, str] = {}
    first = 0
    for part, count in counts.items():
        part_of |= {names[i]: part for i in order[first : first + count]}
        first += count
    found: dict[str, list[int]] = {part: [] for part in ("train", *counts)}
    for number, group in enumerate(groups):
        found[part_of.get(group, "train")].append(number)
    return found
