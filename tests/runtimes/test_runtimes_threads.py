"""Threads that share a runner or a predictor get the answers to their own images."""

from concurrent.futures import ThreadPoolExecutor

import keras
import numpy as np
import pytest
from compare import assert_close
from test_runtimes_load import RUNTIMES

from keras_upsample import layers, predict, runtimes

RNG = np.random.default_rng(61)


def in_threads(call, count: int, threads: int = 6) -> list:
    """`call(0)`, `call(1)`, ...: from several threads at a time."""
    with ThreadPoolExecutor(threads) as pool:
        return list(pool.map(call, range(count)))


@pytest.mark.parametrize("kind, runtime, title", RUNTIMES)
def test_a_shared_runner(kind, runtime, title, artefacts):
    paths, model = artefacts
    runner = runtimes.load(paths[kind], runtime=runtime)
    images = RNG.random((12, 1, 8, 6, 3), "float32")
    expected = [{k: np.asarray(v) for k, v in model(x).items()} for x in images]
    repeats = 24 if runtime == "tflm" else 600
    found = in_threads(lambda k: runner({"image": images[k % 12]}), repeats)
    for number, outputs in enumerate(found):
        for name in ("logits", "score"):
            assert_close(outputs[name], expected[number % 12][name], of_range=5e-5)


def test_a_shared_file_without_a_signature(artefacts, tmp_path):
    from ai_edge_litert import schema_py_generated as schema
    from flatbuffers import Builder

    paths, model = artefacts
    parts = schema.ModelT.InitFromPackedBuf(paths["tflite"].read_bytes(), 0)
    parts.signatureDefs = []
    builder = Builder()
    builder.Finish(parts.Pack(builder), b"TFL3")
    (tmp_path / "plain.tflite").write_bytes(bytes(builder.Output()))
    runner = runtimes.load(tmp_path / "plain.tflite")
    (name,) = (info.name for info in runner.inputs)
    assert name != "image"
    images = RNG.random((12, 1, 8, 6, 3), "float32")
    expected = [np.asarray(model(x)["score"]) for x in images]
    score = next(info.name for info in runner.outputs if info.shape == (1, 4))
    found = in_threads(lambda k: runner({name: images[k % 12]})[score], 600)
    for number, values in enumerate(found):
        assert_close(values, expected[number % 12], of_range=5e-5)


def net() -> keras.Model:
    """Of classes; its upsampling is replaced while it is traced."""
    image = keras.Input((None, None, 3), name="image")
    x = keras.layers.Conv2D(4, 3, strides=2, padding="same", activation="relu")(image)
    x = keras.layers.UpSampling2D(interpolation="bilinear")(x)
    x = layers.PixelShuffle2D(1)(x)
    return keras.Model(image, keras.layers.Conv2D(3, 1, name="logits")(x), name="net")


def test_a_shared_keras_model_tiled():
    keras.utils.set_random_seed(8)
    model = net()
    images = RNG.random((4, 72, 40, 3), "float32")
    expected = [np.asarray(model(x[None]))[0].argmax(-1) for x in images]

    def labels(k: int) -> np.ndarray:
        shared = predictor if k % 4 else model  # now and then it is traced anew, beside the rest
        return predict.predict(shared, images[k % 4], tile=64, overlap=32).labels

    predictor = predict.load_model(model)
    for number, found in enumerate(in_threads(labels, 24)):
        assert (found == expected[number % 4]).mean() > 0.999
    upsampling = next(y for y in model.layers if isinstance(y, keras.layers.UpSampling2D))
    assert "call" not in vars(upsampling)


def test_a_shared_predictor_of_a_file(artefacts, tmp_path):
    from keras_upsample import export

    keras.utils.set_random_seed(9)
    image = keras.Input((32, 32, 3), name="image")
    x = keras.layers.Conv2D(8, 3, padding="same", activation="relu")(image)
    model = keras.Model(image, keras.layers.Conv2D(3, 1, name="logits")(x), name="file")
    export.to_tflite(model, tmp_path / "m.tflite", images=RNG.random((1, 32, 32, 3), "float32"))
    predictor = predict.load_model(tmp_path / "m.tflite")
    images = RNG.random((16, 32, 61, 3), "float32")  # two tiles each
    alone = [predict.predict(predictor, x, probabilities=True) for x in images]
    found = in_threads(
        lambda k: predict.predict(predictor, images[k % 16], probabilities=True), 160
    )
    for number, result in enumerate(found):
        np.testing.assert_array_equal(result.labels, alone[number % 16].labels)
        np.testing.assert_array_equal(result.probabilities, alone[number % 16].probabilities)
