"""`Metadata` on a Keras model."""

from dataclasses import replace
from typing import Any

from ._facts import Metadata, Output

KEY = "keras_upsample_metadata"
"""Among what Keras stores of how a subclassed model was built."""


def attach(model: Any, metadata: Metadata) -> Any:
    """Let a model carry its metadata, also through `model.save` and `load_model`.

    A functional or sequential model becomes an instance of a subclass of its class, which Keras
    finds in a saved file once `keras_upsample` is imported. A subclassed model has it as the
    attribute `metadata`, and in the `.keras` file among the facts on how it was built, where `of`
    and `read` find it.

    Args:
        model: any Keras model; it is changed in place.
        metadata: what it means.

    Returns:
        The model.

    Raises:
        TypeError: no Keras model, or no `Metadata`.

    Example:
        >>> attach(model, Metadata("cells", task="segmentation"))  # doctest: +SKIP
    """
    import keras

    from ._described import CLASSES

    if not isinstance(model, keras.Model):
        raise TypeError(f"`model` must be a keras.Model. Received: {type(model).__name__}.")
    if not isinstance(metadata, Metadata):
        raise TypeError(f"`metadata` must be a Metadata. Received: {type(metadata).__name__}.")
    if type(model) in CLASSES:
        # Attributes of these names, set while the class had no properties for them.
        own = {name: model.__dict__.pop(name, None) for name in ("class_names", "preprocessing")}
        if own["class_names"] and not metadata.class_names:
            metadata = metadata.with_class_names(own["class_names"])
        if own["preprocessing"] and not metadata.preprocessing:
            metadata = replace(metadata, preprocessing=str(own["preprocessing"]))
        model.__dict__.pop("preset", None)
        model.__class__ = CLASSES[type(model)]
    elif type(model) not in CLASSES.values():
        _keep_with_build_config(model)
    object.__setattr__(model, "metadata", metadata)
    return model


def _keep_with_build_config(model: Any) -> None:
    """Write the metadata beside the shapes from which Keras builds the model anew."""
    import keras

    if type(model).get_build_config is not keras.Model.get_build_config:
        return  # a format of its own, which is not ours to extend

    def get_build_config() -> Any:
        config = type(model).get_build_config(model)
        if not isinstance(config, dict):
            return config
        return {**config, KEY: model.metadata.to_dict()}

    object.__setattr__(model, "get_build_config", get_build_config)


def of(model: Any) -> Metadata:
    """What a model carries; else its attributes `name`, `class_names`, `preprocessing`, where set.

    Raises:
        ValueError: the model's attributes are none that metadata can have.
    """
    held = getattr(model, "metadata", None)
    if not isinstance(held, Metadata):
        built = getattr(model, "_build_shapes_dict", None)
        if isinstance(built, dict) and KEY in built:
            held = Metadata.from_dict(built[KEY])
            # Keras takes it for the shape of one more argument, and could not build what it saves.
            shapes = {name: value for name, value in built.items() if name != KEY}
            object.__setattr__(model, "_build_shapes_dict", shapes)
            attach(model, held)
    if held is not None:
        own = getattr(model, "class_names", None)
        if own and not held.class_names:
            held = held.with_class_names(own)
        return held if held.name else replace(held, name=_name(model))
    names = getattr(model, "class_names", ()) or ()
    return Metadata(
        name=_name(model),
        outputs=(Output(class_names=tuple(str(name) for name in names)),) if names else (),
        preprocessing=str(getattr(model, "preprocessing", "") or ""),
    )


def _name(model: Any) -> str:
    return str(getattr(model, "name", "") or "model")
