"""Files whose heights and widths stay open, at sizes that decided nothing when they were read."""

import keras
import numpy as np
import onnx
import pytest
from onnx import TensorProto, helper, numpy_helper
from onnx_files import weights, whole

import keras_upsample as ku
from keras_upsample.errors import ArtefactError, VerificationError
from keras_upsample.interchange import _from_onnx, from_onnx

SIZES = ((64, 96), (33, 47), (50, 81))


def written(folder, nodes, constants, shape=("n", 3, "h", "w"), opset=18):
    inputs = [helper.make_tensor_value_info("x", TensorProto.FLOAT, shape)]
    outputs = [helper.make_tensor_value_info("y", TensorProto.FLOAT, None)]
    arrays = [numpy_helper.from_array(np.asarray(a), name) for name, a in constants.items()]
    graph = helper.make_graph(nodes, "open", inputs, outputs, arrays)
    model = helper.make_model(graph, opset_imports=[helper.make_opsetid("", opset)])
    model.ir_version = 9
    onnx.save(model, folder / "open.onnx")
    return folder / "open.onnx"


def check(path, sizes=SIZES, last=False):
    """Both at other sizes than those at which `from_onnx` compares them, two images at once.

    `last`: the file has its channels last.
    """
    import onnxruntime

    model = from_onnx(path)
    assert model.input_shape == (None, None, None, 3)
    session = onnxruntime.InferenceSession(path, providers=["CPUExecutionProvider"])
    name = session.get_inputs()[0].name
    for size in sizes:
        x = weights(2, *size, 3)
        given = x if last else np.moveaxis(x, -1, 1)
        expected = session.run(None, {name: given})[0]
        expected = expected if last else np.moveaxis(expected, 1, -1)
        found = model(x, training=False)
        np.testing.assert_allclose(found, expected, atol=1e-5 * np.ptp(expected), rtol=0)
    return model


def node(kind, inputs, output, **attributes):
    return helper.make_node(kind, inputs, [output], f"/net/{output}", **attributes)


def halved(**attributes):
    """x -> a, half as large: rounded up for odd sizes."""
    return node(
        "Conv",
        ["x", "k"],
        "a",
        kernel_shape=[3, 3],
        strides=[2, 2],
        **{"pads": [1, 1, 1, 1], **attributes},
    )


KERNEL = {"k": weights(3, 3, 3, 3)}
SIZE_OF_X = [
    node("Shape", ["x"], "shape"),
    node("Slice", ["shape", "two", "four", "zero"], "size"),
    node("Shape", ["a"], "own"),
    node("Slice", ["own", "zero", "two", "zero"], "images"),
    node("Concat", ["images", "size"], "target", axis=0),
]
NUMBERS = {"zero": whole(0), "two": whole(2), "four": whole(4)}


@pytest.mark.parametrize(
    "attributes",
    [
        {"mode": "linear", "coordinate_transformation_mode": "half_pixel"},
        {"mode": "linear", "coordinate_transformation_mode": "align_corners"},
        {
            "mode": "nearest",
            "coordinate_transformation_mode": "asymmetric",
            "nearest_mode": "floor",
        },
    ],
    ids=["half_pixel", "align_corners", "nearest"],
)
def test_a_resize_to_the_size_of_another_tensor(attributes, tmp_path):
    nodes = [
        halved(),
        *SIZE_OF_X,
        node("Resize", ["a", "", "", "target"], "big", **attributes),
        node("Concat", ["big", "x"], "y", axis=1),
    ]
    model = check(written(tmp_path, nodes, {**KERNEL, **NUMBERS}))
    assert "ResizeLike2D" in [type(layer).__name__ for layer in model.layers]
    model.save(tmp_path / "m.keras")
    again = keras.saving.load_model(tmp_path / "m.keras")
    x = weights(1, 37, 52, 3)
    np.testing.assert_array_equal(again(x), model(x))
    images = [np.random.default_rng(0).random((64, 96, 3), "float32")]
    ku.export.to_onnx(model, tmp_path / "again.onnx", images=images)
    report = ku.export.to_tflite(
        model, tmp_path / "fixed.tflite", images=images, input_shape=(64, 96, 3)
    )
    assert report.verifications[0].passed


@pytest.mark.parametrize("mode", ["nearest", "linear", "cubic"])
def test_a_resize_by_a_factor_follows_the_size(mode, tmp_path):
    attributes = {"mode": mode}
    if mode == "nearest":
        attributes |= {"coordinate_transformation_mode": "asymmetric", "nearest_mode": "floor"}
    if mode == "cubic":
        attributes |= {"cubic_coeff_a": -0.75}
    nodes = [halved(), node("Resize", ["a", "", "scales"], "y", **attributes)]
    check(written(tmp_path, nodes, {**KERNEL, "scales": np.array([1, 1, 2, 3], "float32")}))


