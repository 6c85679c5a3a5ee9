"""Everything that differs between targets, as data."""

from collections.abc import Mapping
from dataclasses import dataclass, field, replace
from types import MappingProxyType

from ..edge._devices import DEVICES
from ..errors import did_you_mean
from ..lowering._grid import Grid
from ..ops import _lacking as lacking

FLOAT32_ERROR = 5e-5
"""Largest allowed |artefact - model| of a float32 artefact, as a share of the output's range."""


@dataclass(frozen=True)
class Gate:
    """What an artefact must reach to be published; at least one of the first two is set.

    Attributes:
        max_error: largest |artefact - model|, as a share of the model output's range.
        min_snr_db: least signal-to-noise ratio in dB, 10 log10(var(model) / mean((a - m)^2)).
        min_equal: least share of equal elements where the output is of an integer type (class
            maps: rounding may turn the winner where two classes tie).
        min_within: least share of the elements of an output that keep `max_error`, in every case.
        best_within: the same, in the best case.
    """

    max_error: float | None = None
    min_snr_db: float | None = None
    min_equal: float = 0.999
    min_within: float = 1.0
    best_within: float = 1.0


def where_rounding_decides(gate: Gate) -> Gate:
    """The gate of a model that puts values where a maximum was (`MaxPoolingWithIndices2D`).

    In a flat part of a photograph all pixels of a window are equal but for rounding, which differs
    between runtimes; a value then appears one pixel further, and all that sees it changes: one turn
    at the bottom of a U-Net reaches a quarter of its output. U-Net and SegNet with random weights
    kept the gate in 72% of the elements at least on the standard photographs, in 97% on the best of
    them, at 30 dB and above; changed by a millionth, their own input changes 24% of their elements.
    An artefact that is wrong differs in nearly all elements of every case: so half of them must
    keep `max_error` everywhere, 95% in the best case, and 30 dB be reached.
    """
    if gate.max_error is None:
        return gate
    snr = max(gate.min_snr_db or 0.0, 30.0)
    return replace(gate, min_within=0.5, best_within=0.95, min_snr_db=snr)


def where_activations_are_rounded(gate: Gate) -> Gate:
    """The gate of a model that rounds activations to 8 bits itself (Keras' `quantize("int8")`).

    It is that of any file of 8 bits: 30 dB. Keras scales each pixel's channels by their own largest
    value and rounds; a runtime that differs in the last bit of a float then takes the next of 127
    steps here and there, and all that reads it changes. Files whose weights are the model's
    integers had, on four photographs, 78 to 85 dB and 99.98% of the elements within 5e-5 for four
    such layers in a row, 50 to 54 dB and 91% to 96% for nine. Against the model before it was
    quantised, the quantised model itself has 45 to 55 dB.
    """
    return Gate(min_snr_db=30.0, min_equal=gate.min_equal)


