"""Networks of others in TFLite, ONNX and TF.js files of packages; imports nothing heavy.

Nothing of them ships. `load` fetches the package by its name, version and SHA-256, takes the file
out of it, and reads it (`interchange.from_tflite`, `from_onnx`, `from_tfjs`).
"""

import dataclasses
from collections.abc import Iterator, Sequence

from ..files._package import Package
from ..metadata import Scaling
from ._package_source import Source


@dataclasses.dataclass(frozen=True)
class PackagedFile:
    """One network.

    Attributes:
        model: its family, e.g. "selfie".
        weights: its name in the family, e.g. "256x256".
        members: path in the package -> name in the cache; the model's file is the first.
        reader: the function of `interchange` that reads it.
        summary: one line on what it does.
        source: where it comes from.
        task: one of `metadata.TASKS`.
        kind: of its output, one of `metadata.KINDS`.
        channels: names of the image's channels, in order.
        scaling: how a picture's values become the network's.
        preprocessing: what the network takes, in words.
        training_data: in words.
        size: height and width; None for open ones.
        multiple: what open heights and widths must be multiples of.
        whole: whether it takes whole pictures, resized to `size`.
        classes: class names by number.
        threshold: output value from which a pixel is 1.
        value_range: of an output that is a picture.
        scale: output pixels per input pixel, along each axis.
    """

    model: str
    weights: str
    members: dict[str, str]
    reader: str
    summary: str
    source: Source
    task: str
    kind: str
    channels: Sequence[str]
    scaling: Scaling
    preprocessing: str
    training_data: str
    size: tuple[int | None, int | None] = (None, None)
    multiple: int = 1
    whole: bool = False
    classes: tuple[str, ...] = ()
    threshold: float | None = None
    value_range: tuple[float, float] | None = None
    scale: int = 1

    @property
    def name(self) -> str:
        """Name on the command line, e.g. `selfie:256x256`."""
        return f"{self.model}:{self.weights}"


RGB = ("red", "green", "blue")

MEDIAPIPE = Source(
    Package(
        "@mediapipe/selfie_segmentation",
        "0.1.1675465747",
        "7767b33eaa68990ee06c28bbb89f39a13a47ebb07ff0f1fd4947d9e817bb9bf9",
        4_049_373,
        index="npm",
    ),
    "package",
    "Apache-2.0",
    "Google",
    "https://github.com/google-ai-edge/mediapipe",
    "the package that holds the weights states it (package.json), and the repository that holds "
    "them too (mediapipe/modules/selfie_segmentation) is under it",
    "MediaPipe Selfie Segmentation, a MobileNetV3 with a decoder of its own; after Howard et al., "
    "Searching for MobileNetV3, ICCV 2019, https://arxiv.org/abs/1905.02244",
)
PADDLE_OCR = Source(
    Package(
        "rapidocr-onnxruntime",
        "1.4.4",
        "971d7d5f223a7a808662229df1ef69893809d8457d834e6373d3854bc1782cbf",
        14_915_192,
    ),
    "rapidocr_onnxruntime/models",
    "Apache-2.0",
    "Baidu",
    "https://github.com/PaddlePaddle/PaddleOCR",
    "the licence of the repository that publishes the weights, whose maintainers confirm it for "
    "the models (issue 15985 there); the package that converts them to ONNX is under it too, and "
    "its authors name Baidu as the holder of the copyright",
    "Liao et al., Real-time Scene Text Detection with Differentiable Binarization, AAAI 2020, "
    "https://arxiv.org/abs/1911.08947",
)
UKIS = Source(
    Package(
        "ukis-csmask",
        "1.0.0",
        "898d6efe59b3908ec92aabad3f61a56394ff81d997a2ebe5675732503a18d1f1",
        144_901_442,
    ),
    "ukis_csmask",
    "Apache-2.0",
    "2020, German Aerospace Center (DLR)",
    "https://github.com/dlr-eoc/ukis-csmask",
    "the LICENSE file of the package, which holds the weights and names no exception",
    "Wieland, Fichtner and Martinis, UKIS-CSMASK: A Python Package for Multi-Sensor Cloud and "
    "Cloud Shadow Segmentation, ISPRS Archives XLIII-B3-2022, "
    "https://doi.org/10.5194/isprs-archives-XLIII-B3-2022-217-2022",
)
UPSCALER = Source(
    Package(
        "@upscalerjs/esrgan-slim",
        "1.0.0",
        "b53070ff01363e74d33138106dcc72b58d341c9fb7e8fd648554a4e7744142b5",
        4_357_056,
        index="npm",
    ),
    "package/models",
    "MIT",
    "2022, Kevin Scott",
    "https://github.com/thekevinscott/UpscalerJS",
    "the LICENSE file of the package, which holds the weights and names no exception",
    "a residual dense network, Zhang et al., Residual Dense Network for Image Super-Resolution, "
    "CVPR 2018, https://arxiv.org/abs/1802.08797, trained as Wang et al., ESRGAN, ECCVW 2018, "
    "https://arxiv.org/abs/1809.00219",
)


