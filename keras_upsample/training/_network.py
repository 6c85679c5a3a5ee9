"""The network of a recipe, compiled to train, and its metadata."""

from collections.abc import Mapping
from dataclasses import replace
from typing import Any

from ..data import LabelledImages
from ..data._labelled import IGNORED
from ..metadata import Metadata, attach, of
from ..metadata._scaling import scaling_named
from ._class_weights import balanced_weights
from ._images import Images, words_of
from ._recipe import LOSSES, Recipe


def network(recipe: Recipe, images: Images) -> Any:
    """The network of a recipe before training, for the channels and classes of the images.

    Raises:
        ValueError: `model` does not fit the images, or gives something that is not trained here.
    """
    from .. import zoo
    from ..zoo._backbone import fill_from

    arguments = {name: value for name, value in recipe.model.items() if name != "name"}
    if isinstance(images, LabelledImages):
        channels, count = images.images[0].shape[-1], len(images.classes)
        classes = arguments.setdefault("classes", count)
        if classes != count and not (classes == 1 and count == 2):
            raise ValueError(
                f"`model.classes`: the data have {count} classes ({', '.join(images.classes)}). "
                f"Received: {classes!r}. Leave it out"
                + (", or pass 1 for one channel of two classes." if count == 2 else ".")
            )
    else:
        channels = 3
    build = getattr(zoo, recipe.model["name"])
    model = build(input_shape=(None, None, channels), **arguments)
    _check_output(recipe, model, channels)
    start = recipe.start
    if start.backbone is not None:
        fill_from(start.backbone, model)
    if start.trainable is not None:
        for layer in model.layers:
            layer.trainable = layer.trainable and layer.name.startswith(start.trainable)
        if not model.trainable_variables:
            raise ValueError(
                f"`start.trainable`: no layer begins with {', '.join(start.trainable)}. The "
                f"layers are called {', '.join(layer.name for layer in model.layers[:8])}, ..."
            )
    for name, factor in (start.scale_kernels or {}).items():
        try:
            kernel = model.get_layer(name).kernel
        except (ValueError, AttributeError) as error:
            raise ValueError(
                f"`start.scale_kernels`: the network has no layer {name!r} with a kernel."
            ) from error
        kernel.assign(factor * kernel)
    return model


def compiled(recipe: Recipe, images: Images) -> Any:
    """The same, compiled to train."""
    import keras

    model = network(recipe, images)
    steps, rate = recipe.steps or 0, recipe.optimizer.learning_rate
    warmup = min(recipe.optimizer.warmup_steps, steps // 4)
    schedule = keras.optimizers.schedules.CosineDecay(
        0.0, steps, warmup_target=rate, warmup_steps=warmup
    )
    if recipe.optimizer.name == "adamw":
        optimizer = keras.optimizers.AdamW(
            schedule, weight_decay=recipe.optimizer.weight_decay, clipnorm=1.0
        )
    else:
        optimizer = keras.optimizers.Adam(schedule, clipnorm=1.0)
    metrics = []
    if recipe.task == "segmentation" and model.output_shape[-1] > 1:
        metrics.append(
            keras.metrics.MeanIoU(
                model.output_shape[-1], ignore_class=IGNORED, sparse_y_pred=False, name="mean_iou"
            )
        )
    model.compile(optimizer, _loss(recipe, images), metrics=metrics, jit_compile=False)
    return model


def batches(recipe: Recipe, images: Images, start: int) -> Any:
    """The batches of a run, from number `start`."""
    if isinstance(images, Mapping):
        from ._photo_crops import enlargement_batches

        return enlargement_batches(
            list(images.values()),
            scale=recipe.scale,
            size=recipe.crop or 0,
            batch_size=recipe.batch_size or 0,
            seed=recipe.seed,
            start=start,
        )
    from .. import data
    from ._augmentation import own_changes
    from ._recipe import AUGMENTATION

    changes = recipe.augmentation or {}
    return data.batches(
        images,
        size=recipe.crop or 0,
        batch_size=recipe.batch_size or 0,
        seed=recipe.seed,
        start=start,
        augment=recipe.augmentation is not False,
        function=own_changes(changes, recipe.seed),
        **{name: value for name, value in changes.items() if name in AUGMENTATION},
    )


def describe(model: Any, recipe: Recipe, images: Images) -> Any:
    """Attach the metadata of the trained network to it."""
    attach(model, _metadata(of(model), recipe, images))
    return model


def _metadata(built: Metadata, recipe: Recipe, images: Images) -> Metadata:
    if recipe.preset is not None:
        from ..zoo import preset_named
        from ..zoo._pretrained import preset_metadata

        known = preset_metadata(preset_named(recipe.preset), built)
        return replace(known, preset="")  # its weights are others
    known = replace(
        built,
        description=recipe.description.strip().partition("\n")[0],
        licence=recipe.licence,
        training_data=recipe.training_data or words_of(recipe.data),
    )
    if isinstance(images, Mapping):
        return known
    scalings = [source.scaling for source in recipe.data.train]
    scaling = scaling_named(scalings[0] if scalings else "full_range")
    count = images.images[0].shape[-1]
    if scaling.base == "percentiles":
        low, high = scaling.percentiles
        known = replace(
            known,
            preprocessing=f"float32 in [0, 1], each channel by percentiles: percentile {low:g} of "
            f"the image to 0, {high:g} to 1, the rest cut off",
        )
        if count == 3 and any(source.set for source in recipe.data.train):
            known = known.with_input(channels=())  # not necessarily colours
    known = known.with_input(scaling=scaling)
    return known.with_output(class_names=images.classes, colours=_colours(recipe))


def _colours(recipe: Recipe) -> tuple[Any, ...]:
    """The colours of the masks, where a source says them."""
    for source in recipe.data.train:
        values: Any = source.values
        values = list(values.values()) if isinstance(values, Mapping) else values
        if values and all(isinstance(value, list | tuple) and len(value) == 3 for value in values):
            return () if source.class_groups else tuple(tuple(value) for value in values)
    return ()


def _loss(recipe: Recipe, images: Images) -> Any:
    import keras

    from .. import losses

    name = LOSSES[recipe.task][str(recipe.loss.name)][0]
    if not isinstance(images, LabelledImages):
        return getattr(keras.losses, name)()
    weights = recipe.loss.class_weights
    if weights == "balanced":
        weights = balanced_weights(images)
    elif weights is not None and len(weights) != len(images.classes):
        raise ValueError(
            f"`loss.class_weights` must be one number for each of {len(images.classes)} classes "
            f"({', '.join(images.classes)}). Received {len(weights)}: {list(weights)}."
        )
    logits = recipe.model.get("activation") is None
    return getattr(losses, name)(class_weights=weights, from_logits=logits, **recipe.loss.arguments)


def _check_output(recipe: Recipe, model: Any, channels: int) -> None:
    """The loss compares pixel by pixel: refuse outputs of another number or size."""
    if len(model.outputs) != 1:
        raise ValueError(
            f"`model`: {recipe.model['name']} gives {len(model.outputs)} outputs with these "
            "arguments, and one is trained. Pass deep_supervision: false."
        )
    side = recipe.crop or 0
    wanted = side * (recipe.scale if recipe.task == "super_resolution" else 1)
    shape = model.compute_output_shape((1, side, side, channels))
    if tuple(shape[1:3]) != (wanted, wanted):
        raise ValueError(
            f"`model`: {recipe.model['name']} gives {shape[1]}x{shape[2]} pixels for a crop of "
            f"{side}x{side}, and {wanted}x{wanted} are trained. Pass padding: same, or for an FCN "
            "geometry: same."
        )
