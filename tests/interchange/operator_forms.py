"""Every form of the operators that have many: products of their attributes, at odd sizes."""

from itertools import product

import numpy as np
from many_nodes import Form
from onnx import TensorProto
from onnx_files import weights, whole

IMAGE, LINE, VOLUME = (6, 7, 10), (6, 11), (4, 5, 6, 7)

TARGETS = [
    *[(None, (rows, columns)) for rows, columns in
      [(5, 4), (9, 13), (14, 20), (1, 1), (7, 23), (1, 9), (21, 10)]],
    *[((rows, columns), None) for rows, columns in
      [(2, 2), (1.5, 0.6), (0.35, 1.3), (3, 1), (1, 1.27)]],
]  # fmt: skip
DOUBLED = [(None, (14, 20)), ((2, 2), None)]
COORDINATES = ("half_pixel", "half_pixel_symmetric", "pytorch_half_pixel", "align_corners",
               "asymmetric")  # fmt: skip
ROUNDINGS = ("round_prefer_floor", "round_prefer_ceil", "floor", "ceil")


def last_digit_decides(named, length, target, is_size):
    """Whether float32 and float64 round a place in the input to different pixels."""
    rounded = []
    for kind in (np.float32, np.float64):
        scale = kind(target) / kind(length) if is_size else kind(np.float32(target))
        count = target if is_size else int(np.float32(length) * np.float32(target))
        i = np.arange(count, dtype=kind)
        u = i / scale if named == "asymmetric" else (i + kind(0.5)) / scale - kind(0.5)
        if named == "align_corners":
            u = i * kind(length - 1) / kind(max(count - 1, 1))
        half = kind(0.5)
        rounded.append([np.floor(u), np.ceil(u), np.floor(u + half), np.ceil(u - half)])
    return not np.array_equal(*rounded)


def resize(target, **options):
    """Of rows and columns, by scales or to sizes."""
    scales, sizes = target
    values = np.array(scales, np.float32) if scales is not None else None
    constants = (None, values) if sizes is None else (None, None, whole(*sizes))
    named = options["coordinate_transformation_mode"]
    # Where ONNX Runtime and the evaluator differ: the length of the result in float32 or float64;
    # a last pixel that lies on the last of the result, or at scale times length; one pixel, which
    # ONNX has at 0 and the evaluator at -1/2; the last digit of a place that is copied.
    unsure = named == "pytorch_half_pixel"
    unsure |= options["mode"] != "linear" and named == "half_pixel_symmetric"
    if options["mode"] == "nearest":
        lengths = zip(IMAGE[1:], scales or sizes, strict=True)
        unsure |= any(last_digit_decides(named, n, m, scales is None) for n, m in lengths)
    if scales is not None:
        single = np.floor(np.array(IMAGE[1:], np.float32) * values)
        unsure |= bool((single != np.floor(np.array(IMAGE[1:]) * values.astype(float))).any())
        unsure |= named == "align_corners"
    return Form("Resize", constants, {"axes": [2, 3], **options}, not unsure)


RESIZES = {
    "nearest": [
        resize(target, mode="nearest", coordinate_transformation_mode=named, nearest_mode=how)
        for named, how, target in product(COORDINATES, ROUNDINGS, TARGETS)
        # Elsewhere the last digit of a place decides, and `from_onnx` refuses what ONNX Runtime
        # rounds in another way.
        if named != "half_pixel_symmetric" or target in DOUBLED
    ],
    "linear": [
        resize(target, mode="linear", coordinate_transformation_mode=named)
        for named, target in product(COORDINATES, TARGETS)
    ],
    "cubic": [
        resize(
            target,
            mode="cubic",
            coordinate_transformation_mode=named,
            exclude_outside=exclude,
            cubic_coeff_a=a,
        )
        for named, (exclude, a), target in product(COORDINATES, ((0, -0.75), (1, -0.5)), TARGETS)
    ],
    "antialias": [
        resize(target, mode=mode, coordinate_transformation_mode="half_pixel", antialias=1)
        for mode, target in product(("linear", "cubic"), TARGETS)
    ],
}

