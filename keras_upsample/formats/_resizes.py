"""TensorFlow's resizes that no other runtime has, traced as products with matrices."""

from collections.abc import Callable, Iterator
from contextlib import contextmanager
from functools import partial
from typing import Any

import numpy as np

from .._others import _keras, _tensorflow
from ..ops._forms import forms_for
from ..ops._matrix_forms import by_matrix, by_pointwise
from ..program._patching import Patch, Place
from . import _resize_weights as weights
from ._aspect_ratio import keeping_known_sizes
from ._graph_values import value_of


@contextmanager
def replace_resizes() -> Iterator[None]:
    """Inside, area, bicubic, Lanczos and antialiased resizes are traced as matrix products.

    `tf.image.resize` ends in the operators ResizeArea, ResizeBicubic and ScaleAndTranslate, and so
    do `keras.ops.image.resize`, `keras.layers.Resizing` and `UpSampling2D`, wherever a model calls
    them. All of them are separable and linear: y = M_h x M_w^T for each channel. At a known size
    the matrices are constants, read off the operator itself; at an open one the graph computes
    them. The functions that build the operators are replaced for this thread alone.
    """
    with _patch.entered():
        yield


def _places() -> Iterator[Place]:
    import tensorflow as tf

    gen_image_ops = _tensorflow.gen_image_ops()
    for name, raw in _OPERATORS.items():
        yield gen_image_ops, name, partial(_replacement, name)
        yield tf.raw_ops, raw, partial(_replacement, name)
    yield _keras.tensorflow_image(), "resize", _only_here


_patch = Patch(_places)


def _only_here(original: Callable) -> Callable:
    replaced = keeping_known_sizes(original)

    def resize(*args: Any, **options: Any) -> Any:
        return (replaced if _patch.wanted() else original)(*args, **options)

    return resize


_OPERATORS = {
    "resize_area": "ResizeArea",
    "resize_bicubic": "ResizeBicubic",
    "scale_and_translate": "ScaleAndTranslate",
}
_FORMS_AS = {"resize_area": "area", "resize_bicubic": "bicubic", "scale_and_translate": "lanczos"}


def _replacement(name: str, operator: Callable) -> Callable:
    def resize(images: Any, size: Any, *args: Any, **options: Any) -> Any:
        import tensorflow as tf

        if _patch.wanted():
            names = ("scale", "translation") if name == "scale_and_translate" else ()
            vectors = {**dict(zip(names, args, strict=False)), **options}
            if len(args) <= len(names):
                y = _as_products(name, operator, tf.convert_to_tensor(images), size, vectors)
                if y is not None:
                    return y
        return operator(images, size, *args, **options)

    return resize


def _as_products(
    name: str, operator: Callable, x: Any, size: Any, options: dict[str, Any]
) -> Any | None:
    """The resize as products, or None where it has no such form."""
    import tensorflow as tf

    if x.shape.rank != 4:
        return None
    options = {key: value for key, value in options.items() if key != "name"}
    after = value_of(size)
    scale, translation = (
        value_of(options[key]) if key in options else None for key in ("scale", "translation")
    )
    known = (
        None not in x.shape.as_list()[1:]
        and after is not None
        and ("scale" not in options or (scale is not None and translation is not None))
    )
    with tf.name_scope(name):
        x = tf.cast(x, tf.float32)
        if not known:
            return _compute(name, x, size, options)
        assert after is not None
        matrices = {}
        for k, axis in enumerate((1, 2)):
            own = dict(options)
            if scale is not None and translation is not None:
                own["scale"] = np.array([scale[k], 1], "float32")
                own["translation"] = np.array([translation[k], 0], "float32")
            matrix = _read_off(operator, int(x.shape[axis]), int(after[k]), own)
            if not np.array_equal(matrix, np.eye(len(matrix), matrix.shape[1])):
                matrices[axis] = matrix
        if "pointwise" in forms_for(_FORMS_AS[name]):
            return by_pointwise(x, matrices, "channels_last")
        return by_matrix(x, matrices, "channels_last")


def _read_off(operator: Callable, n_in: int, n_out: int, options: dict[str, Any]) -> np.ndarray:
    """The matrix (n_out, n_in) of one axis: column j is the operator's answer to unit vector j.

    It holds all of the operator's own rounding: TensorFlow's bicubic takes its weights from a table
    of 1,024 steps.
    """
    import tensorflow as tf

    units = np.eye(n_in, dtype="float32")[:, :, None, None]  # (n_in, n_in, 1, 1)
    with tf.init_scope():  # a constant, whatever is being traced
        answers = operator(units, np.array([n_out, 1], "int32"), **options)
        return answers.numpy()[:, :, 0, 0].T


def _compute(name: str, x: Any, size: Any, options: dict[str, Any]) -> Any | None:
    """The matrices of an open size, computed by the graph; None for options that nobody uses."""
    import tensorflow as tf

    kernel: weights.Weights | None
    if name == "resize_area":
        kernel = None if options.get("align_corners") else weights.area
    elif name == "resize_bicubic":
        plain = options.get("half_pixel_centers") and not options.get("align_corners")
        kernel = weights.cubic if plain else None
    else:
        translation = value_of(options["translation"])
        if translation is None or np.any(translation):
            return None
        kernel = weights.stretch_kernel(
            options.get("kernel_type", "lanczos3"), bool(options.get("antialias", True))
        )
    if kernel is None:
        return None
    before, after = tf.shape(x)[1:3], tf.convert_to_tensor(size)
    scales = tf.convert_to_tensor(options["scale"]) if "scale" in options else (None, None)
    rows, columns = (kernel(before[k], after[k], scales[k]) for k in (0, 1))
    y = tf.transpose(x, (0, 3, 1, 2))  # (N, C, H, W)
    y = tf.matmul(rows[None, None], y)  # (N, C, H', W)
    y = tf.matmul(y, tf.transpose(columns)[None, None])  # (N, C, H', W')
    y = tf.transpose(y, (0, 2, 3, 1))
    known = tf.get_static_value(after, partial=True)
    y.set_shape((x.shape[0], *(known if known is not None else (None, None)), x.shape[3]))
    return y
