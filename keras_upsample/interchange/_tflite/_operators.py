"""TFLite's operators as those of ONNX that compute the same.

An image operator stands between two Transposes, which move nothing: the reader of ONNX only notes
the order of axes. So the layers of both readers are written in one place.
"""

from collections.abc import Callable, Mapping
from types import MappingProxyType
from typing import Any

import numpy as np

from .._context import UnreadError
from ._writer import Here

_SAME, _VALID = 0, 1
_MOST_COPIES = 64
_MOST_PIXELS = 1 << 16  # of a side: layers hold indices for each row and column
_TRANSPOSED_BIAS = "Convolution2DTransposeBias"  # MediaPipe's


def conv(h: Here) -> str:
    """CONV_2D: kernel (filters, rows, columns, channels / groups)."""
    kernel, channels = h.shape(1), h.shape(0)[-1]
    if len(kernel) != 4 or not kernel[3] or channels % kernel[3]:
        raise UnreadError(f"a kernel {kernel} for {channels} channels")
    return _convolution(h, h.moved(h.input(1), (0, 3, 1, 2)), channels // kernel[3])


def depthwise_conv(h: Here) -> str:
    """DEPTHWISE_CONV_2D: kernel (1, rows, columns, filters)."""
    kernel, channels = h.shape(1), h.shape(0)[-1]
    if len(kernel) != 4 or kernel[0] != 1 or not channels or kernel[3] % channels:
        raise UnreadError(f"a kernel {kernel} for {channels} channels")
    return _convolution(h, h.moved(h.input(1), (3, 0, 1, 2)), h.shape(0)[-1])


def _convolution(h: Here, kernel: str, groups: int) -> str:
    # The schema's defaults: an absent stride is 0, an absent dilation 1.
    strides = _positive(h.option("stride_h"), h.option("stride_w"))
    dilations = _positive(h.option("dilation_hfactor", 1), h.option("dilation_wfactor", 1))
    bias = [h.input(2)] if h.has(2) else []
    y = h.write(
        "Conv",
        h.image(),
        kernel,
        *bias,
        group=groups,
        strides=strides,
        dilations=dilations,
        auto_pad=_auto_pad(h.option("padding")),
    )
    return h.back(y)


def transposed_conv(h: Here) -> str:
    """TRANSPOSE_CONV: output shape, kernel (filters, rows, columns, channels), image, bias.

    y[o] = sum_i x[i] K[o + begin − s i] + b. With "same", begin is half, rounded down, of what
    s (n − 1) + k is longer than the output.
    """
    strides = _positive(h.option("stride_h"), h.option("stride_w"))
    same = h.option("padding") == _SAME
    return _transposed(h, 2, 1, 3, strides, same)


def transposed_conv_with_bias(h: Here) -> str:
    """MediaPipe's Convolution2DTransposeBias: image, kernel (filters, rows, columns, channels),
    bias.

    Its options are three integers: padding (1 "same", 2 "valid"), columns and rows of a stride.
    With "same" it leaves out max(0, k − (n − 1) mod s − 1) rows, half of them, rounded down, in
    front (`mediapipe/util/tflite/operations/transpose_conv_bias.cc`).
    """
    if len(h.operator.custom) < 12:
        raise UnreadError(f"options of {len(h.operator.custom)} bytes; it has 12")
    padding, columns, rows = (int(n) for n in np.frombuffer(h.operator.custom[:12], "<i4"))
    if padding not in (1, 2):
        raise UnreadError(f"padding {padding}; 1 and 2 are known")
    return _transposed(h, 0, 1, 2, _positive(rows, columns), padding == 1)


def _transposed(
    h: Here, image: int, kernel: int, bias: int, strides: tuple[int, int], same: bool
) -> str:
    given, made, size = h.shape(image), h.output_shape(), h.shape(kernel)
    if len(size) != 4 or size[3] != given[-1] or size[0] != made[-1]:
        raise UnreadError(f"a kernel {size} from {given[-1]} channels to {made[-1]}")
    begin, end, more = [], [], []
    for n, k, s, out in zip(given[1:3], size[1:3], strides, made[1:3], strict=True):
        crop = s * (n - 1) + k - out
        first = max(crop, 0) // 2 if same else 0
        begin.append(first)
        end.append(max(crop - first, 0))
        more.append(max(first - crop, 0))
    y = h.write(
        "ConvTranspose",
        h.image(image),
        h.moved(h.input(kernel), (3, 0, 1, 2)),
        *([h.input(bias)] if h.has(bias) else []),
        strides=strides,
        pads=(*begin, *end),
        output_padding=tuple(more),
    )
    return h.back(y)


def fully_connected(h: Here) -> str:
    """FULLY_CONNECTED: y = x Wᵀ + b, W of (filters, channels)."""
    x, rank, filters = h.input(), len(h.shape()), h.shape(1)[0]
    if len(h.shape(1)) != 2 or h.option("weights_format"):
        raise UnreadError("weights in another order than (filters, channels)")
    if h.option("keep_num_dims") and h.shape()[-1] != h.shape(1)[1]:
        raise UnreadError(f"weights {h.shape(1)} for {h.shape()[-1]} channels")
    bias = [h.input(2)] if h.has(2) else []
    if not h.option("keep_num_dims") and rank != 2:
        x, rank = h.write("Reshape", x, h.constant((-1, h.shape(1)[1]), "int64")), 2
    if rank == 2:
        y = h.write("Gemm", x, h.input(1), *bias, transB=1)
        return y if h.output_shape() == (1, filters) else _reshaped(h, y)
    y = h.write("MatMul", x, h.moved(h.input(1), (1, 0)))
    return h.write("Add", y, *bias) if bias else y


def batch_mat_mul(h: Here) -> str:
    """BATCH_MATMUL, either matrix transposed if asked for."""
    parts = []
    for place, field in enumerate(("adj_x", "adj_y")):
        rank = len(h.shape(place))
        axes = [*range(rank - 2), rank - 1, rank - 2]
        parts.append(h.moved(h.input(place), axes) if h.option(field) else h.input(place))
    return h.write("MatMul", *parts)


def pool(kind: str, whole: str) -> Callable[[Here], str]:
    """A pool; of a window as large as the image, the global one."""

    def read(h: Here) -> str:
        size = _positive(h.option("filter_height"), h.option("filter_width"))
        strides = _positive(h.option("stride_h"), h.option("stride_w"))
        if size == h.shape()[1:3] and h.option("padding") == _VALID:
            return h.back(h.write(whole, h.image()))
        padding = _auto_pad(h.option("padding"))
        y = h.write(kind, h.image(), kernel_shape=size, strides=strides, auto_pad=padding)
        return h.back(y)

    return read


def resize(mode: str) -> Callable[[Here], str]:
    """RESIZE_BILINEAR, RESIZE_NEAREST_NEIGHBOR."""

    def read(h: Here) -> str:
        n, rows, columns, channels = h.output_shape()
        if max(rows, columns) > _MOST_PIXELS:
            raise UnreadError(f"{rows}x{columns} pixels; at most {_MOST_PIXELS} a side are read")
        coordinates = "asymmetric"
        if h.option("align_corners"):
            coordinates = "align_corners"
        elif h.option("half_pixel_centers"):
            coordinates = "half_pixel"
        y = h.write(
            "Resize",
            h.image(),
            "",
            "",
            h.constant((n, channels, rows, columns), "int64"),
            mode=mode,
            nearest_mode="floor",
            coordinate_transformation_mode=coordinates,
        )
        return h.back(y)

    return read


def shuffle(kind: str) -> Callable[[Here], str]:
    """DEPTH_TO_SPACE, SPACE_TO_DEPTH."""

    def read(h: Here) -> str:
        (block, _) = _positive(h.option("block_size"), 1)
        return h.back(h.write(kind, h.image(), blocksize=block))

    return read


def pad(h: Here) -> str:
    """PAD, PADV2 with a constant, MIRROR_PAD that leaves the border out."""
    pads, mode, value = h.integers(1), "constant", []
    if h.operator.kind == "MIRROR_PAD":
        if h.option("mode"):
            raise UnreadError("mode symmetric; reflect is read")
        mode = "reflect"
    if h.operator.kind == "PADV2":
        value = [h.input(2)]
    if len(pads) != 8:
        raise UnreadError(f"pads {pads}; those of images are 8")
    around = [pads[2 * axis + side] for side in (0, 1) for axis in (0, 3, 1, 2)]
    return h.back(h.write("Pad", h.image(), h.constant(around, "int64"), *value, mode=mode))


def reshape(h: Here) -> str:
    """RESHAPE, SQUEEZE, EXPAND_DIMS: to the shape that the file has for the result."""
    return _reshaped(h, h.input())


def _reshaped(h: Here, name: str) -> str:
    """To the lengths of the file, one of which may be open beside the batch: the rest."""
    lengths = h.signature()
    if lengths.count(None) > 1:
        raise UnreadError(f"a result of {(None, *lengths)}, of which more than one length is open")
    rest = [-1 if n is None else n for n in lengths]
    return h.write("Reshape", name, h.constant([1, *rest], "int64"))


def transpose(h: Here) -> str:
    """TRANSPOSE."""
    return h.write("Transpose", h.input(), perm=tuple(h.integers(1)))


def concatenation(h: Here) -> str:
    """CONCATENATION."""
    names = [h.input(place) for place in range(len(h.operator.inputs))]
    return h.write("Concat", *names, axis=h.option("axis"))


def slice_(h: Here) -> str:
    """SLICE: where it begins, and how many; −1 for all that follow."""
    begins, sizes = h.integers(1), h.integers(2)
    ends = [
        length if n == -1 else begin + n
        for length, begin, n in zip(h.shape(), begins, sizes, strict=True)
    ]
    return _sliced(h, begins, ends, [1] * len(begins))


def strided_slice(h: Here) -> str:
    """STRIDED_SLICE, dropping axes of one element if asked for."""
    begins, ends, steps = (h.integers(place) for place in (1, 2, 3))
    if h.option("ellipsis_mask") or h.option("new_axis_mask") or h.option("offset"):
        raise UnreadError("an ellipsis, a new axis or ends that count from the beginning")
    if len(begins) != len(h.shape()):
        raise UnreadError(f"{len(begins)} slices of {len(h.shape())} dimensions")
    shrink = h.option("shrink_axis_mask")
    for axis, length in enumerate(h.shape()):
        if h.option("begin_mask") >> axis & 1:
            begins[axis] = 0
        if h.option("end_mask") >> axis & 1:
            ends[axis] = length
        if shrink >> axis & 1:
            begins[axis] %= length
            ends[axis], steps[axis] = begins[axis] + 1, 1
    y = _sliced(h, begins, ends, steps)
    return _reshaped(h, y) if shrink else y


def _sliced(h: Here, begins: list[int], ends: list[int], steps: list[int]) -> str:
    axes = list(range(len(begins)))
    parts = [h.constant(values, "int64") for values in (begins, ends, axes, steps)]
    return h.write("Slice", h.input(), *parts)


def split(h: Here) -> list[str]:
    """SPLIT and SPLIT_V: one output a part, as long as the file has them."""
    first = h.operator.kind == "SPLIT"
    (axis,) = h.integers(0 if first else 2)
    x, rank = h.input(1 if first else 0), len(h.output_shape())
    outputs = [h.writer.between(h.operator.kind.lower()) for _ in h.operator.outputs]
    lengths = [h.output_shape(place)[axis % rank] for place in range(len(outputs))]
    h.writer.add("Split", [x, h.constant(lengths, "int64")], outputs, outputs[0], axis=axis)
    return outputs


def gather(h: Here) -> str:
    """GATHER at places of the file."""
    if h.option("batch_dims"):
        raise UnreadError("`batch_dims`")
    return h.write("Gather", h.input(0), h.input(1), axis=h.option("axis"))


def reduction(kind: str) -> Callable[[Here], str]:
    """MEAN, SUM, REDUCE_MAX, REDUCE_MIN."""

    def read(h: Here) -> str:
        axes = h.constant(h.integers(1), "int64")
        return h.write(kind, h.input(), axes, keepdims=int(bool(h.option("keep_dims"))))

    return read


def softmax(h: Here) -> str:
    """SOFTMAX: exp(beta x) / sum exp(beta x) along the last axis."""
    beta = float(h.option("beta"))
    x = h.input() if beta == 1 else h.write("Mul", h.input(), h.constant(beta))
    return h.write("Softmax", x, axis=-1)


def p_relu(h: Here) -> str:
    """PRELU: one slope a channel, or one for all."""
    shape, slopes = h.shape(), h.shape(1)
    for length, slope in zip(shape[::-1], slopes[::-1], strict=False):
        if slope not in (1, length):
            raise UnreadError(f"slopes {slopes} for {shape}")
    return h.write("PRelu", h.input(), h.input(1))


def tile(h: Here) -> str:
    """TILE: copies side by side along each axis."""
    x = h.input()
    for axis, count in enumerate(h.integers(1)):
        if count < 1 or count > _MOST_COPIES:
            raise UnreadError(f"{count} copies")
        if count > 1:
            x = h.write("Concat", *([x] * count), axis=axis)
    return x if x != h.input() else h.write("Identity", x)


def gelu(h: Here) -> str:
    """GELU."""
    if h.option("approximate"):
        raise UnreadError("the approximation by tanh")
    return h.write("Gelu", h.input())


def square(h: Here) -> str:
    """SQUARE: x x."""
    return h.write("Mul", h.input(), h.input())


def reciprocal_root(h: Here) -> str:
    """RSQRT: 1 / sqrt(x)."""
    return h.write("Reciprocal", h.write("Sqrt", h.input()))


def squared_difference(h: Here) -> str:
    """SQUARED_DIFFERENCE: (a − b)²."""
    difference = h.write("Sub", h.input(0), h.input(1))
    return h.write("Mul", difference, difference)


def dequantize(h: Here) -> str:
    """DEQUANTIZE of float16 in the file: the same numbers in float32."""
    found = h.writer.constants.get(h.input())
    if found is None or found.dtype != np.float16:
        raise UnreadError("other values than float16 of the file")
    return h.constant(found.astype("float32"))


def clip(low: float, high: float) -> Callable[[Here], str]:
    """RELU6 and its like."""

    def read(h: Here) -> str:
        return h.write("Clip", h.input(), h.constant(low), h.constant(high))

    return read


def plain(kind: str, **options: Any) -> Callable[[Here], str]:
    """An operator that ONNX has alike, all inputs in the same places."""

    def read(h: Here) -> str:
        names = [h.input(place) for place in range(len(h.operator.inputs))]
        chosen = {new: h.option(old) for new, old in options.items()}
        return h.write(kind, *names, **chosen)

    return read


def _positive(rows: int, columns: int) -> tuple[int, int]:
    if rows < 1 or columns < 1:
        raise UnreadError(f"a stride, dilation or window of {rows}x{columns}")
    return rows, columns


def _auto_pad(padding: int) -> str:
    return "SAME_UPPER" if padding == _SAME else "VALID"


FUSED: Mapping[int, tuple[str, tuple[float, ...]]] = MappingProxyType(
    {1: ("Relu", ()), 2: ("Clip", (-1.0, 1.0)), 3: ("Clip", (0.0, 6.0))}
)
"""Number of an activation within an operator -> ONNX operator, its further inputs.

The schema has tanh too (4), which LiteRT's convolutions leave out without a word: not read.
"""

KINDS: Mapping[str, Callable[[Here], str | list[str]]] = MappingProxyType(
    {
        "CONV_2D": conv,
        "DEPTHWISE_CONV_2D": depthwise_conv,
        "TRANSPOSE_CONV": transposed_conv,
        _TRANSPOSED_BIAS: transposed_conv_with_bias,
        "FULLY_CONNECTED": fully_connected,
        "BATCH_MATMUL": batch_mat_mul,
        "AVERAGE_POOL_2D": pool("AveragePool", "GlobalAveragePool"),
        "MAX_POOL_2D": pool("MaxPool", "GlobalMaxPool"),
        "RESIZE_BILINEAR": resize("linear"),
        "RESIZE_NEAREST_NEIGHBOR": resize("nearest"),
        "DEPTH_TO_SPACE": shuffle("DepthToSpace"),
        "SPACE_TO_DEPTH": shuffle("SpaceToDepth"),
        **dict.fromkeys(("PAD", "PADV2", "MIRROR_PAD"), pad),
        **dict.fromkeys(("RESHAPE", "SQUEEZE", "EXPAND_DIMS"), reshape),
        "TRANSPOSE": transpose,
        "TILE": tile,
        "CONCATENATION": concatenation,
        "SLICE": slice_,
        "STRIDED_SLICE": strided_slice,
        **dict.fromkeys(("SPLIT", "SPLIT_V"), split),
        "GATHER": gather,
        "MEAN": reduction("ReduceMean"),
        "SUM": reduction("ReduceSum"),
        "REDUCE_MAX": reduction("ReduceMax"),
        "REDUCE_MIN": reduction("ReduceMin"),
        "SOFTMAX": softmax,
        "GELU": gelu,
        "SQUARE": square,
        "RSQRT": reciprocal_root,
        "SQUARED_DIFFERENCE": squared_difference,
        "DEQUANTIZE": dequantize,
        "RELU6": clip(0.0, 6.0),
        "RELU_N1_TO_1": clip(-1.0, 1.0),
        "RELU_0_TO_1": clip(0.0, 1.0),
        "ADD": plain("Add"),
        "SUB": plain("Sub"),
        "MUL": plain("Mul"),
        "DIV": plain("Div"),
        "POW": plain("Pow"),
        "MAXIMUM": plain("Max"),
        "MINIMUM": plain("Min"),
        "ABS": plain("Abs"),
        "CEIL": plain("Ceil"),
        "EXP": plain("Exp"),
        "FLOOR": plain("Floor"),
        "LOG": plain("Log"),
        "NEG": plain("Neg"),
        "SQRT": plain("Sqrt"),
        "RELU": plain("Relu"),
        "LOGISTIC": plain("Sigmoid"),
        "TANH": plain("Tanh"),
        "HARD_SWISH": plain("HardSwish"),
        "ELU": plain("Elu"),
        "LEAKY_RELU": plain("LeakyRelu", alpha="alpha"),
        "PRELU": p_relu,
    }
)
"""Operator of TFLite -> what writes it: (here) -> the name of its result, or a list of them."""
