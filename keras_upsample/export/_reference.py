"""Reference outputs of the model, computed once and compared with every file."""

from collections.abc import Mapping
from dataclasses import dataclass, replace
from functools import partial
from typing import TYPE_CHECKING, Any

import numpy as np

from .._others import _keras
from ..errors import ExportError, first_line
from ..examples._cases import Case, Images, _sources, cases
from ..examples._shown import IMAGES, PHOTOGRAPHS, RANDOM, Shown, describe_values, in_words
from ..formats._keras_quantized import rounds_activations
from ..program._inference import with_precision
from ..program._input_shape import InputSpec
from ..program._program import Program
from ..program._signature import Signature
from ..program._stateless import Traced
from ..runtimes._layout import to_layout
from ..targets import Gate, where_activations_are_rounded, where_rounding_decides
from ._compare import ScoresBehind
from ._doubles import in_doubles, rounds
from ._score_model import scores_behind

if TYPE_CHECKING:
    from ..runtimes import Runner, TensorInfo


class Reference:
    """A model, and its outputs for the cases that an artefact accepts.

    Attributes:
        images: the user's images, see `cases`.
        source: source of these images, in words; "" for the argument `images`.
        whole: names of outputs that the artefact rounds to integers and the model does not.
    """

    whole: frozenset[str] = frozenset()

    def __init__(self, program: Program, images: Images = None, source: str = "") -> None:
        self._program, self.images, self.source = program, images, source
        self._model = model = program.model
        self._signature = program.signature
        self._answers: dict[Any, dict[str, np.ndarray] | None] = {}
        self._cases: tuple[Signature, list[Case]] | None = None
        self._function = Traced(partial(self._infer, with_precision(model)))
        self._scores: Any = None

    @property
    def taken(self) -> Signature:
        """The model's own signature."""
        return self._program.signature

    @property
    def probabilities(self) -> frozenset[str]:
        """Names of the outputs that are probabilities, by the metadata."""
        outputs = self._program.metadata.outputs
        return frozenset(item.name for item in outputs if item.kind == "probabilities")

    def before(self, images: Images, source: str) -> "Reference":
        """The same model with other images."""
        return Reference(self._program, images, source)

    def shown(self, runner: "Runner") -> tuple[Shown, ...]:
        """The images on which the model and the artefact were compared."""
        feeds = [c.case.feeds for c in self.cases_for(runner, real=True) if c.case.standard]
        return describe_values("verification", self._where(), feeds, self._signature.inputs)

    def _where(self) -> dict[str, str]:
        """Input -> where its values come from."""
        _, example = next(_sources(self.images, self._signature))
        source = self.source or (PHOTOGRAPHS if self.images is None else IMAGES)
        made = self.images is None
        return {
            spec.name: in_words(source, spec, made) if spec.name in example else RANDOM
            for spec in self._signature.inputs
        }

    def _infer(self, model: Any, *tensors: Any) -> dict[str, Any]:
        return self._signature.call(model, tensors)

    def cases_for(self, runner: "Runner", *, real: bool = False) -> list["CaseFor"]:
        """The cases that the artefact's input shapes allow, with the model's outputs.

        Args:
            runner: the artefact.
            real: whether to use only the cases that are images, without noise.

        Raises:
            ValueError: the artefact's inputs are not the model's, or are in another order, or the
                model's output for an image is not finite.
            ExportError: the model fails on an image.
        """
        infos = _match(self._signature, runner)
        narrowed = replace(self._signature, inputs=tuple(spec for spec, _ in infos.values()))
        if self._cases is None or self._cases[0] != narrowed:  # read once for each artefact
            self._cases = narrowed, cases(narrowed, self.images)
        result = []
        for case in self._cases[1]:
            if real and not case.real:
                continue
            expected = self._answer(case)
            if expected is None:
                continue
            feeds = {
                name: to_layout(case.feeds[spec.name], runner.layout).astype(info.dtype)
                for name, (spec, info) in infos.items()
            }
            result.append(CaseFor(case, feeds, expected))
        return result

    def gate(self, gate: Gate) -> Gate:
        """The gate, adapted to a model that amplifies rounding differences."""
        from ..layers import MaxPoolingWithIndices2D

        if rounds_activations(self._model):
            return where_activations_are_rounded(gate)
        layers = _keras.flatten_layers(self._model)
        decides = any(isinstance(layer, MaxPoolingWithIndices2D) for layer in layers)
        return where_rounding_decides(gate) if decides else gate

    def run(self, case: Case) -> None:
        """Run the model once, to measure its latency."""
        for value in self._call(case).values():
            value.numpy()

    def scores(self, case: Case) -> dict[str, ScoresBehind]:
        """The scores that the model's class maps are made from, by output; empty if not found."""
        import tensorflow as tf

        if self._scores is None:
            scores, thresholds = scores_behind(self._program)
            self._scores = with_precision(scores.model), scores.signature, thresholds
        model, signature, thresholds = self._scores
        if not thresholds:
            return {}
        tensors = [tf.constant(case.feeds[spec.name]) for spec in self._signature.inputs]
        found = signature.call(model, tensors)
        return {
            name: ScoresBehind(np.asarray(value), limit)
            for (name, limit), value in zip(thresholds.items(), found.values(), strict=True)
        }

    def exact(self, case: Case) -> dict[str, np.ndarray] | None:
        """The model's outputs in float64, or None if it can't be computed in that precision."""
        feeds = [case.feeds[spec.name] for spec in self._signature.inputs]
        try:
            with in_doubles(self._model) as own:
                run = Traced(partial(self._infer, own))
                tensors = [_in_double(values) for values in feeds]
                if rounds(run.graph(*tensors)):
                    return None
                answer = {name: value.numpy() for name, value in run(*tensors).items()}
        except Exception:  # an operator or a custom layer that knows no float64
            return None
        known = all(value.dtype.kind in "iub" or value.dtype == "f8" for value in answer.values())
        return answer if known else None

    def _call(self, case: Case) -> dict[str, Any]:
        import tensorflow as tf

        tensors = [tf.constant(case.feeds[spec.name]) for spec in self._signature.inputs]
        return self._function(*tensors)

    def _answer(self, case: Case) -> dict[str, np.ndarray] | None:
        key = (case.label, tuple(array.shape for array in case.feeds.values()))
        if key not in self._answers:
            self._answers[key] = self._fresh_answer(case)
        return self._answers[key]

    def _fresh_answer(self, case: Case) -> dict[str, np.ndarray] | None:
        try:
            answer = {name: value.numpy() for name, value in self._call(case).items()}
        except Exception as error:
            if case.standard:
                raise ExportError(
                    f"The model itself can't be run here on {case.label}, so there is nothing to "
                    f"compare an artefact with: {first_line(error)}"
                ) from error
            return None  # a size that the model itself does not take
        for name, value in answer.items():
            if value.dtype.kind == "f" and not np.isfinite(value).all():
                raise ValueError(
                    f"The model's output {name!r} holds NaN or infinity on {case.label}, so there "
                    "is nothing to compare an artefact with."
                )
        return answer


