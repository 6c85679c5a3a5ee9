"""Whole nets from ONNX: values, training, saving, and what can't be read."""

import subprocess
import sys

import keras
import numpy as np
import onnx
import pytest

import keras_upsample as ku
from keras_upsample.errors import ArtefactError, VerificationError
from keras_upsample.interchange import _from_onnx, from_onnx


def unet(upsample="bilinear"):
    keras.utils.set_random_seed(5)
    return ku.zoo.unet((32, 48, 3), 3, filters=(4, 8, 16), upsample=upsample)


@pytest.fixture(scope="module")
def written(tmp_path_factory):
    folder = tmp_path_factory.mktemp("nets")
    model = unet()
    images = [np.random.default_rng(0).random((32, 48, 3), "float32")]
    for layout in ("nhwc", "nchw"):
        ku.export.to_onnx(model, folder / f"{layout}.onnx", layout=layout, images=images)
    return model, folder


@pytest.mark.parametrize("layout", ["nhwc", "nchw"])
def test_our_own_files_read_back_equal(layout, written):
    model, folder = written
    read = from_onnx(folder / f"{layout}.onnx")
    x = np.random.default_rng(1).random((2, 32, 48, 3), "float32")
    expected = keras.ops.convert_to_numpy(model(x, training=False))
    np.testing.assert_allclose(
        read(x, training=False), expected, atol=1e-5 * np.ptp(expected), rtol=0
    )
    assert "Transpose" not in " ".join(type(layer).__name__ for layer in read.layers)
    assert ku.metadata.of(read).name == model.name


def test_every_weight_can_be_trained(written):
    read = from_onnx(written[1] / "nchw.onnx")
    rng = np.random.default_rng(2)
    x, y = rng.random((4, 32, 48, 3), "float32"), rng.integers(0, 3, (4, 32, 48))
    before = [np.array(weight) for weight in read.trainable_weights]
    loss = keras.losses.SparseCategoricalCrossentropy(from_logits=True)
    read.compile(keras.optimizers.Adam(1e-3), loss)
    history = read.fit(x, y, epochs=20, batch_size=4, verbose=0).history["loss"]
    assert history[-1] < history[0]
    changed = zip(before, read.trainable_weights, strict=True)
    assert all((np.array(weight) != old).any() for old, weight in changed)


def test_a_saved_model_is_the_same_in_another_process(written, tmp_path):
    read = from_onnx(written[1] / "nchw.onnx")
    read.save(tmp_path / "m.keras")
    x = np.random.default_rng(3).random((1, 32, 48, 3), "float32")
    np.save(tmp_path / "x.npy", x)
    code = (
        "import keras, numpy as np, keras_upsample, sys;"
        "m = keras.saving.load_model(sys.argv[1] + '/m.keras');"
        "np.save(sys.argv[1] + '/y.npy', m(np.load(sys.argv[1] + '/x.npy'), training=False))"
    )
    subprocess.run([sys.executable, "-c", code, str(tmp_path)], check=True, capture_output=True)
    np.testing.assert_array_equal(np.load(tmp_path / "y.npy"), read(x, training=False))


def test_a_net_goes_on_to_other_formats(written, tmp_path):
    read = from_onnx(written[1] / "nchw.onnx")
    images = [np.random.default_rng(0).random((32, 48, 3), "float32")]
    report = ku.export.to_tflite(read, tmp_path / "m.tflite", images=images)
    assert report.verifications[0].passed
    assert "TRANSPOSE" not in report.operators


def test_open_sizes_stay_open_and_can_be_fixed(tmp_path):
    model = ku.zoo.espcn((None, None, 3), 2)
    images = [np.random.default_rng(0).random((24, 20, 3), "float32")]
    path = tmp_path / "open.onnx"
    ku.export.to_onnx(model, path, layout="nchw", images=images)
    assert from_onnx(path).output_shape == (None, None, None, 3)
    read = from_onnx(path, input_shape=(20, 24, 3), name="mine")
    assert read.name == "mine" and read.output_shape == (None, 40, 48, 3)
    with pytest.raises(ValueError, match="does not fit the input"):
        from_onnx(path, input_shape=(20, 24, 4))


