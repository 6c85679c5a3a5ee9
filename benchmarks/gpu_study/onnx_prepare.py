"""ONNX files of the zoo and what Keras computes, made where TensorFlow is."""

from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np

from gpu_study.manifest import NAME, PreparedFile, write_manifest

PHOTOGRAPHS = ("chelsea", "coffee")  # the batch
PRECISIONS = ("float32", "float16")
UPSAMPLERS = (
    "transposed_conv",
    "nearest",
    "bilinear",
    "bicubic",
    "pixel_shuffle",
    "carafe",
    "dysample",
)


def networks(small: bool) -> dict[str, Callable[[], Any]]:
    """Name -> builder."""
    from keras_upsample import zoo

    if small:
        return {
            "unet bilinear": lambda: zoo.unet(classes=3, filters=(4, 8), upsample="bilinear"),
        }
    shape, filters = (None, None, 3), (16, 32, 64, 128)
    unets = {
        f"unet {name}": lambda name=name: zoo.unet(shape, 3, filters=filters, upsample=name)
        for name in UPSAMPLERS
    }
    return {
        "unet:cells": lambda: zoo.unet(weights="cells"),
        "unet:nuclei": lambda: zoo.unet(weights="nuclei"),
        "espcn:photos_x2": lambda: zoo.espcn(weights="photos_x2"),
        **unets,
        "unet_plus_plus": lambda: zoo.unet_plus_plus(shape, 3, filters=filters),
        "fpn mobilenet_v2": lambda: zoo.fpn(shape, 3, encoder="mobilenet_v2"),
        "deeplab_v3_plus mobilenet_v2": lambda: zoo.deeplab_v3_plus(
            shape, 3, encoder="mobilenet_v2"
        ),
    }


def prepare(folder: Path, small: bool) -> None:
    """Write every network in every precision, verified in ONNX Runtime on this machine.

    Raises:
        FileExistsError: the folder holds something that `--prepare` did not write.
    """
    if folder.exists() and any(folder.iterdir()) and not (folder / NAME).exists():
        raise FileExistsError(
            f"{folder} holds files that --prepare did not write. Name an empty or a new folder."
        )
    import keras

    from keras_upsample import export
    from keras_upsample.targets import TARGETS

    folder.mkdir(parents=True, exist_ok=True)
    size = 64 if small else 256
    files: list[PreparedFile] = []
    write_manifest(folder, files)
    for name, build in networks(small).items():
        keras.utils.set_random_seed(0)
        model = build()
        channels = model.inputs[0].shape[-1]
        x = _photographs(size)[..., :channels]
        stem = name.replace(" ", "_").replace(":", "_")
        outputs = model(x, training=False)
        outputs = outputs if isinstance(outputs, list | tuple) else [outputs]
        arrays = {f"output_{i}": np.asarray(y) for i, y in enumerate(outputs)}
        np.savez(folder / f"{stem}.npz", input=x, **arrays)
        for precision in PRECISIONS:
            path = folder / f"{stem}_{precision}.onnx"
            export.to_onnx(
                model,
                path,
                precision=precision,
                input_shape=(size, size, channels),
                batch_size=len(x),
            )
            target = "onnx" if precision == "float32" else f"onnx_{precision}"
            gate = TARGETS[target].gate.max_error
            files.append(PreparedFile(name, precision, path.name, f"{stem}.npz", gate))
            write_manifest(folder, files)
            print(f"{path.name}: {path.stat().st_size / 1e6:.1f} MB", flush=True)


def _photographs(size: int) -> np.ndarray:
    from keras_upsample.data import photograph

    pictures = [photograph(name, (size, size)) for name in PHOTOGRAPHS]
    return np.stack(pictures).astype("float32") / np.float32(255)
