"""Input, padding, crop and logits, the same for every model of the zoo."""

from typing import Any

import keras

from keras_upsample import layers
from keras_upsample.metadata import Input, Metadata, Output, Scaling, attach
from keras_upsample.zoo._arguments import Shape


def image_input(shape: Shape) -> keras.KerasTensor:
    """The input `image`: float32 in [0, 1]."""
    return keras.Input(shape, dtype="float32", name="image")


def pad(image: keras.KerasTensor, multiple: int, at_least: int = 1) -> keras.KerasTensor:
    """`image` with zeros below and to the right, up to a multiple of the network's stride.

    And up to `at_least` pixels. At a static size that needs none, the graph gets no layer.
    """
    sizes = image.shape[1:3]
    if all(n is not None and n % multiple == 0 and n >= at_least for n in sizes):
        return image
    return layers.PadToMultiple2D(multiple, at_least=at_least, name="encoder_pad")(image)


def shrunk(image: keras.KerasTensor, factor: int) -> keras.KerasTensor:
    """What upsamplers may read at a stride where the encoder has nothing: means of the image."""
    if factor == 1:
        return image
    return keras.layers.AveragePooling2D(factor, name=f"encoder_image_by_{factor}")(image)


def crop(x: keras.KerasTensor, image: keras.KerasTensor, name: str = "head_crop") -> Any:
    """`x` without the padded part; no layer where both sizes are known and equal."""
    if None not in image.shape[1:3] and x.shape[1:3] == image.shape[1:3]:
        return x
    return layers.CropLike2D(name=name)([x, image])


def finish(
    image: keras.KerasTensor,
    x: keras.KerasTensor,
    activation: Any,
    name: str,
    output: str = "logits",
) -> Any:
    """The model from `image` to the layer `output`, or on to `probabilities`."""
    return assemble(image, name_output(x, activation, output), name)


def name_output(
    x: keras.KerasTensor, activation: Any, output: str = "logits", further: str = "probabilities"
) -> Any:
    """`x` after a layer called `output` and, with an activation, one called `further`.

    The first computes nothing. It gives the output its name, whatever the network ends with (a
    convolution, a deconvolution, a crop), and keeps it in float32 under a mixed policy, where a
    loss on float16 logits would overflow.
    """
    dtype = keras.config.floatx()
    x = keras.layers.Activation("linear", dtype=dtype, name=output)(x)
    if activation is not None:
        x = keras.layers.Activation(activation, dtype=dtype, name=further)(x)
    return x


def assemble(image: keras.KerasTensor, outputs: Any, name: str) -> Any:
    """The model with its metadata attached."""
    model = keras.Model(image, outputs, name=name)
    return attach(model, _metadata(model, image))


def _metadata(model: Any, image: keras.KerasTensor) -> Metadata:
    """The metadata that the builders know: the task, and that pictures are in [0, 1]."""
    count = image.shape[-1]
    colours = {1: "grey", 3: "RGB"}.get(count, f"with {count} channels")
    outputs = tuple(map(_output, model.output_names))
    first = model.outputs[0]
    enlarged = outputs[0].kind == "picture"
    task = "super_resolution" if enlarged else "segmentation"
    if not enlarged and first.shape[-1] == 1:
        task = "binary_segmentation"
    return Metadata(
        name=model.name,
        task=task,
        inputs=(
            Input(
                image.name,
                size=tuple(image.shape[1:3]),
                channels=_CHANNELS.get(count, ()),
                scaling=Scaling(),
            ),
        ),
        outputs=outputs,
        preprocessing=f"float32 {colours} in [0, 1]",
    )


def _output(name: str) -> Output:
    kind = _KINDS.get(name.split("_")[0], "")
    return Output(name, kind, value_range=(0, 1) if kind == "picture" else None)


_CHANNELS = {1: ("grey",), 3: ("red", "green", "blue")}
# Beginning of an output's name -> its kind: `logits_2` of UNet++ is one as well.
_KINDS = {"logits": "logits", "enlarged": "picture"}
