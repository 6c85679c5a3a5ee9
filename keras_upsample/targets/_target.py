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
        never_forms: forms that no rule may propose.
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