POOLS = [
    Form(kind, (), {"kernel_shape": size, "strides": strides, "pads": pads, "ceil_mode": ceil,
                    **({"count_include_pad": counted} if kind == "AveragePool" else {}),
                    **({"dilations": dilation} if max(dilation) > 1 else {})},
         # The evaluator has uneven pads the wrong way round, and another divisor of windows that
         # `ceil_mode` adds.
         reference=pads == [0, 0, 0, 0] and not ceil)
    for kind, size, strides, pads, ceil, counted, dilation in product(
        ("MaxPool", "AveragePool"), ([2, 2], [3, 2]), ([1, 1], [2, 3]),
        ([0, 0, 0, 0], [1, 0, 1, 1], [0, 1, 1, 1]), (0, 1), (0, 1), ([1, 1], [2, 1]),
    )
    if kind == "AveragePool" or not counted
] + [
    Form(kind, (), {"kernel_shape": [3, 2], "strides": [2, 2], "auto_pad": auto}, reference=False)
    for kind, auto in product(("MaxPool", "AveragePool"), ("SAME_UPPER", "SAME_LOWER", "VALID"))
]  # fmt: skip

TRANSPOSED = [
    # The evaluator takes groups of one image alone, and no `output_shape`.
    Form("ConvTranspose", (weights(6, 12 // 6 if groups > 1 else 4, *size),), options,
         groups == 1 and "output_shape" not in options)
    for size, groups, options in [
        ((2, 2), 1, {"strides": [3, 3]}),
        ((3, 3), 1, {"strides": [2, 2], "pads": [1, 1, 0, 0], "output_padding": [1, 0]}),
        ((3, 3), 1, {"strides": [2, 2], "pads": [0, 2, 1, 1]}),
        ((3, 2), 1, {"strides": [1, 1], "dilations": [2, 3], "pads": [2, 1, 1, 1]}),
        ((3, 3), 1, {"strides": [2, 2], "dilations": [2, 2], "output_padding": [1, 1]}),
        ((4, 4), 6, {"strides": [2, 2], "pads": [1, 1, 1, 1], "group": 6}),
        ((4, 3), 3, {"strides": [2, 1], "pads": [1, 1, 1, 1], "group": 3}),
        ((2, 2), 2, {"strides": [2, 2], "group": 2}),
        ((3, 3), 1, {"strides": [2, 2], "output_shape": [14, 20]}),
        ((3, 3), 1, {"strides": [2, 2], "output_shape": [13, 21], "auto_pad": "SAME_UPPER"}),
        ((3, 3), 1, {"strides": [2, 2], "auto_pad": "SAME_UPPER"}),
        ((3, 3), 1, {"strides": [2, 2], "auto_pad": "SAME_LOWER"}),
        ((4, 3), 1, {"strides": [3, 2], "auto_pad": "VALID"}),
        ((1, 1), 1, {"strides": [2, 2], "output_padding": [1, 1]}),
        ((5, 5), 1, {"strides": [2, 2], "pads": [2, 2, 2, 2]}),
    ]
]  # fmt: skip

CONVOLUTIONS = [
    Form("Conv", (weights(filters, 6 // groups, *size), weights(filters)),
         {"group": groups, "strides": strides, **where})
    for (filters, groups), size, strides, where in product(
        ((4, 1), (12, 6), (9, 3)), ((3, 3), (2, 1)), ([1, 1], [2, 3]),
        ({"pads": [1, 1, 1, 1]}, {"pads": [0, 2, 1, 0]}, {"auto_pad": "SAME_UPPER"},
         {"auto_pad": "SAME_LOWER"}, {"dilations": [2, 2], "pads": [1, 0, 1, 2]}),
    )
    if not ("dilations" in where and max(strides) > 1)
]  # fmt: skip


def pad(*pads, mode="constant", value=None, axes=None, reference=True):
    constants = (whole(*pads), None if value is None else np.float32(value))
    constants += () if axes is None else (whole(*axes),)
    return Form("Pad", constants, {"mode": mode}, reference)


PADS = [
    *[
        pad(0, 0, *more[:2], 0, 0, *more[2:], mode=mode)
        for mode, more in product(
            ("constant", "reflect", "edge", "wrap"), ((1, 2, 0, 3), (0, 0, 5, 1), (6, 0, 0, 9))
        )
    ],
    pad(0, 0, 1, 2, 0, 0, 0, 3, value=-2.5),
    pad(0, 2, 0, 0, 0, 1, 0, 0),
    pad(0, 2, 1, 0, 0, 1, 0, 1, mode="edge"),
    pad(0, 2, 1, 0, 0, 1, 0, 1, mode="reflect"),
    pad(1, 3, axes=(-1,)),
    pad(1, 0, 2, 2, axes=(3, 1), value=0.5),
    pad(0, 0, -1, 2, 0, 0, 0, -3, reference=False),
    pad(0, -2, -1, 0, 0, 1, -2, 0, reference=False),
]

SLICES = [
    Form("Slice", tuple(whole(*each) for each in given))
    for given in [
        ((1, 2), (5, -1), (2, 3)),
        ((1,), (2**62,), (1,), (2,)),
        ((-1,), (-(2**62),), (1,), (-1,)),
        ((-1, 5), (-8, 0), (2, 3), (-2, -1)),
        ((-2, -100), (100, -2), (-2, -1), (1, 3)),
        ((0, 0, 1), (2**31 - 1, 6, 7), (0, 1, 3)),
        ((4,), (1,), (-1,), (-1,)),
    ]
]

REDUCTIONS = [
    Form(kind, (whole(*axes),), {"keepdims": keep})
    for kind, axes, keep in product(
        ("ReduceMean", "ReduceSum", "ReduceMax", "ReduceMin", "ReduceProd", "ReduceL1", "ReduceL2",
         "ReduceSumSquare", "ReduceLogSumExp"),
        ((2, 3), (1,), (-1,), (1, 2, 3)), (0, 1),
    )
] + [
    Form(kind, (), {"axis": axis, "keepdims": keep}, dtype=TensorProto.INT64)
    for kind, axis, keep in product(("ArgMax", "ArgMin"), (1, -1), (0, 1))
] + [
    Form("CumSum", (np.int64(axis),), {"reverse": reverse, "exclusive": exclusive})
    for axis, reverse, exclusive in product((1, 2, -1), (0, 1), (0, 1))
]  # fmt: skip

ACTIVATIONS = [
    *[Form("Clip", tuple(None if n is None else np.float32(n) for n in limits)) for limits in
      [(-0.5, 0.25), (0, 0.5), (None, 0.3), (-0.2,), (0.1, 0.9), (-9, -0.5), (0, 0), (0.5, -0.5)]],
    *[Form(kind, (), options) for kind, options in [
        ("HardSigmoid", {}), ("HardSigmoid", {"alpha": 1 / 6}),
        ("HardSigmoid", {"alpha": -2.0, "beta": 0.3}), ("ThresholdedRelu", {"alpha": 0.25}),
        ("ThresholdedRelu", {"alpha": -0.25}), ("Celu", {"alpha": 0.3}), ("Selu", {}),
        ("Selu", {"alpha": 0.5, "gamma": 2.0}), ("Shrink", {"lambd": 0.2, "bias": 0.1}),
        ("Elu", {"alpha": 0.3}), ("LeakyRelu", {"alpha": 0.3}), ("LeakyRelu", {"alpha": -0.5}),
        ("Softmax", {"axis": 1}), ("Softmax", {"axis": 2}), ("LogSoftmax", {"axis": 1}),
        ("LogSoftmax", {}), ("Sign", {}), ("Sin", {}), ("Cos", {}), ("Tan", {}), ("Round", {}),
        ("Sinh", {}), ("Cosh", {}), ("Asinh", {}), ("Atan", {}), ("Asin", {}), ("Acos", {}),
        ("HardSwish", {}), ("Mish", {}), ("Softplus", {}), ("Softsign", {}), ("Erf", {}),
    ]],
    Form("PRelu", (weights(6, 1, 1),)),
    Form("PRelu", (weights(7, 1),)),
]  # fmt: skip

ARITHMETIC = [
    *[Form(kind, (constant,)) for kind, constant in product(
        ("Add", "Sub", "Mul", "Max", "Min", "Mean", "Sum"),
        (weights(6, 1, 1), weights(10), np.float32(0.5), weights(1, 6, 7, 10)),
    )],
    *[Form(kind, (weights(6, 1, 1),), dtype=TensorProto.BOOL) for kind in
      ("Greater", "GreaterOrEqual", "Less", "LessOrEqual", "Equal")],
    *[Form("Sum", (weights(6, 1, 1), weights(7, 10))), Form("Max", (weights(10), weights(7, 1)))],
    Form("Expand", (whole(1, 6, 7, 10),)),
    Form("Tile", (whole(1, 2, 1, 3),)),
    Form("Gather", (np.array([[3, 0], [5, -1]]),), {"axis": 1}),
    Form("Gather", (np.array([[3, 0, 1]]),), {"axis": 3}),
    Form("Gather", (np.array(-2),), {"axis": 2}),
]  # fmt: skip

OF_LINES = [
    *[Form("Conv", (weights(filters, 6 // groups, size),), {"group": groups, **options})
      for (filters, groups), size, options in product(
          ((4, 1), (12, 6), (9, 3)), (3, 2),
          ({"pads": [1, 1]}, {"strides": [2]}, {"auto_pad": "SAME_UPPER", "strides": [2]},
           {"dilations": [2], "pads": [0, 3]}))],
    *[Form("ConvTranspose", (weights(6, 4 // groups, 3),), {"group": groups, **options},
           reference=groups == 1)
      for groups, options in product((1, 2), (
          {"strides": [2]}, {"strides": [2], "pads": [1, 0]}, {"dilations": [2]}))],
    *[Form(kind, (), {"kernel_shape": [3], **options}) for kind, options in product(
        ("MaxPool", "AveragePool"),
        ({"strides": [2]}, {"strides": [2], "pads": [1, 1]}, {"strides": [2], "pads": [1, 0]}))],
    Form("MaxPool", (), {"kernel_shape": [3], "strides": [2], "pads": [1, 1], "ceil_mode": 1}),
    *[Form("Resize", (None, None, whole(size)), {"axes": [2], "mode": mode}) for mode, size in
      product(("nearest", "linear"), (22, 7, 33))],
    Form("InstanceNormalization", (weights(6), weights(6))),
    Form("BatchNormalization",
         (weights(6), weights(6), weights(6), weights(6, low=0.5))),
    Form("GlobalAveragePool"),
]  # fmt: skip

OF_VOLUMES = [
    *[Form("Conv", (weights(filters, 4 // groups, 3, 2, 3), weights(filters)),
           {"group": groups, **options})
      for (filters, groups), options in product(
          ((6, 1), (6, 2)),
          ({"pads": [1, 0, 1, 1, 1, 1]}, {"strides": [2, 1, 2]},
           {"auto_pad": "SAME_UPPER", "strides": [2, 2, 2]}))],
    *[Form("ConvTranspose", (weights(4, 3, 2, 3, 2),), options) for options in (
        {"strides": [2, 2, 2]}, {"strides": [2, 1, 2], "pads": [0, 1, 0, 0, 1, 1]})],
    *[Form(kind, (), {"kernel_shape": [2, 3, 2], **options}) for kind, options in product(
        ("MaxPool", "AveragePool"),
        ({"strides": [2, 2, 2]}, {"strides": [1, 2, 2], "pads": [0, 1, 1, 1, 1, 0]}))],
    Form("Resize", (None, None, whole(10, 12, 14)), {"axes": [2, 3, 4], "mode": "nearest"}),
    Form("Resize", (None, None, whole(7, 4, 9)), {"axes": [2, 3, 4], "mode": "linear"}),
    Form("GlobalMaxPool", reference=False),
]  # fmt: skip
