"""The arrays that a model is fed during calibration."""

import numpy as np

Feeds = list[dict[str, np.ndarray]]
"""One an example, of fixed shapes: input -> values."""


def amplify(feeds: Feeds, gain: float) -> Feeds:
    """The feeds, and for a gain above 1 the same once more, multiplied by it; not integers."""
    if gain == 1:
        return feeds
    strong = [
        {name: x * x.dtype.type(gain) if x.dtype.kind == "f" else x for name, x in feed.items()}
        for feed in feeds
    ]
    return [*feeds, *strong]
