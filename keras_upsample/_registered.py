"""Importing this module makes every class of ours known to `keras.models.load_model`.

`_lazy_names` imports it as soon as Keras is loaded: a use of `keras_upsample.layers` or
`keras_upsample.zoo` is not enough, because they load class by class.
"""

from . import _keras2_functions, initializers, layers, losses, metrics
from .interchange import _attention, _axis_layers, _element_layers, _like_layers
from .interchange import _layers as _read_layers
from .lowering import _head
from .metadata import _described
from .program import _emitted_layers, _tiled
from .zoo import _border, _crop, _joint_softmax, _vit

CLASSES = (
    *(getattr(layers, name) for name in layers.__all__),
    *(getattr(initializers, name) for name in getattr(initializers, "__all__", ())),
    metrics.BoundaryIoU,
    *(getattr(losses, name) for name in losses.__all__),
    _border.BorderPadding2D,
    _border.CropToScale2D,
    _crop,
    _joint_softmax.JointSoftmax,
    _vit.ClassTokenAndPositions,
    *_described.CLASSES.values(),
    _head.ClassMap,
    _head.ThresholdMap,
    _emitted_layers.CheckerboardBlur2D,
    _emitted_layers.FormedResize2D,
    _emitted_layers.Interleave2D,
    _tiled.TiledConv2D,
    _attention.Attention,
    _like_layers.FitLike2D,
    _like_layers.KeepingReshape,
    _like_layers.ResizeToPart2D,
    _axis_layers.AlongAxis,
    _axis_layers.DilatedPool,
    _axis_layers.PadAxes,
    _axis_layers.PlaceOfExtreme,
    _axis_layers.Reduced,
    _axis_layers.Tiled,
    _element_layers.AsType,
    _element_layers.Clipped,
    _element_layers.ElementsOf,
    _element_layers.Parametric,
    _read_layers.Elementwise,
    _read_layers.Pad2D,
    _read_layers.Repeated,
    _read_layers.RepeatedConstant,
    _read_layers.Slice,
    _read_layers.WithConstant,
    _read_layers.gelu_tanh,
    _keras2_functions.TensorFlowFunction,
    _keras2_functions.hard_sigmoid_of_keras_2,
)
