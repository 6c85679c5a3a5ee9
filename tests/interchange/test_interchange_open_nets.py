"""Whole nets whose heights and widths stay open: our own files in both layouts, and Keras'."""

import keras
import numpy as np
import pytest

import keras_upsample as ku
from keras_upsample.errors import InputShapeError
from keras_upsample.interchange import from_onnx

SIZES = ((96, 160), (133, 161), (147, 98))
NETS = {
    "unet": {"filters": (3, 4)},
    "unet_plus_plus": {"filters": (3, 4, 5)},
    "espcn": {"filters": (4, 3)},
    "linknet": {},
    "fpn": {"pyramid_width": 4, "head_width": 4},
    "deeplab_v3_plus": {"width": 8, "low_level_width": 3},
    "manet": {"filters": (3, 3, 4, 4, 5), "attention_width": 3},
    "segformer": {"width": 5},
    "bisenet_v2": {
        "detail_filters": (3, 4, 5),
        "semantic_filters": (3, 4, 5, 6),
        "head_width": 6,
    },
}
WITH_ENCODER = ("linknet", "fpn", "deeplab_v3_plus", "manet", "segformer")


def encoder():
    """A convolution a stage."""
    x = image = keras.Input((None, None, 3))
    for stage in range(5):
        x = keras.layers.Conv2D(
            stage + 3, 3, strides=2, padding="same", activation="relu", name=f"stage{stage}"
        )(x)
    return keras.Model(image, x, name="stages")


def equal_at_open_sizes(path, layout, sizes=SIZES):
    """The model, which computes what ONNX Runtime makes of the file, two images at once."""
    import onnxruntime

    model = from_onnx(path)
    assert model.input_shape == (None, None, None, 3)
    session = onnxruntime.InferenceSession(path, providers=["CPUExecutionProvider"])
    name, rng = session.get_inputs()[0].name, np.random.default_rng(4)
    for size in sizes:
        x = rng.random((2, *size, 3), "float32")
        last = layout == "nhwc"
        expected = session.run(None, {name: x if last else x.transpose(0, 3, 1, 2)})[0]
        expected = expected if last else expected.transpose(0, 2, 3, 1)
        np.testing.assert_allclose(
            model(x, training=False), expected, atol=2e-5 * np.ptp(expected), rtol=0
        )
    return model


@pytest.mark.slow
@pytest.mark.parametrize("layout", ["nhwc", "nchw"])
@pytest.mark.parametrize("name", ["pan", "pspnet", "upernet"])
def test_nets_whose_size_has_to_be_said(name, layout, tmp_path):
    path = tmp_path / "m.onnx"
    model = getattr(ku.zoo, name)((None, None, 3), 3, encoder=encoder())
    ku.export.to_onnx(model, path, layout=layout)
    with pytest.raises(InputShapeError, match="input_shape"):
        from_onnx(path)
    read = from_onnx(path, input_shape=(96, 160, 3))
    x = np.random.default_rng(4).random((2, 96, 160, 3), "float32")
    expected = np.asarray(model(x, training=False))
    np.testing.assert_allclose(
        read(x, training=False), expected, atol=2e-5 * np.ptp(expected), rtol=0
    )


@pytest.mark.parametrize("layout", ["nhwc", "nchw"])
@pytest.mark.parametrize(
    "name", ["unet", *(pytest.param(each, marks=pytest.mark.slow) for each in list(NETS)[1:])]
)
def test_networks_of_the_zoo_keep_their_sizes_open(name, layout, tmp_path):
    keras.utils.set_random_seed(8)
    options = dict(NETS[name])
    if name in WITH_ENCODER:
        options |= {"encoder": encoder(), "encoder_normalization": "full_range"}
    model = getattr(ku.zoo, name)((None, None, 3), 2, **options)
    rng = np.random.default_rng(8)
    for weight in model.weights:
        if len(weight.shape) == 1:  # offsets away from 0, where they would hide
            weight.assign(weight + rng.uniform(0, 0.4, weight.shape))
    images = [rng.random((96, 128, 3), "float32")]
    ku.export.to_onnx(model, tmp_path / "m.onnx", layout=layout, images=images)
    equal_at_open_sizes(tmp_path / "m.onnx", layout)


def keras_net():
    """What TensorFlow pads by the size, resizes by Tile, and crops."""
    layers = keras.layers
    image = keras.Input((None, None, 3), name="image")
    x = layers.Conv2D(6, 3, strides=2, padding="same", activation="relu")(image)
    x = layers.MaxPooling2D(3, strides=2, padding="same")(x)
    x = layers.UpSampling2D((2, 3))(layers.ZeroPadding2D(((1, 0), (2, 1)))(x))
    x = layers.Cropping2D(((0, 2), (1, 1)))(layers.DepthwiseConv2D(3, padding="same")(x))
    x = layers.AveragePooling2D(3, strides=2, padding="same")(x)
    x = layers.Conv2DTranspose(4, 3, strides=2, padding="same")(x)
    model = keras.Model(image, layers.Conv2D(3, 1)(x))
    model(np.zeros((1, 32, 48, 3), "float32"))  # Keras asks for a call
    return model


@pytest.mark.parametrize("planes", [False, True], ids=["nhwc", "nchw"])
def test_files_of_tf2onnx_keep_their_sizes_open(planes, tmp_path):
    import tensorflow as tf
    import tf2onnx

    keras.utils.set_random_seed(9)
    model = keras_net()
    spec = [tf.TensorSpec((None, None, None, 3), tf.float32, name="image")]
    function = tf.function(lambda image: model(image, training=False), input_signature=spec)
    turned = {"inputs_as_nchw": ["image:0"], "outputs_as_nchw": ["Identity:0"]} if planes else {}
    path = tmp_path / "m.onnx"
    tf2onnx.convert.from_function(function, spec, opset=17, output_path=str(path), **turned)
    read = equal_at_open_sizes(path, "nchw" if planes else "nhwc")
    kinds = [type(layer).__name__ for layer in read.layers]
    assert kinds.count("NearestUpSampling2D") == 1 and not {"Tiled", "Transpose"} & set(kinds)


def test_files_of_keras_keep_their_sizes_open(tmp_path):
    keras.utils.set_random_seed(10)
    model = keras_net()
    model.export(tmp_path / "m.onnx", format="onnx", verbose=False)
    read = equal_at_open_sizes(tmp_path / "m.onnx", "nhwc")
    x = np.random.default_rng(1).random((2, 61, 50, 3), "float32")
    np.testing.assert_allclose(read(x), model(x), atol=1e-5)
