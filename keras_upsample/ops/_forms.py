"""Forms of a resize: equal ways to compute it, chosen by a context."""

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
    """Choose the forms in which resizes are emitted while the context is open.

    The forms compute the same numbers up to rounding and differ in the operators they leave in a
    graph: "operator" is the backend's own resize, taken only where its semantics coincide with
    ours; "taps" gathers the neighbours and sums them with weights; "matrix" multiplies by constant
    resampling matrices and needs a static size; "pointwise" does the same by 1x1 convolutions of
    transposed tensors, which NPUs have; "concat" repeats pixels by concatenations and
    reshapes (nearest at whole factors and a static size); "steps" is the backend's own resize by
    2, 4 or 8, again and again (nearest at a power of 2 that both axes share). The first possible
    one is taken, "taps" at last.
    The choice is read when a graph is traced: a function traced before keeps its form.

    Args:
        forms: interpolation ("nearest", "bilinear", "bicubic", "lanczos", "area") -> forms in order
            of preference. Interpolations that are not named keep what an outer context or the
            default says.

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
