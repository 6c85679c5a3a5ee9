"""float32 ONNX file -> one of lower precision, by ONNX Runtime's own tools."""

import logging
import tempfile
import warnings
from pathlib import Path
from typing import Any

from ..errors import ExportError, first_line
from ._calibration import Feeds
from ._reference import to_layout


def to_float16(path: Path) -> None:
    """Halve a file in place: float16 inside, float32 at its inputs and outputs."""
    import onnx
    from onnxruntime.transformers.float16 import convert_float_to_float16

    with warnings.catch_warnings():
        warnings.simplefilter("ignore")  # of weights too small for float16, which become 0
        halved = convert_float_to_float16(onnx.load(str(path)), keep_io_types=True)
    onnx.save(halved, str(path))


def to_int8(path: Path, feeds: Feeds, layout: str) -> None:
    """Quantise a file in place, statically: QDQ, weights by channel, activations by tensor.

    Raises:
        ExportError: ONNX Runtime's quantiser gave up.
    """
    from onnxruntime.quantization import (
        CalibrationDataReader,
        QuantFormat,
        QuantType,
        quantize_static,
    )
    from onnxruntime.quantization.shape_inference import quant_pre_process

    class Reader(CalibrationDataReader):
        def __init__(self) -> None:
            self._rest = iter(feeds)

        def get_next(self) -> Any:
            feed = next(self._rest, None)
            return feed and {name: to_layout(value, layout) for name, value in feed.items()}

    level = logging.getLogger().level
    with tempfile.TemporaryDirectory() as folder:
        prepared, quantised = Path(folder) / "prepared.onnx", Path(folder) / "quantised.onnx"
        try:
            logging.getLogger().setLevel(logging.ERROR)  # it advises to do what was just done
            quant_pre_process(str(path), str(prepared), skip_symbolic_shape=True)
            quantize_static(
                str(prepared),
                str(quantised),
                Reader(),
                quant_format=QuantFormat.QDQ,
                per_channel=True,
                activation_type=QuantType.QUInt8,
                weight_type=QuantType.QInt8,
                # 7 bits: two products of 8 bits overflow the 16 that AVX2 adds them in.
                reduce_range=True,
            )
        except Exception as error:  # it asserts, and raises whatever NumPy and ONNX raise
            raise ExportError(f"ONNX Runtime can't quantise it: {first_line(error)}") from error
        finally:
            logging.getLogger().setLevel(level)
        path.write_bytes(quantised.read_bytes())