@dataclass(frozen=True)
class Target:
    """One kind of artefact.

    Attributes:
        name: what the user asks for.
        format: `"saved_model"`, `"tflite"` or `"onnx"`.
        precision: `"float32"`, `"float16"`, `"dynamic"` (int8 weights, float arithmetic), `"int8"`
            (weights and activations) or `"int16x8"` (int8 weights, int16 activations).
        static: whether height, width and batch are fixed in the artefact unless asked otherwise.
        forms: the preferred forms of each interpolation (see `keras_upsample.ops.resize_forms`).
        lacks: operators that it has not (see `keras_upsample.ops._lacking`).
        runtime: the runtime that the artefact is for and is verified in.
        decides: a further runtime that the artefact is for; where it is installed, what misses
            the gate there is not written.
        also: runtimes in which it is verified too, where they are installed. They were not asked
            for: what misses the gate there is reported, and written all the same.
        gate: what verification demands.
        suffix: of the file; a directory has none.
        lowering: rule of `keras_upsample.lowering` -> the forms to take without a measurement, the
            first that is possible; a rule that is not named leaves the model's own form.
        never: rules that are not even tried.
        never_forms: forms of the other rules that are not.
        integer_io: whether inputs and outputs are integers too.
        own_layout: whether feature maps lie in a layout or a memory of their own between
            convolutions and pools, so that blocks are measured between pools.
        weights: of files with integer activations, bits -> the values that the quantiser leaves for
            a weight; the first are taken unless asked otherwise.
        headroom: the ranges of activations hold what images of this many times the strength make.
        device: what it is for, by its name in `keras_upsample.edge.DEVICES`; empty for processors.
        resizable: whether a TFLite file computes sizes from its input's, see `resizable`.
    """

    name: str
    format: str
    precision: str
    static: bool
    runtime: str
    gate: Gate
    suffix: str = ""
    decides: tuple[str, ...] = ()
    also: tuple[str, ...] = ()
    forms: Mapping[str, tuple[str, ...]] = field(default_factory=lambda: MappingProxyType({}))
    lowering: Mapping[str, tuple[str, ...]] = field(default_factory=lambda: MappingProxyType({}))
    never: frozenset[str] = frozenset()
    never_forms: frozenset[str] = frozenset()
    lacks: frozenset[str] = frozenset()
    integer_io: bool = False
    own_layout: bool = False
    weights: Mapping[int, Grid] = field(default_factory=lambda: MappingProxyType({}))
    headroom: float = 1.0
    device: str = ""
    resizable: bool = False

    @property
    def shared_steps(self) -> bool:
        """Whether the parts of a concatenation are rounded in the step of the whole."""
        return self.format == "tflite"

    @property
    def takes_pixels(self) -> bool:
        """Whether a file's input can be of 8 bits. TFLite's converter knows no CAST in a file of
        16-bit activations, and no other input than int16 and float32."""
        return self.precision != "int16x8"

    @property
    def calibrated(self) -> bool:
        """Whether activations are integers, whose ranges are learnt from images."""
        return self.precision in ("int8", "int16x8")

    @property
    def activation_steps(self) -> float:
        """Steps in the range of an integer activation that the calibration images use."""
        return ((2**16 if self.precision == "int16x8" else 2**8) - 1) / self.headroom

    def bits(self, asked: int | None = None) -> int:
        """Of a weight, where activations are integers; the target's own choice unless asked."""
        return next(iter(self.weights)) if asked is None else asked

    def grid(self, weight_bits: int | None = None) -> Grid:
        """The values that are left for a weight, where activations are integers."""
        return self.weights[self.bits(weight_bits)]


# Rules of `keras_upsample.lowering`, by name.
NEAREST = "nearest"
TRANSPOSED = "transposed"
FILTERING = "minimal_filtering"
CONCATENATION = "concatenation"
LAYOUT = "layout"
SHUFFLE = "shuffle"

# Forms of these that are made for NPUs.
INTERLEAVED = "interleaved"
INTERLEAVED_2X2 = "interleaved 2x2"  # of a transposed convolution 2x2 of stride 2
INTERLEAVED_ADDED = "interleaved, then added"  # to the convolution of what is concatenated
AT_FEW_CHANNELS = ", at few channels"  # behind a form's name: it may not pay

# Every runtime here has the operator, and all others of the shuffle's forms are slower in all.
_INTERLEAVED = (INTERLEAVED, INTERLEAVED_2X2, INTERLEAVED_ADDED)
_INTERLEAVED_FORMS = frozenset({*_INTERLEAVED, *(f + AT_FEW_CHANNELS for f in _INTERLEAVED)})
_ALWAYS_OUT = frozenset({SHUFFLE})
# Minimal filtering adds and subtracts weights and results, and so multiplies their rounding; sums
# of convolutions round once more.
_FLOAT32_ONLY = frozenset({FILTERING, CONCATENATION, LAYOUT})
_ROUNDED_OUT = _ALWAYS_OUT | _FLOAT32_ONLY

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
    )


_TFLITE_WEIGHTS = MappingProxyType({8: Grid(127, -127, 127)})
# Signed in 7 bits; unsigned in 8, where the quantiser divides the range by 255 and has 0 at 128.
_ONNX_WEIGHTS = MappingProxyType({7: Grid(64, -64, 64), 8: Grid(127.5, -128, 127)})

