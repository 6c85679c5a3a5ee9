"""The package `ncnn`, for comparison: a net on one image."""

import importlib
import importlib.util
from pathlib import Path
from typing import Any

import numpy as np

from ..._installed import need
from ...errors import ArtefactError
from .._context import layer_name
from ._param import parse


def installed() -> bool:
    """Whether the package `ncnn` can be imported."""
    return importlib.util.find_spec("ncnn") is not None


def run(param: Path, bin: Path, image: np.ndarray) -> dict[str, np.ndarray]:
    """What ncnn computes in float32 of an image (H, W, C): output -> (H', W', C').

    Raises:
        ModuleNotFoundError: the package `ncnn` is not installed.
        ArtefactError: ncnn does not load the files.
    """
    need("ncnn", "Nets are compared with the package ncnn.", "ncnn")
    ncnn: Any = importlib.import_module("ncnn")
    net = ncnn.Net()
    # Its tricks for speed compute in half precision, or convolve by other formulas.
    for option in (
        "use_fp16_packed",
        "use_fp16_storage",
        "use_fp16_arithmetic",
        "use_bf16_storage",
        "use_int8_inference",
        "use_winograd_convolution",
        "use_vulkan_compute",
    ):
        setattr(net.opt, option, False)
    net.opt.num_threads = 2
    if net.load_param(str(param)) or net.load_model(str(bin)):
        raise ArtefactError(f"`{param}` can't be loaded by ncnn.")
    layers = parse(param.read_text(encoding="utf-8"))
    used = {blob for layer in layers for blob in layer.inputs}
    image_blob = next(layer.outputs[0] for layer in layers if layer.kind == "Input")
    results = {}
    extractor = net.create_extractor()
    planes = np.ascontiguousarray(image.transpose(2, 0, 1))
    extractor.input(image_blob, ncnn.Mat(planes).clone())
    for layer in layers:
        for blob in layer.outputs:
            if blob in used:
                continue
            failed, found = extractor.extract(blob)
            if failed:
                raise ArtefactError(f"`{param}`: ncnn can't compute {blob!r}.")
            array = np.array(found)
            results[layer_name(blob, {})] = (
                array.reshape(1, 1, -1) if array.ndim == 1 else array.transpose(1, 2, 0)
            )
    return results