def test_a_model_that_differs_is_not_returned(written, monkeypatch):
    build = _from_onnx.build

    def wrong(*arguments):
        model = build(*arguments)
        kernel = model.get_layer(index=1).kernel
        kernel.assign(kernel * 1.01)
        return model

    monkeypatch.setattr(_from_onnx, "build", wrong)
    with pytest.raises(VerificationError, match="differs from ONNX Runtime's by"):
        from_onnx(written[1] / "nchw.onnx")
    assert from_onnx(written[1] / "nchw.onnx", verify=False) is not None


@pytest.mark.parametrize("factor", [1.0002, 1.002])
def test_a_small_difference_is_judged_by_double_precision(factor, written, monkeypatch):
    from keras_upsample import runtimes

    path = written[1] / "nchw.onnx"
    load, build = runtimes.load, _from_onnx.build

    def inexact(*arguments, **options):
        runner = load(*arguments, **options)
        return lambda feeds: {name: y * np.float32(factor) for name, y in runner(feeds).items()}

    with monkeypatch.context() as patch:  # the runtime is off, the model is right
        patch.setattr(runtimes, "load", inexact)
        assert from_onnx(path) is not None

    def wrong(*arguments):
        model = build(*arguments)
        last = model.layers[-1]
        last.kernel.assign(last.kernel * factor)
        return model

    monkeypatch.setattr(_from_onnx, "build", wrong)
    with pytest.raises(VerificationError, match="differs from ONNX Runtime's by"):
        from_onnx(path)


def test_files_that_are_none(tmp_path, written):
    with pytest.raises(ArtefactError, match="does not exist"):
        from_onnx(tmp_path / "no.onnx")
    (tmp_path / "text.onnx").write_text("hello")
    with pytest.raises(ArtefactError, match="can't be read as ONNX"):
        from_onnx(tmp_path / "text.onnx")
    whole = (written[1] / "nchw.onnx").read_bytes()
    for length in range(10, len(whole), len(whole) // 12):
        (tmp_path / "cut.onnx").write_bytes(whole[:length])
        with pytest.raises(ArtefactError):
            from_onnx(tmp_path / "cut.onnx")
    proto = onnx.load(written[1] / "nchw.onnx")
    proto.opset_import[0].version = 7
    onnx.save(proto, tmp_path / "old.onnx")
    with pytest.raises(ArtefactError, match="opset 7; opsets 9 to 23"):
        from_onnx(tmp_path / "old.onnx")


@pytest.mark.parametrize("size", [(None, None), (32, 48)], ids=["open", "fixed"])
def test_files_of_keras_and_tf2onnx_read_back_equal(size, tmp_path):
    """They have their channels last, and say it by a Transpose alone."""
    keras.utils.set_random_seed(6)
    layers = keras.layers
    image = keras.Input((*size, 3), name="image")
    x = layers.Rescaling(1 / 255)(image)
    a = layers.Conv2D(8, 3, padding="same", activation="relu")(x)
    b = layers.MaxPooling2D()(layers.DepthwiseConv2D(3, padding="same")(a))
    b = layers.BatchNormalization()(layers.Conv2DTranspose(8, 2, strides=2)(b))
    c = layers.Conv2DTranspose(4, 3, strides=2, padding="same")(layers.AveragePooling2D(2)(a))
    y = layers.Softmax()(layers.Conv2D(3, 1)(layers.Concatenate()([a, b, c])))
    model = keras.Model(image, y)
    model(np.zeros((1, 32, 48, 3), "float32"))  # Keras asks for a call
    model.export(tmp_path / "m.onnx", format="onnx", verbose=False)
    read = from_onnx(tmp_path / "m.onnx")
    assert read.input_shape == model.input_shape
    x = np.random.default_rng(1).random((2, 32, 48, 3), "float32") * 255
    np.testing.assert_allclose(read(x), model(x), atol=1e-5)
    assert "Transpose" not in [type(layer).__name__ for layer in read.layers]