def difference(front):
    """Pads that bring b, as large as 2 a, to the size of x; `front` of them at the beginning."""
    return [
        halved(pads=[0, 0, 0, 0]),
        node("Resize", ["a", "", "scales"], "b", mode="linear"),
        node("Shape", ["x"], "shape"),
        node("Shape", ["b"], "have"),
        node("Sub", ["shape", "have"], "more"),
        *front,
        node("Sub", ["more", "begin"], "end"),
        node("Concat", ["begin", "end"], "pads", axis=0),
        node("Pad", ["b", "pads"], "y"),
    ]


TWICE = {"scales": np.array([1, 1, 2, 2], "float32")}


def test_pads_around_to_the_size_of_another_tensor(tmp_path):
    nodes = difference([node("Div", ["more", "two"], "begin")])
    check(written(tmp_path, nodes, {**KERNEL, **TWICE, "two": whole(2)}))


def test_pads_at_the_end_to_the_size_of_another_tensor(tmp_path):
    nodes = difference([node("Mul", ["more", "none"], "begin")])
    check(written(tmp_path, nodes, {**KERNEL, **TWICE, "none": whole(0)}))


def test_pads_to_a_multiple(tmp_path):
    """(-n) mod 8 zeros at the end, as a U-Net needs them, and what is too much taken off again."""
    nodes = [
        node("Shape", ["x"], "shape"),
        node("Neg", ["shape"], "less"),
        node("Mod", ["less", "multiples"], "end"),
        node("Concat", ["zeros", "end"], "pads", axis=0),
        node("Pad", ["x", "pads"], "larger"),
        node("Conv", ["larger", "k"], "small", strides=[4, 4], kernel_shape=[3, 3], pads=[1] * 4),
        node("Resize", ["small", "", "scales"], "big", mode="linear"),
        node("Slice", ["shape", "two", "four", "zero"], "size"),
        node("Slice", ["big", "nothing", "size", "axes"], "y"),
    ]
    constants = {
        **KERNEL,
        **NUMBERS,
        "multiples": whole(1, 1, 8, 4),
        "zeros": whole(0, 0, 0, 0),
        "scales": np.array([1, 1, 4, 4], "float32"),
        "nothing": whole(0, 0),
        "axes": whole(2, 3),
    }
    model = check(written(tmp_path, nodes, constants))
    assert "PadToMultiple2D" in [type(layer).__name__ for layer in model.layers]


def test_a_slice_to_the_size_of_another_tensor(tmp_path):
    nodes = [
        halved(),
        node("Resize", ["a", "", "scales"], "b", mode="linear"),
        node("Shape", ["x"], "shape"),
        node("Slice", ["shape", "two", "four", "zero"], "size"),
        node("Slice", ["b", "zeros", "size", "axes"], "part"),
        node("Add", ["part", "x"], "y"),
    ]
    constants = {**KERNEL, **TWICE, **NUMBERS, "zeros": whole(0, 0), "axes": whole(2, 3)}
    check(written(tmp_path, nodes, constants))


def test_sizes_that_a_net_does_not_take_decide_nothing(tmp_path):
    """a is halved and doubled again: x + b fails at odd sizes, so that it is never read there."""
    nodes = [
        halved(pads=[0, 0, 1, 1]),
        node("Resize", ["a", "", "scales"], "b", mode="linear"),
        node("Add", ["b", "x"], "y"),
    ]
    check(written(tmp_path, nodes, {**KERNEL, **TWICE}), sizes=((64, 96), (32, 34)))


def test_automatic_pads_of_stride_1_are_the_same_at_every_size(tmp_path):
    nodes = [node("Conv", ["x", "k"], "y", kernel_shape=[3, 3], auto_pad="SAME_UPPER")]
    check(written(tmp_path, nodes, KERNEL))


