"""The model's own answers to pixels that NumPy scales, for files that scale them themselves."""

from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np

from ._compare import ScoresBehind
from ._images import Case, Images
from ._inside import Inside
from ._reference import Reference
from ._signature import Signature


class PixelReference(Reference):
    """A model before 8-bit pixels: shown what NumPy makes of them, its pictures in 0 to 255.

    The file's own arithmetic has no part in it.
    """

    def __init__(
        self, model: Any, signature: Signature, images: Images = None, *, plan: Inside
    ) -> None:
        super().__init__(model, plan.shown(signature), images)
        self._plan, self._plain = plan, signature
        self.whole = frozenset(plan.outputs)

    def shown(self, images: Images) -> "PixelReference":
        return PixelReference(self._model, self._plain, images, plan=self._plan)

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
    model: Any, signature: Signature, images: Images, plan: Inside | None
) -> Reference:
    """The model's answers to what its files take.

    Raises:
        ValueError: `images` are no pictures, where files take pixels.
    """
    if plan is None:
        return Reference(model, signature, images)
    for image in images if isinstance(images, np.ndarray | list | tuple) else ():
        if not isinstance(image, str | Path) and np.asarray(image).dtype.kind == "f":
            raise ValueError(
                'With `scaling="inside"`, `images` must be pictures of uint8 or uint16, which the '
                f"file scales. Received: {np.asarray(image).dtype}."
            )
    return PixelReference(model, signature, images, plan=plan)
