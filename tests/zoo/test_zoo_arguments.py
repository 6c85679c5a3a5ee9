"""Bad arguments raise at construction and say what would do."""

import re

import keras
import pytest

from keras_upsample import zoo

MODELS = [zoo.unet, zoo.fcn32s, zoo.fcn16s, zoo.fcn8s]
FURTHER = [
    zoo.unet_plus_plus,
    zoo.linknet,
    zoo.segnet,
    zoo.fpn,
    zoo.deeplab_v3_plus,
    zoo.pspnet,
    zoo.pan,
    zoo.manet,
    zoo.upernet,
    zoo.segformer,
    zoo.dpt,
    zoo.bisenet_v2,
]

EVERY_MODEL = [
    ({"classes": 0}, "`classes` must be an integer of at least 1. Received: 0"),
    ({"classes": -3}, "`classes`"),
    ({"classes": 2.0}, "`classes`"),
    ({"classes": True}, "`classes`"),
    ({"classes": "two"}, "`classes`"),
    ({"input_shape": (64, 64)}, r"`input_shape` must be \(height, width, channels\)"),
    ({"input_shape": (1, 64, 64, 3)}, "without the batch"),
    ({"input_shape": 64}, "`input_shape`"),
    ({"input_shape": (0, 64, 3)}, r"`input_shape\[0\]`"),
    ({"input_shape": (64, -64, 3)}, r"`input_shape\[1\]`"),
    ({"input_shape": (64, 64.0, 3)}, r"`input_shape\[1\]`"),
    ({"input_shape": (64, 64, 0)}, r"`input_shape\[2\]`"),
    ({"input_shape": (64, 64, None)}, "must name its channels"),
    ({"dropout": 1.0}, r"`dropout` must be a number in \[0, 1\)"),
    ({"dropout": -0.1}, "`dropout`"),
    ({"dropout": "half"}, "`dropout`"),
    ({"dropout": float("nan")}, "`dropout`"),
    ({"activation": "sotfmax"}, "sotfmax"),
]


@pytest.mark.parametrize("build", MODELS + FURTHER)
@pytest.mark.parametrize("arguments, message", EVERY_MODEL, ids=[str(c[0]) for c in EVERY_MODEL])
def test_every_model(build, arguments, message):
    small = {"filters": (2, 3)} if build is zoo.unet else {}
    if build in MODELS[1:]:
        small = {"fc_width": 2}
    with pytest.raises(ValueError, match=message):
        build(**small, **arguments)


UNET = [
    (
        {"upsample": "nearset"},
        "`upsample` must be one of 'transposed_conv', 'nearest', 'bilinear', 'bicubic', .*"
        "'max_unpooling' or a callable.*Received: 'nearset'. Did you mean 'nearest'",
    ),
    ({"upsample": None}, "`upsample` must be one of"),
    ({"upsample": lambda filters: "layer"}, "must return a Keras layer. It was called with 2"),
    (
        {"upsample": lambda filters: keras.layers.Conv2D(filters, 3, padding="same")},
        "must double height and width. Conv2D",
    ),
    ({"upsample": lambda filters: keras.layers.UpSampling2D(3)}, "must double"),
    ({"fusion": "concatenate"}, "`fusion` must be one of.*Did you mean 'concat'"),
    ({"encoder": "resnet"}, "`encoder` must be one of.*Did you mean 'resnet50'"),
    ({"padding": "full"}, "`padding` must be one of 'same', 'valid'"),
    ({"batch_norm": "yes"}, "`batch_norm` must be True or False"),
    ({"filters": (64,)}, "`filters` must have at least 2 entries.*Received 1"),
    ({"filters": ()}, "`filters` must have at least 2"),
    ({"filters": 64}, "`filters` must be a sequence"),
    ({"filters": "64"}, "`filters` must be a sequence"),
    ({"filters": (4, 0)}, r"`filters\[1\]` must be an integer of at least 1. Received: 0"),
    ({"filters": (4, 8.5)}, r"`filters\[1\]`"),
    ({"encoder": "vgg16", "filters": (4, 8, 16, 32)}, "must have 5 entries.*Received 4"),
    ({"encoder": "vgg16", "padding": "valid"}, "Pass padding='same' or encoder=None"),
    ({"encoder_weights": "imagenet"}, "`encoder_weights` needs an `encoder`"),
    ({"encoder": "vgg16", "encoder_weights": 3}, "None, 'imagenet' or the path"),
    ({"encoder": "vgg16", "encoder_weights": "nowhere.h5"}, "there is no file 'nowhere.h5'"),
    (
        {"encoder": "vgg16", "encoder_weights": "imagenet", "input_shape": (64, 64, 1)},
        "3 channels, but `input_shape` has 1",
    ),
]


@pytest.mark.parametrize(
    "arguments, message",
    UNET,
    # a function's text holds its address, which differs between the processes of pytest-xdist
    ids=[re.sub(r" at 0x\w+", "", f"{i} {case[0]}") for i, case in enumerate(UNET)],
)
def test_unet(arguments, message):
    with pytest.raises(ValueError, match=message):
        zoo.unet(
            **{"filters": (2, 3), "encoder": None, **arguments}
            if "encoder" not in arguments
            else arguments
        )


