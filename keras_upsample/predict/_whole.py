"""Networks that take whole pictures: the picture is resized to their size, the result back."""

from dataclasses import replace

import numpy as np

from ._networks import Network


def of_whole_pictures(network: Network, scale: int) -> Network:
    """The network for pictures of any size.

    A picture is resized to the network's size (bilinear, antialiased, whatever its aspect ratio),
    and the output to the picture's (bilinear; class numbers by the nearest pixel).

    Args:
        network: one of fixed size.
        scale: output pixels per input pixel, along each axis.
    """
    if None in network.size:
        return network  # of any size: a picture goes in as it is
    height, width = (int(n or 0) for n in network.size)

    def run(image: np.ndarray) -> np.ndarray:
        values = network.run(_resized(image, height, width))
        rows, columns = (n * scale for n in image.shape[:2])
        return _resized(values, rows, columns)

    return replace(network, run=run, size=(None, None))


def _resized(values: np.ndarray, height: int, width: int) -> np.ndarray:
    """(H, W, C) to another height and width, channel by channel."""
    from PIL import Image

    if values.shape[:2] == (height, width):
        return values
    numbers = values.dtype.kind != "f"
    how = Image.Resampling.NEAREST if numbers else Image.Resampling.BILINEAR
    kind = "int32" if numbers else "float32"
    planes = [
        np.asarray(Image.fromarray(plane.astype(kind)).resize((width, height), how))
        for plane in np.moveaxis(values, -1, 0)
    ]
    return np.stack(planes, axis=-1).astype(values.dtype)
