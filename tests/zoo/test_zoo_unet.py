"""U-Net: sizes, values by laws, names, parameters."""

import itertools

import keras
import numpy as np
import pytest
import reference

from keras_upsample import layers, zoo

UPSAMPLERS = ("transposed_conv", "nearest", "bilinear", "bicubic", "pixel_shuffle")
FUSIONS = ("concat", "add", "attention", "scse")
PAIRS = list(itertools.product(UPSAMPLERS, FUSIONS))
SMALL = (4, 6, 8)  # deepest stride 4


def kinds(model):
    return {type(layer).__name__ for layer in model.layers}


@pytest.mark.parametrize("upsample, fusion", PAIRS)
def test_any_size_is_padded_and_cut_back(upsample, fusion, images):
    model = zoo.unet(classes=3, upsample=upsample, fusion=fusion, filters=SMALL)
    static = zoo.unet((12, 8, 3), classes=3, upsample=upsample, fusion=fusion, filters=SMALL)
    assert kinds(static).isdisjoint({"PadToMultiple2D", "CropLike2D"})
    static.set_weights(model.get_weights())
    image = images(11, 7)
    logits = np.asarray(model(image))
    assert logits.shape == (2, 11, 7, 3)
    by_hand = np.pad(image, ((0, 0), (0, 1), (0, 1), (0, 0)))
    expected = np.asarray(static(by_hand))[:, :11, :7]
    assert np.ptp(expected) > 0.1
    np.testing.assert_allclose(logits, expected, atol=2e-5)


@pytest.mark.parametrize("size", [(1, 1), (1, 9), (4, 4), (5, 16)])
def test_sizes_from_one_up_dynamic_and_static(size, images):
    model = zoo.unet(filters=SMALL)
    static = zoo.unet((*size, 3), filters=SMALL)
    static.set_weights(model.get_weights())
    assert static.output_shape == (None, *size, 2)
    image = images(*size)
    logits = np.asarray(model(image))
    assert logits.shape == (2, *size, 2)
    np.testing.assert_allclose(np.asarray(static(image)), logits, atol=2e-5)


def test_five_stages_pad_to_sixteen():
    pads = [x for x in zoo.unet(filters=(2,) * 5).layers if type(x).__name__ == "PadToMultiple2D"]
    assert [pad.multiple for pad in pads] == [(16, 16)]


def unet_parameters(filters, classes, channels, batch_norm):
    """Counted stage by stage, from the paper's figure."""

    def conv(size, inside, outside, bias):
        return size * size * inside * outside + bias * outside

    def pair(inside, outside):
        both = conv(3, inside, outside, not batch_norm) + conv(3, outside, outside, not batch_norm)
        return both + (8 * outside if batch_norm else 0)

    total, inside = 0, channels
    for width in filters:
        total, inside = total + pair(inside, width), width
    for width in filters[-2::-1]:
        total += conv(2, inside, width, True) + pair(2 * width, width)
        inside = width
    return total + conv(1, inside, classes, True)


def test_parameters_of_the_paper_and_of_the_default():
    filters = (64, 128, 256, 512, 1024)
    assert unet_parameters(filters, 2, 1, False) == 31_030_658  # the paper's grey 2-class net
    assert unet_parameters(filters, 3, 3, True) == 31_049_539
    assert zoo.unet(classes=3).count_params() == 31_049_539
    assert zoo.unet(
        batch_norm=False, filters=SMALL, input_shape=(None, None, 1)
    ).count_params() == (unet_parameters(SMALL, 2, 1, False))


def test_the_papers_valid_net_turns_572_into_388():
    model = zoo.unet((572, 572, 1), padding="valid", batch_norm=False)
    assert model.count_params() == 31_030_658
    assert model.output_shape == (None, 388, 388, 2)
    sizes = {layer.name: layer.output.shape[1] for layer in model.layers if layer.name != "image"}
    down = [sizes[f"encoder_stage{stage}_relu2"] for stage in (1, 2, 3, 4, 5)]
    up = [sizes[f"decoder_stage{stage}_relu2"] for stage in (4, 3, 2, 1)]
    assert (down, up) == ([568, 280, 136, 64, 28], [52, 100, 196, 388])


def test_valid_cuts_skips_from_the_centre(images, symmetrise):
    # With mirrored kernels, a mirrored image gives mirrored logits only if the cut is central.
    model = zoo.unet((44, 52, 3), padding="valid", filters=SMALL)
    symmetrise(model)
    image = images(44, 52)
    logits = np.asarray(model(image))
    assert logits.shape == (2, 4, 12, 2) and np.ptp(logits) > 0.05
    np.testing.assert_allclose(model(image[:, ::-1]), logits[:, ::-1], atol=1e-5)
    np.testing.assert_allclose(model(image[:, :, ::-1]), logits[:, :, ::-1], atol=1e-5)


