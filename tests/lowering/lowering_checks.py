"""Helpers of the lowering tests: random models, forced forms, equality of values."""

import dataclasses
from collections.abc import Callable, Mapping, Sequence
from dataclasses import fields
from typing import Any

import keras
import numpy as np
import reference
from compare import assert_close

from keras_upsample.data import photograph
from keras_upsample.lowering import Lowered, lower
from keras_upsample.lowering._lower import rewrite
from keras_upsample.lowering._rewriting import Rewriting
from keras_upsample.lowering._rules._all import STAGES
from keras_upsample.program._applied import KEEP
from keras_upsample.program._program import program_of
from keras_upsample.program._read import graph_of
from keras_upsample.program._signature import signature_of
from keras_upsample.targets import TARGETS, Target

OF_RANGE = 1e-5
Pair = tuple[int, int]


def target(forms: Mapping[str, str] | None = None, **options: Any) -> Target:
    """A target that leaves sizes and batch open, tries every rule and takes these forms."""
    options.setdefault("never", frozenset())
    options.setdefault("never_forms", frozenset())
    lowering = {rule: (form,) for rule, form in (forms or {}).items()}
    return dataclasses.replace(TARGETS["saved_model"], lowering=lowering, **options)


def photographs(*names: str, size: Sequence[int]) -> list[dict[str, np.ndarray]]:
    """Photographs as what a model is fed with; four of them unless they are named."""
    names = names or ("astronaut", "chelsea", "coffee", "rocket")
    return [{"image": photograph(name, tuple(size[:2]))[None] / np.float32(255)} for name in names]


def only(*rules: Any) -> frozenset[str]:
    """For `never`: every rule but these."""
    every = {rule.NAME for stage in STAGES for rule in stage}
    return frozenset(every - {rule.NAME for rule in rules})


def stirred(model: Any, seed: int = 5) -> Any:
    """Weights, biases and statistics that no initialiser gives, of either sign."""
    rng = np.random.default_rng(seed)
    for weight in model.weights:
        if "int" in str(weight.dtype):
            continue
        values = rng.uniform(-1, 1, weight.shape)
        if "variance" in weight.path:
            values = rng.uniform(0.3, 2, weight.shape)
        weight.assign(values)
    return model


def model_of(stack: Callable[[Any], Any], *shape: int | None, dtype: str = "float32") -> Any:
    """One input and what a function of layers makes of it, with random weights."""
    x = keras.Input(shape, dtype=dtype, name="image")
    return stirred(keras.Model(x, stack(x)))


def noise(*shape: int, seed: int = 3) -> np.ndarray:
    return np.random.default_rng(seed).uniform(-1, 1, shape).astype("float32")


def feed_of(model: Any, size: Pair = (5, 7), batch: int = 2) -> list[np.ndarray]:
    """Random values for each input; open heights and widths get `size`."""
    feeds = []
    for seed, symbol in enumerate(model.inputs):
        spare = iter(size)
        shape = [batch, *(n if n is not None else next(spare) for n in symbol.shape[1:])]
        x = noise(*shape, seed=seed)
        feeds.append(x if symbol.dtype == "float32" else (100 * (x + 1)).astype(symbol.dtype))
    return feeds


def answers(model: Any, feeds: Sequence[np.ndarray]) -> list[Any]:
    """The model's outputs at inference, flat."""
    graph = model._functional if isinstance(model, keras.Sequential) else model
    packed = keras.tree.pack_sequence_as(graph._inputs_struct, list(feeds))
    return keras.tree.flatten(model(packed, training=False))


def assert_equal(given: Sequence[Any], wanted: Sequence[Any], of_range: float = OF_RANGE) -> None:
    """Values and dtypes of two lists of tensors."""
    for actual, expected in zip(given, wanted, strict=True):
        dtype = keras.backend.standardize_dtype(expected.dtype)
        expected = keras.ops.convert_to_numpy(keras.ops.cast(expected, "float32"))
        assert_close(actual, expected, of_range=of_range, dtype=dtype)


def assert_same(lowered: Lowered, model: Any, of_range: float = OF_RANGE, **options: Any) -> None:
    """The lowered model gives what the model gives; `options` are those of `feed_of`."""
    assert not lowered.notice
    assert lowered.model is not model
    feeds = feed_of(model, **options)
    assert_equal(answers(lowered.model, feeds), answers(model, feeds), of_range)


def check(model: Any, *rules: Any, sizes: Sequence[Pair] = ((5, 7),), **options: Any) -> Lowered:
    """Lowered, the model computes the same, and each rule was applied once or more.

    Rules are modules of `_rules`; `options` are those of `target`.
    """
    lowered = lower(model, target(**options))
    for size in sizes:
        assert_same(lowered, model, size=size)
    applied = names_of(lowered)
    for rule in rules:
        assert rule.NAME in applied, f"{rule.NAME!r} is not among {applied}"
    return lowered


