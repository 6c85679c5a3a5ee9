"""Stock Keras layers that export badly, computed by equal operations."""

from collections.abc import Callable, Iterable
from typing import Any

from ._stock_frames import time_distributed
from ._stock_normalization import group_normalization, layer_normalization


def replace_stock_layers(
    layers: Iterable[Any], *, file_format: str = "", exact_sums: bool = False
) -> None:
    """Let some layers of a private model compute through operations that every format has.

    `UpSampling2D` repeats rows and columns for `"nearest"` (chains of Tile and Concat in every
    format) and fails to trace the interpolations where height and width are open; a dilated
    `Conv2DTranspose` has no TFLite operator; `Conv2D` in groups compiles itself by XLA, which
    leaves a function call in the graph; `GroupNormalization` and `LayerNormalization` lose digits
    far from zero, and where the runtime adds up a large image in one go. The call is replaced on
    the instance: this reaches layers wherever they sit, in subclassed models too.

    Args:
        layers: of a model that is `private`.
        file_format: what is written, if not a SavedModel: "tflite" or "onnx", so that TensorFlow
            itself will not run what is traced. Then a dilated depthwise convolution keeps to one
            operator, for which TensorFlow has no CPU kernel; its own form moves space to batch and
            back, which no converter to ONNX undoes and OpenVINO can't follow at open sizes.
        exact_sums: whether the file adds up whole numbers, without rounding.
    """
    for layer in layers:
        call = _call_of(layer, file_format, exact_sums)
        if call is not None:
            object.__setattr__(layer, "call", call)


def _call_of(layer: Any, file_format: str, exact_sums: bool) -> Callable | None:
    import keras

    kind = type(layer)
    if kind is keras.layers.UpSampling2D:
        return _upsampling(layer)
    if kind is keras.layers.Conv2DTranspose and _is_dilated(layer):
        return _dilated_transposed_convolution(layer)
    if kind is keras.layers.Conv2D and layer.groups > 1:
        return _grouped_convolution(layer)
    if kind in (keras.layers.DepthwiseConv2D, keras.layers.SeparableConv2D):
        reached = file_format and _is_dilated(layer)
        return _dilated_depthwise_convolution(layer, file_format) if reached else None
    if kind is keras.layers.TimeDistributed:
        return time_distributed(layer)
    if kind is keras.layers.GroupNormalization:
        return group_normalization(layer, exact_sums)
    if kind is keras.layers.LayerNormalization:
        return layer_normalization(layer, exact_sums)
    return None


def _upsampling(layer: Any) -> Callable:
    import tensorflow as tf

    from .. import ops

    interpolation, scale = layer.interpolation, tuple(layer.size)

    def call(inputs: Any) -> Any:
        if interpolation == "nearest":
            return ops.resize_nearest(inputs, scale=scale, data_format=layer.data_format)
        if interpolation == "bilinear":
            return ops.resize_bilinear(inputs, scale=scale, data_format=layer.data_format)
        if interpolation == "bicubic" and all(factor & (factor - 1) == 0 for factor in scale):
            return ops.resize_bicubic(inputs, scale=scale, data_format=layer.data_format)
        # TensorFlow's result to the last bit that its tables give, which ours is not meant to be
        first = layer.data_format == "channels_first"
        image = _transpose(inputs, (0, 2, 3, 1)) if first else inputs
        size = tf.shape(image)[1:3] * tf.constant(scale)
        if None not in tuple(image.shape[1:3]):
            size = [n * factor for n, factor in zip(image.shape[1:3], scale, strict=True)]
        image = tf.image.resize(image, size, method=interpolation)
        return _transpose(image, (0, 3, 1, 2)) if first else image

    return call


def _is_dilated(layer: Any) -> bool:
    return tuple(layer.dilation_rate) != (1, 1) and tuple(layer.strides) == (1, 1)


