"""What TensorFlow graphs hold: which operators, at dynamic sizes, under XLA."""

from collections.abc import Callable

import keras
import numpy as np
import pytest
import reference
from compare import assert_close

from keras_upsample import layers, ops

tf = pytest.importorskip("tensorflow")
if keras.backend.backend() != "tensorflow":
    pytest.skip("Keras runs on another backend", allow_module_level=True)

QUIET = {"Placeholder", "Const", "Identity", "ReadVariableOp", "NoOp", "Cast"}
COORDINATES = ("half_pixel", "align_corners", "asymmetric")
FUNCTIONS = {
    "nearest": ops.resize_nearest,
    "bilinear": ops.resize_bilinear,
    "bicubic": ops.resize_bicubic,
}


def image(shape: tuple[int, ...]) -> np.ndarray:
    return np.random.default_rng(12).uniform(-1, 1, shape).astype("float32")


def operators(function: Callable, shape: tuple[int | None, ...], dtype: str = "float32") -> list:
    """The types of the operators in the trace, in order, without constants and reads."""
    signature = tf.TensorSpec(shape, dtype)
    graph = tf.function(function, autograph=False).get_concrete_function(signature).graph
    return [op.type for op in graph.get_operations() if op.type not in QUIET]


@pytest.mark.parametrize("coordinates", COORDINATES)
@pytest.mark.parametrize(
    ("interpolation", "operator"),
    [("nearest", "ResizeNearestNeighbor"), ("bilinear", "ResizeBilinear")],
)
def test_the_native_operator_alone(interpolation: str, operator: str, coordinates: str) -> None:
    found = operators(
        lambda x: FUNCTIONS[interpolation](x, scale=2, coordinates=coordinates), (None, 6, 4, 3)
    )
    assert found == [operator]


def test_native_bicubic_only_where_it_is_exact() -> None:
    shape = (None, 6, 4, 3)
    assert operators(lambda x: ops.resize_bicubic(x, scale=2), shape) == ["ResizeBicubic"]
    assert operators(lambda x: ops.resize_bicubic(x, scale=(8, 4)), shape) == ["ResizeBicubic"]
    for options in (
        {"scale": 3},  # offsets of a third of a pixel
        {"size": (7, 5)},
        {"scale": 2, "coefficient": -0.75},
        {"scale": 2, "border": "clamp"},
        {"scale": 2, "coordinates": "asymmetric"},
    ):
        found = operators(lambda x, o=options: ops.resize_bicubic(x, **o), shape)
        assert set(found) == {"GatherV2", "Mul", "AddV2"}, options


def test_inexact_nearest_is_gathered() -> None:
    assert operators(lambda x: ops.resize_nearest(x, size=(1, 41)), (1, 1, 2, 1)) == ["GatherV2"]
    found = operators(lambda x: ops.resize_nearest(x, size=(1, 40)), (1, 1, 2, 1))
    assert found == ["ResizeNearestNeighbor"]


def test_matrix_form_is_reshapes_and_products() -> None:
    with ops.resize_forms({"bicubic": ("matrix",)}):
        found = operators(lambda x: ops.resize_bicubic(x, scale=2), (1, 6, 4, 3))
    assert found == ["Reshape", "BatchMatMulV2", "Reshape", "BatchMatMulV2", "Reshape"]
    with ops.resize_forms({"bicubic": ("matrix",)}):
        found = operators(lambda x: ops.resize_bicubic(x, scale=(1, 2)), (None, 6, 4, 3))
    assert found == ["Reshape", "BatchMatMulV2", "Reshape"]


def test_concat_form_is_concatenations_and_reshapes() -> None:
    with ops.resize_forms({"nearest": ("concat",)}):
        found = operators(lambda x: ops.resize_nearest(x, scale=2), (1, 6, 4, 3))
    assert found == ["ConcatV2", "Reshape", "ConcatV2", "Reshape"]


@pytest.mark.parametrize("kernel", [2, 3, 4, 5, 16])
def test_transposed_convolution_is_one_operator(kernel: int) -> None:
    layer = layers.TransposedConv2D(4, 2, kernel, use_bias=False)
    layer.build((1, 6, 4, 3))
    assert operators(layer.call, (1, 6, 4, 3)) == ["Conv2DBackpropInput"]
    dynamic = operators(layer.call, (None, None, None, 3))
    assert dynamic.count("Conv2DBackpropInput") == 1
    assert "Pad" not in dynamic


@pytest.mark.parametrize(
    ("kernel", "stride", "padding", "output_padding", "rest"),
    [
        (2, 2, 0, 0, []),
        (4, 2, 1, 0, []),
        (3, 3, 0, 0, []),
        (16, 8, 4, 0, []),
        (3, 2, 0, 1, []),  # VALID gives the zeros behind the end by itself
        (3, 2, 1, 1, ["StridedSlice"]),
        (5, 2, 2, 1, ["StridedSlice"]),
    ],
)
def test_torch_geometry_costs_a_crop_at_most(
    kernel: int, stride: int, padding: int, output_padding: int, rest: list[str]
) -> None:
    layer = layers.TransposedConv2D.from_torch_geometry(
        4, kernel, stride, padding, output_padding, use_bias=False
    )
    layer.build((1, 6, 4, 3))
    assert operators(layer.call, (1, 6, 4, 3)) == ["Conv2DBackpropInput", *rest]
    biased = layers.TransposedConv2D.from_torch_geometry(4, kernel, stride, padding, output_padding)
    biased.build((1, 6, 4, 3))
    assert operators(biased.call, (1, 6, 4, 3)) == ["Conv2DBackpropInput", "BiasAdd", *rest]


