"""Matrices of TensorFlow's resizes, computed in the graph from sizes that it alone knows.

Each function takes (n_in, n_out, scale), scalars of the graph, and returns a matrix (n_out, n_in)
in float32, with the operator's own roundings.
"""

from collections.abc import Callable
from typing import Any

Weights = Callable[[Any, Any, Any], Any]
_TABLE = 1024  # ResizeBicubic rounds offsets to this fraction of a pixel


def _places(n_in: Any, n_out: Any) -> tuple[Any, Any]:
    """Indices of input pixels as a row, of output pixels as a column, in float32."""
    import tensorflow as tf

    return tf.range(n_in)[None, :], tf.cast(tf.range(n_out)[:, None], tf.float32)


def _ratio(n_in: Any, n_out: Any) -> Any:
    import tensorflow as tf

    return tf.cast(n_in, tf.float32) / tf.cast(n_out, tf.float32)


def area(n_in: Any, n_out: Any, scale: Any) -> Any:
    """The share of an output pixel that lies over each input pixel."""
    import tensorflow as tf

    k, i = _places(n_in, n_out)
    k, step = tf.cast(k, tf.float32), _ratio(n_in, n_out)
    begin, end = i * step, (i + 1) * step
    overlap = tf.minimum(end, k + 1) - tf.maximum(begin, k)
    inside = (begin >= k) & (end <= k + 1)  # the difference has lost digits of `step`
    return tf.where(inside, step, tf.maximum(overlap, 0)) / step


def cubic(n_in: Any, n_out: Any, scale: Any) -> Any:
    """Keys' kernel with a = -0.5 at offsets rounded to 1/1024; what is outside is left out."""
    import tensorflow as tf

    k, i = _places(n_in, n_out)
    place = (i + 0.5) * _ratio(n_in, n_out) - 0.5
    whole = tf.floor(place)
    offset = tf.round((place - whole) * _TABLE) / _TABLE
    distance = tf.abs(tf.cast(k, tf.float32) - whole - offset)
    # At offset 1024/1024 the four taps are still those of `whole`, and the outermost weighs 0.
    weights = _keys(distance)
    return weights / tf.reduce_sum(weights, axis=1, keepdims=True)


def stretch_kernel(kernel: str, antialias: bool) -> Weights | None:
    """ScaleAndTranslate without a translation: a kernel stretched over what a pixel covers."""
    import tensorflow as tf

    function = _KERNELS.get(kernel)
    if function is None:
        return None

    def weights(n_in: Any, n_out: Any, scale: Any) -> Any:
        k, i = _places(n_in, n_out)
        step = 1 / scale
        reach = tf.maximum(step, 1) if antialias else 1.0
        distance = tf.cast(k, tf.float32) + 0.5 - (i + 0.5) * step
        values = function(tf.abs(distance * (1 / reach)))
        return values / tf.reduce_sum(values, axis=1, keepdims=True)

    return weights


def _keys(d: Any) -> Any:
    return _cubic(d, (1.5, -2.5, 0.0, 1.0), (-0.5, 2.5, -4.0, 2.0))


def _mitchell(d: Any) -> Any:
    return _cubic(d, (7 / 6, -2.0, 0.0, 8 / 9), (-7 / 18, 2.0, -10 / 3, 16 / 9))


def _cubic(d: Any, near: tuple[float, ...], far: tuple[float, ...]) -> Any:
    """One polynomial up to 1, another up to 2, highest power first."""
    import tensorflow as tf

    inner, outer = (((a * d + b) * d + c) * d + e for a, b, c, e in (near, far))
    return tf.where(d < 1, inner, tf.where(d < 2, outer, 0.0))


def _triangle(d: Any) -> Any:
    import tensorflow as tf

    return tf.maximum(1 - d, 0)


def _gaussian(d: Any) -> Any:
    import tensorflow as tf

    return tf.where(d < 1.5, tf.exp(-2 * d * d), 0.0)  # sigma is a third of the radius 1.5


def _box(d: Any) -> Any:
    import tensorflow as tf

    return tf.where(d < 0.5, 1.0, tf.where(d > 0.5, 0.0, 0.5))


def _lanczos(lobes: int) -> Callable[[Any], Any]:
    def kernel(d: Any) -> Any:
        import tensorflow as tf

        pi = 3.14159265359
        x = pi * tf.maximum(d, 1e-3)
        values = lobes * tf.sin(x) * tf.sin(x / lobes) / (x * x)
        return tf.where(d > 1e-3, tf.where(d > lobes, 0.0, values), 1.0)

    return kernel


_KERNELS: dict[str, Callable[[Any], Any]] = {
    "triangle": _triangle,
    "keyscubic": _keys,
    "mitchellcubic": _mitchell,
    "gaussian": _gaussian,
    "box": _box,
    "lanczos1": _lanczos(1),
    "lanczos3": _lanczos(3),
    "lanczos5": _lanczos(5),
}