def test_valid_tiles_are_windows_of_the_whole(images):
    # The paper's overlap-tile strategy: no border effects, so tiles can be put together.
    model = zoo.unet(padding="valid", filters=SMALL)
    image = images(60, 52)
    whole = np.asarray(model(image))
    tile = np.asarray(model(image[:, 8:52, 4:48]))
    assert whole.shape == (2, 20, 12, 2) and tile.shape == (2, 4, 4, 2)
    np.testing.assert_allclose(tile, whole[:, 8:12, 4:8], atol=1e-5)


@pytest.mark.parametrize("upsample", UPSAMPLERS)
def test_names_say_encoder_decoder_head(upsample):
    model = zoo.unet(upsample=upsample, filters=SMALL, dropout=0.1, activation="softmax")
    names = [layer.name for layer in model.layers]
    assert names[0] == "image" and names[-2:] == ["logits", "probabilities"]
    assert all(name.split("_")[0] in ("encoder", "decoder", "head") for name in names[1:-2])
    assert model.name == "unet" and model.preprocessing == "float32 RGB in [0, 1]"


def test_activation_follows_the_logits(images):
    model = zoo.unet(filters=SMALL, classes=3, activation="softmax")
    plain = zoo.unet(filters=SMALL, classes=3)
    plain.set_weights(model.get_weights())
    image = images(8, 8)
    np.testing.assert_allclose(model(image), keras.ops.softmax(plain(image), axis=-1), atol=1e-6)
    np.testing.assert_allclose(np.sum(model(image), axis=-1), 1, atol=1e-5)


@pytest.mark.parametrize("upsample, fusion", PAIRS)
def test_save_and_load_give_the_same_numbers(upsample, fusion, images, tmp_path):
    model = zoo.unet(upsample=upsample, fusion=fusion, filters=SMALL)
    model.save(tmp_path / "model.keras")
    loaded = keras.saving.load_model(tmp_path / "model.keras")
    image = images(9, 6)
    np.testing.assert_array_equal(loaded(image), model(image))


def test_a_callable_makes_the_upsampler(images):
    def upsample(filters):
        return layers.TransposedConv2D(filters, 2, 4, name="always_the_same")

    model = zoo.unet(upsample=upsample, filters=SMALL)
    kernels = [x.kernel.shape for x in model.layers if isinstance(x, layers.TransposedConv2D)]
    assert kernels == [(4, 4, 6, 8), (4, 4, 4, 6)]
    assert model(images(5, 5)).shape == (2, 5, 5, 2)


@pytest.mark.usefixtures("half_precision")
def test_mixed_precision_builds_and_answers_in_float32(images):
    model = zoo.unet(filters=SMALL)
    assert model.get_layer("head_conv").compute_dtype == "float16"
    logits = model(images(7, 5))
    assert keras.backend.standardize_dtype(logits.dtype) == "float32"
    assert np.all(np.isfinite(logits)) and np.ptp(logits) > 0


def test_attention_unet_gates_every_skip(images):
    model = zoo.unet(filters=SMALL, fusion="attention")
    plain = zoo.unet(filters=SMALL)
    gates = 0
    for width in SMALL[:-1]:  # a gate has half the skip's channels inside
        inner = width // 2
        gates += width * inner + (width + 1) * inner + inner + 1
    assert model.count_params() == plain.count_params() + gates
    for stage in (1, 2):
        fusion = model.get_layer(f"decoder_stage{stage}_fusion")
        probe = keras.Model(model.input, [*fusion.input, fusion.output])
        decoder, skip, joined = (np.asarray(x) for x in probe(images(11, 7)))
        weights = [np.asarray(w, "float64") for w in fusion.weights]
        weights = [w[0, 0] if w.ndim == 4 else w for w in weights]
        expected = reference.attention_gate(decoder, skip, *weights)
        assert np.ptp(skip) > 0.1
        np.testing.assert_allclose(joined, expected, atol=1e-5)
        gated = joined[..., decoder.shape[-1] :] / np.where(skip == 0, 1, skip)
        assert np.all(gated < 1) and np.all(gated >= 0)


def test_dropout_acts_in_training_only(images):
    model = zoo.unet(filters=SMALL, dropout=0.5, batch_norm=False)
    image = images(8, 8)
    assert np.abs(model(image, training=True) - model(image, training=False)).max() > 1e-3
    np.testing.assert_array_equal(model(image, training=False), model(image, training=False))


def test_training_lowers_the_loss(images):
    model = zoo.unet(filters=SMALL)
    loss = keras.losses.SparseCategoricalCrossentropy(from_logits=True)
    model.compile(keras.optimizers.Adam(1e-2), loss, run_eagerly=True)  # tracing takes longer
    image = images(16, 16)
    labels = (image.mean(-1) > 0.5).astype("int32")
    losses = model.fit(image, labels, epochs=15, verbose=0).history["loss"]
    assert losses[-1] < 0.7 * losses[0]