@pytest.mark.parametrize("order", ["dcr", "crd"])
def test_shuffle_stays_within_rank_four(order: str) -> None:
    swap = ["Reshape", "Transpose", "Reshape"] if order == "crd" else []
    found = operators(lambda x: ops.pixel_shuffle(x, 2, order), (1, 3, 4, 8))
    assert found == [*swap, "DepthToSpace"]
    found = operators(lambda x: ops.pixel_unshuffle(x, 2, order), (1, 6, 4, 3))
    assert found == ["SpaceToDepth", *swap]


def test_alignment_of_equal_sizes_leaves_nothing() -> None:
    other = tf.zeros((1, 4, 6, 2))
    for align in ("skip", "center_crop", None):
        fusion = layers.SkipFusion2D(align=align)
        fusion.build([(1, 4, 6, 3), (1, 4, 6, 2)])
        assert operators(lambda x, f=fusion: f.call([x, other]), (1, 4, 6, 3)) == ["ConcatV2"]
    crop = layers.CropLike2D()
    assert operators(lambda x: crop.call([x, other]), (1, 4, 6, 3)) == []
    assert operators(layers.PadToMultiple2D(2).call, (1, 4, 6, 3)) == []
    assert operators(layers.PadToMultiple2D(4).call, (1, 4, 6, 3)) == ["Pad"]


def runs(function: Callable) -> dict[str, Callable]:
    """The function in eager mode, in a graph and under XLA, at unknown height and width."""
    signature = [tf.TensorSpec((None, None, None, 3), "float32")]
    return {
        "eager": function,
        "graph": tf.function(function, input_signature=signature, autograph=False),
        "xla": tf.function(function, input_signature=signature, jit_compile=True, autograph=False),
    }


@pytest.mark.parametrize("target", [{"scale": 2}, {"scale": (3, 1)}, {"size": (9, 27)}])
@pytest.mark.parametrize("coordinates", COORDINATES)
@pytest.mark.parametrize("interpolation", sorted(FUNCTIONS))
@pytest.mark.parametrize("form", ["operator", "taps"])
def test_dynamic_sizes(form: str, interpolation: str, coordinates: str, target: dict) -> None:
    def function(x: object) -> object:
        with ops.resize_forms({interpolation: (form,)}):
            return FUNCTIONS[interpolation](x, **target, coordinates=coordinates)

    for name, run in runs(function).items():
        for shape in [(2, 5, 9, 3), (1, 1, 4, 3)]:
            size = target.get("size")
            if size is None:
                rows, columns = (2, 2) if target["scale"] == 2 else target["scale"]
                size = (shape[1] * rows, shape[2] * columns)
            x = image(shape)
            expected = reference.resize(x, interpolation, size, coordinates)
            tolerance = 0.0 if interpolation == "nearest" else 2e-6
            try:
                assert_close(run(tf.constant(x)), expected, of_range=tolerance)
            except AssertionError as error:
                raise AssertionError(f"{name}, {shape}: {error}") from None


@pytest.mark.parametrize(
    ("interpolation", "target"),
    [("lanczos", {"scale": 2}), ("lanczos", {"size": (9, 27)}), ("area", {"size": (4, 13)})],
)
def test_dynamic_sizes_without_an_operator(interpolation: str, target: dict) -> None:
    resize = getattr(ops, f"resize_{interpolation}")
    for name, run in runs(lambda x: resize(x, **target)).items():
        for shape in [(2, 5, 9, 3), (1, 1, 4, 3)]:
            size = target.get("size", (2 * shape[1], 2 * shape[2]))
            x = image(shape)
            expected = reference.resize(x, interpolation, size)
            try:
                assert_close(run(tf.constant(x)), expected, of_range=2e-6)
            except AssertionError as error:
                raise AssertionError(f"{name}, {shape}: {error}") from None


def test_a_slice_of_a_known_size_is_no_strided_one() -> None:
    found = operators(lambda x: ops.checkerboard_blur(x), (1, 6, 4, 3))
    assert found == ["Slice", "Slice", "ConcatV2"] * 2 + ["DepthwiseConv2dNative"]
    found = operators(lambda x: ops.max_pool_with_indices(x), (1, 6, 4, 3))
    assert "Slice" not in found
    assert "StridedSlice" not in found


