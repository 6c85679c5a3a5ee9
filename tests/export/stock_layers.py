"""Every stock layer of Keras in a small net, for tests that go through all of them."""

from collections.abc import Callable
from typing import Any

from keras import layers as L

Make = Callable[[], Any]

_LINE, _IMAGE, _VOLUME = (9, 4), (7, 6, 4), (5, 6, 4, 4)
_IMAGES = {1: _LINE, 2: _IMAGE, 3: _VOLUME}


def _by_rank(name: str, *arguments: Any, ranks: tuple[int, ...] = (1, 2, 3), **options: Any) -> Any:
    """Of `Conv{}D` and the like, one net a rank."""
    for rank in ranks:
        kind = getattr(L, name.format(rank))
        label = ",".join(
            [kind.__name__, *map(str, arguments), *(f"{k}={v}" for k, v in options.items())]
        )
        yield label, (_IMAGES[rank], lambda kind=kind: kind(*arguments, **options))


NETS: dict[str, tuple[Any, Make]] = dict(
    [
        # convolutions
        *_by_rank("Conv{}D", 6, 3, padding="same", activation="gelu"),
        *_by_rank("Conv{}D", 6, 3, strides=2, activation="silu"),
        *_by_rank("Conv{}D", 6, 2, dilation_rate=2),
        *_by_rank("Conv{}D", 6, 3, groups=2),
        *_by_rank("Conv{}DTranspose", 6, 3, strides=2, padding="same"),
        *_by_rank("Conv{}DTranspose", 6, 3, dilation_rate=2),
        *_by_rank("Conv{}DTranspose", 6, 3, dilation_rate=2, padding="same"),
        *_by_rank("DepthwiseConv{}D", 3, ranks=(1, 2), depth_multiplier=2),
        *_by_rank("DepthwiseConv{}D", 3, ranks=(1, 2), dilation_rate=2),
        *_by_rank("SeparableConv{}D", 6, 3, ranks=(1, 2), padding="same"),
        *_by_rank("SeparableConv{}D", 6, 3, ranks=(1, 2), dilation_rate=2),
        # pools and sizes
        *_by_rank("AveragePooling{}D", 2, padding="same"),
        *_by_rank("MaxPooling{}D", 3, strides=2),
        *_by_rank("GlobalAveragePooling{}D"),
        *_by_rank("GlobalMaxPooling{}D", keepdims=True),
        *_by_rank("AdaptiveAveragePooling{}D", 3),
        *_by_rank("AdaptiveMaxPooling{}D", 3),
        *_by_rank("ZeroPadding{}D", 1),
        *_by_rank("Cropping{}D", 1),
        *_by_rank("UpSampling{}D", 2),
        *_by_rank("SpatialDropout{}D", 0.4),
    ]
)
for _how in ("bilinear", "bicubic", "nearest", "lanczos3"):
    NETS[f"UpSampling2D,{_how}"] = (_IMAGE, lambda how=_how: L.UpSampling2D(2, interpolation=how))
    NETS[f"Resizing,{_how}"] = (_IMAGE, lambda how=_how: L.Resizing(10, 9, interpolation=how))
