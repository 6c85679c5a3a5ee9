"""Sums, products and the like, of blobs, constants and numbers."""

import numpy as np

from ...program._graph import Tensor
from ...program._operations import Affine, Difference, Product, Sum
from .._layers import ELEMENTWISE, Elementwise, WithConstant
from ._param import NcnnError
from ._place import Place
from ._value import Value

_BINARY = {0: "Add", 1: "Sub", 2: "Mul", 3: "Div", 4: "Max", 5: "Min", 6: "Pow"}
_REVERSED = {7: "Sub", 8: "Div", 9: "Pow"}
_UNARY = {
    0: "Abs",
    1: "Neg",
    2: "Floor",
    3: "Ceil",
    5: "Sqrt",
    7: "Exp",
    8: "Log",
    15: "Reciprocal",
}


def eltwise(p: Place) -> Value:
    """Eltwise: product, weighted sum or maximum of several blobs of one size."""
    p.none_but(0, 1)
    values, weights = p.values(), p.array(1)
    kind = p.whole(0)
    first = values[0]
    for value in values[1:]:
        _check_same(first, value)
    parts = [value.tensor for value in values]
    if kind == 1 and weights:
        if len(weights) != len(parts):
            raise NcnnError(f"{len(weights)} factors for {len(parts)} blobs")
        parts = [
            p.write(_times(part, float(factor)), f"_factor{place}")
            for place, (part, factor) in enumerate(zip(parts, weights, strict=True))
        ]
    if kind in (0, 1):
        return p.like(first, p.write(Product(parts) if kind == 0 else Sum(parts)))
    if kind == 2:
        return p.like(first, _of_two(p, "Max", parts))
    raise NcnnError(f"operation {kind}; 0 (product), 1 (sum) and 2 (maximum) are read")


def _times(x: Tensor, factor: float) -> Affine:
    channels = int(x.shape[-1] or 0)
    return Affine(x, np.full(channels, factor), np.zeros(channels))


def binary(p: Place) -> Value:
    """BinaryOp of two blobs, of a blob and a constant of the file, or of a blob and a number."""
    p.none_but(0, 1, 2)
    code = p.whole(0)
    if code not in _BINARY and code not in _REVERSED:
        raise NcnnError(f"operation {code} is not read")
    kind, turned = _BINARY.get(code) or _REVERSED[code], code in _REVERSED
    if p.whole(1) or len(p.inputs) == 1:
        constant = np.full((1, 1, 1, 1), p.number(2), "float32")
        return _with_constant(p, kind, p.value(), constant, first=turned)
    if len(p.inputs) != 2:
        raise NcnnError(f"{len(p.inputs)} inputs; 2 are read")
    first, second = reversed(p.inputs) if turned else p.inputs
    if isinstance(first, Value) and isinstance(second, Value):
        return _of_values(p, kind, first, second)
    if isinstance(first, Value):
        return _with_constant(p, kind, first, _image(first, second), first=False)
    if isinstance(second, Value):
        return _with_constant(p, kind, second, _image(second, first), first=True)
    raise NcnnError("two constants")


def _of_values(p: Place, kind: str, first: Value, second: Value) -> Value:
    large = second if first.vector and not second.vector else first
    small = first if large is second else second
    pixel = [extent.known() for extent in small.extents] == [1, 1]
    if not (pixel and small.channels == large.channels):
        _check_same(large, small)
    return p.like(large, _of_two(p, kind, [first.tensor, second.tensor]))


def _of_two(p: Place, kind: str, parts: list[Tensor]) -> Tensor:
    import keras

    operations = {"Add": Sum, "Sub": Difference, "Mul": Product}
    if kind in operations:
        return p.write(operations[kind](parts))
    if kind in ("Max", "Min"):
        layer = {"Max": keras.layers.Maximum, "Min": keras.layers.Minimum}[kind](name=p.name)
        return p.call(layer, *parts)
    if kind == "Div":
        inverse = p.call(Elementwise("Reciprocal", name=f"{p.name}_inverse"), parts[1])
        return p.write(Product([parts[0], inverse]))
    raise NcnnError(f"{kind} of two blobs")


def _with_constant(p: Place, kind: str, x: Value, constant: np.ndarray, *, first: bool) -> Value:
    layer = WithConstant(kind, constant.shape, first, name=p.name)
    y = p.call(layer, x.tensor)
    layer.constant.assign(constant)
    return p.like(x, y)


def _image(x: Value, constant: object) -> np.ndarray:
    """A constant of the file (C, H, W), or of one axis: one number a channel, as an image."""
    array = np.asarray(constant)
    if array.ndim == 1:
        array = array.reshape(-1, 1, 1)
    image = array.transpose(1, 2, 0)[None]
    sizes = (x.rows.known(), x.columns.known(), x.channels)
    if any(n not in (1, m) for n, m in zip(image.shape[1:], sizes, strict=True)):
        raise NcnnError(f"a constant (C, H, W) = {array.shape} for a blob {sizes} (H, W, C)")
    return image


def _check_same(one: Value, other: Value) -> None:
    differ = one.rows.above(other.rows) or one.columns.above(other.columns)
    if differ or one.channels != other.channels:
        sizes = (f"{v.rows} x {v.columns} x {v.channels}" for v in (one, other))
        raise NcnnError(f"blobs of different sizes: {' and '.join(sizes)}")


def unary(p: Place) -> Value:
    """UnaryOp."""
    import keras

    from ...program._operations import Activation

    p.none_but(0)
    x, kind = p.value(), p.whole(0)
    if kind == 16:
        return p.like(x, p.write(Activation(x.tensor, keras.activations.get("tanh"))))
    name = _UNARY.get(kind)
    if name not in ELEMENTWISE:
        raise NcnnError(f"operation {kind} is not read")
    return p.like(x, p.call(Elementwise(name, name=p.name), x.tensor))


def scale(p: Place) -> Value:
    """Scale: by one factor a channel, of the file or of a second blob, and a bias."""
    p.none_but(0, 1)
    x, count = p.value(), p.whole(0)
    if count == -233:
        factors = p.value(1)
        if factors.channels != x.channels or not factors.vector:
            raise NcnnError("a second blob that is not one number a channel")
        product = p.write(Product([x.tensor, factors.tensor]))
        if not p.whole(1):
            return p.like(x, product)
        shift = p.weights.plain(x.channels)
        made = p.write(Affine(product, np.ones(x.channels), shift.astype("float64")), "_bias")
        return p.like(x, made)
    if count != x.channels:
        raise NcnnError(f"{count} factors for {x.channels} channels")
    factor = p.weights.plain(count).astype("float64")
    bias = p.weights.plain(count).astype("float64") if p.whole(1) else np.zeros(count)
    return p.like(x, p.write(Affine(x.tensor, factor, bias)))


KINDS = {"BinaryOp": binary, "Eltwise": eltwise, "Scale": scale, "UnaryOp": unary}
