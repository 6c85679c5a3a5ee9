"""Single operators in GPU engines: the outcomes of docs/atlas.md, and the rules by them."""

from collections.abc import Iterator
from typing import Any

import pytest
from gpu_case import LITERT, REFUSED, RIGHT, Case, run
from gpu_operators import CASES

from keras_upsample.edge._file import OperatorFacts, read
from keras_upsample.edge._rules import RULES, WRONG
from keras_upsample.runtimes._load import absence


def cases() -> Iterator[Any]:
    for engine, found in CASES.items():
        for case in found:
            marks = () if case.quick else (pytest.mark.slow,)
            yield pytest.param(engine, case, id=f"{engine}: {case.name}", marks=marks)


def test_names_are_unique():
    for found in CASES.values():
        assert len({case.name for case in found}) == len(found)


@pytest.mark.parametrize(("engine", "case"), list(cases()))
def test_an_engine_computes_as_recorded(engine: str, case: Case, tmp_path):
    if reason := absence(engine):
        pytest.skip(reason)
    found = run(case, engine, tmp_path)
    assert found.outcome == case.outcome, f"difference {found.error}, {found.words!r}"
    assert case.words in found.words
    assert tuple(found.left) == case.left


def verdict(operator: OperatorFacts) -> str:
    if any(rule.finds(operator) for rule in RULES[LITERT]):
        return "refused"
    return "wrong" if any(rule.finds(operator) for rule in WRONG[LITERT]) else "taken"


@pytest.mark.parametrize("case", CASES[LITERT], ids=lambda case: case.name)
def test_rules_agree_with_what_was_measured(case: Case, tmp_path):
    path = tmp_path / "case.tflite"
    path.write_bytes(case.build())
    (operator,) = read(path).operators
    assert operator.name == case.operator
    if case.constant is not None:
        assert case.constant in [tensor.shape for tensor in operator.inputs if tensor.constant]
    expected = {RIGHT: "taken", REFUSED: "refused"}.get(case.outcome, "wrong")
    assert verdict(operator) == expected
