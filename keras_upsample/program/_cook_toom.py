"""Cook-Toom: the matrices of minimal filtering, from the evaluation points of polynomials.

m outputs of a filter of r taps, y_j = sum_t k_t d_(j + t), need a = m + r - 1 multiplications:

    y = A^T [(G k) . (B^T d)].

With a - 1 different points p and the point at infinity, let V_n be the a x n matrix of the powers
p^0 .. p^(n-1), its last row (infinity) 0 but for a 1 at the end. The product of two polynomials of
m and r coefficients is V_a^-1 [(V_m u) . (V_r k)]; the filter is its transpose in u, hence

    A = V_m,   G = V_r,   B^T = V_a^-T.

Winograd, Arithmetic Complexity of Computations, SIAM 1980; Cook, 1966, and Toom, 1963.
"""

from collections.abc import Sequence
from fractions import Fraction
from typing import NamedTuple

import numpy as np

Rows = list[list[Fraction]]


class Filtering(NamedTuple):
    """G (a, r), B^T (a, a) and A^T (m, a), exact."""

    filters: Rows
    inputs: Rows
    outputs: Rows

    def floats(self) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
        """The same in float64."""
        filters, inputs, outputs = (np.array(rows, "float64") for rows in self)
        return filters, inputs, outputs


def filtering(points: Sequence[Fraction], taps: int) -> Filtering:
    """The matrices of len(points) + 2 - taps outputs."""
    count = len(points) + 1
    outputs = count + 1 - taps

    def powers(n: int) -> Rows:
        infinity = [Fraction(0)] * (n - 1) + [Fraction(1)]
        return [[point**i for i in range(n)] for point in points] + [infinity]

    transposed = [list(column) for column in zip(*_inverse(powers(count)), strict=True)]
    columns = [list(column) for column in zip(*powers(outputs), strict=True)]
    return Filtering(powers(taps), transposed, columns)


def _inverse(matrix: Rows) -> Rows:
    """By Gauss and Jordan."""
    n = len(matrix)
    rows = [[*row, *(Fraction(int(i == j)) for j in range(n))] for i, row in enumerate(matrix)]
    for i in range(n):
        pivot = next(j for j in range(i, n) if rows[j][i])
        rows[i], rows[pivot] = rows[pivot], rows[i]
        rows[i] = [value / rows[i][i] for value in rows[i]]
        for j in range(n):
            if j != i and rows[j][i]:
                factor = rows[j][i]
                rows[j] = [a - factor * b for a, b in zip(rows[j], rows[i], strict=True)]
    return [row[n:] for row in rows]
