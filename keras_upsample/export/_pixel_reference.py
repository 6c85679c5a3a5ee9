"""Reference outputs for files that scale 8-bit pixels themselves."""

from collections.abc import Iterator
from dataclasses import replace
from typing import Any

import numpy as np

from ..examples._cases import Case, Images, _batch_of, _sources, at_size_of
from ..examples._item import Example
from ..examples._shown import check_scale
from ..examples._sources import as_list
from ..formats._inside import Inside
from ..program._program import Program
from ..program._signature import Signature
from ._compare import ScoresBehind
from ._reference import Reference


class PixelReference(Reference):
    """A model run on 8-bit pixels that NumPy scales; its pictures are returned in 0 to 255.

    It does not use the file's own arithmetic.
    """

    def __init__(
        self, program: Program, images: Images = None, source: str = "", *, plan: Inside
    ) -> None:
        super().__init__(program, images, source)
        self._signature = plan.shown(program.signature)
        self._plan = plan
        self.whole = frozenset(plan.outputs)

    def before(self, images: Images, source: str) -> "PixelReference":
        return PixelReference(self._program, images, source, plan=self._plan)

    def exact(self, case: Case) -> dict[str, np.ndarray] | None:
        answer = super().exact(self._scaled(case))
        return None if answer is None else self._plan.answers(answer)

    def scores(self, case: Case) -> dict[str, ScoresBehind]:
        return super().scores(self._scaled(case))

    def _call(self, case: Case) -> dict[str, Any]:
        return super()._call(self._scaled(case))

    def _fresh_answer(self, case: Case) -> dict[str, np.ndarray] | None:
        answer = super()._fresh_answer(case)
        return None if answer is None else self._plan.answers(answer)

    def _scaled(self, case: Case) -> Case:
        return replace(case, feeds=self._plan.scaled(case.feeds))


def reference_of(
    program: Program, images: Images, plan: Inside | None, source: str = ""
) -> Reference:
    """The reference outputs for a model's files; `images` are read once, before any work is done.

    Args:
        program: program of the model.
        images: see `KINDS`, or None.
        plan: the scaling inside the files.
        source: source of the images, in words; "" for the argument `images`.

    Raises:
        ValueError: `images` do not fit, or are not pictures although the files take pixels.
    """
    images = as_list(images, program.signature, "images")
    if images is not None:
        _check(images, program.signature, plan)
    if plan is None:
        return Reference(program, images, source)
    return PixelReference(program, images, source, plan=plan)


def _check(images: Images, signature: Signature, plan: Inside | None) -> None:
    specs = at_size_of(signature, images).closed().inputs

    def pairs() -> Iterator[tuple[Example, dict[str, np.ndarray]]]:
        for _, example in _sources(images, signature):
            for name in plan.inputs if plan is not None else ():
                if name in example and example[name].dtype not in (np.uint8, np.uint16):
                    raise ValueError(
                        'With `scaling="inside"`, `images` must be pictures of uint8 or uint16, '
                        f"which the file scales. Received: {example[name].dtype}."
                    )
            yield example, {s.name: _batch_of(example, s) for s in specs if s.name in example}

    check_scale(pairs(), specs, "images")