DEVICE_NAMES = tuple(name for name in DEVICES if name != "gpu_delegate")
"""Devices that get files of their own; GPUs run the float ones."""

# XNNPACK takes no BATCH_MATMUL of integers.
_INTEGER_FORMS = MappingProxyType(
    {
        name: tuple("pointwise" if form == "matrix" else form for form in forms)
        for name, forms in _TFLITE_FORMS.items()
    }
)
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
# the Edge TPU, what is behind a softmax of several dimensions is left to the CPU in any form.
_LACKING = MappingProxyType(
    {
        "edge_tpu": lacking.NAMES - {lacking.PRODUCTS},
        "tflm": frozenset({lacking.SHUFFLE, lacking.COMPARISONS}),
    }
)


def _device(name: str) -> Target:
    """A file of integers from end to end for an accelerator."""
    forms, lowering = _NPU_FORMS, _NPU_LOWERING
    if name.startswith("ethos_u85"):
        forms, lowering = _ETHOS_FORMS, _U85_LOWERING
    elif name.startswith("ethos"):
        forms, lowering = _BILINEAR_BY_CONVOLUTION, _ETHOS_LOWERING
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
        never=_FLOAT32_ONLY,
        lacks=_LACKING.get(name, lacking.NAMES),
        integer_io=True,
        weights=_TFLITE_WEIGHTS,
        device=name,
        decides=("tflm",) if name == "tflm" else (),
        own_layout=name.startswith("ethos"),
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
            # Weights rounded to 8 bits: judged by noise, as full-integer files are.
            _tflite("tflite_dynamic", "dynamic", Gate(min_snr_db=30.0), _ROUNDED_OUT),
            replace(
                _tflite("tflite_int8", "int8", Gate(min_snr_db=30.0), _ROUNDED_OUT),
                forms=_INTEGER_FORMS,
                weights=_TFLITE_WEIGHTS,
            ),
            replace(
                _tflite("tflite_int16x8", "int16x8", Gate(min_snr_db=40.0), _FLOAT32_ONLY),
                never_forms=frozenset(),
                forms=_INTEGER_FORMS,
                # DEPTH_TO_SPACE knows no 16 bits in the converter, nor does BATCH_MATMUL.
                lowering=_NPU_LOWERING,
                lacks=lacking.NAMES,
                weights=_TFLITE_WEIGHTS,
                # An image that is brighter than all those of the calibration is cut off inside the
                # network; 16 bits have a digit to spare for it.
                headroom=2.0,
            ),
            *(_device(name) for name in DEVICE_NAMES),
            _onnx("onnx", "float32", Gate(FLOAT32_ERROR), _ALWAYS_OUT, ("openvino",)),
            _onnx("onnx_float16", "float16", Gate(max_error=1e-2), _ROUNDED_OUT, ("openvino",)),
            replace(
                _onnx("onnx_int8", "int8", Gate(min_snr_db=30.0), _ROUNDED_OUT, ("openvino",)),
                weights=_ONNX_WEIGHTS,
            ),
        )
    }
)
"""Name -> target, in the order in which tables show them."""


def target_named(name: str) -> Target:
    """The target of this name.

    Raises:
        ValueError: there is none; the message lists what there is.
    """
    if name in TARGETS:
        return TARGETS[name]
    hint = did_you_mean(name, TARGETS)
    raise ValueError(
        f"`targets` may hold {', '.join(map(repr, TARGETS))}. Received: {name!r}.{hint}"
    )


def resizable(target: Target) -> Target:
    """The target whose files compute heights and widths from those of their inputs.

    The batch stays fixed. Forms that need known sizes are passed over where sizes are open.

    Raises:
        ValueError: it is no TFLite file for processors.
    """
    if target.format != "tflite" or target.device:
        possible = [t.name for t in TARGETS.values() if t.format == "tflite" and not t.device]
        raise ValueError(
            f"`resizable` is for the targets {', '.join(possible)}. Received: {target.name!r}, "
            f"{'whose sizes are fixed' if target.device else 'which keeps open sizes open'}."
        )
    lacks = target.lacks | {lacking.LONG_DIVISIONS}
    return replace(target, static=False, resizable=True, lacks=lacks)
