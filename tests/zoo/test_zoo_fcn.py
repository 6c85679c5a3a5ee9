"""FCN: the published geometry, the padded geometry, parameters, what is trained."""

import keras
import numpy as np
import pytest
import reference

from keras_upsample import zoo
from keras_upsample.zoo._upsamplers import RESIZES, UPSAMPLERS

MODELS = {"fcn32s": zoo.fcn32s, "fcn16s": zoo.fcn16s, "fcn8s": zoo.fcn8s}


@pytest.fixture(scope="module")
def dynamic():
    """Every model in both geometries, tiny behind VGG16, any size."""
    keras.utils.set_random_seed(3)
    return {
        (name, geometry): build(classes=3, fc_width=4, geometry=geometry)
        for name, build in MODELS.items()
        for geometry in ("same", "caffe")
    }


def crops(model):
    return [layer for layer in model.layers if type(layer).__name__ == "OffsetCrop2D"]


# Parameters


def convolution_parameters(fc_width, classes, skips):
    vgg16 = 14_714_688
    fc6, fc7 = (7 * 7 * 512 + 1) * fc_width, (fc_width + 1) * fc_width
    scores = (fc_width + 1) * classes + sum((channels + 1) * classes for channels in skips)
    return vgg16 + fc6 + fc7 + scores


@pytest.mark.parametrize(
    "name, skips, deconvolutions",
    [
        ("fcn32s", (), 64 * 64),
        ("fcn16s", (512,), 4 * 4 + 32 * 32),
        ("fcn8s", (512, 256), 4 * 4 + 4 * 4 + 16 * 16),
    ],
)
def test_parameters_follow_the_formula(name, skips, deconvolutions, dynamic):
    for geometry in ("same", "caffe"):
        model = dynamic[name, geometry]
        plain = [layer for layer in model.layers if type(layer) is keras.layers.Conv2D]
        counted = sum(layer.count_params() for layer in plain)
        assert counted == convolution_parameters(4, 3, skips)
        assert model.count_params() == counted + deconvolutions * 3 * 3


def test_the_formula_at_full_width_is_the_published_net():
    assert convolution_parameters(4096, 21, (512, 256)) == 134_362_751


@pytest.mark.slow
def test_the_full_width_has_the_published_parameters():
    model = zoo.fcn8s(geometry="caffe")
    plain = [layer for layer in model.layers if type(layer) is keras.layers.Conv2D]
    assert sum(layer.count_params() for layer in plain) == 134_362_751
    assert model.count_params() == 134_362_751 + 2 * 7_056 + 112_896


# Caffe's geometry


@pytest.mark.parametrize(
    "name, offsets", [("fcn32s", [19]), ("fcn16s", [5, 27]), ("fcn8s", [5, 9, 31])]
)
def test_offsets_are_those_of_the_published_nets(name, offsets, dynamic):
    """Derived as Caffe's coordinate map does: where does pixel 0 of the image lie?"""
    assert [layer.offset for layer in crops(dynamic[name, "caffe"])] == offsets
    derived = []
    position = 100 - 1.0  # pad 100, then a 3x3 convolution without padding
    pools = {}
    for block in range(1, 6):  # 3x3 convolutions with padding leave it where it is
        position = position / 2 - 0.25
        pools[f"pool{block}"] = position
    position -= 3  # fc6, 7x7
    for scale, skip in {
        "fcn32s": [(32, None)],
        "fcn16s": [(2, "pool4"), (16, None)],
        "fcn8s": [(2, "pool4"), (2, "pool3"), (8, None)],
    }[name]:
        position = position * scale + scale - 0.5
        if skip is None:
            derived.append(position)
        else:  # the crop moves the skip to where the upsampled scores are
            derived.append(pools[skip] - position)
    assert derived == offsets


