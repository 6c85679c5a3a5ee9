"""Both exports of one network, for `export_compared.py`."""

import re
import tempfile
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np

FORMATS = {"tflite": "litert", "onnx": "onnx", "saved_model": "tf_saved_model"}
DEVICES = ("ethos_u55_128", "ethos_u85_256", "edge_tpu")
PHOTOGRAPHS = ("astronaut", "coffee", "rocket")
"""Those that every file is run on."""


def calibration(net: Any) -> list[np.ndarray]:
    """Eight photographs, none of which is run later."""
    from keras_upsample.data import PHOTOGRAPHS as ALL
    from keras_upsample.data import photograph

    low, high = net.value_range
    names = [name for name in ALL if name not in PHOTOGRAPHS][:8]
    return [
        (low + (high - low) * photograph(name, net.size)[None] / 255).astype("float32")
        for name in names
    ]


def _written(write: Callable[[], Any], path: Path) -> dict[str, Any]:
    try:
        write()
    except BaseException as error:  # TensorFlow's converter raises kinds of its own
        from _plain_runner import first_line

        return {"path": None, "why": plain(f"{type(error).__name__}: {first_line(error)}")}
    return {"path": str(path)}


def plain(why: str) -> str:
    """Its first line, without the escapes of a terminal and the folder of this run."""
    line = re.sub(r"\x1b\[[\d;]*m", "", why.splitlines()[0])
    return re.sub(rf"{re.escape(tempfile.gettempdir())}/[^/' `]+/", "", line)[:300]


def export_by_keras(
    net: Any, model: Any, folder: Path, times_alone: bool
) -> dict[str, dict[str, Any]]:
    """`model.export` as its documentation shows it; for int8 with the converter's attributes."""
    import keras
    import tensorflow as tf

    found = {}
    for kind, name in FORMATS.items():
        path = folder / f"keras.{kind}"
        found[kind] = _written(
            lambda p=path, n=name: model.export(str(p), format=n, verbose=False), path
        )
    if times_alone:
        return found
    if net.other_size:
        found["tflite_any_size"] = found["tflite"]
    path = folder / "keras_int8.tflite"
    pictures = calibration(net)
    # What an expert adds: sizes that are fixed, and attributes of TensorFlow's converter.
    signature = [keras.InputSpec(shape=(1, *net.size, 3), dtype="float32", name="image")]
    found["int8"] = _written(
        lambda: model.export(
            str(path),
            format="litert",
            verbose=False,
            input_signature=signature,
            optimizations=[tf.lite.Optimize.DEFAULT],
            representative_dataset=lambda: ([picture] for picture in pictures),
            target_spec={"supported_ops": [tf.lite.OpsSet.TFLITE_BUILTINS_INT8]},
            inference_input_type=tf.int8,
            inference_output_type=tf.int8,
        ),
        path,
    )
    return found


def export_here(net: Any, model: Any, folder: Path, times_alone: bool) -> dict[str, dict[str, Any]]:
    """By default; the files for devices and int8 at a fixed size, learnt from the same images."""
    from keras_upsample.errors import ExportError
    from keras_upsample.export import export
    from keras_upsample.metadata import Input, Metadata, Output, Scaling

    kind = "logits" if net.classes else "picture"
    facts = Metadata(
        task="segmentation" if net.classes else "super_resolution",
        inputs=(Input(scaling=Scaling.to_range(*net.value_range)),),
        outputs=(Output(kind=kind, class_names=net.classes),),
    )
    pictures = np.concatenate(calibration(net))
    found: dict[str, dict[str, Any]] = {}
    fixed = {"input_shape": (*net.size, 3), "representative_data": pictures}
    for name, targets, chosen in (
        ("", (*FORMATS,), {}),
        ("tflite_any_size", ("tflite",) if net.other_size else (), {"resizable": True}),
        ("int8", ("tflite_int8",), {**fixed, "integer_io": True}),
        ("", DEVICES, fixed),
    ):
        if not targets or (times_alone and chosen):
            continue
        try:
            report = export(model, folder / (name or targets[0]), targets, metadata=facts, **chosen)
        except ExportError as error:
            report = error.report
        for artefact in report.artefacts:
            found[name or artefact.target] = {
                "path": artefact.path,
                "verified": artefact.verifications[0].passed,
                "check": artefact.check,
            }
        for target, why in report.failures.items():
            found[name or target] = {"path": None, "why": plain(why)}
    return found
