"""A copy of a model whose metadata hold a threshold."""

import math
import os
import shutil
from collections.abc import Sequence
from pathlib import Path
from typing import Any

from .._keras_file import load_keras_file
from .._keras_first_read import SUFFIXES
from ..errors import ArtefactError

_FORMATS = {".tflite": "tflite", ".onnx": "onnx", ".xml": "openvino"}


def write_threshold(
    source: Any,
    out: str | Path,
    threshold: float,
    *,
    imports: Sequence[str] = (),
    trust: bool = False,
) -> Path:
    """Write a copy of a one-channel model with the probability from which a pixel is class 1.

    `predict` and every later export take the threshold from the copy's metadata. For a model that
    returns logits, these hold log(t / (1 − t)).

    Args:
        source: a Keras model, a .keras file, a .tflite, .onnx or .xml file, or a SavedModel
            folder.
        out: path of the copy, of the same kind; it must not exist.
        threshold: a probability in (0, 1).
        imports: modules that register the file's custom classes.
        trust: whether Python code in the file may run.

    Returns:
        `out`.

    Raises:
        FileExistsError: `out` exists.
        ValueError: the model has no threshold, because it chooses among several classes or returns
            pictures.
    """
    from ..metadata import of, read
    from ..predict import load_model

    out = Path(out)
    if os.path.lexists(out):
        raise FileExistsError(f"{out} is there already. Choose another path for the copy.")
    if not 0 < threshold < 1:
        raise ValueError(f"`threshold` must be between 0 and 1. Received: {threshold!r}.")
    path = Path(source) if isinstance(source, str | Path) else None
    model = source
    if path is not None and path.suffix in SUFFIXES:
        model = load_keras_file(path, imports, trust=trust)
    predictor = load_model(model, trust=trust)
    if not predictor.has_threshold or predictor.labels_overlap:
        raise ValueError(
            f"{predictor.network.name!r} has no threshold: the class of a pixel is the most "
            "probable one. A threshold can be kept in a model of one channel only (train with "
            "classes: 1)."
        )
    value = math.log(threshold / (1 - threshold)) if predictor.kind == "logits" else threshold
    found = of(model) if path is None or path.suffix in SUFFIXES else read(path)
    if found is None:
        raise ArtefactError(
            f"{str(path)!r} holds no metadata, to which a threshold could be added."
        )
    metadata = found.with_output(threshold=value)
    if path is None or path.suffix in SUFFIXES:
        _save_keras(model, metadata, out)
    else:
        _copy_file(path, metadata, out)
    return out


def _save_keras(model: Any, metadata: Any, out: Path) -> None:
    from .._publish import publish
    from ..metadata import attach, of

    if out.suffix != ".keras":
        raise ValueError(f"`out` must end in .keras, as the model does. Received: {str(out)!r}.")
    before = of(model)
    try:
        attach(model, metadata)
        with publish(out) as staged:
            model.save(staged)
    finally:
        attach(model, before)


def _copy_file(path: Path, metadata: Any, out: Path) -> None:
    from .._publish import publish
    from ..files._beside import values_beside
    from ..files._openvino_ir import values_path
    from ..metadata._write import record

    directory = path.is_dir()
    if not directory and out.suffix != path.suffix:
        raise ValueError(
            f"`out` must end in {path.suffix}, as the model does. Received: {str(out)!r}."
        )
    with publish(out, directory=directory) as staged:
        if directory:
            shutil.copytree(path, staged)
            record(staged, "saved_model", metadata)
            return
        shutil.copyfile(path, staged)
        for file in values_beside(path):
            # OpenVINO finds values by the name of the graph, ONNX by the one in the graph.
            renamed = path.suffix == ".xml"
            shutil.copyfile(file, values_path(staged) if renamed else staged.with_name(file.name))
        record(staged, _FORMATS[path.suffix], metadata)
