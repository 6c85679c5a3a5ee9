"""SavedModels that do more than compute are refused before they are loaded."""

import keras
import numpy as np
import pytest
import tensorflow as tf
from tensorflow.core.protobuf import saved_model_pb2

from keras_upsample import export, predict, runtimes, training
from keras_upsample.errors import ArtefactError, VerificationError
from keras_upsample.runtimes._saved_model_graph import check_saved_model

SPEC = tf.TensorSpec((1, 8, 8, 3), tf.float32, name="image")


def saved(path, function, **tracked):
    module = tf.Module()
    for name, value in tracked.items():
        setattr(module, name, value)
    module.call = tf.function(function, input_signature=[SPEC])
    tf.saved_model.save(module, str(path), signatures=module.call.get_concrete_function())
    return path


def length_of(file) -> tf.Tensor:
    return tf.cast(tf.strings.length(tf.io.read_file(file)), tf.float32)


def writes(mark):
    def function(x):
        with tf.control_dependencies([tf.io.write_file(str(mark), "was here")]):
            return {"output": tf.identity(x)}

    return function


def bad(tmp_path) -> dict:
    """Operator -> a function that uses it."""
    file, lots = str(tmp_path / "secret"), str(tmp_path / "*")
    return {
        "ReadFile": lambda x: x + length_of(file),
        "WriteFile": writes(tmp_path / "mark"),
        "MatchingFiles": lambda x: x + tf.cast(tf.size(tf.io.matching_files(lots)), tf.float32),
        "PyFunc": lambda x: tf.numpy_function(lambda a: a, [x], tf.float32),
        "EagerPyFunc": lambda x: tf.py_function(lambda a: a, [x], tf.float32),
        "TextLineDataset": lambda x: (
            x + tf.data.TextLineDataset(file).reduce(0.0, lambda count, _: count + 1)
        ),
        "RestoreV2": lambda x: (
            x
            + tf.raw_ops.RestoreV2(
                prefix=file, tensor_names=["a"], shape_and_slices=[""], dtypes=[tf.float32]
            )[0]
        ),
        "SaveV2": checkpoint_of(tmp_path / "mark"),
        "PrintV2": lambda x: printed(x, tmp_path / "mark"),
    }


def printed(x, mark):
    with tf.control_dependencies([tf.print(x[0, 0, 0], output_stream=f"file://{mark}")]):
        return tf.identity(x)


def checkpoint_of(mark):
    def function(x):
        write = tf.raw_ops.SaveV2(
            prefix=str(mark), tensor_names=["a"], shape_and_slices=[""], tensors=[x]
        )
        with tf.control_dependencies([write]):
            return tf.identity(x)

    return function


OPERATORS = (
    "ReadFile", "WriteFile", "MatchingFiles", "PyFunc", "EagerPyFunc", "TextLineDataset",
    "RestoreV2", "SaveV2", "PrintV2",
)  # fmt: skip


@pytest.mark.parametrize("operator", OPERATORS)
def test_operators_that_reach_out(operator, tmp_path):
    function = bad(tmp_path)[operator]
    (tmp_path / "secret").write_text("secret")
    path = saved(tmp_path / "m", function)
    (tmp_path / "mark").unlink(missing_ok=True)
    for load in (runtimes.load, predict.load_model):
        with pytest.raises(ArtefactError, match=rf"operator {operator} .*trust=True \(--trust\)"):
            load(path)
    assert not (tmp_path / "mark").exists()


@pytest.mark.parametrize(
    "operator",
    ["FIFOQueueV2", "Send", "RpcCall", "TFRecordReaderV2", "DecodeProtoV2", "ShardedFilename"],
)
def test_stateful_operators_are_allowed_by_name_alone(operator, tmp_path):
    """Whether TensorFlow calls it stateful, its own table of operators says."""
    from tensorflow.python.framework import op_def_registry

    saved(tmp_path / "m", lambda x: x * 2)
    place = tmp_path / "m" / "saved_model.pb"
    graph = saved_model_pb2.SavedModel.FromString(place.read_bytes())
    graph.meta_graphs[0].graph_def.node.add(name="more", op=operator)
    place.write_bytes(graph.SerializeToString())
    known = op_def_registry.get(operator)
    if known is None or not known.is_stateful:
        check_saved_model(tmp_path / "m")  # TensorFlow refuses what it does not know
        return
    with pytest.raises(ValueError, match=f"its operator {operator} "):
        check_saved_model(tmp_path / "m")


def test_every_door_asks_for_trust(tmp_path):
    path = saved(tmp_path / "m", writes(tmp_path / "mark"))
    (tmp_path / "mark").unlink(missing_ok=True)
    for load in (
        lambda path: runtimes.benchmark([path], rounds=1),
        export.load_source,
        lambda path: training.write_threshold(path, tmp_path / "copy", 0.4),
    ):
        with pytest.raises(ArtefactError, match=r"operator WriteFile .*trust=True"):
            load(path)
    assert not (tmp_path / "mark").exists()


def test_in_a_branch_of_a_loop(tmp_path):
    def function(x):
        def body(i, y):
            more = tf.cond(i > 0, lambda: length_of("/etc/hostname"), lambda: 0.0)
            return i + 1, y + more

        return tf.while_loop(lambda i, y: i < 2, body, [0, x])[1]

    with pytest.raises(ArtefactError, match="operator ReadFile"):
        runtimes.load(saved(tmp_path / "m", function))


