"""Gates: the accuracy that a file must reach."""

from dataclasses import dataclass, replace

FLOAT32_ERROR = 5e-5
"""Largest allowed |artefact - model| of a float32 artefact, as a share of the output's range."""


@dataclass(frozen=True)
class Gate:
    """Accuracy that an artefact must reach to be written.

    At least one of `max_error` and `min_snr_db` is set.

    Attributes:
        max_error: largest allowed |artefact - model|, as a share of the model output's range.
        min_snr_db: lowest allowed signal-to-noise ratio in dB,
            10 log10(var(model) / mean((a - m)^2)).
        min_equal: lowest allowed share of equal elements of an output of an integer type, e.g. a
            class map, where rounding may change the argmax if two classes tie.
        min_within: lowest allowed share of an output's elements within `max_error`, in every case.
        best_within: lowest allowed value of that share in the best case.
    """

    max_error: float | None = None
    min_snr_db: float | None = None
    min_equal: float = 0.999
    min_within: float = 1.0
    best_within: float = 1.0


def where_rounding_decides(gate: Gate) -> Gate:
    """The gate of a model that unpools by the indices of maxima (`MaxPoolingWithIndices2D`).

    In a flat part of a photograph all pixels of a pooling window are equal up to rounding, which
    differs between runtimes. The maximum may then be found one pixel away, and this changes every
    output element that depends on it: one such change at the bottom of a U-Net reaches a quarter of
    its output. For U-Net and SegNet with random weights, on the standard photographs, at least 72%
    of the elements were within the gate, 97% on the best photograph, at 30 dB and above. A change
    of their input by a millionth changes 24% of their elements. A wrong artefact differs in nearly
    all elements of every case. So at least half of the elements must be within `max_error` in every
    case. In the best case 95% must be. Every case must reach 30 dB.
    """
    if gate.max_error is None:
        return gate
    snr = max(gate.min_snr_db or 0.0, 30.0)
    return replace(gate, min_within=0.5, best_within=0.95, min_snr_db=snr)


def where_activations_are_rounded(gate: Gate) -> Gate:
    """The gate of a model that rounds activations to 8 bits itself (Keras' `quantize("int8")`).

    It is the gate of all 8-bit files: 30 dB. Keras scales each pixel's channels by their own
    largest value and rounds. If a runtime differs in the last bit of a float, some values round to
    the neighbouring one of 127 steps, and everything computed from them changes. Files with the
    model's integer weights had, on four photographs, 78 to 85 dB and 99.98% of the elements within
    5e-5 for four such layers in a row, and 50 to 54 dB and 91% to 96% for nine. The quantised model
    itself has 45 to 55 dB against the model before quantisation.
    """
    return Gate(min_snr_db=30.0, min_equal=gate.min_equal)
