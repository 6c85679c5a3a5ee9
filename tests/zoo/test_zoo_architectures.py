"""What every encoder-decoder of the zoo owes: sizes, gradients, names, saving, any upsampler."""

import keras
import numpy as np
import pytest

from keras_upsample import zoo
from keras_upsample.zoo._upsamplers import GUIDED, UPSAMPLERS

SMALL = {
    "unet_plus_plus": {"filters": (3, 4, 5)},
    "linknet": {"filters": (8, 8, 12, 16)},
    "fpn": {"pyramid_width": 4, "head_width": 4},
    "deeplab_v3_plus": {"width": 8, "low_level_width": 3},
    "segnet": {"filters": (2, 3, 4, 5, 6)},
    "pspnet": {"width": 6},
    "pan": {"width": 4},
    "manet": {"filters": (3, 3, 4, 4, 5), "attention_width": 3},
    "upernet": {"width": 4},
    "segformer": {"width": 5, "encoder": "resnet50"},
    "bisenet_v2": {
        "detail_filters": (3, 4, 5),
        "semantic_filters": (3, 4, 5, 6),
        "head_width": 6,
    },
}
STRIDES = {"unet_plus_plus": 4, "deeplab_v3_plus": 16, "pspnet": 8, "pan": 16}  # others: 32
LEAST = {"pan": (128, 128)}  # what an image is padded to at least
LATER = ("pspnet", "pan", "manet", "upernet", "segformer", "bisenet_v2")
each = pytest.mark.parametrize(
    "name", [pytest.param(n, marks=pytest.mark.slow) if n in LATER else n for n in SMALL]
)

pytestmark = pytest.mark.usefixtures("small_encoder")


def small(name, input_shape=(None, None, 3), **options):
    return getattr(zoo, name)(input_shape, **{**SMALL[name], **options})


def moved(model, seed=3):
    """The model with batch statistics and offsets away from 0 and 1, where they would hide.

    Offsets are large enough that no ReLU of these narrow networks is dead.
    """
    rng = np.random.default_rng(seed)
    for weight in model.weights:
        if len(weight.shape) == 1:
            top = 2 if weight.path.endswith("beta") else 0.4
            weight.assign(weight + rng.uniform(0, top, weight.shape))
    return model


@pytest.mark.parametrize("name", SMALL)
def test_any_size_is_padded_and_cut_back(name, images):
    model = moved(small(name, classes=3))
    height, width = LEAST.get(name, (64, 32))
    static = small(name, (height, width, 3), classes=3)
    kinds = {type(layer).__name__ for layer in static.layers}
    assert kinds.isdisjoint({"PadToMultiple2D", "CropLike2D"})
    static.set_weights(model.get_weights())
    pads = [x for x in model.layers if type(x).__name__ == "PadToMultiple2D"]
    assert [pad.multiple for pad in pads] == [(STRIDES.get(name, 32),) * 2]
    image = images(61, 31)
    logits = np.asarray(model(image))
    assert logits.shape == (2, 61, 31, 3) and np.ptp(logits) > 0.01
    expected = static(np.pad(image, ((0, 0), (0, height - 61), (0, width - 31), (0, 0))))
    scale = np.abs(logits).max()
    np.testing.assert_allclose(logits / scale, expected[:, :61, :31] / scale, atol=2e-5)
    assert model(images(1, 1)).shape == (2, 1, 1, 3)


@each
def test_odd_static_sizes(name):
    assert small(name, (33, 50, 3)).output_shape == (None, 33, 50, 2)
    assert small(name, (None, 7, 1)).output_shape == (None, None, 7, 2)


@each
def test_gradients_reach_every_trained_weight(name, images):
    import tensorflow as tf

    # Not in training: behind a batch's own mean the biases of SegNet's convolutions count nothing.
    model = moved(small(name, dropout=0.1))
    if name in ("pan", "manet"):
        # A ReLU of one number for an image is soon dead, and a sigmoid of large ones flat.
        for weight in model.trainable_weights:
            weight.assign(0.3 * abs(weight))
    image = images(40, 37)
    with tf.GradientTape() as tape:
        loss = tf.reduce_mean(tf.square(model(image, training=False) - 1.0))
    gradients = tape.gradient(loss, model.trainable_weights)
    dead = [
        weight.path
        for weight, gradient in zip(model.trainable_weights, gradients, strict=True)
        if gradient is None or not np.any(gradient)
    ]
    assert not dead