def _dilated_transposed_convolution(layer: Any) -> Callable:
    """At stride 1 a transposed convolution is a convolution with the kernel turned by 180 degrees.

    y[i] = sum_k x[i + p - d k] K[k] = sum_j x[i - (d (K-1) - p) + d j] K[K-1-j], zeros outside.
    """
    import tensorflow as tf

    def call(inputs: Any) -> Any:
        kernel = tf.convert_to_tensor(layer.kernel)[::-1, ::-1]  # (kh, kw, out, in)
        pads = []
        for size, rate in zip(layer.kernel_size, layer.dilation_rate, strict=True):
            reach = (size - 1) * rate
            # "same" crops reach // 2 rows from the begin of the full result, the rest from its end
            begin = reach - reach // 2 if layer.padding == "same" else reach
            pads.append((begin, reach // 2 if layer.padding == "same" else reach))
        first = layer.data_format == "channels_first"
        x = _transpose(inputs, (0, 2, 3, 1)) if first else inputs
        y = tf.nn.conv2d(
            x,
            tf.transpose(kernel, (0, 1, 3, 2)),
            strides=1,
            padding=[(0, 0), *pads, (0, 0)],
            dilations=layer.dilation_rate,
        )
        if layer.use_bias:
            y = tf.nn.bias_add(y, layer.bias)
        y = layer.activation(y)
        return _transpose(y, (0, 3, 1, 2)) if first else y

    return call


def _dilated_depthwise_convolution(layer: Any, file_format: str) -> Callable:
    """Of a DepthwiseConv2D, or of a SeparableConv2D with its 1x1 convolution behind."""
    import tensorflow as tf

    pointwise = getattr(layer, "pointwise_kernel", None)
    padding: dict[str, Any] = {"padding": layer.padding.upper()}
    if file_format == "onnx" and layer.padding == "same":
        # ONNX Runtime has no automatic padding of dilated convolutions.
        sizes = zip(layer.kernel_size, layer.dilation_rate, strict=True)
        reaches = [(size - 1) * rate for size, rate in sizes]
        pads = [n for reach in reaches for n in (reach // 2, reach - reach // 2)]
        padding = {"padding": "EXPLICIT", "explicit_paddings": [0, 0, *pads, 0, 0]}

    def call(inputs: Any) -> Any:
        first = layer.data_format == "channels_first"
        x = _transpose(inputs, (0, 2, 3, 1)) if first else inputs
        y = tf.raw_ops.DepthwiseConv2dNative(
            input=x,
            filter=layer.kernel if pointwise is None else layer.depthwise_kernel,
            strides=[1, 1, 1, 1],
            **padding,
            dilations=[1, *layer.dilation_rate, 1],
        )
        if pointwise is not None:
            y = tf.nn.conv2d(y, pointwise, 1, "VALID")
        if layer.use_bias:
            y = tf.nn.bias_add(y, layer.bias)
        y = layer.activation(y)
        return _transpose(y, (0, 3, 1, 2)) if first else y

    return call


def _grouped_convolution(layer: Any) -> Callable:
    import tensorflow as tf

    def call(inputs: Any) -> Any:
        first = layer.data_format == "channels_first"
        x = _transpose(inputs, (0, 2, 3, 1)) if first else inputs
        # the operator sees the number of groups from the kernel's input channels
        y = tf.nn.conv2d(
            x, layer.kernel, layer.strides, layer.padding.upper(), dilations=layer.dilation_rate
        )
        if layer.use_bias:
            # Not bias_add: TensorFlow fuses that with the convolution, into an operator that knows
            # no groups where oneDNN is off, as it is on CPUs without AVX-512.
            y = y + layer.bias
        y = layer.activation(y)
        return _transpose(y, (0, 3, 1, 2)) if first else y

    return call


def _transpose(x: Any, permutation: tuple[int, ...]) -> Any:
    import tensorflow as tf

    return tf.transpose(x, permutation)
