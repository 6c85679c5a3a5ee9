"""float32 ONNX file -> one of lower precision, by ONNX Runtime's own tools."""

import logging
import threading
import warnings
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path
from typing import Any

from ..edge._file import layer_of
from ..errors import ExportError, first_line
from ..files._onnx_file import data_files, save_onnx
from ..files._plain_path import plain_path
from ..files._scratch import scratch
from ..quantization._feeds import Feeds
from ..runtimes._layout import to_layout
from ._layer_names import UnknownLayerError, check_layers


def to_float16(path: Path) -> None:
    """Halve a file in place: float16 inside, float32 at its inputs and outputs."""
    from onnxruntime.transformers.float16 import convert_float_to_float16
    from onnxruntime.transformers.onnx_model import OnnxModel

    with warnings.catch_warnings():
        warnings.simplefilter("ignore")  # of weights too small for float16, which become 0
        halved = convert_float_to_float16(str(path), keep_io_types=True)
    OnnxModel(
        halved
    ).topological_sort()  # casts were added at the end, and ONNX wants them in order
    save_onnx(halved, path)


def to_int8(
    path: Path, feeds: Feeds, layout: str, keep_float: Sequence[str], weight_bits: int
) -> None:
    """Quantise a file in place, statically: QDQ, weights by channel, activations by tensor.

    Args:
        path: the file.
        feeds: for calibration.
        layout: of the file's images.
        keep_float: Keras layers whose operators are left as they are.
        weight_bits: 7 or 8.

    Raises:
        ValueError: no operator comes from a layer of `keep_float`.
        ExportError: ONNX Runtime's quantiser gave up.
    """
    import onnx
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

    large = bool(data_files(path))
    with scratch() as folder, plain_path(path) as plain, _advice_unsaid():
        prepared, quantised = folder / "prepared.onnx", folder / "quantised.onnx"
        try:
            quant_pre_process(
                str(plain),
                str(prepared),
                skip_symbolic_shape=True,
                save_as_external_data=large,
                all_tensors_to_one_file=True,
            )
            excluded = _nodes_of(prepared, keep_float) if keep_float else []
            quantize_static(
                str(prepared),
                str(quantised),
                Reader(),
                quant_format=QuantFormat.QDQ,
                per_channel=True,
                nodes_to_exclude=excluded,
                activation_type=QuantType.QUInt8,
                # Without VNNI, the fast product of unsigned with signed bytes adds pairs in 16
                # bits, which 8-bit products overflow: 7 bits, or unsigned bytes on both sides.
                weight_type=QuantType.QInt8 if weight_bits == 7 else QuantType.QUInt8,
                reduce_range=weight_bits == 7,
                use_external_data_format=large,
            )
        except UnknownLayerError:
            raise
        except Exception as error:  # it asserts, and raises whatever NumPy and ONNX raise
            raise ExportError(f"ONNX Runtime can't quantise it: {first_line(error)}") from error
        save_onnx(onnx.load(str(quantised)), path)


@contextmanager
def _advice_unsaid() -> Iterator[None]:
    """ONNX Runtime advises, by the root logger, to do what was just done: not in this thread."""
    here = threading.get_ident()

    def said(record: logging.LogRecord) -> bool:
        return record.thread != here or record.levelno >= logging.ERROR

    logging.getLogger().addFilter(said)
    try:
        yield
    finally:
        logging.getLogger().removeFilter(said)


def _nodes_of(path: Path, layers: Sequence[str]) -> list[str]:
    """The nodes that come from some Keras layers, by name."""
    import onnx

    nodes = onnx.load(str(path), load_external_data=False).graph.node
    by_layer: dict[str, list[str]] = {}
    for node in nodes:
        if layer := layer_of(node.name):
            by_layer.setdefault(layer, []).append(node.name)
    check_layers(layers, by_layer)
    return [name for layer in layers for name in by_layer[layer]]
