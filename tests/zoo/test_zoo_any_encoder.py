"""Any functional Keras model as an encoder: its numbers, its weights, what it is told to expect."""

import warnings

import keras
import numpy as np
import pytest
from keras import layers as k

from keras_upsample import zoo
from keras_upsample._cli.describe import lines_of, of_model
from keras_upsample.metadata import Input, Metadata, Scaling, attach
from keras_upsample.zoo._skips import skips_of

FILTERS = (2, 3, 4, 5, 6)
BUILDERS = {
    "unet": lambda **o: zoo.unet(filters=FILTERS, **o),
    "unet_plus_plus": lambda **o: zoo.unet_plus_plus(filters=FILTERS, **o),
    "linknet": zoo.linknet,
    "fpn": lambda **o: zoo.fpn(pyramid_width=4, head_width=4, **o),
    "deeplab_v3_plus": lambda **o: zoo.deeplab_v3_plus(width=4, low_level_width=3, **o),
}


def network(shape=(None, None, 3), stem=1, padding="same"):
    """A residual net with batch normalization: strides 2 * stem to 32."""
    x = image = keras.Input(shape, name="picture")
    width = 4
    stride = 1
    while stride < 32:
        step = 2 * stem if stride == 1 else 2
        stride *= step
        x = k.Conv2D(width, 3, strides=step, padding=padding, name=f"down{stride}")(x)
        x = k.BatchNormalization(name=f"bn{stride}")(x)
        y = k.Conv2D(width, 3, padding=padding, activation="relu", name=f"conv{stride}")(x)
        x = y if padding == "valid" else k.Add(name=f"stage{stride}")([x, y])
        width += 1
    model = keras.Model(image, x, name="mine")
    rng = np.random.default_rng(3)
    for weight in model.weights:
        weight.assign(weight + rng.uniform(0, 0.2, weight.shape))
    return model


def features_of(model):
    return {s.stride: model.get_layer(s.layer).output for s in skips_of(model)}


def test_the_features_are_the_networks(images):
    source = network()
    model = zoo.unet(encoder=source, encoder_normalization="minus_one_to_one", filters=FILTERS)
    taken = features_of(model)
    assert list(taken) == [2, 4, 8, 16, 32]
    image = images(64, 96)
    ours = keras.Model(model.input, list(taken.values()))(image)
    stages = [source.get_layer(f"stage{stride}").output for stride in taken]
    theirs = keras.Model(source.input, stages)(2 * image - 1)
    for a, b in zip(ours, theirs, strict=True):
        np.testing.assert_allclose(a, b, atol=1e-5 * np.abs(b).max())


def test_the_network_is_only_read_and_two_models_share_nothing(images):
    source = network()
    before = [np.array(weight) for weight in source.weights]
    calls = [len(layer._outbound_nodes) for layer in source.layers]
    first, second = (
        zoo.linknet(encoder=source, encoder_normalization="full_range") for _ in range(2)
    )
    assert [layer.name for layer in first.layers] == [layer.name for layer in second.layers]
    mine = {id(weight) for weight in first.weights}
    assert mine.isdisjoint(map(id, second.weights)) and mine.isdisjoint(map(id, source.weights))
    image = images(32, 32)
    expected = np.asarray(source(image))
    for weight in first.weights:
        weight.assign(weight + 1)
    np.testing.assert_array_equal(source(image), expected)
    for weight, value in zip(source.weights, before, strict=True):
        np.testing.assert_array_equal(weight, value)
    assert [len(layer._outbound_nodes) for layer in source.layers] == calls


@pytest.mark.parametrize("name", BUILDERS)
def test_every_builder_at_an_odd_size(name, images):
    model = BUILDERS[name](encoder=network(), encoder_normalization="full_range")
    image = images(33, 50)
    logits = np.asarray(model(image))
    assert logits.shape == (2, 33, 50, 2) and np.ptp(logits) > 0
    by_hand = np.pad(image, ((0, 0), (0, 31), (0, 14), (0, 0)))
    expected = np.asarray(model(by_hand))[:, :33, :50]
    if name in ("unet", "unet_plus_plus", "linknet"):  # the others take means of the image
        np.testing.assert_allclose(logits, expected, atol=1e-5 * np.abs(expected).max())


