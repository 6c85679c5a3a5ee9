"""`from_smp`: checkpoints of segmentation_models.pytorch as native Keras models."""

import warnings
from collections.abc import Mapping, Sequence
from inspect import signature
from pathlib import Path
from typing import Any

from .._installed import need
from ..errors import ArtefactError, did_you_mean, first_line
from ..metadata import Input, Metadata, Output, Scaling, attach
from ..metadata._scaling import scaling_named
from ._checkpoint import Checkpoint, load_into, read_checkpoint, under
from ._from_torch import from_torch
from ._torch_module import load_torch

_ROOTS = ("encoder", "decoder", "segmentation_head")
_SECOND_HEAD = "classification_head."
_TASKS = {
    "binary": "binary_segmentation",
    "multiclass": "segmentation",
    "multilabel": "multi_label_segmentation",
}
_UNKNOWN = "unknown: the checkpoint does not say how the images of its training were scaled"


def from_smp(
    weights: str | Path | Mapping[str, Any],
    architecture: str | None = None,
    encoder: str | None = None,
    *,
    classes: int | None = None,
    input_shape: Sequence[int] = (256, 256, 3),
    normalization: Any = None,
    mode: str | None = None,
    class_names: Sequence[str] = (),
    prefix: str | None = None,
    name: str | None = None,
    verify: bool = True,
    **options: Any,
) -> Any:
    """Read a checkpoint of segmentation_models.pytorch as a Keras model, ready to be trained.

    The network is built by its names without weights from the network, filled, and read by
    `from_torch`, which compares the model with it. Files of PyTorch are loaded with
    `weights_only=True`: nothing in them is executed.

    Args:
        weights: a file of a state dict (`.pth`, `.pt`, `.bin` or `.safetensors`), a Lightning
            checkpoint (`.ckpt`), a folder that `save_pretrained` wrote, or a state dict.
        architecture: "Unet", "FPN", ...: a class of segmentation_models.pytorch. Default: that of
            the folder's config.json.
        encoder: "resnet34", "mit_b0", "tu-convnext_tiny", ...: its `encoder_name`. Default: as
            above.
        classes: channels of the output. Default: those of the checkpoint.
        input_shape: (height, width, channels) of the model.
        normalization: scaling that the network was trained with: "imagenet", a pair (mean, std) in
            units of [0, 1], a `Scaling`, or any other that `predict` takes; "encoder" for that of
            the encoder's pretrained weights, which is known of timm's, "tu-...". It becomes
            metadata of the model, by which `predict` and exported files scale images. None leaves
            it unknown.
        mode: "binary", "multiclass" or "multilabel", as in the losses of segmentation_models.
            Default: "binary" for one class, else "multiclass".
        class_names: of the classes, in order.
        prefix: what the names in the checkpoint begin with, "model." for example. Default: found.
        name: of the model. Default: "unet_resnet34" for example.
        verify: as in `from_torch`.
        **options: other arguments that the network was built with: `decoder_channels`,
            `encoder_depth`, `activation`, ...

    Returns:
        The model. It takes images (N, H, W, C) as they are after `normalization`, and gives maps
        (N, H, W, classes).

    Raises:
        ModuleNotFoundError: `pip install 'keras-upsample[smp]'` is needed.
        ArtefactError: the file is missing, damaged, or holds more than tensors; or its names or
            shapes are not those of the network; or the network can't be read.
        ValueError: an unknown name, or arguments that do not fit each other.
        VerificationError: the model computes other values than the network.

    Example:
        >>> model = ku.interchange.from_smp(
        ...     "best.pth", "Unet", "resnet34", normalization="imagenet"
        ... )  # doctest: +SKIP
    """
    smp = _load_smp()
    checkpoint = read_checkpoint(weights)
    state = _own(checkpoint, prefix)
    arguments = _arguments(smp, checkpoint, architecture, encoder, options)
    height, width, channels = _shape(input_shape)
    found = _classes(state, checkpoint)
    classes = found if classes is None else classes
    arguments |= {"in_channels": channels, "classes": classes}
    kind, architecture = arguments.pop("kind"), arguments.pop("architecture")
    scaling = _scaling(normalization, arguments["encoder_name"])
    metadata = _metadata(mode, arguments, scaling, class_names)
    module = _build(kind, arguments)
    load_into(
        module,
        state,
        f"{checkpoint.source}, for {architecture} with the encoder {arguments['encoder_name']!r},",
        "`architecture`, `encoder`, `classes`, `input_shape` and further arguments must be those "
        "of its training.",
    )
    label = name or f"{architecture}_{arguments['encoder_name']}".lower()
    model = from_torch(module, (1, channels, height, width), name=label, verify=verify)
    return attach(model, Metadata(name=model.name, **metadata))


