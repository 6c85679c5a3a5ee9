"""What holds of every layer: shapes, saving, dtype policies, dynamic sizes, bad arguments."""

from collections.abc import Callable
from pathlib import Path

import keras
import numpy as np
import pytest
from compare import as_numpy, assert_close

from keras_upsample import layers

pytestmark = pytest.mark.backend_neutral

LAYERS: dict[str, Callable[..., keras.layers.Layer]] = {
    "nearest": lambda **k: layers.NearestUpSampling2D((2, 3), coordinates="asymmetric", **k),
    "bilinear": lambda **k: layers.BilinearUpSampling2D(3, coordinates="align_corners", **k),
    "bicubic": lambda **k: layers.BicubicUpSampling2D(
        size=(9, 4), coefficient=-0.75, border="clamp", **k
    ),
    "transposed": lambda **k: layers.TransposedConv2D(3, 2, 3, activation="relu", **k),
    "transposed_icnr": lambda **k: layers.TransposedConv2D(3, (2, 3), 5, initializer="icnr", **k),
    "transposed_bilinear": lambda **k: layers.TransposedConv2D(
        4, initializer="bilinear", use_bias=False, kernel_regularizer="l2", **k
    ),
    "transposed_torch": lambda **k: layers.TransposedConv2D.from_torch_geometry(
        3, (3, 5), 2, (1, 2), 1, **k
    ),
    "transposed_groups": lambda **k: layers.TransposedConv2D(6, 2, 3, groups=2, **k),
    "transposed_depthwise": lambda **k: layers.TransposedConv2D(
        8, (2, 3), groups=4, initializer="bilinear", **k
    ),
    "transposed_dilated": lambda **k: layers.TransposedConv2D(
        4, 3, 3, dilation_rate=2, groups=4, **k
    ),
    "shuffle": lambda **k: layers.PixelShuffle2D(2, "crd", **k),
    "unshuffle": lambda **k: layers.PixelUnshuffle2D(2, "crd", **k),
    "lanczos": lambda **k: layers.LanczosUpSampling2D(
        (2, 3), coordinates="asymmetric", lobes=2, border="clamp", **k
    ),
    "area": lambda **k: layers.AreaResize2D(size=(4, 11), **k),
    "carafe": lambda **k: layers.CARAFE2D(2, 3, encoder_kernel=1, compressed=5, **k),
    "dysample": lambda **k: layers.DySample2D(2, 1, style="pl", dynamic_scope=True, **k),
    "joint_bilateral": lambda **k: layers.JointBilateralUpSampling2D(
        2, 1, range_sigma=0.7, learnable=True, **k
    ),
    "sapa": lambda **k: layers.SAPA2D(2, 3, similarity="gated", embedding=5, **k),
    "fade": lambda **k: layers.FADE2D(2, 3, embedding=5, **k),
    "fade_lite": lambda **k: layers.FADE2D(2, 3, lite=True, encoder_kernel=1, **k),
    "subpixel_blur": lambda **k: layers.SubpixelConv2D(2, 3, blur=True, **k),
    "subpixel": lambda **k: layers.SubpixelConv2D(3, 2, order="crd", activation="tanh", **k),
    "pad": lambda **k: layers.PadToMultiple2D((4, 8), **k),
    "crop": lambda **k: layers.CropLike2D(**k),
    "adaptive": lambda **k: layers.AdaptiveAveragePooling2D((5, 3), **k),
    "resize_like": lambda **k: layers.ResizeLike2D(coordinates="align_corners", **k),
    "fuse_concat": lambda **k: layers.SkipFusion2D(align="center_crop", **k),
    "fuse_add": lambda **k: layers.SkipFusion2D("add", **k),
    "fuse_attention": lambda **k: layers.SkipFusion2D("attention", attention_channels=3, **k),
    "fuse_scse": lambda **k: layers.SkipFusion2D("scse", reduction=3, **k),
}
# what the second input is, of the layers that have one
PAIRS = {name: (2, 5, 7, 6) for name in LAYERS if name.startswith("fuse")}
PAIRS |= dict.fromkeys(("crop", "resize_like"), (2, 5, 7, 6))
PAIRS |= dict.fromkeys(("joint_bilateral", "sapa", "fade", "fade_lite"), (2, 12, 16, 3))
BACKEND = keras.backend.backend()