@pytest.mark.parametrize("name", BUILDERS)
def test_a_network_without_stride_2(name, images):
    options = {"encoder": network(stem=2), "encoder_normalization": "full_range"}
    if name == "linknet":
        with pytest.raises(ValueError, match="at strides 4, 8, 16, 32, but not at stride 2,"):
            BUILDERS[name](**options)
        return
    for upsample in ("bilinear", "max_unpooling"):
        model = BUILDERS[name](**options, upsample=upsample)
        assert model(images(64, 32)).shape == (2, 64, 32, 2)
    readers = {s.stride for s in skips_of(model)}
    assert min(readers - {1, 2}) == 4


def test_unet_plus_plus_leaves_out_what_the_encoder_lacks():
    model = zoo.unet_plus_plus(
        encoder=network(), encoder_normalization="full_range", filters=FILTERS,
        deep_supervision=True,
    )  # fmt: skip
    nodes = {n.name.split("_")[1] for n in model.layers if n.name.startswith("decoder_x")}
    rows = {f"x{i}{j}" for i in range(5) for j in range(1, 6 - i)}
    assert nodes == rows
    assert len(model.get_layer("decoder_x13_join").input) == 4  # X10, X11, X12 and what is below
    assert model.output_names == [f"logits_{j}" for j in range(1, 6)]
    coarse = zoo.unet_plus_plus(
        encoder=network(stem=2), encoder_normalization="full_range", filters=FILTERS,
        deep_supervision=True,
    )  # fmt: skip
    assert coarse.output_names == [f"logits_{j}" for j in range(2, 6)]


def test_windows_without_padding_are_padded(images):
    source = network(padding="valid")
    model = zoo.unet(encoder=source, encoder_normalization="full_range", filters=FILTERS)
    finest = features_of(model)[2]
    image = images(64, 96)
    ours = np.asarray(keras.Model(model.input, finest)(image))
    theirs = np.asarray(keras.Model(source.input, source.get_layer("conv2").output)(image))
    assert ours.shape == (2, 32, 48, 4) and theirs.shape == (2, 29, 45, 4)
    # Inside, the same numbers: a window of stride 2 starts where it did.
    np.testing.assert_allclose(ours[:, 1:30, 1:46], theirs, atol=1e-5)


def test_frozen(images):
    options = {"encoder": network(), "encoder_normalization": "full_range", "filters": FILTERS}
    frozen = zoo.unet(**options, encoder_trainable=False)
    trained = {w.path.split("/")[0].split("_")[0] for w in frozen.trainable_weights}
    assert trained == {"decoder", "head"}
    norm = frozen.get_layer("encoder_bn2")
    before = np.array(norm.moving_mean)
    frozen(images(32, 32), training=True)
    np.testing.assert_array_equal(norm.moving_mean, before)
    assert len(zoo.unet(**options).trainable_weights) > len(frozen.trainable_weights)


def test_nested_models_are_taken_apart(images):
    inner = network()
    image = keras.Input((None, None, 3))
    outer = keras.Model(image, k.ReLU()(inner(image)), name="outer")
    model = zoo.unet(encoder=outer, encoder_normalization="full_range", filters=FILTERS)
    assert not any(isinstance(layer, keras.Model) for layer in model.layers)
    deepest = features_of(model)[32]
    x = images(64, 32)
    np.testing.assert_allclose(
        keras.Model(model.input, deepest)(x), outer(x), atol=1e-5 * np.abs(outer(x)).max()
    )


def scale_and_offset(model):
    layer = model.get_layer("encoder_preprocessing")
    return np.asarray(layer.scale), np.asarray(layer.offset)


def test_what_a_network_expects():
    def build(source, **options):
        return scale_and_offset(zoo.unet(encoder=source, filters=FILTERS, **options))

    with pytest.warns(
        UserWarning, match="nothing says how 'mine' expects.*`encoder_normalization`"
    ):
        scale, offset = build(network())
    assert (scale == 1).all() and (offset == 0).all()
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        # told
        scale, offset = build(network(), encoder_normalization=((0.5, 0.4, 0.3), (0.2, 0.1, 0.4)))
        np.testing.assert_allclose(scale, [5, 10, 2.5], rtol=1e-6)
        np.testing.assert_allclose(offset, [-2.5, -4, -0.75], rtol=1e-6)
        # declared
        declared = attach(network(), Metadata(inputs=(Input(scaling=Scaling.to_range(-1, 1)),)))
        scale, offset = build(declared)
        assert (scale == 2).all() and (offset == -1).all()
        # built in
        x = image = keras.Input((None, None, 3))
        x = k.Rescaling(1 / 127.5, -1)(x)
        scale, offset = build(keras.Model(image, network()(x), name="bytes"))
        assert (scale == 255).all() and (offset == 0).all()


