"""Activations: of their own layers, and behind convolutions by number."""

from collections.abc import Callable
from typing import Any

from ...program._graph import Tensor
from ...program._operations import Activation
from ._param import NcnnError, Number
from ._place import Place
from ._value import Value


def activated(p: Place, x: Tensor, kind: int, numbers: tuple[Number, ...], suffix: str) -> Tensor:
    """What `activation_type` and `activation_params` of a convolution say."""
    import keras

    if kind == 0:
        return x
    if kind == 2 and len(numbers) == 1:
        return leaky(p, x, numbers[0], suffix)
    if kind == 3 and len(numbers) == 2:
        return clipped(p, x, numbers[0], numbers[1], suffix)
    if kind == 6 and len(numbers) == 2:
        return hard_swish(p, x, numbers[0], numbers[1], suffix)
    functions = {1: "relu", 4: "sigmoid", 5: "mish"}
    if kind not in functions:
        raise NcnnError(f"activation {kind} with the numbers {numbers} is not read")
    return p.write(Activation(x, keras.activations.get(functions[kind])), suffix)


def leaky(p: Place, x: Tensor, slope: Number, suffix: str = "") -> Tensor:
    """max(x, 0) + slope min(x, 0)."""
    import keras

    if not slope:
        return p.write(Activation(x, keras.activations.get("relu")), suffix)
    return p.call(keras.layers.LeakyReLU(float(slope), name=p.name + suffix), x)


def clipped(p: Place, x: Tensor, low: Number, high: Number, suffix: str = "") -> Tensor:
    """min(max(x, low), high)."""
    import keras

    if low != 0 or high <= 0:
        raise NcnnError(f"limits {low} and {high}; the lower one must be 0")
    return p.call(keras.layers.ReLU(max_value=float(high), name=p.name + suffix), x)


def hard_swish(p: Place, x: Tensor, alpha: Number, beta: Number, suffix: str = "") -> Tensor:
    """x min(max(alpha x + beta, 0), 1), of the usual numbers."""
    import keras

    if abs(alpha - 1 / 6) > 1e-6 or beta != 0.5:
        raise NcnnError(f"alpha {alpha} and beta {beta}; 1/6 and 1/2 are read")
    return p.write(Activation(x, keras.activations.get("hard_silu")), suffix)


def relu(p: Place) -> Value:
    """ReLU; leaky with a slope."""
    p.none_but(0)
    x = p.value()
    return p.like(x, leaky(p, x.tensor, p.number(0)))


def clip(p: Place) -> Value:
    """Clip."""
    p.none_but(0, 1)
    x = p.value()
    return p.like(x, clipped(p, x.tensor, p.number(0, -3.4e38), p.number(1, 3.4e38)))


def hard_swish_layer(p: Place) -> Value:
    """HardSwish."""
    p.none_but(0, 1)
    x = p.value()
    return p.like(x, hard_swish(p, x.tensor, p.number(0, 0.2), p.number(1, 0.5)))


def elu(p: Place) -> Value:
    """ELU."""
    import keras

    p.none_but(0)
    x = p.value()
    return p.like(x, p.call(keras.layers.ELU(p.number(0, 0.1), name=p.name), x.tensor))


def p_relu(p: Place) -> Value:
    """PReLU: one slope a channel, or one for all."""
    import keras

    p.none_but(0)
    x, count = p.value(), p.whole(0)
    if count not in (1, x.channels):
        raise NcnnError(f"{count} slopes for {x.channels} channels")
    slopes = p.weights.plain(count)
    shared = [1, 2] if count == x.channels else [1, 2, 3]
    layer: Any = keras.layers.PReLU(shared_axes=shared, name=p.name)
    y = p.call(layer, x.tensor)
    layer.alpha.assign(slopes.reshape(1, 1, count))
    return p.like(x, y)


def _plain(name: str) -> Callable[[Place], Value]:
    def read(p: Place) -> Value:
        import keras

        p.none_but()
        x = p.value()
        return p.like(x, p.write(Activation(x.tensor, keras.activations.get(name))))

    return read


KINDS = {
    "Clip": clip,
    "ELU": elu,
    "HardSwish": hard_swish_layer,
    "Mish": _plain("mish"),
    "PReLU": p_relu,
    "ReLU": relu,
    "Sigmoid": _plain("sigmoid"),
    "Swish": _plain("silu"),
    "TanH": _plain("tanh"),
}