@pytest.mark.parametrize(
    "size, nearest", [(571, "556 and 572"), (573, "572 and 588"), (180, "188, which is the small")]
)
def test_a_valid_size_that_does_not_close(size, nearest):
    with pytest.raises(ValueError, match=rf"`input_shape\[1\]`.*{size} does not close.*{nearest}"):
        zoo.unet((572, size, 3), padding="valid")


def test_the_sizes_that_the_error_names_do_close():
    for size in (556, 572, 588, 188):
        model = zoo.unet((size, 188, 1), padding="valid", filters=(1, 1, 1, 1, 1))
        assert model.output_shape == (None, size - 184, 4, 2)


@pytest.mark.parametrize("build", MODELS[1:])
@pytest.mark.parametrize(
    "arguments, message",
    [
        ({"geometry": "cafe"}, "`geometry` must be one of 'same', 'caffe'.*Did you mean 'caffe'"),
        ({"deconvolution": "fix"}, "`deconvolution` must be one of 'fixed', 'last_fixed'"),
        ({"upsample": "bilnear"}, "`upsample` must be one of.*Did you mean 'bilinear'"),
        ({"upsample": "bilinear", "geometry": "caffe"}, "needs `geometry='same'`"),
        ({"upsample": "nearest", "deconvolution": "learned"}, "`deconvolution`.*Leave it out"),
        ({"fc_width": 0}, "`fc_width` must be an integer"),
        ({"encoder_weights": "nowhere.h5"}, "there is no file"),
        ({"encoder_weights": "imagenet", "input_shape": (64, 64, 4)}, "3 channels.*has 4"),
    ],
)
def test_fcn(build, arguments, message):
    with pytest.raises(ValueError, match=message):
        build(**{"fc_width": 2, **arguments})


@pytest.mark.parametrize(
    "scales", [(0.1,), (0.1, 0.2, 0.3), 0.1, (0.1, 0.0), (0.1, -1), (0.1, float("nan")), "ab"]
)
def test_fcn8s_wants_two_scales(scales):
    with pytest.raises(ValueError, match="`skip_scales` must be"):
        zoo.fcn8s(skip_scales=scales, fc_width=2)


DECODERS = [
    (zoo.pspnet, {"stride": 12}, "`stride` must be one of 4, 8, 16, 32. Received: 12"),
    (zoo.pspnet, {"coordinates": "corners"}, "`coordinates` must be one of 'half_pixel'"),
    (
        zoo.pspnet,
        {"upsample": "nearest", "coordinates": "align_corners"},
        "convention of bilinear enlargement, which `upsample='nearest'` is not",
    ),
    (zoo.pan, {"output_stride": 8}, "`output_stride` must be one of 16, 32"),
    (zoo.manet, {"filters": (4, 4)}, "`filters` must have 5 entries"),
    (zoo.manet, {"torch_reshape": 1}, "`torch_reshape` must be True or False"),
    (zoo.manet, {"attention_width": 0}, "`attention_width` must be an integer"),
    (zoo.upernet, {"width": 0}, "`width` must be an integer"),
    (zoo.segformer, {"strides": (2, 4)}, "`strides` must be some of 4, 8, 16, 32, ascending"),
    (zoo.segformer, {"strides": (8, 4)}, "ascending.*Received: \\(8, 4\\)"),
    (zoo.segformer, {"strides": ()}, "`strides` must be some of"),
    (zoo.segformer, {"encoder": "mit_b6"}, "'mit_b0' to 'mit_b5'. Received: 'mit_b6'"),
    (zoo.segformer, {"encoder_weights": "imagenet"}, "'mit_b0' has random weights"),
    (zoo.dpt, {"input_shape": (None, 64, 3)}, "must have a known height and width"),
    (zoo.dpt, {"encoder": "resnet50"}, "`encoder` must be one of 'vit_tiny'"),
    (zoo.dpt, {"readout": "cat"}, "`readout` must be one of 'project', 'add', 'ignore'"),
    (zoo.dpt, {"filters": (4,)}, "`filters` must have 4 entries"),
    (zoo.bisenet_v2, {"detail_filters": (4, 4)}, "`filters` must have 3 entries"),
    (zoo.bisenet_v2, {"semantic_filters": (4, 4, 4)}, "`filters` must have 4 entries"),
]


@pytest.mark.parametrize("build, arguments, message", DECODERS)
def test_decoders(build, arguments, message):
    with pytest.raises(ValueError, match=message):
        build(**arguments)


def test_channels_first_is_refused():
    keras.config.set_image_data_format("channels_first")
    try:
        with pytest.raises(ValueError, match="channels-last"):
            zoo.unet(filters=(2, 3))
    finally:
        keras.config.set_image_data_format("channels_last")


def test_options_are_keyword_only():
    with pytest.raises(TypeError):
        zoo.unet((8, 8, 3), 2, None)
