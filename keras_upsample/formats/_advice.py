"""Advice for operators that a format lacks."""

from collections.abc import Iterable

_NO_FORM = "There is no equal form of it here (docs/limits.md)"
_ADVICE = {
    "ArgMax": "Leave keras.ops.argmax out of the model and export with head='argmax'",
    "ResizeArea": "Call tf.image.resize, which has no align_corners",
    "ResizeBicubic": "Call tf.image.resize with method='bicubic', which has no align_corners",
    "ScaleAndTranslate": "Call tf.image.resize, which moves nothing",
}
"""Operator of TensorFlow -> what to do in its place. Only what was tried in every format."""


def advice(operators: Iterable[str]) -> str:
    """A sentence on what to do in place of these operators of TensorFlow."""
    names = {name.split()[0].removeprefix("tf.").removeprefix("Flex") for name in operators}
    found = [_ADVICE[name] for name in sorted(names) if name in _ADVICE]
    return "; ".join(found or [_NO_FORM]) + "."
