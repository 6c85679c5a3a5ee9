"""The table of export targets."""

from collections.abc import Mapping
from dataclasses import replace
from types import MappingProxyType

from ..errors import did_you_mean
from ..ops import _lacking as lacking
from ._devices import DEVICES
from ._gate import FLOAT32_ERROR, Gate
from ._grid import Grid
from ._names import (
    BRANCHES,
    CONCATENATION,
    FILTERING,
    INTERLEAVED,
    INTERLEAVED_2X2,
    INTERLEAVED_ADDED,
    LAYOUT,
    NEAREST,
    SHUFFLE,
    TRANSPOSED,
)
from ._target import Target

# Every runtime here has the operator, and all others of the shuffle's forms are slower in all.
_INTERLEAVED_FORMS = frozenset({INTERLEAVED, INTERLEAVED_2X2, INTERLEAVED_ADDED})
_ALWAYS_OUT = frozenset({SHUFFLE})
# Minimal filtering adds and subtracts weights and results, and so multiplies their rounding; sums
# of convolutions round once more.
_FLOAT32_ONLY = frozenset({FILTERING, CONCATENATION, LAYOUT})
_ROUNDED_OUT = _ALWAYS_OUT | _FLOAT32_ONLY
# Integers of 8 bits round each branch, and once more for each sum.
_CALIBRATED_OUT = _ROUNDED_OUT | {BRANCHES}

# TFLite has no bicubic operator (TensorFlow's needs Flex) and XNNPACK, LiteRT's CPU delegate, does
# not take RESIZE_NEAREST_NEIGHBOR, which would cut the graph in two at every decoder stage; both
# have an equal form that it does take, as fast within the noise of the measurement.
_TFLITE_FORMS = MappingProxyType(
    {
        "nearest": ("concat", "operator", "matrix"),
        "bilinear": ("operator", "matrix"),
        "bicubic": ("matrix",),
        "lanczos": ("matrix",),
        "area": ("operator", "matrix"),
    }
)


# What holds for LiteRT on any processor: fewer multiply-adds by ordinary convolutions. What depends
# on caches and kernels is left to a measurement (`tune`).
_TFLITE_LOWERING = MappingProxyType({NEAREST: ("shuffle",), TRANSPOSED: ("shuffle",)})


# A float file may be run on a phone's GPU as it is, whose accelerator has SELECT_V2 for few shapes.
_FLOATS = ("float32", "float16", "dynamic")
_ON_GPU_TOO = frozenset({lacking.SELECTIONS})


def _tflite(
    name: str, precision: str, gate: Gate, never: frozenset[str] = _ALWAYS_OUT | {LAYOUT}
) -> Target:
    return Target(
        name,
        "tflite",
        precision,
        True,
        "litert",
        gate,
        suffix=".tflite",
        forms=_TFLITE_FORMS,
        lowering=_TFLITE_LOWERING,
        never=never,
        never_forms=_INTERLEAVED_FORMS,
        lacks=_ON_GPU_TOO if precision in _FLOATS else frozenset(),
    )


def _onnx(
    name: str, precision: str, gate: Gate, never: frozenset[str], also: tuple[str, ...] = ()
) -> Target:
    return Target(
        name,
        "onnx",
        precision,
        False,
        "onnxruntime",
        gate,
        suffix=".onnx",
        also=also,
        # Never ONNX's cubic Resize: ONNX Runtime takes several times as long for it as for the
        # other two forms, and OpenVINO computes other borders (`exclude_outside`).
        forms=MappingProxyType({"bicubic": ("matrix", "taps")}),
        never=never,
        never_forms=_INTERLEAVED_FORMS,
        own_layout=True,
        profile="host",
    )


# What OpenVINO computes in where nobody asks for a precision: bfloat16 on processors that have it.
# Its numbers have 8 binary digits, as those of 8-bit files, which have the same gate.
_DECLARED = MappingProxyType({"openvino_default": Gate(min_snr_db=30.0)})


def _openvino(name: str, precision: str, gate: Gate, never: frozenset[str]) -> Target:
    """The ONNX target of this precision, converted by OpenVINO."""
    return replace(
        _onnx(name, precision, gate, never),
        format="openvino",
        runtime="openvino",
        suffix=".xml",
        declared=_DECLARED,
    )


