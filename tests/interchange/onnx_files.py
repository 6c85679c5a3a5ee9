"""Small ONNX files, and what they compute by ONNX' reference evaluator."""

import keras
import numpy as np
import onnx
from onnx import TensorProto, helper, numpy_helper
from onnx.reference import ReferenceEvaluator

from keras_upsample import interchange

RNG = np.random.default_rng(7)
SHAPE = (1, 6, 7, 10)


def weights(*shape, low=-1.0, high=1.0):
    return RNG.uniform(low, high, shape).astype("float32")


def file_of(folder, kind, constants=(), shape=SHAPE, opset=18, inputs=("x",), more=(), **options):
    """An operator on x, and on constants by place ("" for absent ones)."""
    names = [*inputs]
    arrays = []
    for place, constant in enumerate(constants):
        if constant is None:
            names.append("")
            continue
        names.append(f"c{place}")
        arrays.append(numpy_helper.from_array(np.asarray(constant), f"c{place}"))
    outputs = ["y", *more]
    node = helper.make_node(kind, names, outputs, f"/net/{kind}", **options)
    graph = helper.make_graph(
        [node],
        "one",
        [helper.make_tensor_value_info(name, TensorProto.FLOAT, shape) for name in inputs],
        [
            helper.make_tensor_value_info(
                name, TensorProto.INT64 if name == "places" else TensorProto.FLOAT, None
            )
            for name in outputs
        ],
        arrays,
    )
    model = helper.make_model(graph, opset_imports=[helper.make_opsetid("", opset)])
    model.ir_version = 9
    path = folder / "m.onnx"
    onnx.save(model, path)
    return path


def net(folder, nodes, constants, inputs=("x",), shape=SHAPE, outputs=("y",), opset=18):
    """A file of several nodes: (kind, inputs, outputs, attributes)."""
    made = [
        helper.make_node(kind, ins, outs, f"/net/{kind}_{i}", **options)
        for i, (kind, ins, outs, options) in enumerate(nodes)
    ]
    graph = helper.make_graph(
        made,
        "several",
        [helper.make_tensor_value_info(name, TensorProto.FLOAT, shape) for name in inputs],
        [helper.make_tensor_value_info(name, TensorProto.FLOAT, None) for name in outputs],
        [numpy_helper.from_array(np.asarray(array), name) for name, array in constants.items()],
    )
    model = helper.make_model(graph, opset_imports=[helper.make_opsetid("", opset)])
    model.ir_version = 9
    path = folder / "m.onnx"
    onnx.save(model, path)
    return path


def check(path, low=-1.0):
    """`from_onnx` compares with ONNX Runtime; this with the reference, on other values."""
    model = interchange.from_onnx(path)
    feeds = {
        value.name: weights(*(dim.dim_value for dim in value.type.tensor_type.shape.dim), low=low)
        for value in onnx.load(path).graph.input
    }
    expected = ReferenceEvaluator(str(path)).run(None, feeds)
    given = [last(x) for x in feeds.values()]
    found = keras.tree.flatten(model(given if len(given) > 1 else given[0], training=False))
    for y, wanted in zip(found, expected, strict=True):
        wanted = last(wanted)
        np.testing.assert_allclose(y, wanted, atol=1e-5 * max(np.ptp(wanted), 1), rtol=1e-5)
    return model


def last(x):
    """As the model has images and volumes: channels last."""
    return np.moveaxis(x, 1, -1) if x.ndim in (4, 5) else x


def whole(*values):
    return np.array(values, np.int64)
