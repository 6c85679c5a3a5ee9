"""A SavedModel or a Keras file as the source of an export, and models with a `TFSMLayer`."""

import zipfile
from pathlib import Path

import keras
import numpy as np
import pytest
import tensorflow as tf

from keras_upsample import export, runtimes
from keras_upsample.errors import ArtefactError

KERAS_2 = Path(__file__).parents[1] / "vectors" / "keras2"
RNG = np.random.default_rng(61)


def network(size: int | None = None) -> keras.Model:
    image = keras.Input((size, size, 3), name="image")
    x = keras.layers.Conv2D(4, 3, strides=2, padding="same", activation="relu")(image)
    x = keras.layers.BatchNormalization()(x)
    x = keras.layers.Conv2DTranspose(40, 4, strides=2, padding="same")(x)
    model = keras.Model(image, keras.layers.Conv2D(2, 1, name="scores")(x), name="net")
    for weight in model.weights:
        positive = "variance" in weight.path
        values = (
            RNG.uniform(0.5, 1.5, weight.shape) if positive else RNG.normal(0, 0.3, weight.shape)
        )
        weight.assign(values)
    return model


def images(*shape: int) -> np.ndarray:
    return RNG.random(shape).astype("float32")


def run(path: Path, image: np.ndarray) -> np.ndarray:
    runner = runtimes.load(path)
    (answer,) = runner({runner.inputs[0].name: image}).values()
    return answer


def test_a_saved_model_of_keras_3_becomes_every_format(tmp_path) -> None:
    model = network(16)
    model.export(tmp_path / "my net", verbose=False)
    report = export.export(tmp_path / "my net", tmp_path / "out", images=images(2, 16, 16, 3))
    assert report.model == "my_net" and not report.failures
    image = images(3, 16, 16, 3)
    expected = np.asarray(model(image, training=False))
    span = np.ptp(expected)
    found = run(tmp_path / "out" / "my_net.onnx", image)
    np.testing.assert_allclose(found, expected, atol=5e-5 * span)
    found = run(tmp_path / "out" / "my_net.tflite", image[:1])
    np.testing.assert_allclose(found, expected[:1], atol=5e-5 * span)
    # an exported folder stands on its own
    (tmp_path / "my net" / "saved_model.pb").unlink()
    found = run(tmp_path / "out" / "saved_model", image)
    np.testing.assert_allclose(found, expected, atol=5e-5 * span)


def test_a_saved_model_of_open_size(tmp_path) -> None:
    model = network()
    model.export(tmp_path / "m", verbose=False)
    export.to_onnx(str(tmp_path / "m"), tmp_path / "a.onnx", images=images(1, 24, 40, 3))
    image = images(2, 18, 26, 3)
    expected = np.asarray(model(image, training=False))
    found = run(tmp_path / "a.onnx", image)
    np.testing.assert_allclose(found, expected, atol=5e-5 * np.ptp(expected))


def test_a_saved_model_of_keras_2_with_an_optimizer(tmp_path) -> None:
    with zipfile.ZipFile(KERAS_2 / "trained.zip") as archive:
        archive.extractall(tmp_path / "m")
    with np.load(KERAS_2 / "trained.npz") as known:
        image, *expected = (known[key] for key in known.files)
    model = export.load_source(tmp_path / "m")
    answers = model(image)
    for name, values in zip(("b", "a"), expected, strict=True):
        np.testing.assert_allclose(answers[name], values, atol=1e-6)
    export.to_onnx(model, tmp_path / "a.onnx")
    runner = runtimes.load(tmp_path / "a.onnx")
    answers = runner({"image": image})
    for name, values in zip(("b", "a"), expected, strict=True):
        np.testing.assert_allclose(answers[name], values, atol=1e-5)


class Two(tf.Module):
    """Two functions of the same weights."""

    def __init__(self) -> None:
        super().__init__()
        self.weight = tf.Variable(RNG.normal(size=(3, 2)).astype("float32"))

    @tf.function(input_signature=[tf.TensorSpec((None, 4, 4, 3), tf.float32, name="image")])
    def scores(self, image):
        return {"scores": image @ self.weight}

    @tf.function(
        input_signature=[
            tf.TensorSpec((None, 4, 4, 3), tf.float32, name="zebra"),
            tf.TensorSpec((None, 4, 4, 3), tf.uint8, name="ant"),
        ]
    )
    def both(self, zebra, ant):
        total = tf.zeros_like(zebra)
        for _ in tf.range(3):  # a loop in the graph
            total += zebra
        return {"z": total @ self.weight, "a": tf.cast(ant, tf.float32) - zebra}


