"""What GPU engines compute rightly, wrongly or not at all: the cases of docs/atlas.md.

A case holds the outcome that was measured. A test that fails says that another version of an engine
computes otherwise: run `python benchmarks/gpu_atlas.py`, and change the outcomes here and the rules
in keras_upsample/edge/_gpu_rules.py.
"""

import gpu_onnx_cases as webgpu
import gpu_tflite_arithmetic as arithmetic
import gpu_tflite_filters as filters
import gpu_tflite_moves as moves
from gpu_case import LITERT, WEBGPU, Case

CASES: dict[str, tuple[Case, ...]] = {
    LITERT: (
        *arithmetic.ARITHMETIC,
        *arithmetic.MATRICES,
        *arithmetic.CHOICES,
        *moves.PADS,
        *moves.MOVES,
        *moves.SUMS,
        *filters.FILTERS,
    ),
    WEBGPU: (*webgpu.CONVOLUTIONS, *webgpu.SHUFFLES, *webgpu.RESIZES, *webgpu.OTHERS),
}
"""Runtime -> cases, in the order of the page."""