def subclassed():
    class Own(keras.Model):
        def call(self, x):
            return x

    return Own()


def patches(shape=(None, None, 3)):
    image = keras.Input(shape)
    return keras.Model(image, k.Conv2D(8, 16, strides=16)(image), name="patches")


def tied(size):
    """A network that has the size of its image in a layer."""
    image = keras.Input((size, size, 3))
    x = network((size, size, 3))(image)
    side = size // 32
    x = k.Reshape((side * side, 8))(x)
    return keras.Model(image, k.Reshape((side, side, 8))(k.Dense(8)(x)), name="tied")


@pytest.mark.parametrize(
    "options, message",
    [
        ({"encoder": 3}, "`encoder` must be one of .*functional Keras model or None. Received: 3"),
        ({"encoder": subclassed}, "is no functional model. Pass a functional or Sequential"),
        ({"encoder": patches}, "'patches' has features at stride 16, but not at strides 4, 8, 32"),
        ({"encoder": lambda: tied(64)}, "'tied' works at its own size alone, 64x64. Pass it as"),
        (
            {"encoder": network, "input_shape": (None, None, 1)},
            "'mine' takes images of 3 channels, but `input_shape` has 1",
        ),
        ({"encoder": network, "encoder_weights": "imagenet"}, "a model brings its own"),
        (
            {"encoder": network, "encoder_normalization": "imagnet"},
            "`encoder_normalization` must be one of",
        ),
        (
            {"encoder": network, "encoder_normalization": "percentiles"},
            "can't be made from images in",
        ),
        (
            {"encoder": "vgg16", "encoder_normalization": "imagenet"},
            "`encoder_normalization` is for a model or a preset",
        ),
        ({"encoder_normalization": "imagenet"}, "`encoder_normalization` needs an `encoder`"),
        ({"encoder_trainable": False}, "`encoder_trainable` needs an `encoder`"),
        ({"encoder": "resnet18", "encoder_weights": "imagenet"}, "Keras has no weights of"),
        ({"encoder": "hf://nobody/nothing", "encoder_weights": "imagenet"}, "None .* or 'preset'"),
    ],
)
def test_arguments(options, message):
    encoder = options.get("encoder")
    if callable(encoder):
        options = {**options, "encoder": encoder()}
    with pytest.raises(ValueError, match=message):
        zoo.unet(**{"encoder_normalization": None, **options})


def test_a_network_of_one_size(images):
    model = zoo.unet((64, 64, 3), encoder=tied(64), encoder_normalization="full_range",
                     filters=FILTERS)  # fmt: skip
    assert model(images(64, 64)).shape == (2, 64, 64, 2)


def test_a_last_stage_that_can_not_be_dilated():
    x = image = keras.Input((None, None, 3))
    for width in (4, 5, 6, 7):
        x = k.Conv2D(width, 3, strides=2, padding="same")(x)
    x = k.Conv2D(8, 3, padding="same")(x[:, ::2, ::2])
    with pytest.raises(ValueError, match="can't be kept at stride 16"):
        zoo.deeplab_v3_plus(
            encoder=keras.Model(image, x, name="odd"), encoder_normalization="full_range"
        )


def test_info_shows_what_feeds_each_skip(tmp_path):

    model = zoo.unet(encoder=network(), encoder_normalization="full_range", filters=FILTERS)
    model.save(tmp_path / "model.keras")
    loaded = keras.saving.load_model(tmp_path / "model.keras")
    lines = [line for line in lines_of(of_model(loaded, 64, False)) if line.startswith("skip")]
    assert lines[0].split(None, 1)[1] == (
        "stride 2, 4 channels: encoder_stage2 -> decoder_stage2_fusion"
    )
    assert lines[-1].endswith("encoder_stage32 -> decoder_stage5_upsample")
    assert len(lines) == 5
    assert skips_of(network()) == []