def test_sizes_of_the_published_net_at_500(dynamic):
    model = dynamic["fcn8s", "caffe"]
    names = ["encoder_block1_conv1", *(f"encoder_block{i}_pool" for i in (3, 4, 5))]
    names += ["encoder_fc7", "decoder_up_to_pool4", "decoder_up_to_pool3", "decoder_up_to_image"]
    probe = keras.Model(model.input, [model.get_layer(name).output for name in names])
    shapes = probe.compute_output_spec(keras.KerasTensor((1, 500, 500, 3)))
    assert [shape.shape[1] for shape in shapes] == [698, 88, 44, 22, 16, 34, 70, 568]


@pytest.mark.parametrize("name", MODELS)
def test_every_crop_has_enough_to_cut_from(name, dynamic):
    # The output has the image's size if what is cut from reaches far enough, at every size.
    model = dynamic[name, "caffe"]
    layers = crops(model)
    probe = keras.Model(model.input, [tensor for layer in layers for tensor in layer.input])
    for size in range(1, 71):
        height, width = size, 71 - size
        spec = probe.compute_output_spec(keras.KerasTensor((1, height, width, 3)))
        for layer, x, target in zip(layers, spec[::2], spec[1::2], strict=True):
            for axis in (1, 2):
                assert x.shape[axis] >= layer.offset + target.shape[axis], (size, layer.name)
        assert spec[-1].shape[1:3] == (height, width)


@pytest.mark.parametrize("name", MODELS)
@pytest.mark.parametrize("geometry", ["same", "caffe"])
@pytest.mark.parametrize("size", [(1, 1), (33, 70)])
def test_the_output_has_the_inputs_size(name, geometry, size, dynamic, images):
    logits = dynamic[name, geometry](images(*size, batch=1))
    assert logits.shape == (1, *size, 3)
    assert np.all(np.isfinite(logits))


@pytest.mark.parametrize("geometry", ["same", "caffe"])
def test_static_sizes_give_the_same_numbers(geometry, dynamic, images):
    model = dynamic["fcn8s", geometry]
    static = zoo.fcn8s((19, 45, 3), classes=3, fc_width=4, geometry=geometry)
    static.set_weights(model.get_weights())
    assert static.output_shape == (None, 19, 45, 3)
    image = images(19, 45)
    np.testing.assert_allclose(static(image), model(image), rtol=1e-5, atol=1e-5)


def test_a_crop_that_would_run_out_is_refused():
    from keras_upsample.zoo._crop import OffsetCrop2D

    x, reference = keras.Input((20, 20, 2)), keras.Input((16, 16, 3))
    assert OffsetCrop2D(4)([x, reference]).shape == (None, 16, 16, 2)
    with pytest.raises(ValueError, match="20 rows or columns can't give 16"):
        OffsetCrop2D(5)([x, reference])
    with pytest.raises(ValueError, match="`offset` must be"):
        OffsetCrop2D(-1)


def test_the_crop_cuts_at_its_offset():
    from keras_upsample.zoo._crop import OffsetCrop2D

    x = np.arange(2 * 7 * 8 * 3, dtype="float32").reshape(2, 7, 8, 3)
    cut = OffsetCrop2D(2)([x, np.zeros((2, 4, 5, 1), "float32")])
    np.testing.assert_array_equal(cut, x[:, 2:6, 2:7])


# Padded geometry


@pytest.mark.parametrize("name", MODELS)
def test_odd_sizes_are_padded_and_cut_back(name, dynamic, images):
    model = dynamic[name, "same"]
    static = MODELS[name]((64, 32, 3), classes=3, fc_width=4)
    kinds = {type(layer).__name__ for layer in static.layers}
    assert kinds.isdisjoint({"PadToMultiple2D", "CropLike2D", "OffsetCrop2D"})
    static.set_weights(model.get_weights())
    image = images(41, 30)
    by_hand = np.pad(image, ((0, 0), (0, 23), (0, 2), (0, 0)))
    expected = np.asarray(static(by_hand))[:, :41, :30]
    assert np.ptp(expected) > 0.01
    np.testing.assert_allclose(model(image), expected, rtol=1e-4, atol=1e-5)