def _load_smp() -> Any:
    load_torch()
    name = "segmentation_models_pytorch"
    need(name, f"{name} is not installed.", "keras-upsample[smp]")
    try:
        import segmentation_models_pytorch as smp
    except Exception as error:  # a torchvision of another build raises RuntimeError
        raise ImportError(
            f"segmentation_models_pytorch can't be imported: {first_line(error)}. Are torch and "
            "torchvision of one build?"
        ) from error
    return smp


def _own(checkpoint: Checkpoint, prefix: str | None) -> dict[str, Any]:
    """The network's entries; what else is in the checkpoint is named."""
    state = under(checkpoint.state, _ROOTS, prefix)
    second = [name for name in state if name.startswith(_SECOND_HEAD)]
    for name in second:
        del state[name]
    count = len(checkpoint.state) - len(state)
    if count:
        kept = {id(value) for value in state.values()}
        left = [name for name, value in checkpoint.state.items() if id(value) not in kept]
        warnings.warn(
            f"{checkpoint.source} has {count} entries that are not the network's masks: "
            f"{', '.join(left[:4])}{', ...' * (count > 4)}. They were left out.",
            stacklevel=3,
        )
    return state


def _arguments(
    smp: Any,
    checkpoint: Checkpoint,
    architecture: str | None,
    encoder: str | None,
    options: Mapping[str, Any],
) -> dict[str, Any]:
    """Arguments of the network's class, the class itself as "kind"."""
    config = dict(checkpoint.config)
    said = {"architecture": config.pop("_model_class", None), "encoder": config.get("encoder_name")}
    for key, given in (("architecture", architecture), ("encoder", encoder)):
        if given and said[key] and given.lower() != said[key].lower():
            raise ValueError(
                f"`{key}` is {given!r}, but config.json of {checkpoint.source} says {said[key]!r}."
            )
    architecture, encoder = architecture or said["architecture"], encoder or said["encoder"]
    for key, given, like in (
        ("architecture", architecture, "Unet"),
        ("encoder", encoder, "resnet34"),
    ):
        if not given:
            raise ValueError(
                f"`{key}` is needed, {like!r} for example: a state dict does not say it."
            )
    kinds = {kind.__name__: kind for kind in smp.MODEL_ARCHITECTURES_MAPPING.values()}
    name = next((each for each in kinds if each.lower() == str(architecture).lower()), None)
    if name is None:
        raise ValueError(
            f"`architecture` must be one of {', '.join(kinds)}. Received: {architecture!r}."
            f"{did_you_mean(architecture, kinds)}"
        )
    _check_options(kinds[name], options, str(encoder))
    plain = {key: value for key, value in config.items() if not key.startswith("_")}
    return {
        **plain,
        "aux_params": None,
        **options,
        "kind": kinds[name],
        "architecture": name,
        "encoder_name": encoder,
        "encoder_weights": None,
    }


def _check_options(kind: Any, options: Mapping[str, Any], encoder: str) -> None:
    """Those that the network does not know it would pass over; timm's encoders take more."""
    if encoder.startswith("tu-"):
        return
    allowed = set(signature(kind.__init__).parameters) - {"self", "kwargs"}
    for key in options:
        if key not in allowed:
            raise ValueError(
                f"`{key}` is no argument of `{kind.__name__}`.{did_you_mean(key, allowed)}"
            )


