"""`Metadata` on a Keras model."""

from dataclasses import replace
from typing import Any

from ._facts import Metadata, Output


def attach(model: Any, metadata: Metadata) -> Any:
    """Attach metadata to a model; `model.save` and `load_model` keep them.

    A functional or sequential model becomes an instance of a subclass of its class, which Keras
    finds in a saved file once `keras_upsample` is imported. A subclassed model gets the attribute
    `metadata`, which is saved among the assets of the `.keras` file. Keras loads it if
    `keras_upsample` is imported, and ignores it otherwise.

    Args:
        model: any Keras model; it is changed in place.
        metadata: metadata of the model.

    Returns:
        The model.

    Raises:
        TypeError: `model` is not a Keras model, or `metadata` is not a `Metadata`.

    Example:
        >>> attach(model, Metadata("cells", task="segmentation"))  # doctest: +SKIP
    """
    import keras

    from ._assets import keep_with_assets
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
        keep_with_assets(model)
    # What was verified is the file that the metadata may come from, not what this model becomes.
    metadata = replace(metadata, verified_in="")
    object.__setattr__(model, "metadata", metadata)
    return model


def of(model: Any) -> Metadata:
    """Metadata of a model, or else of its attributes `name`, `class_names`, `preprocessing`.

    Raises:
        ValueError: the model's attributes have values that metadata can't have.
    """
    held = getattr(model, "metadata", None)
    if isinstance(held, Metadata):
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