def test_an_initialiser_that_reads_a_file(tmp_path):
    (tmp_path / "names.txt").write_text("a\nb\n")
    rows = tf.lookup.TextFileIndex
    table = tf.lookup.StaticHashTable(
        tf.lookup.TextFileInitializer(
            str(tmp_path / "names.txt"), tf.string, rows.WHOLE_LINE, tf.int64, rows.LINE_NUMBER
        ),
        -1,
    )

    def function(x):
        return x + tf.cast(table.lookup(tf.constant("b")), tf.float32)

    with pytest.raises(ArtefactError, match="operator InitializeTableFromTextFileV2"):
        runtimes.load(saved(tmp_path / "m", function, table=table))


def test_trust(tmp_path):
    path = saved(tmp_path / "m", writes(tmp_path / "mark"))
    runner = runtimes.load(path, trust=True)
    runner({"image": np.zeros((1, 8, 8, 3), "float32")})
    assert (tmp_path / "mark").read_text() == "was here"
    (tmp_path / "mark").unlink()
    predict.load_model(path, trust=True)
    assert (tmp_path / "mark").exists()  # it was run once, on noise
    image = keras.Input((8, 8, 3), name="image")
    model = keras.Model(image, keras.layers.Conv2D(3, 1)(image))
    with pytest.raises(ArtefactError, match="operator WriteFile"):
        export.verify(model, path)
    with pytest.raises(VerificationError):
        export.verify(model, path, trust=True)


def test_what_only_computes_passes(tmp_path):
    weight = tf.Variable([1.0, 2.0, 3.0])
    table = tf.lookup.StaticHashTable(tf.lookup.KeyValueTensorInitializer(["a"], [1]), 0)

    def function(x):
        tf.print(x[0, 0, 0])
        tf.debugging.assert_all_finite(x, "finite")
        found = tf.cast(table.lookup(tf.constant("a")), tf.float32)
        noise = tf.random.normal(x.shape) * 0.0
        pixels = tf.data.Dataset.from_tensor_slices(tf.reshape(x, (-1, 3))).map(lambda y: y * 2)
        total = pixels.reduce(0.0, lambda sum_, y: sum_ + tf.reduce_sum(y)) * 0.0
        return tf.while_loop(
            lambda i, y: i < 2, lambda i, y: (i + 1, y * weight), [0, x + found + noise + total]
        )[1]

    x = np.random.default_rng(3).random((1, 8, 8, 3), "float32")
    runner = runtimes.load(saved(tmp_path / "m", function, weight=weight, table=table))
    (found,) = runner({"image": x}).values()
    np.testing.assert_allclose(found, (x + 1) * np.square([1.0, 2.0, 3.0]), rtol=1e-6)


def test_keras_own_export_and_a_graph_of_tensorflow_1_pass(tmp_path):
    image = keras.Input((8, 8, 3))
    x = keras.layers.BatchNormalization()(keras.layers.Conv2D(3, 1)(image))
    x = keras.layers.Dropout(0.5)(keras.layers.RandomFlip()(x))
    keras.Model(image, x).export(str(tmp_path / "keras"), verbose=False)
    runtimes.load(tmp_path / "keras")
    v1 = tf.compat.v1
    with tf.Graph().as_default():
        x = v1.placeholder(tf.float32, (None, 4))
        y = x @ v1.get_variable("w", (4, 2))
        with v1.Session() as session:
            session.run(v1.global_variables_initializer())
            v1.saved_model.simple_save(session, str(tmp_path / "v1"), {"x": x}, {"y": y})
    check_saved_model(tmp_path / "v1")
    runtimes.load(tmp_path / "v1")


def test_a_checkpoint_is_not_for_signatures(tmp_path):
    """A graph of TensorFlow 1 whose answer is what its saver read."""
    v1 = tf.compat.v1
    with tf.Graph().as_default():
        x = v1.placeholder(tf.float32, (None, 4))
        v1.get_variable("w", (4, 2))
        saver = v1.train.Saver()
        read = next(
            op for op in tf.compat.v1.get_default_graph().get_operations() if op.type == "RestoreV2"
        ).outputs[0]
        y = tf.identity(read)
        with v1.Session() as session:
            session.run(v1.global_variables_initializer())
            builder = v1.saved_model.Builder(str(tmp_path / "v1"))
            signature = v1.saved_model.predict_signature_def({"x": x}, {"y": y})
            builder.add_meta_graph_and_variables(
                session, ["serve"], {"serving_default": signature}, saver=saver
            )
            builder.save()
    with pytest.raises(ArtefactError, match="operator RestoreV2"):
        runtimes.load(tmp_path / "v1")


@pytest.mark.parametrize("suffix", [".keras", ".h5"])
def test_lambda_layers(suffix, tmp_path):
    image = keras.Input((8, 8, 3), name="image")
    model = keras.Model(image, keras.layers.Lambda(lambda x: x * 0.5)(image))
    model.save(tmp_path / f"m{suffix}")
    with pytest.raises(ArtefactError, match=r"Lambda layer.*trust=True \(--trust\)"):
        predict.load_model(tmp_path / f"m{suffix}")
    predict.load_model(tmp_path / f"m{suffix}", trust=True)
