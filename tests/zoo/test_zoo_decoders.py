"""The decoders of segmentation_models.pytorch, BiSeNet V2: attention by hand, training, counts."""

import keras
import numpy as np
import pytest

from keras_upsample import zoo
from keras_upsample.zoo import _mix_transformer, _vit
from keras_upsample.zoo._joint_softmax import JointSoftmax

SMALL = {
    "pspnet": {"width": 6},
    "pan": {"width": 4},
    "manet": {"filters": (3, 3, 4, 4, 5), "attention_width": 3},
    "upernet": {"width": 4},
    "segformer": {"width": 5},
    "dpt": {"encoder": "vit_tiny", "filters": (4, 4, 5, 5), "width": 6},
    "bisenet_v2": {
        "detail_filters": (4, 4, 6),
        "semantic_filters": (4, 4, 5, 6),
        "head_width": 8,
    },
}


@pytest.fixture
def narrow_transformers(monkeypatch):
    mix = _mix_transformer.Mix((4, 8, 10, 8), (1, 1, 1, 1))
    monkeypatch.setitem(_mix_transformer.MIXES, "mit_b0", mix)
    monkeypatch.setitem(_vit.VITS, "vit_tiny", _vit.ViT(8, 4, 2))


def outputs_of(model, *names):
    return keras.Model(model.input, [model.get_layer(name).output for name in names])


LONG = ("manet", "dpt", "bisenet_v2")