NETS |= {
    "Resizing,antialias": (_IMAGE, lambda: L.Resizing(4, 3, antialias=True)),
    "Resizing,crop": (_IMAGE, lambda: L.Resizing(4, 3, crop_to_aspect_ratio=True)),
    "CenterCrop": (_IMAGE, lambda: L.CenterCrop(5, 4)),
    # normalisations
    "BatchNormalization": (_IMAGE, L.BatchNormalization),
    "BatchNormalization,axis=1": (_IMAGE, lambda: L.BatchNormalization(axis=1)),
    "GroupNormalization": (_IMAGE, lambda: L.GroupNormalization(2)),
    "GroupNormalization,-1": (_IMAGE, lambda: L.GroupNormalization(-1)),
    "LayerNormalization": (_IMAGE, L.LayerNormalization),
    "LayerNormalization,axes": (_IMAGE, lambda: L.LayerNormalization(axis=[1, 2, 3])),
    "RMSNormalization": (_IMAGE, L.RMSNormalization),
    "UnitNormalization": (_IMAGE, L.UnitNormalization),
    "SpectralNormalization": (_IMAGE, lambda: L.SpectralNormalization(L.Conv2D(5, 3))),
    "Normalization": (
        _IMAGE,
        lambda: L.Normalization(mean=[0.125, 0.5, -2, 0.75], variance=[0.25, 2, 0.5, 1]),
    ),
    "Rescaling": (_IMAGE, lambda: L.Rescaling(1 / 127.5, offset=-1)),
    # dense
    "Dense": (_IMAGE, lambda: L.Dense(5, activation="tanh")),
    "EinsumDense": (_LINE, lambda: L.EinsumDense("abc,cd->abd", (None, 5), bias_axes="d")),
    "Dropout": (_IMAGE, lambda: L.Dropout(0.3)),
    "AlphaDropout": (_IMAGE, lambda: L.AlphaDropout(0.3)),
    "GaussianDropout": (_IMAGE, lambda: L.GaussianDropout(0.3)),
    "GaussianNoise": (_IMAGE, lambda: L.GaussianNoise(0.3)),
    "ActivityRegularization": (_IMAGE, lambda: L.ActivityRegularization(0.1)),
    "Identity": (_IMAGE, L.Identity),
    "Masking": (_LINE, L.Masking),
    # shapes
    "Flatten": (_IMAGE, L.Flatten),
    "Reshape": (_IMAGE, lambda: L.Reshape((6, 7, 4))),
    "Permute": (_IMAGE, lambda: L.Permute((2, 3, 1))),
    "RepeatVector": ((5,), lambda: L.RepeatVector(3)),
    "Lambda": (_IMAGE, lambda: L.Lambda(lambda x: x * 0.1)),
    # activations
    "ELU": (_IMAGE, L.ELU),
    "LeakyReLU": (_IMAGE, L.LeakyReLU),
    "PReLU": (_IMAGE, lambda: L.PReLU(shared_axes=[1, 2])),
    "ReLU": (_IMAGE, lambda: L.ReLU(6.0, 0.1, 0.2)),
    "Softmax": (_IMAGE, L.Softmax),
    "Softmax,axes": (_IMAGE, lambda: L.Softmax(axis=[1, 2])),
    # sequences
    "LSTM": (_LINE, lambda: L.LSTM(5, return_sequences=True)),
    "LSTM,unrolled": (_LINE, lambda: L.LSTM(5, unroll=True)),
    "GRU": (_LINE, lambda: L.GRU(5, return_sequences=True)),
    "GRU,reset_before": (_LINE, lambda: L.GRU(5, reset_after=False)),
    "SimpleRNN": (_LINE, lambda: L.SimpleRNN(5)),
    "RNN": (_LINE, lambda: L.RNN([L.LSTMCell(5), L.GRUCell(4)], return_sequences=True)),
    "StackedRNNCells": (_LINE, lambda: L.RNN(L.StackedRNNCells([L.SimpleRNNCell(3)]))),
    "Bidirectional": (_LINE, lambda: L.Bidirectional(L.LSTM(5, return_sequences=True))),
    "TimeDistributed": (_VOLUME, lambda: L.TimeDistributed(L.Conv2D(3, 3))),
    "ConvLSTM1D": ((5, 9, 4), lambda: L.ConvLSTM1D(3, 3, return_sequences=True)),
    "ConvLSTM2D": (_VOLUME, lambda: L.ConvLSTM2D(3, 3, padding="same")),
    "ConvLSTM3D": ((3, 4, 4, 4, 2), lambda: L.ConvLSTM3D(2, 2)),
    "STFTSpectrogram": ((64, 1), lambda: L.STFTSpectrogram(frame_length=16, frame_step=8)),
    "MelSpectrogram": ((400,), lambda: L.MelSpectrogram(fft_length=128, sequence_stride=64)),
    # several inputs
    **{
        name: ((_IMAGE, _IMAGE), getattr(L, name))
        for name in ("Add", "Average", "Maximum", "Minimum", "Multiply", "Subtract", "Concatenate")
    },
    "Dot": ((_LINE, _LINE), lambda: L.Dot(axes=2)),
    "Attention": ((_LINE, _LINE), lambda: L.Attention(use_scale=True)),
    "AdditiveAttention": ((_LINE, _LINE), L.AdditiveAttention),
    "MultiHeadAttention": ((_LINE, _LINE), lambda: L.MultiHeadAttention(2, 3)),
    "GroupQueryAttention": ((_LINE, _LINE), lambda: L.GroupQueryAttention(3, 4, 2)),
    # of whole numbers
    "Embedding": ("int32", lambda: L.Embedding(11, 4)),
    "ReversibleEmbedding": ("int32", lambda: L.ReversibleEmbedding(11, 4)),
    "CategoryEncoding": ("int32", lambda: L.CategoryEncoding(11, output_mode="multi_hot")),
}
"""Name -> shape of the input without the batch, several shapes, or "int32"; and the layer."""
for _name in (
    "elu", "selu", "softplus", "softsign", "tanh", "sigmoid", "exponential", "hard_sigmoid",
    "hard_silu", "hard_tanh", "hard_shrink", "soft_shrink", "squareplus", "celu", "glu", "mish",
    "log_sigmoid", "log_softmax", "relu6", "silu", "gelu", "sparse_plus", "sparsemax",
    "tanh_shrink", "leaky_relu",
):  # fmt: skip
    NETS[f"Activation,{_name}"] = (_IMAGE, lambda name=_name: L.Activation(name))

HAVE_NONE = {
    "MelSpectrogram": "its filters are float32 whatever the policy",
    "CategoryEncoding": "TensorFlow counts in float32",
}
"""Names in `NETS` -> why there is no answer in float64."""

NO_NETS = {
    # no layer of its own, or what others are made of
    *("Layer", "InputLayer", "InputSpec", "Wrapper", "Pipeline", "LSTMCell", "GRUCell"),
    *("SimpleRNNCell", "StackedRNNCells"),
    # of other libraries or files
    *("FlaxLayer", "JaxLayer", "TorchModuleWrapper", "TFSMLayer"),
    # of text and numbers, before a net
    *("Discretization", "HashedCrossing", "Hashing", "IntegerLookup", "StringLookup"),
    *("TextVectorization", "MaxNumBoundingBoxes"),
    # that change pictures to train on; "Random..." beside them
    *("AugMix", "AutoContrast", "ContrastLimitedAdaptiveHistogramEqualization", "CutMix"),
    *("Equalization", "MixUp", "RandAugment", "Solarization"),
}
"""Of `keras.layers`, those without a net here."""
