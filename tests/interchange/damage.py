"""Seeded damage of ONNX files, and a small net that has much in it.

It has no Slice: the shape inference of onnx 1.23 ends the process at a Slice of an axis whose
length it finds to be below 0.
"""

import numpy as np
import onnx
from onnx_files import net, weights, whole

NUMBERS = (-(2**40), -7, -1, 0, 1, 2, 3, 5, 64, 2**20, 2**31, 2**62)
KINDS = (
    *("Add", "Mul", "Concat", "Conv", "ConvTranspose", "MaxPool", "AveragePool", "Resize", "Pad"),
    *("Reshape", "Transpose", "Softmax", "Gather", "ReduceMean", "Relu", "Where", "Split"),
    *("Squeeze", "Unsqueeze", "Flatten", "Gemm", "MatMul", "BatchNormalization", "ArgMax", "Loop"),
)


def small_net(folder):
    """An encoder and decoder."""
    nodes = [
        ("Conv", ["x", "k1", "b1"], ["a"], {"pads": [1, 1, 1, 1], "strides": [2, 2]}),
        ("BatchNormalization", ["a", "s", "b1", "s", "s"], ["b"], {"epsilon": 1e-3}),
        ("Relu", ["b"], ["c"], {}),
        ("MaxPool", ["c"], ["d"], {"kernel_shape": [3, 3], "strides": [2, 2], "ceil_mode": 1}),
        ("ConvTranspose", ["d", "k2"], ["e"], {"strides": [2, 2], "group": 2}),
        ("Pad", ["e", "pads"], ["f"], {"mode": "edge"}),
        ("Pad", ["f", "less"], ["g"], {}),
        ("Concat", ["c", "g"], ["h"], {"axis": 1}),
        ("Resize", ["h", "", "scales"], ["i"], {"mode": "linear"}),
        ("ReduceMean", ["i", "axes"], ["j"], {"keepdims": 1}),
        ("Mul", ["i", "j"], ["k"], {}),
        ("Transpose", ["k"], ["l"], {"perm": [0, 2, 3, 1]}),
        ("MatMul", ["l", "m"], ["n"], {}),
        ("Reshape", ["n", "shape"], ["o"], {}),
        ("Softmax", ["o"], ["y"], {"axis": -1}),
    ]
    constants = {
        "k1": weights(4, 3, 3, 3), "b1": weights(4), "s": weights(4, low=0.5),
        "k2": weights(4, 2, 2, 2), "pads": whole(0, 0, 0, 0, 0, 0, 1, 2),
        "less": whole(0, 0, 0, 0, 0, 0, -1, -2),
        "axes": whole(2, 3), "scales": np.array([1, 1, 2, 2], np.float32), "m": weights(8, 5),
        "shape": whole(1, -1, 5),
    }  # fmt: skip
    return net(folder, nodes, constants, shape=(1, 3, 12, 16))


def flipped(model, rng):
    """Bytes of the file."""
    content = bytearray(model.SerializeToString())
    for _ in range(rng.integers(1, 4)):
        content[rng.integers(len(content))] = rng.integers(256)
    return bytes(content)


def cut(model, rng):
    """An end that is missing."""
    content = model.SerializeToString()
    return content[: rng.integers(len(content))]


def with_attribute(model, rng):
    """A number, or how many there are."""
    found = [(n, a) for n in model.graph.node for a in n.attribute if a.ints or a.HasField("i")]
    _, attribute = found[rng.integers(len(found))]
    number = int(rng.choice(NUMBERS))
    if attribute.ints and rng.random() < 0.3:
        attribute.ints.append(number)
    elif attribute.ints and rng.random() < 0.2:
        attribute.ints.pop()
    elif attribute.ints:
        attribute.ints[rng.integers(len(attribute.ints))] = number
    else:
        attribute.i = number


def without_attribute(model, rng):
    """Its default counts."""
    found = [n for n in model.graph.node if n.attribute]
    del found[rng.integers(len(found))].attribute[:]


def with_input(model, rng):
    """Another tensor of the net, or none."""
    node = model.graph.node[rng.integers(len(model.graph.node))]
    names = [n for each in model.graph.node for n in (*each.input, *each.output)] + ["", "absent"]
    if not node.input:
        return
    node.input[rng.integers(len(node.input))] = names[rng.integers(len(names))]


def swapped(model, rng):
    """The inputs of a node."""
    node = model.graph.node[rng.integers(len(model.graph.node))]
    names = list(node.input)
    rng.shuffle(names)
    node.input[:] = names


def with_kind(model, rng):
    """Another operator."""
    model.graph.node[rng.integers(len(model.graph.node))].op_type = str(rng.choice(KINDS))


def with_constant(model, rng):
    """Another number, type or shape of a constant."""
    tensor = model.graph.initializer[rng.integers(len(model.graph.initializer))]
    array = onnx.numpy_helper.to_array(tensor).copy()
    choice = rng.integers(4)
    if choice == 0 and array.size:
        array.flat[rng.integers(array.size)] = rng.choice([n for n in NUMBERS if abs(n) < 2**31])
    elif choice == 1:
        array = array.reshape(-1)
    elif choice == 2:
        array = array.astype(str(rng.choice(["float64", "int32", "float16", "int64", "bool"])))
    else:
        array = np.repeat(array[:1], rng.integers(0, 4), axis=0)
    tensor.CopyFrom(onnx.numpy_helper.from_array(array, tensor.name))


def with_lie(model, rng):
    """Lengths of the input, or of a constant, that are none."""
    if rng.random() < 0.5:
        dims = model.graph.input[0].type.tensor_type.shape.dim
        dims[rng.integers(len(dims))].dim_value = int(rng.choice(NUMBERS[:9]))
    else:
        tensor = model.graph.initializer[rng.integers(len(model.graph.initializer))]
        tensor.dims[rng.integers(len(tensor.dims))] = int(rng.choice(NUMBERS))


DAMAGES = (flipped, cut, with_attribute, without_attribute, with_input, swapped, with_kind,
           with_constant, with_lie)  # fmt: skip


def damaged(path, rng):
    """The bytes of a file that has one kind of damage."""
    model = onnx.load(path)
    damage = DAMAGES[rng.integers(len(DAMAGES))]
    content = damage(model, rng)
    return model.SerializeToString() if content is None else content
