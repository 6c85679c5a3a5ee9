"""Class weights computed from the training masks."""

import numpy as np

from ..data import LabelledImages
from ..data._labelled import IGNORED


def balanced_weights(labelled: LabelledImages) -> tuple[float, ...]:
    """w_c = N / (C · n_c), n_c the pixels of class c, N their sum, C the number of classes.

        labels 0 0 0 1  ->  4/6, 4/2

    Pixels without a class (255) are ignored.

    Raises:
        ValueError: a class that no mask shows, whose weight would be infinite.
    """
    classes = len(labelled.classes)
    counts = np.zeros(256, np.int64)
    for labels in labelled.labels:
        counts += np.bincount(np.asarray(labels).ravel(), minlength=256)
    counts = counts[:classes] if classes <= IGNORED else counts
    missing = [labelled.classes[i] for i in np.flatnonzero(counts == 0)]
    if missing:
        raise ValueError(
            f"`class_weights`: balanced weights need pixels of every class, and no training mask "
            f"shows {', '.join(missing)}. Give a number for each class instead."
        )
    return tuple(float(w) for w in counts.sum() / (classes * counts))