def test_several_signatures(tmp_path) -> None:
    module = Two()
    signatures = {"scores": module.scores, "both": module.both}
    tf.saved_model.save(module, str(tmp_path / "m"), signatures=signatures)
    with pytest.raises(ArtefactError, match=r"has several signatures: .*Name one: --signature"):
        export.load_source(tmp_path / "m")
    with pytest.raises(ArtefactError, match=r"no signature 'score'.*Did you mean 'scores'\?"):
        export.load_source(tmp_path / "m", "score")
    image = images(2, 4, 4, 3)
    one = export.load_source(tmp_path / "m", "scores")
    np.testing.assert_allclose(one(image)["scores"], image @ module.weight.numpy(), atol=1e-6)
    ant = RNG.integers(0, 256, (2, 4, 4, 3), dtype="uint8")
    two = export.load_source(tmp_path / "m", "both")
    answers = two({"zebra": image, "ant": ant})
    np.testing.assert_allclose(answers["z"], 3 * image @ module.weight.numpy(), atol=1e-5)
    np.testing.assert_allclose(answers["a"], ant - image, atol=1e-4)
    traced = tf.function(lambda z, a: two({"zebra": z, "ant": a}))(image, ant)
    np.testing.assert_allclose(traced["a"], ant - image, atol=1e-4)


def test_what_is_no_source(tmp_path) -> None:
    (tmp_path / "empty").mkdir()
    (tmp_path / "broken").mkdir()
    (tmp_path / "broken" / "saved_model.pb").write_bytes(b"no graph")
    (tmp_path / "notes.txt").write_text("notes")
    module = tf.Module()
    tf.saved_model.save(module, str(tmp_path / "silent"))
    for name, message in {
        "none": "does not exist",
        "empty": "is a folder without saved_model.pb",
        "broken": "can't be loaded",
        "notes.txt": "is not a Keras model file",
        "silent": "has no signature",
    }.items():
        with pytest.raises(ArtefactError, match=message) as raised:
            export.to_onnx(tmp_path / name, tmp_path / "a.onnx")
        assert "\n" not in str(raised.value)
    network(16).save(tmp_path / "m.keras")
    with pytest.raises(ArtefactError, match="`signature` is for SavedModel folders"):
        export.load_source(tmp_path / "m.keras", "serving_default")
    with pytest.raises(TypeError, match="or the path of a Keras file"):
        export.to_onnx(3, tmp_path / "a.onnx")
    assert not (tmp_path / "a.onnx").exists()


@pytest.mark.parametrize("lost", ["signatures", "serving_default"])
def test_a_saved_model_that_lost_its_signatures(lost, tmp_path) -> None:
    from tensorflow.core.protobuf.saved_model_pb2 import SavedModel

    from keras_upsample import runtimes

    network(16).export(str(tmp_path / "m"), verbose=False)
    graph = SavedModel.FromString((tmp_path / "m" / "saved_model.pb").read_bytes())
    nodes = graph.meta_graphs[0].object_graph_def.nodes
    (place,) = (i for i, child in enumerate(nodes[0].children) if child.local_name == "signatures")
    if lost == "signatures":
        del nodes[0].children[place]
    else:  # it is the root, as any object can be
        for signature in nodes[nodes[0].children[place].node_id].children:
            signature.node_id = 0
    (tmp_path / "m" / "saved_model.pb").write_bytes(graph.SerializeToString())
    for read in (runtimes.load, export.load_source):
        with pytest.raises(ArtefactError, match="has no signature"):
            read(tmp_path / "m")


def test_a_graph_that_reads_files_is_not_run(tmp_path) -> None:
    class Reads(tf.Module):
        @tf.function(input_signature=[tf.TensorSpec((None, 2), tf.float32, name="x")])
        def call(self, x):
            return x + tf.cast(tf.strings.length(tf.io.read_file("/etc/hostname")), tf.float32)

    module = Reads()
    tf.saved_model.save(module, str(tmp_path / "m"), signatures=module.call)
    with pytest.raises(ArtefactError, match=r"ReadFile.*trust"):
        export.load_source(tmp_path / "m")
    assert export.load_source(tmp_path / "m", trust=True).inputs[0].name == "x"


def test_a_keras_file_by_its_path(tmp_path) -> None:
    model = network(16)
    model.save(tmp_path / "m.keras")
    export.to_onnx(tmp_path / "m.keras", tmp_path / "a.onnx", images=images(1, 16, 16, 3))
    image = images(2, 16, 16, 3)
    expected = np.asarray(model(image, training=False))
    found = run(tmp_path / "a.onnx", image)
    np.testing.assert_allclose(found, expected, atol=5e-5 * np.ptp(expected))


def test_a_model_with_a_saved_model_as_layer(tmp_path) -> None:
    model = network(16)
    model.export(tmp_path / "m", verbose=False)
    layer = keras.layers.TFSMLayer(str(tmp_path / "m"), call_endpoint="serve")
    around = keras.Sequential([keras.Input((16, 16, 3)), keras.layers.Rescaling(2.0), layer])
    image = images(1, 16, 16, 3)
    expected = np.asarray(model(2 * image, training=False))
    for write, name in ((export.to_onnx, "a.onnx"), (export.to_tflite, "a.tflite")):
        write(around, tmp_path / name, images=images(1, 16, 16, 3))
        found = run(tmp_path / name, image)
        np.testing.assert_allclose(found, expected, atol=5e-5 * np.ptp(expected))
