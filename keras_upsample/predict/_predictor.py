"""`Predictor`: a network with its scaling, layout and classes."""

import math
from dataclasses import dataclass
from functools import cached_property

import numpy as np

from ..errors import first_line
from ..metadata._scaling import UNIT, Scaling
from ._grid import Span, overlap_for, round_up, spans
from ._identity import of_behaviour
from ._meaning import PICTURES, SCORES
from ._networks import Network
from ._probabilities import as_labels, as_probabilities
from ._valid_tiles import valid_tiles

Colour = tuple[int, int, int]

_PROBED = 64
_DEFAULT_TILE = 512
_DEFAULT_OVERLAP = 64
_UNTILED = 1024 * 1024
"""Pixels: up to here an image goes through the network in one piece unless a tile is given."""


@dataclass(frozen=True)
class Predictor:
    """A network with all facts that prediction needs; `load_model` makes it.

    Attributes:
        network: the network that is run.
        outputs: number of output channels, K.
        scale: output pixels per input pixel along each axis.
        task: the model's task, one of `keras_upsample.metadata.TASKS`.
        kind: kind of the output, one of `keras_upsample.metadata.KINDS`.
        classes: one name for each class, or empty.
        colours: one RGB colour for each class, or empty for `viz.PALETTE`.
        scaling: how a picture's values become the network's values.
        threshold: probability from which a pixel is 1, for a single channel or several labels.
        value_range: output values of a picture that become black and white.
        order: for each of the network's channels its number in (red, green, blue); None for that
            order.
        taken: lines on facts that were read from names, the graph or the output for noise.
        assumed: lines on facts that are unknown and were assumed.
    """

    network: Network
    outputs: int
    scale: int
    task: str = "segmentation"
    kind: str = "probabilities"
    classes: tuple[str, ...] = ()
    colours: tuple[Colour, ...] = ()
    scaling: Scaling = UNIT
    threshold: float = 0.5
    value_range: tuple[float, float] = (0.0, 1.0)
    order: tuple[int, ...] | None = None
    taken: tuple[str, ...] = ()
    assumed: tuple[str, ...] = ()

    @property
    def class_count(self) -> int:
        """Number of classes in a class map: K, or 2 for a threshold on each channel."""
        if self.labels_overlap:
            return 2
        if self.kind == "class_map":
            return len(self.classes) or 256
        return max(self.outputs, 2)

    @property
    def margin(self) -> int:
        """Pixels that the output loses on each side of the input."""
        return 0 if self.network.margin is None else self.network.margin.pixels

    @property
    def gives_picture(self) -> bool:
        """Whether the output is a picture."""
        return self.task in PICTURES

    @property
    def gives_labels(self) -> bool:
        """Whether the output gives classes."""
        return self.task in SCORES

    @property
    def has_threshold(self) -> bool:
        """Whether the class map is made by `threshold`, not by an argmax."""
        single = self.task == "binary_segmentation"
        return self.kind != "class_map" and (single or self.labels_overlap)

    @property
    def labels_overlap(self) -> bool:
        """Whether a pixel may have several labels, one for each channel."""
        return self.task == "multi_label_segmentation"

    @property
    def blends(self) -> bool:
        """Whether tiles may be blended; class numbers may not, because they have no mean."""
        return self.kind != "class_map"

    @property
    def identity(self) -> str:
        """A digest of the network's content, which does not depend on its name."""
        if self.network.identity is not None:
            return self.network.identity()
        height, width = (size or _PROBED for size in self.network.size)
        return of_behaviour(self.network.run, (height, width, self.network.channels or 3))

    @cached_property
    def stride(self) -> int:
        """Pixels: tiles begin at multiples of it, and open tile sizes are multiples of it."""
        stride = self.network.stride()
        # A network that takes fewer pixels than that has another one, which divides its size.
        small = [size for size in self.network.size if size is not None and size < stride]
        return math.gcd(stride, *small)

    def run(self, image: np.ndarray) -> np.ndarray:
        """Run the network: (H, W, C) float32 -> (H·scale, W·scale, K), its own values, K last.

        Raises:
            ValueError: the network refuses this size, or returns an output of a wrong size.
        """
        try:
            values = self.network.run(np.ascontiguousarray(image, "float32"))
        except Exception as error:  # TensorFlow's, ONNX Runtime's and LiteRT's share no class
            raise ValueError(
                f"{self.network.name!r} can't be run on {image.shape[0]}x{image.shape[1]} pixels: "
                f"{first_line(error)}"
            ) from error
        height, width = (size - 2 * self.margin for size in image.shape[:2])
        wanted = (height * self.scale, width * self.scale, self.outputs)
        if values.shape != wanted:
            raise ValueError(
                f"{self.network.name!r} gives {values.shape} for an image of {image.shape}; "
                f"{wanted} was expected. Its output must be `scale` times its input at every size."
            )
        return values

    def finish(self, values: np.ndarray) -> np.ndarray:
        """Convert the output of `run` to probabilities or to a picture in [0, 1]; class numbers and
        regressions keep their values. Returns a new array of float32.

        Raises:
            ValueError: NaN or infinity.
        """
        values = as_probabilities(values, self.kind == "logits", exclusive=not self.labels_overlap)
        if not np.isfinite(values.sum()):
            raise ValueError(
                f"{self.network.name!r} gives NaN or infinity. Look for such values in the image "
                "and in the weights."
            )
        low, high = self.value_range
        if self.gives_picture and (low, high) != (0.0, 1.0):
            values -= np.float32(low)
            values /= np.float32(high - low)
        return values

    def labels(self, values: np.ndarray) -> np.ndarray:
        """Convert the output of `finish` to class numbers (h, w), or to 0 or 1 for each of several
        labels (h, w, K)."""
        if self.kind == "class_map":
            return np.rint(values[..., 0]).astype("uint8" if self.class_count <= 256 else "uint16")
        if self.labels_overlap:
            return (values >= self.threshold).astype("uint8")
        return as_labels(values, self.threshold)

    def tiles(
        self, height: int, width: int, tile: int | None, overlap: int | None
    ) -> tuple[list[Span], list[Span], tuple[int, int]]:
        """The tiles down and across an image, and their overlaps, by the rules of `predict`."""
        fixed = self.network.size
        if self.network.whole:
            if tile is not None or overlap is not None:
                raise ValueError(
                    f"`tile`, `overlap`: {self.network.name!r} takes whole pictures, by its "
                    "metadata, and there are no tiles. Leave them out."
                )
            return spans(height, height, 0), spans(width, width, 0), (0, 0)
        if tile is not None and any(size not in (None, tile) for size in fixed):
            raise ValueError(
                f"`tile`: {self.network.name!r} takes {fixed[0]}x{fixed[1]} pixels and nothing "
                f"else, so that its tiles have this size. Received: {tile!r}. Leave it out."
            )
        _check_pixels("tile", tile, 1)
        _check_pixels("overlap", overlap, 0)
        if self.network.margin is not None:
            margin = self.network.margin
            return valid_tiles(fixed, margin, self.stride, (height, width), tile, overlap or 0)
        whole = tile is None and height * width <= _UNTILED
        if whole and fixed == (None, None):
            return spans(height, height, 0), spans(width, width, 0), (0, 0)
        axes = []
        for length, given in zip((height, width), fixed, strict=True):
            if whole and given is None:
                axes.append((spans(length, length, 0), 0))
                continue
            size = given or round_up(tile or _DEFAULT_TILE, self.stride)
            shared = self._overlap(size, overlap)
            axes.append((spans(length, size, shared, self.stride, fixed=given is not None), shared))
        (rows, down), (columns, across) = axes
        return rows, columns, (down, across)

    def _overlap(self, size: int, overlap: int | None) -> int:
        """Overlap of tiles of one size along an axis."""
        wanted = min(_DEFAULT_OVERLAP, size // 4) if overlap is None else overlap
        shared = overlap_for(size, wanted, self.stride)
        if shared <= size // 2:
            return shared
        if overlap is None:  # as much as there can be
            return size - round_up(size - size // 2, self.stride)
        raise ValueError(
            f"`overlap` must be at most half of a tile, here {size // 2} pixels. Received: "
            f"{overlap!r}, rounded up to the network's stride {self.stride}: {shared}."
        )


def _check_pixels(name: str, value: int | None, least: int) -> None:
    if value is not None and (
        isinstance(value, bool) or not isinstance(value, int) or value < least
    ):
        raise ValueError(
            f"`{name}` must be a whole number of pixels >= {least} or None. Received: {value!r}."
        )