@pytest.mark.parametrize("name", MODELS)
def test_scores_of_all_depths_lie_on_one_another(name, images, symmetrise):
    # With mirrored kernels a mirrored image gives mirrored logits, unless a path is off centre.
    model = MODELS[name]((64, 96, 3), classes=3, fc_width=4)
    symmetrise(model)
    image = images(64, 96, batch=1)
    logits = np.asarray(model(image))
    assert np.ptp(logits) > 1e-6
    scale = np.abs(logits).max()
    for axis in (1, 2):
        mirrored = np.asarray(model(np.flip(image, axis)))
        np.testing.assert_allclose(mirrored / scale, np.flip(logits, axis) / scale, atol=2e-4)


# Upsampling and skips


def test_deconvolutions_start_bilinear_on_the_diagonal(dynamic):
    for geometry in ("same", "caffe"):
        kernel = np.asarray(dynamic["fcn8s", geometry].get_layer("decoder_up_to_pool4").kernel)
        ramp = np.array([0.25, 0.75, 0.75, 0.25])
        expected = ramp[:, None, None, None] * ramp[:, None, None] * np.eye(3)
        np.testing.assert_allclose(kernel, expected, atol=1e-7)


@pytest.mark.parametrize(
    "deconvolution, trained",
    [
        ("fixed", []),
        ("last_fixed", ["decoder_up_to_pool4", "decoder_up_to_pool3"]),
        ("learned", ["decoder_up_to_pool4", "decoder_up_to_pool3", "decoder_up_to_image"]),
    ],
)
def test_which_deconvolutions_are_trained(deconvolution, trained):
    model = zoo.fcn8s(fc_width=2, classes=2, deconvolution=deconvolution)
    paths = {variable.path.split("/")[0] for variable in model.trainable_variables}
    assert sorted(path for path in paths if "_up_to_" in path) == sorted(trained)


def test_skips_add_and_scales_weigh_them(images):
    plain = zoo.fcn8s(fc_width=2, classes=2)
    scaled = zoo.fcn8s(fc_width=2, classes=2, skip_scales=(0.25, 0.5))
    names = [f"decoder_score_pool{i}" for i in (4, 3)]
    scaled.set_weights(plain.get_weights())
    for name, factor in zip(names, (0.25, 0.5), strict=True):
        kernel, bias = plain.get_layer(name).get_weights()
        assert np.ptp(kernel) > 0
        plain.get_layer(name).set_weights([kernel * factor, bias])
    image = images(40, 32, batch=1)
    expected = np.asarray(plain(image))
    np.testing.assert_allclose(scaled(image), expected, atol=1e-5 * np.abs(expected).max())


def test_without_its_skips_fcn8s_only_differs_in_how_it_enlarges(dynamic, images):
    model = zoo.fcn8s((64, 64, 3), classes=3, fc_width=4)
    image = images(64, 64, batch=1)
    with_skips = np.asarray(model(image))
    for name in ("decoder_score_pool4", "decoder_score_pool3"):
        layer = model.get_layer(name)
        layer.set_weights([np.zeros_like(value) for value in layer.get_weights()])
    assert np.abs(with_skips - np.asarray(model(image))).max() > 0.01 * np.ptp(with_skips)


# Other upsamplers


def test_bilinear_agrees_with_the_fixed_deconvolutions_away_from_the_border(images):
    # A bilinear deconvolution takes zeros for what lies outside the image, interpolation the edge.
    plain = zoo.fcn8s((160, 160, 3), classes=3, fc_width=4)
    model = zoo.fcn8s((160, 160, 3), classes=3, fc_width=4, upsample="bilinear")
    kernels = [layer for layer in plain.layers if "_up_to_" in layer.name]
    taken = {id(weight) for layer in kernels for weight in layer.weights}
    model.set_weights([w.numpy() for w in plain.weights if id(w) not in taken])
    image = images(160, 160, batch=1)
    expected, logits = np.asarray(plain(image)), np.asarray(model(image))
    middle = (slice(None), slice(64, 96), slice(64, 96))
    scale = np.ptp(expected)
    assert np.abs(logits - expected).max() > 0.01 * scale
    np.testing.assert_allclose(logits[middle] / scale, expected[middle] / scale, atol=1e-5)