def test_guided_upsampling_traces_with_the_batch_alone_unknown() -> None:
    """As `fit` does: a reshape then has one unknown size."""
    x = image((2, 4, 6, 4))
    pool, unpool = layers.MaxPoolingWithIndices2D(2), layers.MaxUnpooling2D(2)
    functions = {
        "carafe": layers.CARAFE2D(2, 3),
        "dysample": layers.DySample2D(2, 2),
        "blur": layers.SubpixelConv2D(3, 2, blur=True),
        "joint bilateral": lambda x: layers.JointBilateralUpSampling2D(2, 1)(
            [x, ops.resize_nearest(x, scale=2)]
        ),
        "sapa": (lambda layer: lambda x: layer([x, ops.resize_nearest(x, scale=2)]))(
            layers.SAPA2D(2, 3)
        ),
        "fade": (lambda layer: lambda x: layer([x, ops.resize_nearest(x, scale=2)]))(
            layers.FADE2D(2, 3)
        ),
        "max unpooling": lambda x: unpool(pool(x)),
    }
    for name, function in functions.items():
        expected = function(tf.constant(x))
        signature = [tf.TensorSpec((None, 4, 6, 4), "float32")]
        traced = tf.function(function, input_signature=signature, autograph=False)
        try:
            assert_close(traced(tf.constant(x)), expected, of_range=2e-6)
        except AssertionError as error:
            raise AssertionError(f"{name}: {error}") from None


@pytest.mark.parametrize("interpolation", sorted(FUNCTIONS))
@pytest.mark.parametrize("target", [{"scale": 2}, {"scale": 3}, {"size": (9, 27)}])
def test_gradients_under_xla(interpolation: str, target: dict) -> None:
    x = tf.constant(image((1, 3, 9, 2)))

    def slope(x: object) -> object:
        with tf.GradientTape() as tape:
            tape.watch(x)
            loss = tf.reduce_sum(FUNCTIONS[interpolation](x, **target) ** 2)
        return tape.gradient(loss, x)

    compiled = tf.function(slope, jit_compile=True, autograph=False)
    assert_close(compiled(x), slope(x), of_range=3e-6)


def test_static_sizes_survive_beside_dynamic_ones() -> None:
    shapes = []

    def function(x: object) -> object:
        for resize in FUNCTIONS.values():
            shapes.append(tuple(resize(x, scale=2).shape))
        shapes.append(tuple(ops.pixel_shuffle(x, 2, "crd").shape))
        return x

    tf.function(function, autograph=False).get_concrete_function(
        tf.TensorSpec((None, 6, None, 4), "float32")
    )
    assert shapes == [(None, 12, None, 4)] * 3 + [(None, 12, None, 1)]


@pytest.mark.parametrize("order", ["dcr", "crd"])
def test_dynamic_shuffle(order: str) -> None:
    signature = [tf.TensorSpec((None, None, None, 8), "float32")]
    for jit in (False, True):
        run = tf.function(
            lambda x: ops.pixel_unshuffle(ops.pixel_shuffle(x, 2, order), 2, order) * 1,
            input_signature=signature,
            jit_compile=jit,
        )
        x = image((2, 3, 5, 8))
        assert_close(run(x), x, of_range=0)
        shuffle = tf.function(
            lambda x: ops.pixel_shuffle(x, 2, order), input_signature=signature, jit_compile=jit
        )
        assert_close(shuffle(x), reference.pixel_shuffle(x, 2, order), of_range=0)


@pytest.mark.parametrize("geometry", [(4, 2, 1, 0), (3, 2, 1, 1), (1, 3, 0, 2), (2, 2, 0, 0)])
def test_dynamic_transposed_convolution(geometry: tuple[int, int, int, int]) -> None:
    kernel, stride, padding, output_padding = geometry
    layer = layers.TransposedConv2D.from_torch_geometry(4, *geometry)
    layer.build((None, None, None, 3))
    weights = image((kernel, kernel, 4, 3))
    layer.set_weights([weights, np.arange(4.0)])
    x = image((2, 3, 5, 3))
    expected = reference.torch_transposed_conv(
        x, weights, stride, padding, output_padding, np.arange(4.0)
    )
    for run in runs(layer.call).values():
        assert_close(run(tf.constant(x)), expected, of_range=2e-6)


@pytest.mark.parametrize("align", ["skip", "center_crop"])
@pytest.mark.parametrize("shapes", [((4, 6), (5, 3)), ((8, 3), (5, 3)), ((4, 4), (4, 4))])
def test_dynamic_alignment(align: str, shapes: tuple) -> None:
    decoder, skip = (tf.constant(image((2, *size, 3))) for size in shapes)
    layer = layers.SkipFusion2D(align=align)
    layer.build([decoder.shape, skip.shape])
    pad, crop = layers.PadToMultiple2D(4), layers.CropLike2D()

    def function(decoder: object, skip: object) -> object:
        joined = layer.call([decoder, skip])
        return crop.call([pad.call(joined) * 2.0, joined])

    expected = 2 * layer([decoder, skip]).numpy()
    for jit in (False, True):
        run = tf.function(
            function,
            input_signature=[tf.TensorSpec((None, None, None, 3), "float32")] * 2,
            jit_compile=jit,
            autograph=False,
        )
        assert_close(run(decoder, skip), expected, of_range=0)