_TFLITE_WEIGHTS = MappingProxyType({8: Grid(127, -127, 127)})
# Signed in 7 bits; unsigned in 8, where the quantiser divides the range by 255 and has 0 at 128.
_ONNX_WEIGHTS = MappingProxyType({7: Grid(64, -64, 64), 8: Grid(127.5, -128, 127)})

_GPU = "litert_gpu"
DEVICE_NAMES = tuple(DEVICES)
"""Devices that get files of their own."""

# XNNPACK takes no BATCH_MATMUL of integers.
_INTEGER_FORMS = MappingProxyType(
    {
        name: tuple("pointwise" if form == "matrix" else form for form in forms)
        for name, forms in _TFLITE_FORMS.items()
    }
)
_WRONG_ON_GPU = frozenset(
    {lacking.NARROW_GROUPS, lacking.BATCH_SHUFFLES, lacking.PADDED_TRANSPOSED}
)
# LiteRT's GPU accelerator refuses a product of matrices with the constant on the left.
_GPU_FORMS = _INTEGER_FORMS
# Without DEPTH_TO_SPACE, and where every transpose and reshape counts.
_NPU_LOWERING: Mapping[str, tuple[str, ...]] = MappingProxyType(
    {SHUFFLE: ("by rows", INTERLEAVED, "one-hot transposed")}
)
_NPU_FORMS = MappingProxyType(
    {
        **_TFLITE_FORMS,
        "nearest": ("steps", "operator"),
        "area": ("operator", "pointwise"),
        "bilinear": ("operator", "pointwise"),
        "bicubic": ("pointwise",),
        "lanczos": ("pointwise",),
    }
)


# Ethos-U resizes by 2, 4 and 8. U55 and U65 take longer for RESIZE_BILINEAR than for the
# convolutions, and have it only at a factor of 2; by Vela's estimates (docs/edge.md).
_ETHOS_FORMS = MappingProxyType({**_NPU_FORMS, "nearest": ("steps", "concat", "operator")})
_BILINEAR_BY_CONVOLUTION = MappingProxyType({**_ETHOS_FORMS, "bilinear": ("pointwise",)})

# They put zeros between the pixels for a transposed convolution, and multiply those too: it is
# slower than a convolution for each phase, but for the kernel 2x2 on U55 and U65, which have no
# stride above 2 for it.
_ETHOS_LOWERING = MappingProxyType(
    {**_NPU_LOWERING, NEAREST: (INTERLEAVED_ADDED, INTERLEAVED), TRANSPOSED: (INTERLEAVED,)}
)
_U85_LOWERING = MappingProxyType({**_ETHOS_LOWERING, TRANSPOSED: (INTERLEAVED, INTERLEAVED_2X2)})


# TFLM has matrix products and gathers, and does not allocate a file of a thousand operators. For
# the Edge TPU, operators after a softmax of several dimensions stay on the CPU in any form.
_LACKING = MappingProxyType(
    {
        "edge_tpu": lacking.NAMES - {lacking.PRODUCTS},
        "tflm": frozenset({lacking.SHUFFLE, lacking.COMPARISONS}),
    }
)


# Family of a device -> forms of resizes, and of the blocks that rules rewrite.
_FAMILIES = MappingProxyType(
    {
        "ethos_u55": (_BILINEAR_BY_CONVOLUTION, _ETHOS_LOWERING),
        "ethos_u65": (_BILINEAR_BY_CONVOLUTION, _ETHOS_LOWERING),
        "ethos_u85": (_ETHOS_FORMS, _U85_LOWERING),
    }
)


def _device(name: str) -> Target:
    """The target of a full-integer TFLite file for an accelerator."""
    device = DEVICES[name]
    forms, lowering = _FAMILIES.get(device.family, (_NPU_FORMS, _NPU_LOWERING))
    return Target(
        name,
        "tflite",
        "int8",
        True,
        "litert",
        Gate(min_snr_db=30.0),
        suffix=".tflite",
        forms=forms,
        lowering=lowering,
        never=_FLOAT32_ONLY | {BRANCHES},
        lacks=_LACKING.get(name, lacking.NAMES),
        integer_io=True,
        weights=_TFLITE_WEIGHTS,
        device=name,
        decides=("tflm",) if device.how == "tflm" else (),
        own_layout=device.how == "vela",
    )


