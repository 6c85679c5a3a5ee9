"""Whole TFLite files: verified in LiteRT, and what is refused."""

import keras
import numpy as np
import pytest
import reference
from tflite_files import SHAPE, Maker, check, interpreter_of, one_operator, weights

from keras_upsample import interchange
from keras_upsample.errors import ArtefactError, VerificationError

CONV = {
    "of": "Conv2DOptions", "strideH": 1, "strideW": 1, "dilationHFactor": 1, "dilationWFactor": 1,
}  # fmt: skip
CUSTOM = "Convolution2DTransposeBias"


def segmenter(side=8, last=CUSTOM):
    """Strided convolution of float16, a skip, MediaPipe's transposed convolution, a sigmoid."""
    maker = Maker()
    x = maker.tensor((1, side, side, 3), "image")
    halves = [
        maker.constant(weights(4, 3, 3, 3).astype("float16")),
        maker.constant(weights(4).astype("float16")),
    ]
    singles = [maker.tensor(shape, f"s{i}") for i, shape in enumerate([(4, 3, 3, 3), (4,)])]
    for half, single in zip(halves, singles, strict=True):
        maker.operator("DEQUANTIZE", [half], [single])
    half_size = (1, side // 2, side // 2, 4)
    a, b, c = (maker.tensor(half_size, name) for name in ("encode;relu", "refine", "join"))
    strided = {**CONV, "strideH": 2, "strideW": 2, "fusedActivationFunction": 1}
    maker.operator("CONV_2D", [x, *singles], [a], **strided)
    more = [maker.constant(weights(4, 1, 1, 4)), maker.constant(weights(4))]
    maker.operator("CONV_2D", [a, *more], [b], **CONV)
    maker.operator("ADD", [a, b], [c], of="AddOptions")
    y, z = (maker.tensor((1, side, side, 1), name) for name in ("grown", "mask"))
    operands = [maker.constant(weights(1, 2, 2, 4)), maker.constant(weights(1))]
    maker.operator(last, [c, *operands], [y], custom=options_of(1, 2, 2))
    maker.operator("LOGISTIC", [y], [z])
    maker.graph.inputs, maker.graph.outputs = [x], [z]
    return maker


def options_of(padding, columns, rows):
    return np.array([padding, columns, rows], "<i4").tobytes()


def written(folder, maker):
    path = folder / "m.tflite"
    path.write_bytes(maker if isinstance(maker, bytes) else maker.packed())
    return path


def test_a_file_is_verified_in_litert_and_keeps_its_names(tmp_path):
    model = interchange.from_tflite(written(tmp_path, segmenter()))
    assert model.input_shape == (None, 8, 8, 3)
    assert model.output_names == ["mask"]
    names = [layer.name for layer in model.layers]
    assert {"encode", "encode_activation", "refine", "join", "grown", "mask"} <= set(names)
    model.save(tmp_path / "m.keras")
    again = keras.models.load_model(tmp_path / "m.keras")
    x = weights(3, 8, 8, 3)
    np.testing.assert_allclose(again(x), model(x))


def test_another_model_is_not_returned(tmp_path, monkeypatch):
    from keras_upsample.interchange._tflite import _operators

    wrong = {**_operators.KINDS, "LOGISTIC": _operators.plain("Tanh")}
    monkeypatch.setattr("keras_upsample.interchange._tflite._net.KINDS", wrong)
    with pytest.raises(VerificationError, match=r"'mask' differs from LiteRT .* of its range"):
        interchange.from_tflite(written(tmp_path, segmenter()))


@pytest.mark.parametrize("size, stride, padding", [(2, 2, 1), (3, 2, 1), (4, 2, 1), (2, 2, 2)])
def test_mediapipes_transposed_convolution(size, stride, padding, tmp_path):
    """Against plain loops, and the formula of its size in MediaPipe's source."""
    n = 6
    kernel, bias = weights(3, size, size, 4), weights(3)
    left_out = max(0, size - (n - 1) % stride - 1) if padding == 1 else 0
    length = stride * (n - 1) + size - left_out
    maker = one_operator(
        CUSTOM,
        ["x", kernel, bias],
        [(1, n, n, 4)],
        outputs=[(1, length, length, 3)],
        custom=options_of(padding, stride, stride),
    )
    model = interchange.from_tflite(written(tmp_path, maker), verify=False)
    x = weights(2, n, n, 4)
    first = left_out // 2
    crop = (first, left_out - first)
    turned = kernel.transpose(1, 2, 0, 3)  # (rows, columns, filters, channels)
    expected = reference.transposed_conv(x, turned, (stride, stride), (crop, crop), bias)
    np.testing.assert_allclose(model(x), expected, atol=1e-5)


def test_what_is_refused(tmp_path):
    unknown = one_operator("SIN")
    custom = segmenter(last="Convolution2DTransposeBiased")
    quantised = one_operator("RELU")
    quantised.graph.tensors[0].type = 9  # int8
    half = one_operator("RELU")
    half.graph.tensors[0].type = half.graph.tensors[1].type = 1
    opened = one_operator("RELU")
    opened.graph.tensors[0].shapeSignature = [-1, -1, 7, 4]
    kept = one_operator("RELU")
    kept.graph.tensors[1].isVariable = True
    for maker, message in (
        (unknown, "SIN of 'y0' can't be read: this operator is not read yet"),
        (custom, "Convolution2DTransposeBiased of 'grown' can't be read"),
        (quantised, "RELU has the tensor 'x', int8. Files of integers"),
        (half, "the input 'x' is float16 of shape"),
        (opened, "leaves sizes of 'x' open: (None, None, 7, 4)"),
        (kept, "the tensor 'y0', which keeps its value"),
        (b"no file of TFLite", "can't be read as TFLite: it is no TFLite file"),
    ):
        with pytest.raises(ArtefactError) as error:
            interchange.from_tflite(written(tmp_path, maker), verify=False)
        assert message in str(error.value)
    with pytest.raises(ArtefactError, match="does not exist"):
        interchange.from_tflite(tmp_path / "none.tflite")


@pytest.mark.parametrize(("inputs", "outputs"), [(1, 0), (1, 2), (0, 1)])
def test_a_signature_that_lost_what_the_graph_has(inputs, outputs, tmp_path):
    maker = one_operator("RELU", outputs=(SHAPE,))
    maker.signature(["x"] * inputs, ["y"] * outputs)
    kind, known = ("inputs", 0) if not inputs else ("outputs", outputs)
    with pytest.raises(ArtefactError, match=f"has 1 {kind}, and LiteRT .* finds {known} by its"):
        interchange.from_tflite(written(tmp_path, maker))


def test_shapes_that_a_file_computes_are_taken_from_its_tensors(tmp_path):
    """Keras' own export computes the batch in front of each reshape."""
    maker = Maker()
    x = maker.tensor((1, 4, 4, 2), "x")
    shape = maker.tensor((4,), "shape", dtype="int32")
    batch = maker.tensor((), "batch", dtype="int32")
    packed = maker.tensor((2,), "packed", dtype="int32")
    y = maker.tensor((1, 32), "y")
    maker.operator("SHAPE", [x], [shape], of="ShapeOptions", outType=2)
    cuts = [maker.constant(np.array([n], "int32")) for n in (0, 1, 1)]
    chosen = {"of": "StridedSliceOptions", "shrinkAxisMask": 1}
    maker.operator("STRIDED_SLICE", [shape, *cuts], [batch], **chosen)
    rest = maker.constant(np.array(32, "int32"))
    maker.operator("PACK", [batch, rest], [packed], of="PackOptions", valuesCount=2)
    maker.operator("RESHAPE", [x, packed], [y])
    maker.graph.inputs, maker.graph.outputs = [x], [y]
    model = check(maker.packed(), tmp_path)
    assert model.output_shape == (None, 32)
    assert model(weights(3, 4, 4, 2)).shape == (3, 32)


def damaged(content, rng):
    """A byte, or four, replaced, or a part cut off."""
    changed = bytearray(content)
    kind = rng.integers(4)
    place = int(rng.integers(len(changed) - 4))
    if kind == 0:
        changed[place] = int(rng.integers(256))
    elif kind == 1:
        changed[place : place + 4] = rng.bytes(4)
    elif kind == 2:
        changed[place : place + 4] = int(rng.integers(-2, 40)).to_bytes(4, "little", signed=True)
    else:
        del changed[place : place + int(rng.integers(1, 40))]
    return bytes(changed)


@pytest.mark.parametrize("count", [40, pytest.param(4000, marks=pytest.mark.slow)])
def test_damaged_files_end_in_an_error_of_ours_or_a_model(count, tmp_path):
    """Without LiteRT, which runs new files in a child process first: the reader alone."""
    contents = [segmenter(4).packed(), files_of_many_operators()]
    rng = np.random.default_rng(count)
    refused = 0
    for number in range(count):
        path = written(tmp_path, damaged(contents[number % 2], rng))
        try:
            model = interchange.from_tflite(path, verify=False)
        except ArtefactError as error:
            refused += 1
            assert str(path) in str(error)
        else:
            assert isinstance(model, keras.Model)
    assert 0.1 * count < refused < count  # some damage is within values of weights


def files_of_many_operators():
    maker = Maker()
    x = maker.tensor((1, 4, 4, 4), "x")
    steps = [
        ("RESIZE_BILINEAR", [np.array([8, 8], "int32")], (1, 8, 8, 4),
         {"of": "ResizeBilinearOptions", "halfPixelCenters": True}),
        ("STRIDED_SLICE", [*np.array([[0, 0, 0, 0], [1, 8, 8, 4], [1, 2, 2, 1]], "int32")],
         (1, 4, 4, 4), {"of": "StridedSliceOptions", "beginMask": 3}),
        ("AVERAGE_POOL_2D", [], (1, 2, 2, 4),
         {"of": "Pool2DOptions", "strideH": 2, "strideW": 2, "filterHeight": 2, "filterWidth": 2}),
        ("DEPTH_TO_SPACE", [], (1, 4, 4, 1), {"of": "DepthToSpaceOptions", "blockSize": 2}),
        ("PAD", [np.array([[0, 0], [1, 1], [0, 2], [0, 0]], "int32")], (1, 6, 6, 1), {}),
        ("TRANSPOSE", [np.array([0, 3, 1, 2], "int32")], (1, 1, 6, 6), {}),
        ("GATHER", [np.array([3, 1], "int32")], (1, 1, 6, 2), {"of": "GatherOptions", "axis": 3}),
        ("MEAN", [np.array([2], "int32")], (1, 1, 2), {"of": "ReducerOptions"}),
        ("RESHAPE", [np.array([1, 2], "int32")], (1, 2), {}),
        ("FULLY_CONNECTED", [weights(3, 2)], (1, 3), {"of": "FullyConnectedOptions"}),
        ("SOFTMAX", [], (1, 3), {"of": "SoftmaxOptions", "beta": 1.0}),
    ]  # fmt: skip
    maker.graph.inputs = [x]
    for number, (kind, constants, shape, options) in enumerate(steps):
        y = maker.tensor(shape, f"{kind.lower()}{number}")
        maker.operator(kind, [x, *map(maker.constant, constants)], [y], **options)
        x = y
    maker.graph.outputs = [x]
    content = maker.packed()
    assert interpreter_of(content)
    return content


@pytest.mark.slow
@pytest.mark.parametrize("target", ["tflite", "tflite_float16"])
@pytest.mark.parametrize("upsample", ["transposed_conv", "bilinear", "nearest"])
def test_our_own_files_are_read_again(target, upsample, tmp_path):
    from keras_upsample import export, metadata, zoo

    model = zoo.unet((64, 96, 3), 3, filters=(8, 16, 24), upsample=upsample)
    report = export.export(model, tmp_path, [target])
    again = interchange.from_tflite(report.artefacts[0].path)
    x = weights(2, 64, 96, 3, low=0)
    error = np.abs(np.asarray(again(x)) - np.asarray(model(x)))
    reach = np.ptp(np.asarray(model(x)))
    assert error.max() <= (1e-2 if "16" in target else 5e-5) * reach
    assert metadata.of(again).outputs[0].kind == metadata.of(model).outputs[0].kind
