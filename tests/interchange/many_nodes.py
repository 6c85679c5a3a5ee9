"""Many forms of an operator in one file: one model, one session, one pass of the evaluator."""

from dataclasses import dataclass, field
from typing import Any

import keras
import numpy as np
import onnx
from onnx import TensorProto, helper, numpy_helper
from onnx.reference import ReferenceEvaluator
from onnx_files import last, weights

from keras_upsample import interchange


@dataclass(frozen=True)
class Form:
    """One node on x.

    Attributes:
        kind: operator.
        constants: its other inputs, None for absent ones.
        options: attributes.
        reference: whether ONNX' reference evaluator has it as ONNX Runtime has it.
        dtype: of the output.
    """

    kind: str
    constants: tuple[Any, ...] = ()
    options: dict[str, Any] = field(default_factory=dict)
    reference: bool = True
    dtype: int = TensorProto.FLOAT

    @property
    def name(self) -> str:
        shown = [None if c is None else np.asarray(c).ravel()[:8].tolist() for c in self.constants]
        return f"{self.kind} {self.options} {shown}"


def check_forms(folder, forms, shape, opset=18, low=-1.0):
    """`from_onnx` compares each with ONNX Runtime on two images; this with the evaluator on three.

    Args:
        shape: of x, without the batch, which stays open.
    """
    path = write(folder, forms, shape, opset)
    model = interchange.from_onnx(path)
    sure = [place for place, form in enumerate(forms) if form.reference]
    x = weights(3, *shape, low=low)
    found = keras.tree.flatten(model(last(x), training=False))
    assert len(found) == len(forms)
    if sure:
        own = write(folder, [forms[place] for place in sure], shape, opset)
        wanted = ReferenceEvaluator(str(own)).run(None, {"x": x})
        for place, values in zip(sure, wanted, strict=True):
            values = last(np.asarray(values)).astype("float64")
            reach = max(float(np.ptp(values[np.isfinite(values)], axis=None)), 1)
            np.testing.assert_allclose(
                np.asarray(found[place]).astype("float64"),
                values,
                rtol=0,
                atol=1e-5 * reach,
                err_msg=forms[place].name,
            )
    return model


def write(folder, forms, shape, opset):
    """The file."""
    nodes, arrays = [], []
    for place, form in enumerate(forms):
        names = ["x"]
        for number, constant in enumerate(form.constants):
            names.append("" if constant is None else f"c{place}_{number}")
            if constant is not None:
                arrays.append(numpy_helper.from_array(np.asarray(constant), names[-1]))
        nodes.append(helper.make_node(form.kind, names, [f"y{place}"], form.name, **form.options))
    graph = helper.make_graph(
        nodes,
        "many",
        [helper.make_tensor_value_info("x", TensorProto.FLOAT, ("N", *shape))],
        [
            helper.make_tensor_value_info(f"y{place}", form.dtype, None)
            for place, form in enumerate(forms)
        ],
        arrays,
    )
    model = helper.make_model(graph, opset_imports=[helper.make_opsetid("", opset)])
    model.ir_version = 9
    path = folder / "many.onnx"
    onnx.save(model, path)
    return path
