"""Operators that a target lacks; layers read them while they are traced."""

from collections.abc import Collection, Iterator
from contextlib import contextmanager
from contextvars import ContextVar

SHUFFLE = "depth to space"
PRODUCTS = "products of two tensors"
GATHERS = "gathers"
COMPARISONS = "comparisons"
SELECTIONS = "selections by a condition"
NARROW_GROUPS = "convolutions in groups of other than multiples of 4 channels"
BATCH_SHUFFLES = "shuffles of several images"
PADDED_TRANSPOSED = "transposed convolutions that crop at the begin"
LONG_DIVISIONS = "divisions of 64-bit integers"  # no accelerator computes sizes at all
NAMES = frozenset({SHUFFLE, PRODUCTS, GATHERS, COMPARISONS})

_lacking: ContextVar[frozenset[str]] = ContextVar("lacking", default=frozenset())


@contextmanager
def lacking(names: Collection[str]) -> Iterator[None]:
    """Emit operations without these operators while the context is open.

    Args:
        names: of `NAMES`, and the others. Without `SHUFFLE` a shuffle is a transposed convolution
            with one-hot weights, and its inverse a convolution; without `PRODUCTS`, matrix products
            of two tensors, sums of windows are products and sums of maps, element by element;
            without `GATHERS`, a pixel at a computed place is a weighted sum of those around;
            without `COMPARISONS`, the place of a maximum is found by sums and products, as a float;
            without `SELECTIONS`, what a comparison chooses is a product with its outcome; without
            `NARROW_GROUPS`, a convolution in such groups is one of one group; without
            `BATCH_SHUFFLES`, images lie below each other while they are shuffled; without
            `PADDED_TRANSPOSED`, the crop follows as an operator; without `LONG_DIVISIONS`, places
            of pixels at open sizes are computed in 32 bits, right for up to 2 n_in n_out < 2^31.
    """
    token = _lacking.set(frozenset(names))
    try:
        yield
    finally:
        _lacking.reset(token)


def lacks(name: str) -> bool:
    """Whether the target lacks an operator."""
    return name in _lacking.get()
