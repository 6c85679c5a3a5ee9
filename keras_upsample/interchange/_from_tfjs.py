"""`from_tfjs`: a layers model of TensorFlow.js as a Keras model."""

import re
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any

from .._text import printable
from ..errors import ArtefactError, first_line
from ._tfjs_file import TfjsFile, read_tfjs

_ALSO_CALLED = {"kernel": "depthwise_kernel"}
"""Weight of a layer of Keras 3 -> its name in Keras 2, where that is another."""


def from_tfjs(
    path: str | Path,
    *,
    name: str | None = None,
    custom_objects: Mapping[str, Any] | None = None,
) -> Any:
    """Read a layers model of TensorFlow.js as a Keras model, ready to be trained.

    The layers are those of the file: its configuration is Keras', of version 2 or 3. What changed
    between the versions is translated, as for `.h5` files of Keras 2. Weights that are stored in
    16 or 8 bits become the float32 numbers that TF.js computes with. No code of the file is run.

    There is no runtime of TF.js for Python, so that the model is not compared with one: each weight
    of the file goes to the layer that it names, and none is left over on either side.

    Args:
        path: `model.json`; the files of weights that it names lie beside it.
        name: of the model. Default: the file's.
        custom_objects: class name -> Keras layer, for layers of the file that are not Keras' own.

    Returns:
        The model. Images are (N, H, W, C), and of any size where the file leaves it open.

    Raises:
        ArtefactError: a file is missing or damaged; it is a graph model; a layer is not known; or
            a weight is missing, left over or of another shape.

    Example:
        >>> model = ku.interchange.from_tfjs("model.json")  # doctest: +SKIP
    """
    from .._keras2 import translate

    path = Path(path)
    file = read_tfjs(path)
    try:
        config = translate(file.config, file.version)
        if name is not None:
            config["config"] = {**config["config"], "name": name}
        model = _built(config, dict(custom_objects or {}))
    except Exception as error:  # Keras raises kinds of its own
        raise ArtefactError(f"`{printable(path)}`: {_why(error)}") from error
    _fill(model, file, path)
    return model


def _built(config: dict[str, Any], custom_objects: dict[str, Any]) -> Any:
    import keras

    model = keras.saving.deserialize_keras_object(
        _with_module(config), custom_objects=custom_objects, safe_mode=True
    )
    if not isinstance(model, keras.Model):
        raise ArtefactError(f"it holds a {config['class_name']}; models are read")
    if config["class_name"] != "Functional" or len(model.inputs) > 1:
        return model
    # Keras 2 listed its only input, too.
    outputs = model.outputs if len(model.outputs) > 1 else model.outputs[0]
    return keras.Model(model.inputs[0], outputs, name=model.name)


def _with_module(config: dict[str, Any]) -> dict[str, Any]:
    """Keras 2 named a class without its module."""
    from .._others._keras import FUNCTIONAL_MODULE

    if config.get("module"):
        return config
    module = FUNCTIONAL_MODULE if config["class_name"] == "Functional" else "keras"
    return {**config, "module": module, "registered_name": config["class_name"]}


def _why(error: Exception) -> str:
    text = str(error)
    unknown = re.search(r"(?:Could not locate \w+|Unknown layer:) '(\w+)'", text)
    if unknown:
        return f"the layer {unknown[1]!r} is not known. Pass its class: custom_objects={{...}}."
    if "afe_mode" in text or "unsafe" in text or "`Lambda`" in text:
        return "it holds a Lambda layer, which is Python code, and it was not run."
    return first_line(error)


def _fill(model: Any, file: TfjsFile, path: Path) -> None:
    """Assign every weight.

    Raises:
        ArtefactError: a weight is missing, left over or of another shape.
    """
    left = dict(file.weights)
    for layer in _leaves(model):
        for variable in layer.weights:
            names = [f"{layer.name}/{variable.name}"]
            if variable.name in _ALSO_CALLED:
                names.append(f"{layer.name}/{_ALSO_CALLED[variable.name]}")
            found = [key for key in left if any(_is(key, each) for each in names)]
            if len(found) != 1:
                what = "several weights" if found else "no weights"
                raise ArtefactError(
                    f"`{printable(path)}` has {what} for {names[0]!r}{': ' if found else ''}"
                    f"{', '.join(found)}."
                )
            values = left.pop(found[0])
            if values.shape != tuple(variable.shape):
                raise ArtefactError(
                    f"`{printable(path)}`: {found[0]!r} has the shape {values.shape}; its layer "
                    f"asks for {tuple(variable.shape)}."
                )
            variable.assign(values)
    if left:
        raise ArtefactError(
            f"`{printable(path)}` has weights that no layer takes: {', '.join(left)}."
        )


def _is(key: str, name: str) -> bool:
    """Whether a name of the file ends so: those of nested models have theirs in front."""
    return key == name or key.endswith(f"/{name}")


def _leaves(model: Any) -> Iterator[Any]:
    """The layers, those of nested models too."""
    import keras

    for layer in model.layers:
        if isinstance(layer, keras.Model):
            yield from _leaves(layer)
        else:
            yield layer
