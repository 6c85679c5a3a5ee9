"""The ways ("forms") in which a resize can be computed, chosen by a context manager."""

from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from contextvars import ContextVar

FORMS = ("operator", "taps", "matrix", "pointwise", "concat", "steps")
INTERPOLATIONS = ("nearest", "bilinear", "bicubic", "lanczos", "area")
DEFAULT: tuple[str, ...] = ("operator", "taps")
# Six taps an axis take longer than a product with a matrix, and TensorFlow's gradient of a gather
# longer still.
_DEFAULTS = {"lanczos": ("matrix", "taps"), "area": ("operator", "matrix", "taps")}

_chosen: ContextVar[Mapping[str, tuple[str, ...]] | None] = ContextVar("resize_forms", default=None)


def forms_for(interpolation: str) -> tuple[str, ...]:
    """Return the forms to try in order; "taps" is always possible and so ends the list."""
    default = _DEFAULTS.get(interpolation, DEFAULT)
    forms = (_chosen.get() or {}).get(interpolation, default)
    return forms if "taps" in forms else (*forms, "taps")


@contextmanager
def resize_forms(forms: Mapping[str, Sequence[str]]) -> Iterator[None]:
    """Context manager: choose the operators by which resizes are computed.

    The ways to compute a resize ("forms") give the same values up to rounding, by different
    operators in the graph:

    - "operator": the backend's own resize, if it computes exactly what is asked for;
    - "taps": gathers the neighbours and sums them with weights;
    - "matrix": multiplies by constant resampling matrices; needs a static size;
    - "pointwise": the same by 1x1 convolutions of transposed tensors, which NPUs support;
    - "concat": repeats pixels by concatenations and reshapes (nearest at integer factors and a
      static size);
    - "steps": repeats the backend's resize by 2, 4 or 8 (nearest at the same power of 2 on both
      axes).

    The first form that is possible is used, "taps" if no other is. The choice is read while a graph
    is traced: a function that was traced earlier keeps its form.

    Args:
        forms: interpolation ("nearest", "bilinear", "bicubic", "lanczos", "area") -> forms in order
            of preference. Other interpolations keep the forms of an outer context or the default.

    Raises:
        ValueError: an unknown interpolation or form.

    Example:
        >>> with resize_forms({"bicubic": ("matrix",)}):
        ...     y = resize_bicubic(x, scale=2)
    """
    checked = dict(_chosen.get() or {})
    for interpolation, names in forms.items():
        if interpolation not in INTERPOLATIONS:
            raise ValueError(
                f"`forms` must have keys among {', '.join(INTERPOLATIONS)}. "
                f"Received: {interpolation!r}. Correct the key."
            )
        wrong = [names] if isinstance(names, str) else [n for n in names if n not in FORMS]
        if wrong:
            raise ValueError(
                f"`forms[{interpolation!r}]` must be a tuple of forms among {', '.join(FORMS)}. "
                f"Received: {names!r}. Correct {wrong[0]!r}."
            )
        checked[interpolation] = tuple(names)
    token = _chosen.set(checked)
    try:
        yield
    finally:
        _chosen.reset(token)