def images(name: str, data_format: str = "channels_last", dtype: str = "float32") -> object:
    rng = np.random.default_rng(13)
    shapes = [(2, 6, 8, 4)] + ([PAIRS[name]] if name in PAIRS else [])
    x = [rng.uniform(-1, 1, shape).astype(dtype) for shape in shapes]
    if data_format == "channels_first":
        x = [np.ascontiguousarray(value.transpose(0, 3, 1, 2)) for value in x]
    return x if name in PAIRS else x[0]


def shape_of(x: object) -> object:
    return [value.shape for value in x] if isinstance(x, list) else x.shape


def model_of(layer: keras.layers.Layer, x: object, *, dynamic: bool) -> keras.Model:
    first = layer.data_format == "channels_first"

    def symbol(value: np.ndarray) -> object:
        shape: list[int | None] = list(value.shape[1:])
        if dynamic:
            shape[slice(1, 3) if first else slice(0, 2)] = [None, None]
        return keras.Input(shape)

    inputs = [symbol(value) for value in x] if isinstance(x, list) else symbol(x)
    return keras.Model(inputs, layer(inputs))


@pytest.mark.parametrize("data_format", ["channels_last", "channels_first"])
@pytest.mark.parametrize("name", LAYERS)
def test_shapes_and_saving(name: str, data_format: str, tmp_path: Path) -> None:
    x = images(name, data_format)
    layer = LAYERS[name](data_format=data_format, name="it")
    y, dtype = as_numpy(layer(x))
    assert tuple(layer.compute_output_shape(shape_of(x))) == y.shape
    assert dtype == "float32"
    assert np.all(np.isfinite(y))
    model = model_of(layer, x, dynamic=True)
    assert model.output_shape[0] is None
    for known, size in zip(model.output_shape, y.shape, strict=True):
        assert known in (None, size)
    path = tmp_path / "model.keras"
    model.save(path)
    loaded = keras.saving.load_model(path)
    assert loaded.get_layer("it").get_config() == layer.get_config()
    assert np.array_equal(as_numpy(loaded(x))[0], as_numpy(model(x))[0])
    assert_close(model(x), y, of_range=1e-6)


def test_channels_first_is_channels_last_transposed() -> None:
    for name, make in LAYERS.items():
        last, first = make(), make(data_format="channels_first")
        x = images(name)
        expected = as_numpy(last(x))[0]
        first.build(shape_of(images(name, "channels_first")))
        first.set_weights(last.get_weights())
        y = as_numpy(first(images(name, "channels_first")))[0]
        assert_close(y.transpose(0, 2, 3, 1), expected, of_range=2e-6)


@pytest.mark.parametrize(
    ("policy", "bound"),
    [("mixed_float16", 4e-3), ("float16", 4e-3), ("mixed_bfloat16", 3e-2), ("bfloat16", 3e-2)],
)
@pytest.mark.parametrize("name", LAYERS)
def test_half_precision_policies(name: str, policy: str, bound: float) -> None:
    single, half = LAYERS[name](), LAYERS[name](dtype=policy)
    x = images(name)
    expected = as_numpy(single(x))[0]
    half.build(shape_of(x))
    half.set_weights(single.get_weights())
    y = half(x)
    kind = policy.removeprefix("mixed_")
    values = as_numpy(y)[0].astype("float32")
    assert keras.backend.standardize_dtype(y.dtype) == kind
    assert_close(values, expected, of_range=bound)
    for weight in half.weights:
        assert weight.dtype == ("float32" if policy.startswith("mixed") else kind)


@pytest.mark.skipif(BACKEND == "jax", reason="JAX computes in 32 bits unless it is told otherwise")
@pytest.mark.parametrize("name", LAYERS)
def test_double_precision_policy(name: str) -> None:
    single, double = LAYERS[name](), LAYERS[name](dtype="float64")
    x = images(name)
    expected = as_numpy(single(x))[0]
    wide = images(name, dtype="float64")
    double.build(shape_of(x))
    double.set_weights(single.get_weights())
    assert_close(double(wide), expected, of_range=2e-6, dtype="float64")