def _in_double(values: np.ndarray) -> Any:
    import tensorflow as tf

    return tf.constant(values, tf.float64 if values.dtype.kind == "f" else None)


@dataclass(frozen=True)
class CaseFor:
    """A case with its inputs in an artefact's names and layout, and the model's outputs."""

    case: Case
    feeds: Mapping[str, np.ndarray]
    expected: Mapping[str, np.ndarray]


def _match(signature: Signature, runner: "Runner") -> dict[str, tuple[InputSpec, "TensorInfo"]]:
    """Artefact input name -> the model's input, narrowed to the artefact's sizes."""
    infos, layout = runner.inputs, runner.layout
    by_name = {info.name: info for info in infos}
    names = [spec.name for spec in signature.inputs]
    if set(by_name) != set(names):
        if len(infos) != 1 or len(names) != 1:
            raise ValueError(
                f"The artefact's inputs are {sorted(by_name)}, the model's are {sorted(names)}: "
                "the artefact was not made from this model."
            )
        by_name = {names[0]: infos[0]}
    elif runner.ordered and list(by_name) != names:
        raise ValueError(
            f"The artefact's inputs are in the order {list(by_name)}, the model's in {names}. "
            "Export the model again: earlier versions sorted inputs and outputs by name."
        )
    result = {}
    for spec in signature.inputs:
        info = by_name[spec.name]
        shape = info.shape
        if layout == "nchw" and len(shape) == 4:
            shape = (shape[0], shape[2], shape[3], shape[1])
        own = spec.shape
        if len(shape) != len(own) or any(
            a is not None and b is not None and a != b for a, b in zip(shape, own, strict=True)
        ):
            raise ValueError(
                f"The artefact's input {info.name!r} has the shape {shape}, and the model's has "
                f"{own}: the artefact was not made from this model."
            )
        both = tuple(a if a is not None else b for a, b in zip(shape, own, strict=True))
        result[info.name] = (replace(spec, shape=both), info)
    return result
