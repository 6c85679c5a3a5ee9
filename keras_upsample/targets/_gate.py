"""Gates: the accuracy that a file must reach."""

from dataclasses import dataclass, replace

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