@pytest.mark.parametrize("name", LAYERS)
def test_trains(name: str) -> None:
    """One step, compiled (by XLA, on TensorFlow and JAX), moves every weight."""
    if name in {"crop", "pad", "area"}:
        pytest.skip("nothing to train, and covered by the models that use it")
    x = images(name)
    layer = LAYERS[name]()
    symbols = [keras.Input(v.shape[1:]) for v in (x if isinstance(x, list) else [x])]
    inputs = symbols if isinstance(x, list) else symbols[0]
    scaled = keras.layers.Conv2D(4, 1)  # so that a gradient flows through the layer
    body = [scaled(inputs[0]), inputs[1]] if isinstance(x, list) else scaled(inputs)
    model = keras.Model(inputs, layer(body))
    # Adam, whose steps are seen however small a gradient is.
    model.compile("adam", "mse", jit_compile=BACKEND != "torch")
    before = model.get_weights()
    y = np.random.default_rng(14).uniform(1, 2, as_numpy(model(x))[0].shape).astype("float32")
    model.fit(x, y, epochs=1, verbose=0)
    for old, new, weight in zip(before, model.get_weights(), model.weights, strict=True):
        assert np.all(np.isfinite(new))
        if name != "fuse_scse":  # its inner ReLU may be off for all of a small batch
            assert not np.array_equal(old, new), weight.path


def test_integers_stay_integers_through_nearest_only() -> None:
    labels = np.arange(12, dtype="int32").reshape(1, 3, 4, 1)
    layer = layers.NearestUpSampling2D(2)
    assert as_numpy(layer(keras.ops.convert_to_tensor(labels)))[1] == "int32"
    assert layer(keras.Input((3, 4, 1), dtype="int32")).dtype == "int32"
    assert as_numpy(layers.BilinearUpSampling2D(2)(keras.ops.convert_to_tensor(labels)))[1] == (
        "float32"
    )