@pytest.mark.parametrize(
    "name", [pytest.param(n, marks=pytest.mark.slow) if n in LONG else n for n in SMALL]
)
@pytest.mark.usefixtures("small_encoder", "narrow_transformers")
def test_the_loss_falls(name, images):
    side = 128 if name == "pan" else 64
    model = getattr(zoo, name)((side, side, 3), 2, **{**SMALL[name], "dropout": 0.0})
    x = images(side, side)
    bright = x.mean(axis=-1, keepdims=True) > 0.5
    y = np.where(np.arange(side)[None, None, :, None] < side // 2, bright, 1).astype("int32")
    loss = keras.losses.SparseCategoricalCrossentropy(from_logits=True)
    model.compile(keras.optimizers.Adam(5e-3), loss, run_eagerly=True)  # to compile takes longer
    falls = [float(model.train_on_batch(x, y)) for _ in range(6)]
    assert np.all(np.isfinite(falls))
    assert falls[5] < falls[0]


@pytest.mark.usefixtures("small_encoder")
def test_position_attention_by_hand(images):
    model = zoo.manet(classes=3, **SMALL["manet"])
    parts = ("a", "b", "v", "means", "add")
    probe = outputs_of(model, "encoder_conv4", *(f"decoder_pab_{part}" for part in parts))
    x, a, b, v, means, added = (np.asarray(y, "float64") for y in probe(images(96, 64)))
    assert x.shape == (2, 3, 2, 7) and a.shape == (2, 3, 2, 3)
    for image in range(2):
        p, q, r = (y[image].reshape(6, -1) for y in (a, b, v))
        scores = np.exp(p @ q.T)
        expected = (scores / scores.sum()) @ r  # one sum for all pairs
        np.testing.assert_allclose(means[image], expected, atol=1e-6)
        np.testing.assert_allclose(added[image], x[image] + expected.reshape(3, 2, 7), atol=1e-6)


@pytest.mark.usefixtures("small_encoder")
def test_torch_reshape_reads_the_same_numbers_in_another_order(images):
    plain = zoo.manet(classes=3, **SMALL["manet"])
    torch = zoo.manet(classes=3, torch_reshape=True, **SMALL["manet"])
    torch.set_weights(plain.get_weights())
    image = images(64, 96)
    names = ("decoder_pab_means", "decoder_pab_map")
    means, ours = (np.asarray(y) for y in outputs_of(plain, *names)(image))
    _, theirs = (np.asarray(y) for y in outputs_of(torch, *names)(image))
    np.testing.assert_array_equal(ours, means.reshape(2, 2, 3, 7))
    np.testing.assert_array_equal(theirs, means.reshape(2, 7, 2, 3).transpose(0, 2, 3, 1))
    assert not np.allclose(ours, theirs)


def test_joint_softmax_sums_to_one_and_is_saved(tmp_path):
    x = np.random.default_rng(1).normal(0, 3, (2, 3, 5)).astype("float32")
    inputs = keras.Input((None, None))
    model = keras.Model(inputs, JointSoftmax()(inputs))
    expected = np.exp(x) / np.exp(x).sum(axis=(1, 2), keepdims=True)
    np.testing.assert_allclose(model(x), expected, rtol=1e-5)
    model.save(tmp_path / "m.keras")
    loaded = keras.saving.load_model(tmp_path / "m.keras")
    np.testing.assert_array_equal(loaded(x), model(x))


@pytest.mark.usefixtures("narrow_transformers")
def test_the_transformers_take_any_size_that_they_may(images, tmp_path):
    model = zoo.segformer(classes=3, width=5)
    image = images(61, 31)
    padded = np.pad(image, ((0, 0), (0, 3), (0, 1), (0, 0)))
    np.testing.assert_allclose(model(image), model(padded)[:, :61, :31], atol=1e-5)
    for static in (model, zoo.dpt((61, 31, 3), 3, **SMALL["dpt"])):
        static.save(tmp_path / "m.keras")
        loaded = keras.saving.load_model(tmp_path / "m.keras")
        assert loaded(image).shape == (2, 61, 31, 3)
        np.testing.assert_array_equal(loaded(image), static(image))


@pytest.mark.usefixtures("narrow_transformers")
def test_a_frozen_mix_transformer():
    model = zoo.segformer(encoder_trainable=False, **SMALL["segformer"])
    names = {weight.path.split("_")[0] for weight in model.trainable_weights}
    assert names == {"decoder", "head"}
    whole = zoo.segformer(**SMALL["segformer"])
    assert len(whole.trainable_weights) > len(model.trainable_weights) + 40


@pytest.mark.usefixtures("narrow_transformers")
def test_readouts_of_the_class_token(images):
    models = {
        readout: zoo.dpt((32, 32, 3), readout=readout, **SMALL["dpt"])
        for readout in ("project", "add", "ignore")
    }
    layer = "encoder_block1_add2"
    for readout in ("add", "ignore"):
        names = (layer, "decoder_map4")
        tokens, map4 = (np.asarray(y) for y in outputs_of(models[readout], *names)(images(32, 32)))
        expected = tokens[:, 1:] + (tokens[:, :1] if readout == "add" else 0)
        np.testing.assert_allclose(map4.reshape(2, 4, 8), expected, atol=1e-6)


# Numbers in decoder and head of segmentation_models.pytorch 0.6.0 with its default widths, 2
# classes, on ResNet-18 and ResNet-50: parameters and running statistics.
COUNTS = {
    "pspnet": (157_922 + 1_216, 797_570 + 1_792),
    "pan": (191_433 + 524, 752_073 + 524),
    "manet": (10_499_106 + 4_928, 123_932_106 + 10_688),
    "upernet": (8_315_266 + 6_144, 13_776_898 + 6_144),
    "segformer": (592_130 + 512, 1_329_410 + 512),
}
CHANNELS = ((64, 64, 128, 256, 512), (64, 256, 512, 1024, 2048))
BIASES_OF_PAN = 8 * 32 + 6  # in front of batch normalization, where they change nothing


@pytest.mark.parametrize("name", COUNTS)
def test_as_many_numbers_as_segmentation_models_pytorch_has(name, narrow_encoder):
    options = {"encoder": "resnet50", "strides": (2, 4, 8, 16, 32)} if name == "segformer" else {}
    for channels, theirs in zip(CHANNELS, COUNTS[name], strict=True):

        def encode(image, *_, channels=channels, **__):
            features, x = {}, image
            for i, width in enumerate(channels, start=1):
                x = keras.layers.MaxPooling2D(2, name=f"encoder_pool{i}")(x)
                x = keras.layers.Conv2D(width, 1, name=f"encoder_conv{i}")(x)
                features[2**i] = x
            return features

        narrow_encoder(encode)
        model = getattr(zoo, name)(**options)
        parts = [x for x in model.layers if x.name.startswith(("decoder", "head"))]
        ours = sum(part.count_params() for part in parts)
        assert ours == theirs - (BIASES_OF_PAN if name == "pan" else 0)


def test_the_transformers_have_as_many_numbers_as_theirs():
    assert zoo.segformer().count_params() == 3_714_658 + 512  # smp.Segformer("mit_b0")
    ours = zoo.dpt((224, 224, 3), encoder="vit_tiny").count_params()
    unread = 2 * 192 + 193 * 1000  # the last normalization, the classifier
    assert ours == 34_880_170 + 8_704 - unread  # smp.DPT("tu-vit_tiny_patch16_224")
