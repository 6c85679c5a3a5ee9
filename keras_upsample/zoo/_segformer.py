"""SegFormer."""

import os
from collections.abc import Sequence
from typing import Any

import keras

from keras_upsample.zoo import _arguments as arguments
from keras_upsample.zoo import _frame as frame
from keras_upsample.zoo._batch_norm import with_momentum
from keras_upsample.zoo._blocks import convolution
from keras_upsample.zoo._encoder_source import Encoder, check_encoder, check_padding, starts_random
from keras_upsample.zoo._encoders import encode
from keras_upsample.zoo._mix_transformer import MIXES, mix_transformer
from keras_upsample.zoo._upsamplers import Upsample, check_coordinates, check_upsample, enlarge

_STRIDES = (2, 4, 8, 16, 32)


def segformer(
    input_shape: Sequence[int | None] = (None, None, 3),
    classes: int = 2,
    *,
    encoder: Encoder = "mit_b0",
    encoder_weights: str | os.PathLike[str] | None = None,
    encoder_normalization: Any = None,
    encoder_trainable: bool = True,
    strides: Sequence[int] = (4, 8, 16, 32),
    upsample: Upsample = "bilinear",
    coordinates: str = "half_pixel",
    width: int = 256,
    padding: str = "same",
    batch_norm_momentum: float | None = None,
    dropout: float = 0.1,
    activation: Any = None,
    name: str = "segformer",
) -> Any:
    """SegFormer: a transformer with features at four scales, and a decoder of 1x1 convolutions.

    Figure: MiT's features at strides 4 to 32 are each taken to 256 channels by a 1x1 convolution,
    enlarged to stride 4, joined, and merged by a 1x1 convolution. Another one and an enlargement by
    4 make the scores.

        C5 (32) -> 256 -> 4 |
        C4 (16) -> 256 -> 4 |
        C3 (8)  -> 256 -> 4 | 256 (4) -> classes (4) -> classes (1)
        C2 (4)  -> 256      |                       channels (stride)

    Input: `image`, (batch, height, width, channels), float32 in [0, 1], of any height and width
    from 1 up: the image is padded with zeros to a multiple of 32 (MiT's attention sees them), and
    the output cropped back. Output: `logits`, (batch, height, width, classes), or `probabilities`
    with `activation`; float32 under a mixed policy too.

    Departure from the paper: MiT drops no branches in training.

    Args:
        input_shape: (height, width, channels) without the batch. None for a height or width that
            is known only when the model is called.
        classes: Number of classes, i.e. channels of the output.
        encoder: "mit_b0" (the paper's smallest) to "mit_b5", with random weights; or a name such as
            "resnet50" or "mobilenet_v2" (`docs/encoders.md` lists all), a preset of keras-hub, or a
            functional Keras model, which is only read.
        encoder_weights: For another name: None (random), "imagenet" (downloaded by Keras), "preset"
            for a preset of keras-hub, or the path of a weights file of the application without its
            top.
        encoder_normalization: For a model: how it expects its images, in the words of
            `predict`: "full_range" ([0, 1]), "imagenet", "minus_one_to_one", "0_to_255", (mean,
            std), or a `metadata.Scaling`. None: what its metadata or its first layers say.
        encoder_trainable: False freezes the encoder, its batch normalization included.
        strides: Which features are joined, ascending, of 2, 4, 8, 16, 32. The paper's are 4 to 32.
            With convolutional encoders segmentation_models.pytorch also takes stride 2, whose map
            is made smaller by 2x2 means; MiT has none.
        upsample: Upsampler of the features and the scores: "bilinear" (the paper's), or another
            name or a callable as in `unet`. Interpolation takes one step, all others double several
            times.
        coordinates: Of the scores' bilinear interpolation: "half_pixel" (the authors'), or
            "align_corners" as in segmentation_models.pytorch, for weights that were trained there.
            Inside of the decoder it is "half_pixel" there too.
        width: Channels of the decoder: 256 for mit_b0 and mit_b1, 768 for the larger ones in the
            paper.
        padding: "same", or "torch" for PyTorch's padding in a ResNet encoder (see `linknet`).
        batch_norm_momentum: Momentum of all batch normalization, in [0, 1): the share of the
            running mean and variance that is kept at each training step. None: 0.9 with an encoder
            that starts from random weights, so that inference is right after some 50 steps; else
            the values of Keras and the application (0.99 to 0.999), which pretrained encoders need.
            Test mean IoU of a U-Net on a random MobileNetV2 after 120 steps: 0.44 with 0.9, 0.14
            with the application's momentum (docs/training.md).
        dropout: Dropout rate before the scores, in [0, 1); the authors' code has 0.1.
        activation: None for logits, or an argument of `keras.layers.Activation`, e.g. "softmax".
        name: Name of the model.

    Returns:
        A functional `keras.Model`; its layers are called encoder_..., decoder_..., head_... and
        `logits`.

    Raises:
        ValueError: For a wrong argument; the message says what is allowed.
        FetchError: If weights can't be downloaded.

    Reference: Xie, Wang, Yu, Anandkumar, Alvarez and Luo, SegFormer: Simple and Efficient Design
    for Semantic Segmentation with Transformers, NeurIPS 2021, section 3 and figure 2,
    https://arxiv.org/abs/2105.15203
    """
    shape = arguments.check_input_shape(input_shape)
    classes = arguments.check_count("classes", classes)
    mixed = isinstance(encoder, str) and encoder in MIXES
    if mixed:
        _check_options(encoder, encoder_weights, encoder_normalization)
    else:
        check_encoder(encoder, " or 'mit_b0' to 'mit_b5'")
    check_padding(padding, encoder)
    strides = _check_strides(strides, mixed)
    upsample = check_upsample(upsample)
    coordinates = check_coordinates(coordinates, upsample)
    width = arguments.check_count("width", width)
    momentum = arguments.check_momentum(batch_norm_momentum)
    dropout = arguments.check_rate("dropout", dropout)
    arguments.check_activation(activation)

    image = frame.image_input(shape)
    padded = frame.pad(image, 32)
    if mixed:
        features = mix_transformer(padded, encoder)
    else:
        features = encode(
            padded,
            encoder,
            encoder_weights,
            needs=strides,
            normalization=encoder_normalization,
            trainable=encoder_trainable,
            padding=padding,
        )

    scales = []
    for stride in reversed(strides):
        stage = f"decoder_c{stride}"
        x = keras.layers.Conv2D(width, 1, name=f"{stage}_conv")(features[stride])
        if stride > 4:
            guides = [features.get(s, frame.shrunk(padded, s)) for s in (16, 8, 4) if s < stride]
            x = enlarge(x, upsample, f"{stage}_upsample", guides)
        elif stride < 4:
            x = keras.layers.AveragePooling2D(2, name=f"{stage}_means")(x)
        scales.append(x)
    x = keras.layers.Concatenate(name="decoder_join")(scales) if len(scales) > 1 else scales[0]
    x = convolution(x, width, 1, "decoder_fuse")

    if dropout:
        x = keras.layers.Dropout(dropout, name="head_dropout")(x)
    x = keras.layers.Conv2D(classes, 1, name="head_conv")(x)
    half = features.get(2, frame.shrunk(padded, 2))
    x = enlarge(x, upsample, "head_upsample", [half, padded], coordinates)
    model = frame.finish(image, frame.crop(x, image), activation, name)
    if mixed and not encoder_trainable:
        for layer in model.layers:
            layer.trainable = not layer.name.startswith("encoder_")
    return with_momentum(model, momentum, random_encoder=starts_random(encoder, encoder_weights))


def _check_options(encoder: str, weights: Any, normalization: Any) -> None:
    """Raises if options of another encoder were given with a mix transformer."""
    given = {"encoder_weights": weights, "encoder_normalization": normalization}
    for name, value in given.items():
        if value is not None:
            raise ValueError(
                f"`{name}` is for other encoders; {encoder!r} has random weights. Received: "
                f"{value!r}. Leave it out, or load weights into the model."
            )


def _check_strides(value: Any, mixed: bool) -> tuple[int, ...]:
    """`value` as a tuple of strides that the encoder may have, finest first."""
    allowed = _STRIDES[1:] if mixed else _STRIDES
    given = list(value) if isinstance(value, Sequence) and not isinstance(value, str) else None
    if not given or given != [stride for stride in allowed if stride in given]:
        raise ValueError(
            f"`strides` must be some of {', '.join(map(str, allowed))}, ascending"
            f"{' with a mix transformer' if mixed else ''}. Received: {value!r}."
        )
    return tuple(given)