def _selfie(height: int, width: int, file: str, what: str) -> PackagedFile:
    return PackagedFile(
        "selfie",
        f"{height}x{width}",
        {f"package/{file}.tflite": f"{file}.tflite"},
        "from_tflite",
        f"People near the camera, in {what}",
        MEDIAPIPE,
        "binary_segmentation",
        "probabilities",
        RGB,
        Scaling(),
        f"float32 RGB in [0, 1], the whole picture resized to {height}x{width}",
        "photographs by smartphones, collected by Google",
        (height, width),
        whole=True,
        classes=("background", "person"),
    )


_BANDS = ("blue", "green", "red", "nir", "swir16", "swir22")
# Mean and deviation by band, from the JSON beside each file; the four bands of a file with six have
# the same numbers as the file with four.
_STATISTICS = {
    "l1c": (
        (
            0.27552253007888794, 0.2556644380092621, 0.269801527261734,
            0.33431220054626465, 0.20851291716098785, 0.15826508402824402,
        ),
        (
            0.24488002061843872, 0.22757470607757568, 0.2537152171134949,
            0.23213787376880646, 0.148738831281662, 0.12604215741157532,
        ),
    ),
    "l2a": (
        (
            0.26681777834892273, 0.27799084782600403, 0.28811994194984436,
            0.36494743824005127, 0.2225709855556488, 0.17859040200710297,
        ),
        (
            0.33637598156929016, 0.3125455975532532, 0.311148464679718,
            0.27260705828666687, 0.16653667390346527, 0.14328984916210175,
        ),
    ),
}  # fmt: skip
_LEVELS = {
    "l1c": "at the top of the atmosphere (level 1C)",
    "l2a": "at the ground (level 2A, corrected for the atmosphere)",
}


def _clouds(level: str, count: int) -> PackagedFile:
    bands = _BANDS[:count]
    mean, deviation = (values[:count] for values in _STATISTICS[level])
    file = f"model_{count}b_{level}.onnx"
    return PackagedFile(
        "csmask",
        f"{level}_{count}bands",
        {f"ukis_csmask/{file}": file},
        "from_onnx",
        f"Clouds and their shadows in images of Sentinel-2 and Landsat {_LEVELS[level]}, from "
        f"{count} bands",
        UKIS,
        "segmentation",
        "logits",
        bands,
        Scaling(
            "stored",
            tuple(1 / d for d in deviation),
            tuple(-m / d for m, d in zip(mean, deviation, strict=True)),
        ),
        f"float32 reflectance, {', '.join(bands)}, at about 30 m a pixel, less the mean and "
        "divided by the deviation of each band; the reflectance of a digital number n of "
        "Sentinel-2 is n / 10,000, since processing baseline 04.00 (n - 1,000) / 10,000",
        "SPARCS, CloudSEN12+ and samples of the authors",
        (256, 256),
        classes=("background", "cloud", "cloud shadow"),
    )


def _enlarges(scale: int) -> PackagedFile:
    folder = f"package/models/x{scale}"
    return PackagedFile(
        "esrgan_slim",
        f"x{scale}",
        {
            f"{folder}/model.json": "model.json",
            f"{folder}/group1-shard1of1.bin": "group1-shard1of1.bin",
        },
        "from_tfjs",
        f"Enlarges photographs {scale} times, by a small network",
        UPSCALER,
        "super_resolution",
        "picture",
        RGB,
        Scaling.to_range(0, 255),
        "float32 RGB in [0, 255]",
        "DIV2K, whose images are offered for academic research only",
        value_range=(0.0, 255.0),
        scale=scale,
    )


def _all() -> Iterator[PackagedFile]:
    yield _selfie(256, 256, "selfie_segmentation", "square pictures")
    yield _selfie(144, 256, "selfie_segmentation_landscape", "wide pictures")
    yield PackagedFile(
        "dbnet",
        "ppocr_v4",
        {"rapidocr_onnxruntime/models/ch_PP-OCRv4_det_infer.onnx": "ch_PP-OCRv4_det_infer.onnx"},
        "from_onnx",
        "Lines of text, Chinese and Latin, in photographs and scans",
        PADDLE_OCR,
        "binary_segmentation",
        "probabilities",
        RGB[::-1],
        Scaling.to_range(-1, 1),
        "float32 BGR in [-1, 1], height and width multiples of 32",
        "photographs and scans of text, collected by PaddleOCR",
        multiple=32,
        classes=("background", "text"),
        threshold=0.3,
    )
    for level in _LEVELS:
        for count in (6, 4):
            yield _clouds(level, count)
    for scale in (2, 3, 4, 8):
        yield _enlarges(scale)


FILES = {preset.name: preset for preset in _all()}
"""`model:weights` -> preset."""
