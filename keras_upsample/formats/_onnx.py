"""Model -> ONNX file."""

import logging
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import numpy as np

from ..errors import ExportError, first_line
from ..files._durable import open_all
from ..files._onnx_file import save_onnx
from ..files._plain_path import plain_path
from ..program._inference import tensor_specs
from ..program._signature import Signature
from ._advice import advice
from ._onnx_groups import split_groups
from ._onnx_operators import operator_handlers
from ._onnx_optimizers import with_sound_optimizers
from ._onnx_pads import explicit_pads
from ._onnx_sizes import size_samples
from ._onnx_unshuffle import unshuffle_by_slices
from ._onnx_weights import large_weights, lifted_arrays, lower_weights, weight_specs

OPSETS = range(13, 19)
"""tf2onnx writes no newer one, and the forms used here need 13."""
LAYOUTS = ("nhwc", "nchw")


def write_onnx(
    model: Any,
    signature: Signature,
    path: Path,
    *,
    opset: int,
    layout: str,
) -> list[str]:
    """Trace, convert by tf2onnx with our own handlers for resizes and transposed convolutions,
    name what has no name, check.

    Returns:
        The names of the outputs, in order.

    Raises:
        ExportError: an operator has no ONNX form, or the result is not valid ONNX.
    """
    weights = large_weights(model)
    function = _lifted_function(model, signature, weights)
    traced = function.get_concrete_function()
    outputs = traced.structured_outputs
    rank4 = {
        "inputs": [spec.name for spec in signature.inputs if len(spec.shape) == 4],
        "outputs": [name for name, tensor in outputs.items() if tensor.shape.rank == 4],
    }
    nchw = layout == "nchw"
    refused: list[str] = []

    def convert() -> Any:
        import tf2onnx

        refused.clear()
        return tf2onnx.convert.from_function(
            function,
            input_signature=[*tensor_specs(signature.inputs), *weight_specs(weights)],
            opset=opset,
            custom_op_handlers=operator_handlers(size_samples(traced.graph), refused),
            inputs_as_nchw=[f"{name}:0" for name in rank4["inputs"]] if nchw else None,
            outputs_as_nchw=_tensor_names(function, rank4["outputs"]) if nchw else None,
        )[0]

    with _quiet_tf2onnx() as complaints:
        try:
            proto = with_sound_optimizers(convert)
        except Exception as error:  # tf2onnx raises ValueError, KeyError, AssertionError, ...
            raise ExportError(f"tf2onnx failed: {first_line(error)}") from error
    if refused:
        raise ExportError(
            f"ONNX has no form that computes the same as {', '.join(refused)}. {advice(refused)}"
        )
    constants = lower_weights(proto, {**lifted_arrays(weights), **_captures(function)})
    explicit_pads(proto)
    split_groups(proto, constants)
    unshuffle_by_slices(proto)
    _rename_dimensions(proto, signature, rank4, nchw)
    _put_in_order(proto.graph.input, [spec.name for spec in signature.inputs])
    _put_in_order(proto.graph.output, list(outputs))
    _describe(proto, layout)
    save_onnx(proto, path, constants)
    try:
        with plain_path(path) as plain:
            _check(plain)
    except OSError:
        raise
    except Exception as error:
        reason = "; ".join(complaints) or first_line(error)
        raise ExportError(f"The model has no valid ONNX form: {reason}") from error
    return list(outputs)


def _check(path: Path) -> None:
    """
    Raises:
        OSError: the file can't be opened.
    """
    import onnx

    try:
        onnx.checker.check_model(str(path), full_check=True)
    except Exception as error:
        if "Unable to open" not in str(error):
            raise
        open_all(path)
        onnx.checker.check_model(str(path), full_check=True)


def _lifted_function(model: Any, signature: Signature, weights: Sequence[Any]) -> Any:
    """The inference function with the large weights as further inputs."""
    import tensorflow as tf

    specs = [*tensor_specs(signature.inputs), *weight_specs(weights)]

    @tf.function(input_signature=specs, autograph=False)
    def infer(*tensors: Any) -> dict[str, Any]:
        count = len(signature.inputs)
        state = list(zip(weights, tensors[count:], strict=True))
        return _rename_apart(signature.call(model, tensors[:count], state), signature)

    return infer


def _rename_apart(outputs: dict[str, Any], signature: Signature) -> dict[str, Any]:
    """Outputs under names that no input has: an ONNX graph has one tensor of each name."""
    import tensorflow as tf

    inputs = {spec.name for spec in signature.inputs}
    result: dict[str, Any] = {}
    for name, tensor in outputs.items():
        own = name
        while own in inputs or own in result or (own != name and own in outputs):
            own += "_output"
        result[own] = tensor if own == name else tf.identity(tensor)
    return result


def _captures(function: Any) -> dict[str, np.ndarray]:
    """Constants made outside the trace, as `Normalization` holds: tf2onnx takes them for inputs."""
    import tensorflow as tf

    captures = function.get_concrete_function().graph.captures
    return {tensor.name: value.numpy() for value, tensor in captures if value.dtype != tf.resource}


def _put_in_order(values: Any, names: Sequence[str]) -> None:
    """tf2onnx sorts outputs by name."""
    place = {name: i for i, name in enumerate(names)}
    ordered = sorted(values, key=lambda value: place.get(value.name, len(place)))
    del values[:]
    values.extend(ordered)


def _tensor_names(function: Any, names: list[str]) -> list[str]:
    # tf2onnx renames outputs to their keys only after it has looked for these.
    concrete = function.get_concrete_function()
    by_key = dict(zip(sorted(concrete.structured_outputs), concrete.outputs, strict=True))
    return [by_key[name].name for name in names]


@contextmanager
def _quiet_tf2onnx() -> Iterator[list[str]]:
    """tf2onnx logs an unsupported operator and goes on: keep what it says, print nothing."""
    complaints: list[str] = []

    class Keep(logging.Handler):
        def emit(self, record: logging.LogRecord) -> None:
            if record.levelno >= logging.ERROR:
                complaints.append(record.getMessage())

    logger = logging.getLogger("tf2onnx")
    keep, propagate, level = Keep(), logger.propagate, logger.level
    logger.addHandler(keep)
    logger.propagate = False
    logger.setLevel(logging.ERROR)
    try:
        yield complaints
    finally:
        logger.removeHandler(keep)
        logger.propagate = propagate
        logger.setLevel(level)


def _rename_dimensions(
    proto: Any, signature: Signature, rank4: dict[str, list[str]], nchw: bool
) -> None:
    """`unk__95` -> `batch`, `height`, `width`; an output keeps an input's name only if it is equal
    for sure, so outputs of images get names of their own but for the batch."""
    spatial = (2, 3) if nchw else (1, 2)
    several = len(signature.inputs) > 1
    for kind, values in (("inputs", proto.graph.input), ("outputs", proto.graph.output)):
        for value in values:
            prefix = f"{value.name}_" if kind == "outputs" or several else ""
            for axis, dimension in enumerate(value.type.tensor_type.shape.dim):
                if dimension.HasField("dim_value"):
                    continue
                if axis == 0:
                    dimension.dim_param = "batch"
                elif value.name in rank4[kind] and axis in spatial:
                    dimension.dim_param = prefix + ("height", "width")[spatial.index(axis)]
                else:
                    dimension.dim_param = f"{value.name}_dim_{axis}"


def _describe(proto: Any, layout: str) -> None:
    import onnx

    onnx.helper.set_model_props(proto, {"layout": layout})