def check_untouched(model: Any, *kinds: type, **options: Any) -> Lowered:
    """Lowered, the model computes the same, with just as many layers of each kind."""
    lowered = check(model, **options)
    for kind in kinds:
        assert count(lowered.model, kind) == count(model, kind) > 0, kind.__name__
    return lowered


def names_of(lowered: Lowered) -> list[str]:
    """Of the rules that changed something."""
    return [entry.rule for entry in lowered.applied if entry.form != KEEP]


def count(model: Any, kind: type) -> int:
    """Layers of exactly this kind, those of nested models among them."""
    return sum(type(layer) is kind for layer in model._flatten_layers())


def flat(lowered: Lowered) -> bool:
    """Whether no model is left inside."""
    return not any(isinstance(layer, keras.Model) for layer in lowered.model.layers)


def proposals(model: Any, rule: Any) -> dict[str, Any]:
    """The forms that a rule proposes at the first place where it proposes any."""
    found: list[Any] = []

    def choose(proposal: Any, graph: Any) -> tuple[str, None]:
        if proposal.rule == rule.NAME:
            found.append(proposal)
        return KEEP, None

    graph = graph_of(model, signature_of(model))
    Rewriting(graph, choose).run([[rule]])
    return dict(found[0].forms) if found else {}


def lower_by(model: Any, rule: Any, form: str) -> Lowered:
    """The model with this form wherever the rule proposes it, and no other rule's work."""

    def choose(proposal: Any, graph: Any) -> tuple[str, None]:
        return (form if form in proposal.forms else KEEP), None

    program = rewrite(program_of(model, signature_of(model)), target(never=only(rule)), choose)
    return Lowered(program.model, program.notes, program.notice)


def check_forms(
    model: Any,
    rule: Any,
    oracle: Callable[[np.ndarray], np.ndarray] | None = None,
    sizes: Sequence[Pair] = ((5, 7),),
) -> set[str]:
    """Every form that the rule proposes equals the model and the oracle; returns their names."""
    forms = set(proposals(model, rule))
    feeds = [feed_of(model, size=size) for size in sizes]
    wanted = [answers(model, feed) for feed in feeds]
    for form in sorted(forms):
        lowered = lower_by(model, rule, form)
        taken = [entry.form for entry in lowered.applied if entry.rule == rule.NAME]
        assert taken == [form], f"{form!r} was not taken: {lowered.notice or taken}"
        for feed, expected in zip(feeds, wanted, strict=True):
            given = answers(lowered.model, feed)
            assert_equal(given, expected)
            if oracle is not None:
                assert_close(given[0], oracle(*feed), of_range=OF_RANGE)
    return forms


class Case:
    """Its name holds what differs from the defaults."""

    def __str__(self) -> str:
        options = {field.name: (getattr(self, field.name), field.default) for field in fields(self)}
        told = [f"{key}={value}" for key, (value, default) in options.items() if value != default]
        return " ".join(told).replace(", ", ",") or "plain"


# The oracle


ACTIVATIONS: dict[Any, Callable[[np.ndarray], np.ndarray]] = {
    None: lambda x: x,
    "relu": lambda x: np.maximum(x, 0),
    "tanh": np.tanh,
    "softmax": reference.softmax,
}


def convolved(
    x: np.ndarray,
    kernel: np.ndarray,
    bias: np.ndarray | None = None,
    pads: tuple[Pair, Pair] = ((0, 0), (0, 0)),
    strides: Pair = (1, 1),
) -> np.ndarray:
    """A convolution, kernel (rows, columns, in, out), as plain loops in float64."""
    n, h, w, _ = x.shape
    kh, kw, _, filters = kernel.shape
    (top, bottom), (left, right) = pads
    rows = (h + top + bottom - kh) // strides[0] + 1
    columns = (w + left + right - kw) // strides[1] + 1
    x, kernel = x.astype("float64"), kernel.astype("float64")
    y = np.zeros((n, rows, columns, filters))
    for i in range(rows):
        for j in range(columns):
            for a in range(kh):
                for b in range(kw):
                    p, q = strides[0] * i + a - top, strides[1] * j + b - left
                    if 0 <= p < h and 0 <= q < w:
                        y[:, i, j] += x[:, p, q] @ kernel[a, b]
    return y if bias is None else y + bias


def zeros_around(kernel: Pair, padding: str) -> tuple[Pair, Pair]:
    """Of a convolution of stride 1: "same" puts an odd one at the end."""
    if padding == "valid":
        return (0, 0), (0, 0)
    rows, columns = (((k - 1) // 2, k - 1 - (k - 1) // 2) for k in kernel)
    return rows, columns


def same_zeros(n: int, kernel: int, stride: int, dilation: int = 1) -> Pair:
    """Of TensorFlow's SAME: of ceil(n / s) windows, the odd zero at the end."""
    windows = (n + stride - 1) // stride
    total = max((windows - 1) * stride + (kernel - 1) * dilation + 1 - n, 0)
    return total // 2, total - total // 2


def values(variable: Any) -> Any:
    return None if variable is None else keras.ops.convert_to_numpy(variable).astype("float64")
