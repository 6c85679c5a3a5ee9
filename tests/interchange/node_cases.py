"""ONNX' own cases of its operators, as files of one input that flows.

onnx.backend.test.case.node has several cases for each operator, with values that NumPy code of the
ONNX project computed. Of those whose first float input has two dimensions or more, that input
flows, and all others become constants of the file.
"""

from collections import Counter
from dataclasses import dataclass, field
from pathlib import Path

import keras
import numpy as np
import onnx
from onnx import numpy_helper
from onnx.backend.test.case.node import collect_testcases
from onnx_files import last

from keras_upsample import interchange
from keras_upsample.errors import ArtefactError, VerificationError
from keras_upsample.interchange._net import OPSETS

NEWEST = OPSETS[-1]


@dataclass(frozen=True)
class Case:
    name: str
    kinds: tuple[str, ...]
    model: onnx.ModelProto
    x: np.ndarray
    outputs: list[np.ndarray]


@dataclass
class Outcomes:
    counts: Counter = field(default_factory=Counter)
    wrong: dict[str, str] = field(default_factory=dict)
    refused: dict[str, str] = field(default_factory=dict)


def cases(expanded: bool) -> list[Case]:
    """Those that apply; `expanded` ones are operators written as the nodes that define them."""
    found = (_case(each) for each in collect_testcases(None))
    return [case for case in found if case is not None and ("_expanded" in case.name) == expanded]


def _case(each) -> Case | None:
    model = onnx.ModelProto()
    model.CopyFrom(each.model)
    graph = model.graph
    if not each.data_sets or any(entry.domain for entry in model.opset_import):
        return None
    inputs, outputs = each.data_sets[0]
    arrays = [*inputs, *outputs]
    if not all(isinstance(array, np.ndarray) for array in arrays):
        return None
    flowing = next(
        (i for i, a in enumerate(inputs) if a.dtype == np.float32 and a.ndim > 1 and a.size), None
    )
    if flowing is None or any(a.dtype.kind not in "fiub" for a in arrays):
        return None
    x = inputs[flowing]
    for place, array in enumerate(inputs):
        if place != flowing:
            graph.initializer.append(numpy_helper.from_array(array, graph.input[place].name))
    info = onnx.ValueInfoProto.FromString(graph.input[flowing].SerializeToString())
    if x.shape[0] > 1:
        info.type.tensor_type.shape.dim[0].dim_param = "N"
    del graph.input[:]
    graph.input.append(info)
    for output in graph.output:
        for dim in output.type.tensor_type.shape.dim:
            dim.Clear()
    model.opset_import[0].version = min(max(model.opset_import[0].version, OPSETS[0]), NEWEST)
    model.ir_version = 9
    try:
        onnx.checker.check_model(model)
    except onnx.checker.ValidationError:  # of an opset that is newer
        return None
    kinds = tuple(node.op_type for node in graph.node)
    return Case(each.name, kinds, model, x, outputs)


def run(each: Case, path: Path, outcomes: Outcomes) -> None:
    """Read it, compute it, compare it with the values that the case states.

    The comparison with ONNX Runtime, which costs most of the time, is left to those that differ:
    a batch that is reshaped is seen by it alone.
    """
    onnx.save(each.model, path)
    try:
        difference = _difference(interchange.from_onnx(path, verify=False), each)
        if difference:
            interchange.from_onnx(path)
    except (ArtefactError, VerificationError) as error:
        outcomes.counts["refused"] += 1
        outcomes.refused[each.name] = str(error)
        return
    outcomes.counts["wrong" if difference else "passed"] += 1
    if difference:
        outcomes.wrong[each.name] = difference


def _difference(model: keras.Model, each: Case) -> str:
    """What differs, or nothing."""
    try:
        found = keras.tree.flatten(model(last(each.x), training=False))
    except Exception as error:  # a batch that takes part; ONNX Runtime is asked then
        return str(error)
    for y, wanted in zip(found, each.outputs, strict=True):
        y, wanted = np.asarray(y), last(wanted)
        if y.shape != wanted.shape:
            return f"the shape {y.shape} for {wanted.shape}"
        y, wanted = y.astype("float64"), wanted.astype("float64")
        if not np.allclose(y, wanted, rtol=1e-5, atol=1e-5, equal_nan=True):
            return f"by {np.nanmax(np.abs(y - wanted)):.1e}"
    return ""
