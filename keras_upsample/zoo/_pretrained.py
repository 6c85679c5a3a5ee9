"""`weights="cells"`: a builder's arguments from the table of presets, and its weights loaded."""

import inspect
from collections.abc import Callable, Mapping
from dataclasses import replace
from typing import Any

from keras_upsample.metadata import Metadata, attach, of
from keras_upsample.zoo._arguments import check_choice
from keras_upsample.zoo._presets import Preset, presets_of

# What is no part of what was trained.
_FREE = ("input_shape", "name", "activation", "dropout", "batch_norm_momentum")


def preset_model(builder: Callable[..., Any], given: Mapping[str, Any]) -> Any:
    """The trained network that `given["weights"]` names.

    An argument that the caller left at the builder's default becomes the preset's. `input_shape`
    may fix height and width.

    Args:
        builder: a function of the zoo; called again with weights=None.
        given: its arguments, as it received them.

    Raises:
        ValueError: there is no such preset, or an argument contradicts it.
        FetchError: weights that are not in the package can't be downloaded.
    """
    presets = presets_of(builder.__name__)
    preset = presets[check_choice("weights", given["weights"], presets, " or None")]
    arguments = resolve(builder, preset, given)
    model = builder(**arguments, weights=None)
    load_preset(model, preset)
    return model


def resolve(
    builder: Callable[..., Any], preset: Preset, given: Mapping[str, Any]
) -> dict[str, Any]:
    """The builder's arguments, those that the weights depend on from the preset."""
    parameters = inspect.signature(builder).parameters
    arguments = {name: given[name] for name in parameters if name != "weights"}
    for name, value in preset.arguments.items():
        default, received = parameters[name].default, arguments[name]
        arguments[name] = value
        if received in (default, value):
            continue
        if name == "input_shape":
            arguments[name] = _with_size(preset, received)
        elif not _same(received, value):
            raise ValueError(
                f"`{name}`: {builder.__name__}(weights={preset.weights!r}) was trained with "
                f"{name}={value!r}. Received: {received!r}. Leave `{name}` out, or pass "
                "weights=None."
            )
    # What the table does not name stays as it was trained: at the default.
    for name, received in arguments.items():
        free = name in _FREE or name in preset.arguments
        if not free and received != parameters[name].default:
            raise ValueError(
                f"`{name}`: {builder.__name__}(weights={preset.weights!r}) was trained with the "
                f"default, {parameters[name].default!r}. Received: {received!r}. Leave `{name}` "
                "out, or pass weights=None."
            )
    return arguments


def _same(received: Any, value: Any) -> bool:
    if isinstance(value, tuple) and isinstance(received, list):
        return tuple(received) == value
    return bool(received == value)


def _with_size(preset: Preset, received: Any) -> Any:
    """The caller's height and width with the preset's channels."""
    channels = preset.arguments["input_shape"][-1]
    if isinstance(received, (tuple, list)) and len(received) == 3 and received[-1] != channels:
        raise ValueError(
            f"`input_shape`: {preset.name} takes images of {channels} channels. Received: "
            f"{tuple(received)!r}. Pass (height, width, {channels})."
        )
    return received


def load_preset(model: Any, preset: Preset) -> None:
    """Fill a network that was built with the preset's arguments, and attach its metadata."""
    from keras_upsample.zoo._weight_file import read_weights
    from keras_upsample.zoo._weight_source import weight_file

    load_arrays(model, preset, read_weights(weight_file(preset)))
    attach(model, preset_metadata(preset, of(model)))


def preset_metadata(preset: Preset, built: Metadata) -> Metadata:
    """The metadata of a trained network that its builder does not know."""
    known = replace(
        built,
        preprocessing=preset.preprocessing,
        description=preset.summary,
        licence=preset.licence,
        training_data=preset.training_data,
        preset=preset.name,
    )
    known = known.with_input(scaling=preset.scaling, channels=preset.channels)
    return known.with_output(class_names=preset.classes, colours=preset.colours)


def load_arrays(model: Any, preset: Preset, arrays: Mapping[str, Any]) -> None:
    """The preset's backbone, where it has one, and `arrays` for all else."""
    filled: set[str] = set()
    if preset.backbone is not None:
        from keras_upsample.zoo._backbone import fill_from

        filled = fill_from(preset.backbone, model, but=set(arrays))
    fill(model, arrays, filled, preset.name)


def build_untrained(preset: Preset, arguments: Mapping[str, Any], trained: Any = None) -> Any:
    """The network before training: random, upon the preset's backbone where it has one.

    Args:
        preset: the preset.
        arguments: arguments of its builder; the preset's own, or others for other data.
        trained: beginnings of the names of the layers that are to train; None for all.
    """
    from keras_upsample import zoo

    model = getattr(zoo, preset.model)(**arguments, weights=None)
    if preset.backbone is not None:
        from keras_upsample.zoo._backbone import fill_from

        fill_from(preset.backbone, model)
    if trained is not None:
        for layer in model.layers:
            layer.trainable = layer.trainable and layer.name.startswith(tuple(trained))
    return model


def shipped_weights(model: Any, preset: Preset) -> dict[str, Any]:
    """Path -> values of the variables that a preset's file must hold.

    With a backbone these are the trained ones; what was frozen comes from the backbone, or (fixed
    deconvolutions) from the builder.
    """
    import numpy as np

    variables = model.variables if preset.backbone is None else model.trainable_variables
    return {v.path: np.asarray(v) for v in variables if "seed_generator" not in v.path}


def fill(model: Any, arrays: Mapping[str, Any], filled: set[str], name: str) -> None:
    """Assign the arrays to the variables of these paths.

    Raises:
        ValueError: an array is missing, superfluous or of another shape; nothing is assigned.
    """
    variables = {v.path: v for v in model.variables if "seed_generator" not in v.path}
    fixed = {v.path for v in model.non_trainable_variables} if filled else set()
    missing = set(variables) - filled - fixed - set(arrays)
    wrong = sorted(missing | (set(arrays) - set(variables))) or [
        path for path in sorted(arrays) if tuple(variables[path].shape) != arrays[path].shape
    ]
    if wrong:
        raise ValueError(
            f"The weights of {name} do not fit its network; the first that differs is "
            f"{wrong[0]!r}. The file is of another version: install the package anew."
        )
    for path, array in arrays.items():
        variables[path].assign(array)