T, S = layers.TransposedConv2D, layers.SkipFusion2D
JB = layers.JointBilateralUpSampling2D
BAD: list[tuple[Callable, str]] = [
    (lambda: layers.NearestUpSampling2D(0), "`scale` must be an int >= 1. Received: 0"),
    (lambda: layers.NearestUpSampling2D(2, 4), "Exactly one of `scale`"),
    (lambda: layers.NearestUpSampling2D(2.0), "`scale` must be an int"),
    (lambda: layers.BilinearUpSampling2D(size=(4, -1)), "`size` must be an int >= 1. Received: -1"),
    (lambda: layers.BilinearUpSampling2D(coordinates="corners"), "`coordinates` must be one of"),
    (lambda: layers.BicubicUpSampling2D(border="zero"), "`border` must be one of"),
    (lambda: layers.BicubicUpSampling2D(coefficient=None), "`coefficient` must be a finite number"),
    (lambda: layers.BicubicUpSampling2D(data_format="nchw"), "`data_format` must be one of"),
    (lambda: layers.LanczosUpSampling2D(lobes=5), "`lobes` must be 2, 3 or 4. Received: 5"),
    (lambda: layers.LanczosUpSampling2D(border="zero"), "`border` must be one of"),
    (lambda: layers.AreaResize2D(2, 4), "Exactly one of `scale`"),
    (lambda: layers.CARAFE2D(2, 4), "`kernel_size` must be odd.*Use 3 or 5"),
    (lambda: layers.CARAFE2D(2, encoder_kernel=2), "`encoder_kernel` must be odd"),
    (lambda: layers.CARAFE2D(2, compressed=0), "`compressed` must be an int >= 1"),
    (lambda: layers.DySample2D(0), "`scale` must be an int >= 1"),
    (lambda: layers.DySample2D(2, 0), "`groups` must be an int >= 1"),
    (lambda: layers.DySample2D(style="dp"), "`style` must be one of 'lp', 'pl'"),
    (lambda: JB(2, 0), "`radius` must be an int >= 1"),
    (lambda: JB(range_sigma=-1), "`range_sigma` must be a finite number > 0"),
    (lambda: JB(spatial_sigma="wide"), "`spatial_sigma` must be a finite number > 0"),
    (lambda: layers.SAPA2D(2, 4), "`kernel_size` must be odd"),
    (lambda: layers.SAPA2D(embedding=0), "`embedding` must be an int >= 1"),
    (lambda: layers.SAPA2D(similarity="I"), "`similarity` must be one of 'inner', 'bilinear'"),
    (lambda: layers.FADE2D(2, 4), "`kernel_size` must be odd"),
    (lambda: layers.FADE2D(encoder_kernel=2), "`encoder_kernel` must be odd"),
    (lambda: layers.FADE2D(embedding=2.5), "`embedding` must be an int >= 1"),
    (lambda: layers.FreqFusion2D(lowpass_kernel=4), "`lowpass_kernel` must be odd"),
    (lambda: layers.FreqFusion2D(highpass_kernel=1), "`highpass_kernel` must be an int >= 3"),
    (lambda: layers.FreqFusion2D(compressed=12), "`compressed` must be a multiple of 8.*Use 16"),
    (lambda: layers.FreqFusion2D(groups=0), "`groups` must be an int >= 1"),
    (lambda: layers.PixelShuffle2D((2, 2)), "`scale` must be an int"),
    (lambda: layers.PixelShuffle2D(2, order="CRD"), "`order` must be one of"),
    (lambda: layers.PixelUnshuffle2D(-2), "`scale` must be an int >= 1"),
    (lambda: layers.SubpixelConv2D(0), "`filters` must be an int >= 1"),
    (lambda: layers.SubpixelConv2D(3, kernel_size=(3,)), "`kernel_size` must be an int or a pair"),
    (lambda: layers.PadToMultiple2D(0), "`multiple` must be an int >= 1"),
    (lambda: T(0), "`filters` must be an int >= 1"),
    (lambda: T(3, 0), "`scale` must be an int >= 1"),
    (lambda: T(3, 4, 3), "`kernel_size` must be at least `scale`"),
    (lambda: T(3, 2, (2, 1)), "`kernel_size` must be at least `scale`"),
    (lambda: T(3, 4, 4, initializer="bilinear"), r"at least \(8, 8\) for the 'bilinear'"),
    (lambda: T(3, 2, 3, output_padding=1), "`output_padding` has a meaning only with `padding`"),
    (lambda: T(3, 2, 3, padding=1, output_padding=2), "`output_padding` must be smaller than"),
    (lambda: T(3, 2, 3, padding=-1), "`padding` must be an int >= 0. Received: -1"),
    (lambda: T.from_torch_geometry(3, 3, 2, 1, (0, 2)), "`output_padding` must be smaller than"),
    (
        lambda: T(3, groups=2),
        "`groups` must divide the number of `filters`.*2 for 3. Use one of 1, 3",
    ),
    (lambda: T(3, groups=0), "`groups` must be an int >= 1"),
    (lambda: T(3, 2, 3, dilation_rate=0), "`dilation_rate` must be an int >= 1"),
    (lambda: T(3, 2, 3, dilation_rate=2), "would see no input: `kernel_size`.*state the geometry"),
    (
        lambda: T(3, 3, 6, dilation_rate=2, initializer="bilinear"),
        "`initializer='bilinear'` needs taps side by side",
    ),
    (
        lambda: T.from_torch_geometry(3, 3, 2, 1, 3, dilation=3),
        "smaller than `scale`.*or than `dilation_rate`",
    ),
    (lambda: layers.TransposedConv1D(3, (2, 2)), "`scale` must be an int. Received 2 values"),
    (lambda: layers.TransposedConv3D(3, 2, (2, 2)), "`kernel_size` must be an int or three"),
    (lambda: S("sum"), "`mode` must be one of 'concat', 'add', 'attention', 'scse'"),
    (lambda: S(align="top"), "`align` must be one of 'skip', 'center_crop', None"),
    (lambda: S("attention", attention_channels=0), "`attention_channels` must be an int >= 1"),
    (lambda: S("scse", reduction=0), "`reduction` must be an int >= 1"),
]


