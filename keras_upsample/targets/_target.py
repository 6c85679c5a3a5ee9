"""`Target`: one row of the table."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from types import MappingProxyType

from ._gate import Gate
from ._grid import Grid


@dataclass(frozen=True)
class Target:
    """One kind of artefact.

    Attributes:
        name: name of the target.
        format: `"saved_model"`, `"tflite"`, `"onnx"` or `"openvino"`.
        precision: `"float32"`, `"float16"`, `"dynamic"` (int8 weights, float arithmetic), `"int8"`
            (weights and activations) or `"int16x8"` (int8 weights, int16 activations).
        static: whether height, width and batch are fixed in the artefact by default.
        forms: the preferred forms of each interpolation (see `keras_upsample.ops.resize_forms`).
        lacks: operators that the target lacks (see `keras_upsample.ops._lacking`).
        runtime: the runtime that the artefact is for and is verified in.
        decides: further runtimes that the artefact is for. If one is installed, an artefact that
            fails the gate there is not written.
        also: other runtimes in which the artefact is verified if they are installed. A failure
            there is reported, but the artefact is written.
        declared: further runtimes in which the artefact is verified if they are installed -> gate
            of their own. Missing it is reported, but the artefact is written.
        gate: accuracy that verification demands.
        suffix: suffix of the file; empty for a directory.
        lowering: rule of `keras_upsample.lowering` -> the forms to use without a measurement; the
            first possible one is taken. A rule that is not named keeps the model's own form.
        never: rules that are not tried.
        never_forms: forms that no rule may propose.
        integer_io: whether inputs and outputs are integers too.
        own_layout: whether the runtime keeps feature maps in a layout or memory of its own between
            convolutions and pools; blocks are then measured between pools.
        profile: the profile of block times that forms are chosen by where none is asked for:
            `"host"`, the one of the machine that exports, or `"portable"`.
        weights: bits -> quantization grid of the weights, for files with integer activations; the
            first entry is the default.
        headroom: factor by which activation ranges are widened, as a headroom for brighter images.
        device: name of the device in `keras_upsample.edge.DEVICES`; empty for processors.
        resizable: whether a TFLite file keeps height and width open, see `resizable`.
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
    declared: Mapping[str, Gate] = field(default_factory=lambda: MappingProxyType({}))
    forms: Mapping[str, tuple[str, ...]] = field(default_factory=lambda: MappingProxyType({}))
    lowering: Mapping[str, tuple[str, ...]] = field(default_factory=lambda: MappingProxyType({}))
    never: frozenset[str] = frozenset()
    never_forms: frozenset[str] = frozenset()
    lacks: frozenset[str] = frozenset()
    integer_io: bool = False
    own_layout: bool = False
    profile: str = "portable"
    weights: Mapping[int, Grid] = field(default_factory=lambda: MappingProxyType({}))
    headroom: float = 1.0
    device: str = ""
    resizable: bool = False

    @property
    def graph(self) -> str:
        """Format of the graph that the model is traced to: OpenVINO converts ONNX."""
        return "onnx" if self.format == "openvino" else self.format

    @property
    def shared_steps(self) -> bool:
        """Whether the inputs of a concatenation have the quantization step of its output."""
        return self.format == "tflite"

    @property
    def takes_pixels(self) -> bool:
        """Whether a file's input can have 8 bits. With 16-bit activations TFLite's converter has
        no CAST, and no other inputs than int16 and float32."""
        return self.precision != "int16x8"

    @property
    def calibrated(self) -> bool:
        """Whether activations are integers, so that images calibrate their ranges."""
        return self.precision in ("int8", "int16x8")

    @property
    def activation_steps(self) -> float:
        """Number of quantization steps in the range that the calibration images use."""
        return ((2**16 if self.precision == "int16x8" else 2**8) - 1) / self.headroom

    def bits(self, asked: int | None = None) -> int:
        """Bits of a weight, if activations are integers; by default the target's own."""
        return next(iter(self.weights)) if asked is None else asked

    def grid(self, weight_bits: int | None = None) -> Grid:
        """Quantization grid of the weights, if activations are integers."""
        return self.weights[self.bits(weight_bits)]