@each
def test_save_and_load_give_the_same_numbers(name, images, tmp_path):
    model = moved(small(name))
    model.save(tmp_path / "model.keras")
    loaded = keras.saving.load_model(tmp_path / "model.keras")
    image = images(9, 34)
    np.testing.assert_array_equal(loaded(image), model(image))


@each
def test_names_say_encoder_decoder_head(name):
    model = small(name, dropout=0.1, activation="softmax")
    names = [layer.name for layer in model.layers]
    assert names[0] == "image" and names[-2:] == ["logits", "probabilities"]
    assert all(part.split("_")[0] in ("encoder", "decoder", "head") for part in names[1:-2])
    assert model.name == name and model.preprocessing == "float32 RGB in [0, 1]"
    assert "dropout" in " ".join(names)


@each
@pytest.mark.usefixtures("half_precision")
def test_mixed_precision_answers_in_float32(name, images):
    model = small(name, activation="softmax")
    probabilities = model(images(20, 33, batch=1))
    assert keras.backend.standardize_dtype(probabilities.dtype) == "float32"
    np.testing.assert_allclose(np.sum(probabilities, axis=-1), 1, atol=1e-5)


def check_upsampler(name, upsample, images, option="upsample"):
    model = small(name, **{option: upsample})
    logits = np.asarray(model(images(17, 34, batch=1)))
    assert logits.shape == (1, 17, 34, 2)
    assert np.all(np.isfinite(logits)) and np.ptp(logits) > 0


# Every name in one decoder, in the others those that need more than the map to enlarge.
QUICK = [("fpn", upsample) for upsample in UPSAMPLERS]
OTHERS = ("unet_plus_plus", "linknet", "deeplab_v3_plus", "segnet")
QUICK += [(name, upsample) for name in OTHERS for upsample in GUIDED]


@pytest.mark.parametrize("name, upsample", QUICK)
def test_upsamplers(name, upsample, images):
    check_upsampler(name, upsample, images)


@pytest.mark.slow
@pytest.mark.parametrize("name", SMALL)
@pytest.mark.parametrize("upsample", UPSAMPLERS)
def test_every_upsampler_in_every_decoder(name, upsample, images):
    check_upsampler(name, upsample, images)


@pytest.mark.slow
@pytest.mark.parametrize("upsample", UPSAMPLERS)
def test_every_upsampler_in_the_head_of_fpn(upsample, images):
    check_upsampler("fpn", upsample, images, "head_upsample")


@each
def test_a_callable_makes_the_upsamplers(name):
    made = []

    def upsample(filters):
        made.append(keras.layers.Conv2DTranspose(filters, 4, strides=2, padding="same"))
        return made[-1]

    options = {"head_upsample": upsample} if name == "fpn" else {}
    model = small(name, (32, 64, 3), upsample=upsample, **options)
    assert model.output_shape == (None, 32, 64, 2)
    used = [layer for layer in model.layers if isinstance(layer, keras.layers.Conv2DTranspose)]
    assert used and {id(layer) for layer in used} == {id(layer) for layer in made}
    assert not [layer for layer in model.layers if "UpSampling" in type(layer).__name__]


@pytest.mark.parametrize(
    "name",
    [
        *("unet_plus_plus", "fpn", "deeplab_v3_plus", "pspnet"),
        *(pytest.param(n, marks=pytest.mark.slow) for n in ("manet", "upernet", "segformer")),
    ],
)
def test_nothing_is_off_centre(name, images, symmetrise):
    # With mirrored kernels, a mirrored image gives mirrored logits unless a path is off centre.
    model = moved(small(name))
    symmetrise(model)
    image = images(64, 96)
    logits = np.asarray(model(image))
    assert np.ptp(logits) > 1e-3
    scale = np.abs(logits).max()
    for axis in (1, 2):
        mirrored = np.asarray(model(np.flip(image, axis)))
        np.testing.assert_allclose(mirrored / scale, np.flip(logits, axis) / scale, atol=2e-4)
