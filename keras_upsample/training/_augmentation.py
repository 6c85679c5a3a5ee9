"""The user's own augmentation: Keras layers and functions that a recipe names."""

import importlib
import os
import sys
from collections.abc import Callable, Mapping
from typing import Any

Function = Callable[[Any, Any, Any], tuple[Any, Any]]


def check_layers(layers: Any) -> None:
    """Check the form of `layers`: a list of Keras layers or of `{name: arguments}`.

    Raises:
        ValueError: it has another form; whether Keras has the layer is seen when it is made.
    """
    if layers is None:
        return
    if not isinstance(layers, list | tuple):
        raise ValueError(f"`layers` must be a list. Received: {layers!r}.")
    for layer in layers:
        if hasattr(layer, "get_random_transformation"):
            continue
        if not isinstance(layer, Mapping) or len(layer) != 1:
            raise ValueError(
                "`layers` must hold Keras preprocessing layers, each as `- RandomShear: {x_factor: "
                f"0.1}}`. Received: {layer!r}."
            )


def check_function(function: Any) -> None:
    """Check the form of `function`: callable, or "module:function".

    Raises:
        ValueError: it has another form.
    """
    if function is None or callable(function):
        return
    if not isinstance(function, str) or not all(function.partition(":")):
        raise ValueError(f'`function` must be "module:function". Received: {function!r}.')


def own_changes(augmentation: Mapping[str, Any], seed: int) -> Function | None:
    """The layers and the function of a recipe as one `function` of `data.batches`, or None."""
    steps: list[Function] = []
    if augmentation.get("layers"):
        steps.append(_of_layers([_layer(item) for item in augmentation["layers"]], seed))
    function = augmentation.get("function")
    if function is not None:
        steps.append(_imported(function) if isinstance(function, str) else function)
    if not steps:
        return None

    def changes(images: Any, labels: Any, draws: Any) -> tuple[Any, Any]:
        for step in steps:
            images, labels = step(images, labels, draws)
        return images, labels

    return changes


def plain_changes(augmentation: Mapping[str, Any]) -> dict[str, Any]:
    """The augmentation of a recipe with layers and functions by their names.

    Raises:
        ValueError: a function that can't be found by its name again (a lambda, a local one), or a
            layer whose arguments Keras does not know.
    """
    plain = dict(augmentation)
    if plain.get("layers"):
        plain["layers"] = [
            dict(item) if isinstance(item, Mapping) else {type(item).__name__: _arguments(item)}
            for item in plain["layers"]
        ]
    function = plain.get("function")
    if callable(function):
        name = f"{function.__module__}:{getattr(function, '__qualname__', '<none>')}"
        if "<" in name:
            raise ValueError(
                f"`augmentation`: the function {name} can't be found by its name again, which the "
                "recipe of a run must have. Define it at the top of a module."
            )
        plain["function"] = name
    return plain


def _arguments(layer: Any) -> dict[str, Any]:
    """The arguments that make the same layer; some of Keras' layers do not know theirs."""
    config = layer.get_config()
    found = {key: config[key] for key in config if key not in ("name", "trainable", "dtype")}
    kind = type(layer)
    try:
        again = kind(**found).get_config()
    except (TypeError, ValueError):
        again = {}
    if {key: again.get(key) for key in found} != found:
        raise ValueError(
            f"`augmentation.layers`: Keras can't tell the arguments of this {kind.__name__}, and "
            f"the recipe of a run must have them. Pass {{{kind.__name__!r}: {{...}}}} instead."
        )
    return found


def _layer(item: Any) -> Any:
    import keras

    if not isinstance(item, Mapping):
        return item
    ((name, arguments),) = item.items()
    kind = getattr(keras.layers, str(name), None)
    if kind is None or not hasattr(kind, "get_random_transformation"):
        raise ValueError(
            f"`augmentation.layers`: {name!r} is no preprocessing layer of keras.layers. Examples: "
            "RandomShear, RandomPerspective, RandomHue, RandomErasing."
        )
    try:
        return kind(**(arguments or {}))
    except (TypeError, ValueError) as error:
        raise ValueError(f"`augmentation.layers`: {name}: {error}") from error


def _of_layers(layers: list[Any], seed: int) -> Function:
    import tensorflow as tf

    from ..data._augment import Draws, through

    for layer in layers:
        layer.backend.set_backend("tensorflow")  # tf.data is its own, whatever Keras runs on

    def changes(images: Any, labels: Any, draws: Any) -> tuple[Any, Any]:
        masks = tf.cast(labels, "float32")[..., None]
        images, masks = through(layers, images, masks, Draws(seed, draws[1]))
        return images, tf.cast(masks[..., 0], labels.dtype)

    return changes


def _imported(name: str) -> Function:
    """The function "module:function"; the module may lie in the working directory."""
    module, _, path = name.partition(":")
    sys.path.insert(0, os.getcwd())
    try:
        found: Any = importlib.import_module(module)
        for part in path.split("."):
            found = getattr(found, part)
    except (ImportError, AttributeError) as error:
        raise ValueError(
            f"`augmentation.function`: {name!r} can't be imported: {error}."
        ) from error
    finally:
        sys.path.remove(os.getcwd())
    if not callable(found):
        raise ValueError(f"`augmentation.function`: {name!r} is no function.")
    return found