def _shape(input_shape: Sequence[int]) -> tuple[int, int, int]:
    shape = tuple(input_shape)
    if len(shape) != 3 or not all(isinstance(n, int) and n > 0 for n in shape):
        raise ValueError(
            "`input_shape` must be (height, width, channels), each >= 1. Received: "
            f"{input_shape!r}."
        )
    return shape[0], shape[1], shape[2]


def _classes(state: Mapping[str, Any], checkpoint: Checkpoint) -> int:
    """Channels of the last convolution."""
    heads = [
        value
        for name, value in state.items()
        if name.startswith("segmentation_head") and name.endswith("weight") and value.ndim == 4
    ]
    if not heads:
        raise ArtefactError(
            f"{checkpoint.source} holds no segmentation_head: it is no checkpoint of "
            "segmentation_models.pytorch, or `prefix` is needed."
        )
    return int(heads[-1].shape[0])


def _build(kind: Any, arguments: Mapping[str, Any]) -> Any:
    """The network, without weights from elsewhere.

    Raises:
        ValueError: its class refuses the arguments.
    """
    encoder = arguments["encoder_name"]
    try:
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")
            return kind(**arguments)
    except Exception as error:  # KeyError, ValueError, TypeError, RuntimeError of timm
        import segmentation_models_pytorch as smp

        names = smp.encoders.get_encoder_names()
        unknown = encoder not in names and not str(encoder).startswith("tu-")
        hint = did_you_mean(encoder, names) if unknown else ""
        reason = f"unknown `encoder` {encoder!r}" if unknown else first_line(error).strip("'\"")
        raise ValueError(f"`{kind.__name__}` can't be built: {reason}.{hint}") from error


def _scaling(normalization: Any, encoder: str) -> Scaling | None:
    if normalization is None or normalization != "encoder":
        return None if normalization is None else scaling_named(normalization)
    found = None
    if encoder.startswith("tu-"):  # those of timm, which holds the facts; of the others, a server
        import timm

        found = timm.models.get_pretrained_cfg(encoder.removeprefix("tu-"))
    if found is None:
        raise ValueError(
            "`normalization` 'encoder': the installed packages do not say how images for "
            f"{encoder!r} are scaled. Pass 'imagenet', or (mean, std) by channel."
        )
    return Scaling.mean_std(found.mean, found.std)


def _metadata(
    mode: str | None,
    arguments: Mapping[str, Any],
    scaling: Scaling | None,
    class_names: Sequence[str],
) -> dict[str, Any]:
    classes, activation = arguments["classes"], arguments.get("activation")
    if mode is None:
        mode = "binary" if classes == 1 else "multiclass"
    if mode not in _TASKS:
        raise ValueError(f"`mode` must be one of {', '.join(_TASKS)}. Received: {mode!r}.")
    if (mode == "binary") != (classes == 1) and mode != "multilabel":
        raise ValueError(f"`mode` is {mode!r}, but the network has {classes} classes.")
    allowed = (1, 2) if classes == 1 else (classes,)
    if class_names and len(class_names) not in allowed:
        wanted = " or ".join(map(str, allowed))
        raise ValueError(f"`class_names` must have {wanted} names. Received: {len(class_names)}.")
    kinds = {None: "logits", "identity": "logits", "sigmoid": "probabilities"}
    kinds |= {"softmax": "probabilities", "softmax2d": "probabilities"}
    channels = ("red", "green", "blue") if arguments["in_channels"] == 3 else ()
    return {
        "task": _TASKS[mode],
        "inputs": (Input(channels=channels, scaling=scaling),),
        "outputs": (Output(kind=kinds.get(activation, ""), class_names=tuple(class_names)),),
        "preprocessing": "" if scaling else _UNKNOWN,
    }