@pytest.mark.parametrize(
    ("kind", "more"),
    [
        ("Conv", {"kernel_shape": [3, 3]}),
        ("Conv", {"kernel_shape": [3, 3], "group": 3}),
        ("MaxPool", {"kernel_shape": [3, 3]}),
        ("AveragePool", {"kernel_shape": [3, 3]}),
    ],
    ids=["conv", "depthwise", "max", "average"],
)
def test_automatic_pads_of_stride_2_follow_the_size(kind, more, tmp_path):
    """One row and column at the end of an even length, one at either end of an odd one."""
    kernels = {"k": weights(3, 3 // more.get("group", 1), 3, 3)} if kind == "Conv" else {}
    nodes = [node(kind, ["x", *kernels], "y", auto_pad="SAME_UPPER", strides=[2, 2], **more)]
    model = check(written(tmp_path, nodes, kernels))
    assert {getattr(layer, "padding", "same") for layer in model.layers} == {"same"}


CHANNELS_LAST = {"shape": ("n", "h", "w", 3)}
TURNED = [
    node("Transpose", ["part"], "planes", perm=[0, 3, 1, 2]),
    node("Conv", ["planes", "k"], "c", kernel_shape=[3, 3], pads=[1] * 4),
]


@pytest.mark.parametrize("back", [True, False], ids=["channels_last", "any"])
def test_pads_and_slices_of_channels_last(back, tmp_path):
    """Pads to a multiple of 8 and 4, and what is too much taken off again, as tf2onnx writes it."""
    nodes = [
        node("Shape", ["x"], "size"),
        node("Neg", ["size"], "less"),
        node("Mod", ["less", "multiples"], "end"),
        node("Concat", ["zeros", "end"], "pads", axis=0),
        node("Pad", ["x", "pads"], "part"),
        *TURNED,
        node("Transpose", ["c"], "big", perm=[0, 2, 3, 1]),
        node("Slice", ["size", "one", "three", "zero"], "own"),
        node("Slice", ["big", "begin", "own", "axes"], "y"),
    ]
    constants = {
        **KERNEL,
        **NUMBERS,
        "multiples": whole(1, 8, 4, 1),
        "zeros": whole(0, 0, 0, 0),
        "one": whole(1),
        "three": whole(3),
        "begin": whole(0, 0),
        "axes": whole(1, 2),
    }
    if not back:  # as if the image lay as (N, W, H, C)
        nodes[-1:] = [
            node("Transpose", ["big"], "turned", perm=[0, 2, 1, 3]),
            node("Slice", ["own", "one", "two", "zero"], "columns"),
            node("Slice", ["turned", "zero", "columns", "one"], "cut"),
            node("Transpose", ["cut"], "y", perm=[0, 2, 1, 3]),
        ]
    model = check(written(tmp_path, nodes, constants, **CHANNELS_LAST), last=True)
    kinds = [type(layer).__name__ for layer in model.layers]
    assert kinds == ["InputLayer", "PadToMultiple2D", "Conv2D", "FitLike2D"]


def test_pads_to_a_multiple_and_a_least_size(tmp_path):
    """Rows and columns as PAN needs them: multiples of 16, and 128 of each at least."""
    nodes = [
        node("Shape", ["x"], "size"),
        node("Max", ["size", "least"], "raised"),
        node("Sub", ["raised", "size"], "missing"),
        node("Neg", ["raised"], "less"),
        node("Mod", ["less", "multiples"], "more"),
        node("Add", ["missing", "more"], "end"),
        node("Concat", ["zeros", "end"], "pads", axis=0),
        node("Pad", ["x", "pads"], "part"),
        *TURNED,
        node("Transpose", ["c"], "y", perm=[0, 2, 3, 1]),
    ]
    constants = {
        **KERNEL,
        "least": whole(1, 128, 128, 1),
        "multiples": whole(1, 16, 16, 1),
        "zeros": whole(0, 0, 0, 0),
    }
    path = written(tmp_path, nodes, constants, **CHANNELS_LAST)
    model = check(path, sizes=((31, 180), (145, 1), (200, 129)), last=True)
    pad = model.layers[1]
    assert (pad.multiple, pad.at_least) == ((16, 16), (128, 128))


FAR = 2**31 - 1


@pytest.mark.parametrize(
    ("starts", "ends", "axes", "steps"),
    [
        ((1, 2), (-3, FAR), (1, 2), (1, 1)),
        ((0, 1), (FAR, FAR), (1, 2), (3, 2)),
        ((1, 2), (FAR, FAR), (1, 2), (1, 2)),
        ((1,), (FAR,), (2,), (4,)),
    ],
    ids=["fixed", "steps", "both", "columns"],
)
def test_slices_by_fixed_amounts_and_by_steps(starts, ends, axes, steps, tmp_path):
    nodes = [
        node("Slice", ["x", "from", "to", "axes", "steps"], "part"),
        *TURNED,
        node("Transpose", ["c"], "y", perm=[0, 2, 3, 1]),
    ]
    constants = {
        **KERNEL,
        "from": whole(*starts),
        "to": whole(*ends),
        "axes": whole(*axes),
        "steps": whole(*steps),
    }
    model = check(written(tmp_path, nodes, constants, **CHANNELS_LAST), last=True)
    model.save(tmp_path / "m.keras")
    x = weights(1, 37, 52, 3)
    again = keras.saving.load_model(tmp_path / "m.keras")
    np.testing.assert_array_equal(again(x), model(x))


def repeated(axis, times, image="c", result="b"):
    """Rows (axis 2) or columns (axis 3) of an image several times, as TensorFlow writes it."""
    counts = [1, 1, 1, 1]
    counts.insert(axis + 1, times)
    factors = [1, 1, 1, 1]
    factors[axis] = times
    constants = {
        f"after {result}": whole(axis + 1),
        f"times {result}": whole(*counts),
        f"factors {result}": whole(*factors),
    }
    return constants, [
        node("Unsqueeze", [image, f"after {result}"], f"apart {result}"),
        node("Tile", [f"apart {result}", f"times {result}"], f"tiled {result}"),
        node("Shape", [image], f"size {result}"),
        node("Mul", [f"size {result}", f"factors {result}"], f"larger {result}"),
        node("Reshape", [f"tiled {result}", f"larger {result}"], result),
    ]


@pytest.mark.parametrize("shape", [("n", 3, "h", "w"), (1, 3, 7, 10)], ids=["open", "fixed"])
def test_repeated_rows_and_columns_are_one_upsampling(shape, tmp_path):
    rows, columns = repeated(2, 3), repeated(3, 2, "b", "y")
    conv = node("Conv", ["x", "k"], "c", kernel_shape=[3, 3], pads=[1] * 4)
    path = written(
        tmp_path, [conv, *rows[1], *columns[1]], {**KERNEL, **rows[0], **columns[0]}, shape
    )
    model = check(path) if shape[0] == "n" else from_onnx(path)  # which compares the two, too
    assert [type(layer).__name__ for layer in model.layers[1:]] == ["Conv2D", "NearestUpSampling2D"]
    assert model.layers[-1].scale == (3, 2)


def test_an_image_that_is_repeated_as_a_whole_is_no_upsampling(tmp_path):
    """The new axis is in front of the rows: 1 2 1 2, not 1 1 2 2."""
    constants, nodes = repeated(2, 2, "x", "y")
    constants |= {"after y": whole(2), "times y": whole(1, 1, 2, 1, 1)}
    path = written(tmp_path, nodes, constants, (1, 3, 7, 10))
    model = from_onnx(path)
    x = weights(2, 7, 10, 3)
    np.testing.assert_array_equal(model(x), np.tile(x, (1, 2, 1, 1)))


@pytest.mark.parametrize(
    ("nodes", "constants", "reason"),
    [
        (
            [node("Conv", ["x", "k"], "y", auto_pad="SAME_LOWER", strides=[2, 2])],
            KERNEL,
            "Conv at node '/net/y' can't be read: it depends on the size of the image; pass "
            "`input_shape`",
        ),
        (
            [node("Reshape", ["x", "shape"], "y")],
            {"shape": whole(0, 3, 32, -1)},
            "Reshape at node '/net/y' can't be read: lengths that no tensor before it has",
        ),
        (
            [
                halved(),
                *SIZE_OF_X,
                node("Mul", ["target", "sevens"], "larger"),
                node("Div", ["larger", "fives"], "wanted"),
                node("Resize", ["a", "", "", "wanted"], "y", mode="linear"),
            ],
            {**KERNEL, **NUMBERS, "sevens": whole(1, 1, 7, 7), "fives": whole(1, 1, 5, 5)},
            "a size that no tensor before it has",
        ),
    ],
    ids=["strided_same", "reshape", "size_of_none"],
)
def test_what_needs_a_fixed_size_says_so(nodes, constants, reason, tmp_path):
    path = written(tmp_path, nodes, constants)
    with pytest.raises(ArtefactError) as error:
        from_onnx(path)
    assert reason in str(error.value)
    assert from_onnx(path, input_shape=(64, 96, 3)).input_shape == (None, 64, 96, 3)


def test_a_file_that_runs_at_no_tried_size_asks_for_one(tmp_path):
    nodes = [node("Add", ["x", "c"], "y")]
    path = written(tmp_path, nodes, {"c": weights(1, 3, 20, 24)})
    with pytest.raises(ValueError, match=r"does not run at 128x160, .*Pass `input_shape`"):
        from_onnx(path)
    assert from_onnx(path, input_shape=(20, 24, 3)).output_shape == (None, 20, 24, 3)


def test_open_channels_ask_for_a_shape(tmp_path):
    path = written(tmp_path, [node("Relu", ["x"], "y")], {}, shape=("n", "c", "h", "w"))
    with pytest.raises(ValueError, match=r"leaves lengths of 'x' open: .*Pass `input_shape`"):
        from_onnx(path)


def test_a_model_that_is_right_at_even_sizes_alone_is_not_returned(tmp_path, monkeypatch):
    """The reader is made to take "as large as x" for "twice a"."""
    from keras_upsample.interchange._operators import open_sizes

    nodes = [
        halved(),
        *SIZE_OF_X,
        node("Resize", ["a", "", "", "target"], "y", mode="linear"),
    ]
    path = written(tmp_path, nodes, {**KERNEL, **NUMBERS})
    monkeypatch.setattr(open_sizes, "_whole_factors", lambda old, new: (2, 2))
    with pytest.raises(VerificationError, match="has the shape"):
        from_onnx(path)
    assert _from_onnx.from_onnx(path, verify=False) is not None


def test_tokens_of_an_open_image(tmp_path):
    """(N, C, H, W) -> (N, HW, C), a dense layer, and back, as SegFormer's decoder does it."""
    nodes = [
        halved(),
        node("Shape", ["a"], "own"),
        node("Slice", ["own", "zero", "two", "zero"], "images"),
        node("Slice", ["own", "two", "four", "zero"], "size"),
        node("Concat", ["images", "rest"], "flat", axis=0),
        node("Reshape", ["a", "flat"], "lines"),
        node("Transpose", ["lines"], "tokens", perm=[0, 2, 1]),
        node("MatMul", ["tokens", "matrix"], "dense"),
        node("Transpose", ["dense"], "turned", perm=[0, 2, 1]),
        node("Slice", ["images", "zero", "one", "zero"], "batch"),
        node("Concat", ["batch", "five", "size"], "back", axis=0),
        node("Reshape", ["turned", "back"], "y"),
    ]
    constants = {
        **KERNEL,
        **NUMBERS,
        "one": whole(1),
        "five": whole(5),
        "rest": whole(-1),
        "matrix": weights(3, 5),
    }
    model = check(written(tmp_path, nodes, constants))
    assert "Reshape" not in " ".join(type(layer).__name__ for layer in model.layers)


def test_a_map_that_is_read_in_another_shape(tmp_path):
    """(N, HW, C) read as (N, C, H, W), without a Transpose, as MAnet's decoder does it."""
    nodes = [
        node("Shape", ["x"], "shape"),
        node("Slice", ["shape", "zero", "two", "zero"], "images"),
        node("Concat", ["images", "rest"], "flat", axis=0),
        node("Reshape", ["x", "flat"], "lines"),
        node("Transpose", ["lines"], "tokens", perm=[0, 2, 1]),
        node("Reshape", ["tokens", "shape"], "mixed"),
        node("Conv", ["mixed", "k"], "y", kernel_shape=[3, 3], pads=[1] * 4),
    ]
    model = check(written(tmp_path, nodes, {**KERNEL, **NUMBERS, "rest": whole(-1)}))
    model.save(tmp_path / "m.keras")
    x = weights(1, 37, 52, 3)
    again = keras.saving.load_model(tmp_path / "m.keras")
    np.testing.assert_array_equal(again(x), model(x))


def test_a_resize_to_a_part_of_the_size_rounded_down(tmp_path):
    nodes = [
        halved(),
        node("Shape", ["x"], "shape"),
        node("Slice", ["shape", "two", "four", "zero"], "size"),
        node("Div", ["size", "two"], "half"),
        node("Shape", ["a"], "own"),
        node("Slice", ["own", "zero", "two", "zero"], "images"),
        node("Concat", ["images", "half"], "target", axis=0),
        node("Resize", ["a", "", "", "target"], "y", mode="linear"),
    ]
    model = check(written(tmp_path, nodes, {**KERNEL, **NUMBERS}))
    model.save(tmp_path / "m.keras")
    x = weights(1, 37, 52, 3)
    again = keras.saving.load_model(tmp_path / "m.keras")
    np.testing.assert_array_equal(again(x), model(x))


def test_a_batch_that_the_file_fixes_is_refused(tmp_path):
    path = written(tmp_path, [node("Relu", ["x"], "y")], {}, shape=(2, 3, 32, 32))
    with pytest.raises(ArtefactError, match=r"a batch of 2 that the file fixes\. Export"):
        from_onnx(path)