@pytest.mark.parametrize(("make", "message"), BAD)
def test_bad_argument_at_construction(make: Callable, message: str) -> None:
    with pytest.raises((ValueError, TypeError), match=message):
        make()


DOOR: list[tuple[Callable, str]] = [
    (lambda: layers.PixelShuffle2D(2)(keras.Input((4, 4, 6))), "Use 8 channels or 4"),
    (lambda: layers.PixelUnshuffle2D(2)(keras.Input((5, 4, 6))), "PadToMultiple2D"),
    (lambda: layers.CARAFE2D()(keras.Input((4, 4, None))), "known number of channels"),
    (lambda: layers.DySample2D()(keras.Input((4, 4, None))), "known number of channels"),
    (lambda: layers.DySample2D()(keras.Input((4, 4, 6))), "`groups` must divide.*one of 1, 2, 3"),
    (
        lambda: layers.DySample2D(2, 1, style="pl")(keras.Input((4, 4, 6))),
        "`style='pl'` at scale=2 needs.*that 4 divides. Received: 6",
    ),
    (lambda: JB()(keras.Input((4, 4, 3))), r"must be the list \[x, guide\]"),
    (lambda: JB()([keras.Input((4, 4, 3)), keras.Input((8, 9, 1))]), "2 times as large.*8, 9"),
    (lambda: layers.SAPA2D()([keras.Input((4, 4, 3)), keras.Input((8, 9, 1))]), "2 times as large"),
    (
        lambda: layers.SAPA2D()([keras.Input((4, 4, 3)), keras.Input((8, 8, None))]),
        "known numbers of channels",
    ),
    (
        lambda: layers.SAPA2D(similarity="inner")([keras.Input((4, 4, 3)), keras.Input((8, 8, 2))]),
        "`similarity='inner'` needs a guide with as many.*2 and 3",
    ),
    (lambda: layers.FADE2D()(keras.Input((4, 4, 3))), r"must be the list \[x, guide\]"),
    (lambda: layers.FADE2D()([keras.Input((4, 4, 3)), keras.Input((4, 4, 1))]), "2 times as large"),
    (
        lambda: layers.FreqFusion2D()([keras.Input((4, 4, 6)), keras.Input((8, 8, 6))]),
        "`groups` must divide.*one of 1, 2, 3",
    ),
    (lambda: T(3)(keras.Input((4, 4, None))), "known number of channels"),
    (lambda: T(4, groups=2)(keras.Input((4, 4, 3))), "`groups` must divide.*channels of the input"),
    (
        lambda: layers.TransposedConv1D(3)(keras.Input((4, 4, 3))),
        "expected ndim=3|must have 3 axes",
    ),
    (
        lambda: layers.TransposedConv3D(3)(keras.Input((4, 4, 3))),
        "expected ndim=5|must have 5 axes",
    ),
    (lambda: T(3, 2, 3, padding=3)(keras.Input((1, 4, 2))), "leaves no pixel of a length of 1"),
    (lambda: S()(keras.Input((4, 4, 3))), r"must be the list \[decoder, skip\]"),
    (lambda: S()([keras.Input((4, 4, 3))]), r"Received: 1 of them"),
    (
        lambda: S(align=None)([keras.Input((4, 4, 3)), keras.Input((5, 4, 3))]),
        "Use `align='skip'`",
    ),
    (
        lambda: layers.CropLike2D()([keras.Input((4, 4, 3)), keras.Input((5, 4, 3))]),
        "`reference` must not be larger",
    ),
]


@pytest.mark.parametrize(("call", "message"), DOOR)
def test_bad_input_at_the_door(call: Callable, message: str) -> None:
    with pytest.raises(ValueError, match=message):
        call()


@pytest.mark.parametrize("name", LAYERS)
def test_wrong_rank(name: str) -> None:
    symbol = keras.Input((4, 8))
    with pytest.raises(ValueError, match=r"expected ndim=4, found ndim=3|must have 4 axes"):
        LAYERS[name]()([symbol, symbol] if name in PAIRS else symbol)