TARGETS: Mapping[str, Target] = MappingProxyType(
    {
        target.name: target
        for target in (
            Target(
                "saved_model",
                "saved_model",
                "float32",
                False,
                "tensorflow",
                Gate(FLOAT32_ERROR),
                # TensorFlow runs no depthwise convolution of unequal strides on a CPU.
                never=_ALWAYS_OUT | _FLOAT32_ONLY,
                never_forms=_INTERLEAVED_FORMS,
            ),
            _tflite("tflite", "float32", Gate(FLOAT32_ERROR)),
            _tflite("tflite_float16", "float16", Gate(max_error=1e-2), _ROUNDED_OUT),
            # 8-bit weights: the gate is a signal-to-noise ratio, as for full-integer files.
            _tflite("tflite_dynamic", "dynamic", Gate(min_snr_db=30.0), _ROUNDED_OUT),
            replace(
                _tflite("tflite_int8", "int8", Gate(min_snr_db=30.0), _CALIBRATED_OUT),
                forms=_INTEGER_FORMS,
                weights=_TFLITE_WEIGHTS,
            ),
            replace(
                _tflite(
                    "tflite_int16x8",
                    "int16x8",
                    Gate(min_snr_db=40.0),
                    _FLOAT32_ONLY | {BRANCHES},
                ),
                never_forms=frozenset(),
                forms=_INTEGER_FORMS,
                # The converter has no 16-bit DEPTH_TO_SPACE and no 16-bit BATCH_MATMUL.
                lowering=_NPU_LOWERING,
                lacks=lacking.NAMES,
                weights=_TFLITE_WEIGHTS,
                # An image that is brighter than all calibration images saturates inside the
                # network; 16 bits have a binary digit to spare for it.
                headroom=2.0,
            ),
            replace(
                _tflite(_GPU, "float32", Gate(FLOAT32_ERROR)),
                forms=_GPU_FORMS,
                lacks=_ON_GPU_TOO | _WRONG_ON_GPU,
                device=_GPU,
                decides=(_GPU,),
            ),
            *(_device(name) for name in DEVICE_NAMES if name != _GPU),
            _onnx("onnx", "float32", Gate(FLOAT32_ERROR), _ALWAYS_OUT, ("openvino",)),
            _onnx("onnx_float16", "float16", Gate(max_error=1e-2), _ROUNDED_OUT, ("openvino",)),
            replace(
                _onnx("onnx_int8", "int8", Gate(min_snr_db=30.0), _CALIBRATED_OUT, ("openvino",)),
                weights=_ONNX_WEIGHTS,
            ),
            _openvino("openvino", "float32", Gate(FLOAT32_ERROR), _ALWAYS_OUT),
            _openvino("openvino_float16", "float16", Gate(max_error=1e-2), _ROUNDED_OUT),
            replace(
                _openvino("openvino_int8", "int8", Gate(min_snr_db=30.0), _CALIBRATED_OUT),
                weights=_ONNX_WEIGHTS,
            ),
        )
    }
)
"""Name -> target, in the order in which tables show them."""


def target_named(name: str) -> Target:
    """The target of this name.

    Raises:
        ValueError: there is none; the message lists the targets.
    """
    if name in TARGETS:
        return TARGETS[name]
    hint = did_you_mean(name, TARGETS)
    raise ValueError(
        f"`targets` may hold {', '.join(map(repr, TARGETS))}. Received: {name!r}.{hint}"
    )


def resizable(target: Target) -> Target:
    """The variant of a TFLite target whose files keep height and width open.

    Such files compute all heights and widths from those of their inputs. The batch stays fixed.
    Forms that need known sizes are not used.

    Raises:
        ValueError: the target is not TFLite, or is for a device.
    """
    if target.format != "tflite" or target.device:
        possible = [t.name for t in TARGETS.values() if t.format == "tflite" and not t.device]
        raise ValueError(
            f"`resizable` is for the targets {', '.join(possible)}. Received: {target.name!r}, "
            f"{'whose sizes are fixed' if target.device else 'which keeps open sizes open'}."
        )
    lacks = target.lacks | {lacking.LONG_DIVISIONS}
    return replace(target, static=False, resizable=True, lacks=lacks)
