from ._export import export
from ._formats import to_onnx, to_openvino, to_saved_model, to_tflite
from ._gates import TARGETS, Gate, Target
from ._metadata import Metadata
from ._options import Options
from ._package import PACKAGES, PackageReport, package
from ._quantization_errors import LayerError, QuantizationReport, quantization_errors
from ._report import ArtefactReport, ExportReport, Verification
from ._source import load_source
from ._tuning_bundle import TuningBundle, tuning_bundle
from ._verify import verify

__all__ = [
    "PACKAGES",
    "TARGETS",
    "ArtefactReport",
    "ExportReport",
    "Gate",
    "LayerError",
    "Metadata",
    "Options",
    "PackageReport",
    "QuantizationReport",
    "Target",
    "TuningBundle",
    "Verification",
    "export",
    "load_source",
    "package",
    "quantization_errors",
    "to_onnx",
    "to_openvino",
    "to_saved_model",
    "to_tflite",
    "tuning_bundle",
    "verify",
]
