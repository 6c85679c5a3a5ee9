"""Blobs as tensors of a program, and how many rows and columns they have."""

from dataclasses import dataclass, replace
from fractions import Fraction

from ...program._graph import Tensor
from ._param import NcnnError


@dataclass(frozen=True)
class Extent:
    """Rows or columns, as a function of a length n: factor * n + more.

    n is any multiple of `multiple`, so factor * multiple is a whole number. For a fixed size the
    factor is 0.

    Attributes:
        of: what n is: None for the image's, or (extent, divisor) for the floor of a division
            whose remainder depends on the image.
    """

    factor: Fraction
    more: int
    multiple: int = 1
    of: "tuple[Extent, int] | None" = None

    def scaled(self, by: int) -> "Extent":
        """by * this."""
        return replace(self, factor=self.factor * by, more=self.more * by)

    def plus(self, more: int) -> "Extent":
        """This + more."""
        return replace(self, more=self.more + more)

    def divided(self, by: int) -> "Extent":
        """floor(this / by)."""
        if (self.factor * self.multiple) % by:
            return Extent(Fraction(1), 0, 1, (self, by))
        return replace(self, factor=self.factor / by, more=self.more // by)

    def multiple_of(self, by: int) -> bool:
        """Whether it can be divided for every n."""
        return (self.factor * self.multiple) % by == 0 and self.more % by == 0

    def above(self, other: "Extent") -> int:
        """This - other.

        Raises:
            NcnnError: the difference depends on n.
        """
        if (self.factor, self.of) != (other.factor, other.of):
            raise NcnnError(
                f"maps of {self} and {other} rows or columns, whose difference depends on the "
                "image's size. Pass a fixed `input_shape`, or `multiple`, e.g. 4"
            )
        return self.more - other.more

    def known(self) -> int | None:
        """The fixed size, or None."""
        return None if self.factor else self.more

    def __str__(self) -> str:
        n = "n" if self.of is None else f"floor(({self.of[0]})/{self.of[1]})"
        return str(self.more) if not self.factor else f"{self.factor}{n}{self.more:+d}"


ONE = Extent(Fraction(0), 1)
"""One row or column, whatever the image's size."""


@dataclass(frozen=True)
class Value:
    """A blob (C, H, W) as an image (N, H, W, C); one of a single axis as an image of 1x1 pixel.

    Attributes:
        tensor: of the program.
        rows, columns: as functions of the image's.
        vector: whether ncnn has it with one axis.
    """

    tensor: Tensor
    rows: Extent
    columns: Extent
    vector: bool = False

    @property
    def channels(self) -> int:
        return int(self.tensor.shape[-1] or 0)

    @property
    def extents(self) -> tuple[Extent, Extent]:
        return self.rows, self.columns