def test_interpolation_takes_one_step_of_the_reference(images):
    model = zoo.fcn32s(classes=2, fc_width=2, upsample="bilinear")
    scores = keras.Model(model.input, model.get_layer("decoder_score_fc7").output)
    image = images(40, 70)
    given = np.asarray(scores(image))
    assert given.shape == (2, 2, 3, 2)
    expected = reference.resize(given, "bilinear", (64, 96))[:, :40, :70]
    np.testing.assert_allclose(model(image), expected, atol=1e-5 * np.abs(expected).max())


QUICK = ("nearest", "joint_bilateral", "max_unpooling")


@pytest.mark.parametrize(
    "upsample",
    [
        pytest.param(name, marks=() if name in QUICK else pytest.mark.slow)
        for name in UPSAMPLERS
        if name != "transposed_conv"
    ],
)
def test_every_upsampler(upsample, images):
    model = zoo.fcn16s(classes=2, fc_width=2, upsample=upsample)
    assert model(images(35, 20, batch=1)).shape == (1, 35, 20, 2)
    steps = {"", "_x2", "_x4", "_x8"} if upsample not in RESIZES else {""}
    for step in steps:
        wanted = f"decoder_up_to_image{step}"
        assert any(layer.name.startswith(wanted) for layer in model.layers), wanted
    assert any("_x16" in layer.name for layer in model.layers) == (upsample not in RESIZES)


def test_a_callable_doubles_the_scores():
    made = []

    def upsample(filters):
        made.append(keras.layers.Conv2DTranspose(filters, 4, strides=2, padding="same"))
        return made[-1]

    model = zoo.fcn8s((32, 64, 3), classes=5, fc_width=2, upsample=upsample)
    assert model.output_shape == (None, 32, 64, 5)
    assert [layer.output.shape[1:] for layer in made] == [
        (2, 4, 5), (4, 8, 5), (8, 16, 5), (16, 32, 5), (32, 64, 5)
    ]  # fmt: skip


# The rest


@pytest.mark.parametrize("name", MODELS)
@pytest.mark.parametrize("geometry", ["same", "caffe"])
def test_names_say_encoder_decoder_head(name, geometry, dynamic):
    model = dynamic[name, geometry]
    names = [layer.name for layer in model.layers]
    assert names[0] == "image" and names[-1] == "logits"
    assert all(part.split("_")[0] in ("encoder", "decoder", "head") for part in names[1:-1])
    assert model.name == name and model.preprocessing == "float32 RGB in [0, 1]"


@pytest.mark.parametrize("name, geometry", [("fcn8s", "caffe"), ("fcn16s", "same")])
def test_save_and_load_give_the_same_numbers(name, geometry, dynamic, images, tmp_path):
    model = dynamic[name, geometry]
    model.save(tmp_path / "model.keras")
    loaded = keras.saving.load_model(tmp_path / "model.keras")
    image = images(21, 30, batch=1)
    np.testing.assert_array_equal(loaded(image), model(image))
    frozen = [layer.name for layer in loaded.layers if not layer.trainable]
    assert frozen == [layer.name for layer in model.layers if not layer.trainable] != []


@pytest.mark.usefixtures("half_precision")
def test_mixed_precision_builds_and_answers_in_float32(images):
    model = zoo.fcn8s(fc_width=2, classes=2, activation="softmax")
    probabilities = model(images(20, 33, batch=1))
    assert keras.backend.standardize_dtype(probabilities.dtype) == "float32"
    np.testing.assert_allclose(np.sum(probabilities, axis=-1), 1, atol=1e-5)
