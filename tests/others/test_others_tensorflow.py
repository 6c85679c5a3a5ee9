"""What is used of TensorFlow beside its public names still is what we take it for."""

import inspect
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import tensorflow as tf
from checked import of

from keras_upsample._others import _tensorflow

X2 = tf.ones((2, 3))
X4 = tf.ones((1, 4, 4, 2))
X5 = tf.ones((1, 4, 4, 4, 2))
BYTES = tf.ones((2, 3, 3), tf.int8)


def resized(method: str, **options: Any) -> Callable[[], Any]:
    return lambda: tf.image.resize(X4, (3, 3), method, **options)


# Module, function -> parameters; operator; a public function that gets there, or None where that
# is a name of the same function, which we replace too.
BUILDERS: dict[tuple[str, str], tuple[str, str, Callable[[], Any] | None]] = {
    ("gen_array_ops", "extract_image_patches"): (
        "images ksizes strides rates padding name",
        "ExtractImagePatches",
        lambda: tf.image.extract_patches(X4, [1, 2, 2, 1], [1] * 4, [1] * 4, "VALID"),
    ),
    ("gen_array_ops", "extract_volume_patches"): (
        "input ksizes strides padding name",
        "ExtractVolumePatches",
        None,
    ),
    ("gen_array_ops", "pad"): ("input paddings name", "Pad", lambda: tf.pad(X2, [[0, 1], [1, 0]])),
    ("gen_array_ops", "pad_v2"): (
        "input paddings constant_values name",
        "PadV2",
        lambda: tf.pad(X2, [[0, 1], [1, 0]], constant_values=1.0),
    ),
    ("gen_array_ops", "mirror_pad"): (
        "input paddings mode name",
        "MirrorPad",
        lambda: tf.pad(X2, [[0, 1], [1, 0]], "REFLECT"),
    ),
    ("gen_image_ops", "resize_area"): (
        "images size align_corners name",
        "ResizeArea",
        resized("area"),
    ),
    ("gen_image_ops", "resize_bilinear"): (
        "images size align_corners half_pixel_centers name",
        "ResizeBilinear",
        resized("bilinear"),
    ),
    ("gen_image_ops", "resize_bicubic"): (
        "images size align_corners half_pixel_centers name",
        "ResizeBicubic",
        resized("bicubic"),
    ),
    ("gen_image_ops", "scale_and_translate"): (
        "images size scale translation kernel_type antialias name",
        "ScaleAndTranslate",
        resized("lanczos3"),
    ),
    ("gen_math_ops", "mean"): (
        "input axis keep_dims name",
        "Mean",
        lambda: tf.reduce_mean(X2, 1),
    ),
    ("gen_math_ops", _tensorflow.SUM): (
        "input axis keep_dims name",
        "Sum",
        lambda: tf.reduce_sum(X2, 1),
    ),
    ("gen_math_ops", "erf"): ("x name", "Erf", None),
    ("gen_math_ops", "erfc"): ("x name", "Erfc", None),
    ("gen_math_ops", "batch_mat_mul_v3"): (
        "x y Tout adj_x adj_y grad_x grad_y name",
        "BatchMatMulV3",
        lambda: tf.matmul(BYTES, BYTES, transpose_a=True, output_type=tf.int32),
    ),
    ("math_ops", "erf"): ("x name", "Erf", None),
    ("math_ops", "erfc"): ("x name", "Erfc", lambda: tf.nn.gelu(X2)),
    ("nn_ops", "gelu"): ("features approximate name", "Mul", None),
    ("nn_ops", "convolution_internal"): (
        "input filters strides padding data_format dilations name call_from_convolution "
        "num_spatial_dims",
        "Conv3D",
        lambda: tf.nn.convolution(X5, tf.ones((1, 1, 1, 2, 3))),
    ),
    ("gen_nn_ops", "max_pool3d"): (
        "input ksize strides padding data_format name",
        "MaxPool3D",
        lambda: tf.nn.max_pool3d(X5, 2, 2, "VALID"),
    ),
    ("gen_nn_ops", "avg_pool3d"): (
        "input ksize strides padding data_format name",
        "AvgPool3D",
        lambda: tf.nn.avg_pool3d(X5, 2, 2, "VALID"),
    ),
    ("gen_nn_ops", "avg_pool"): (
        "value ksize strides padding data_format name",
        "AvgPool",
        lambda: tf.nn.avg_pool2d(X4, 2, 2, "VALID"),
    ),
    ("gen_nn_ops", "max_pool_with_argmax"): (
        "input ksize strides padding Targmax include_batch_in_index name",
        "MaxPoolWithArgmax",
        lambda: tf.nn.max_pool_with_argmax(X4, 2, 2, "VALID"),
    ),
    ("gen_nn_ops", "conv3d"): (
        "input filter strides padding data_format dilations name",
        "Conv3D",
        lambda: tf.nn.conv3d(X5, tf.ones((1, 1, 1, 2, 3)), [1] * 5, "VALID"),
    ),
    ("gen_nn_ops", "bias_add"): (
        "value bias data_format name",
        "BiasAdd",
        lambda: tf.nn.bias_add(X4, tf.ones(2)),
    ),
    ("gen_nn_ops", "conv2d_backprop_input"): (
        "input_sizes filter out_backprop strides padding use_cudnn_on_gpu explicit_paddings "
        "data_format dilations name",
        "Conv2DBackpropInput",
        lambda: tf.nn.conv2d_transpose(X4, tf.ones((1, 1, 3, 2)), (1, 4, 4, 3), 1),
    ),
    ("gen_nn_ops", "conv3d_backprop_input_v2"): (
        "input_sizes filter out_backprop strides padding data_format dilations name",
        "Conv3DBackpropInputV2",
        lambda: tf.nn.conv3d_transpose(X5, tf.ones((1, 1, 1, 3, 2)), (1, 4, 4, 4, 3), 1),
    ),
}
MODULES = {
    "gen_array_ops": _tensorflow.gen_array_ops,
    "gen_image_ops": _tensorflow.gen_image_ops,
    "gen_math_ops": _tensorflow.gen_math_ops,
    "gen_nn_ops": _tensorflow.gen_nn_ops,
    "math_ops": _tensorflow.math_ops,
    "nn_ops": _tensorflow.nn_ops,
}


@of("tensorflow")
@pytest.mark.parametrize(("module", "name"), BUILDERS)
def test_builders_of_operators(module: str, name: str, monkeypatch: pytest.MonkeyPatch):
    """A function builds its operator, has these parameters, and is looked up in its module."""
    parameters, operator, call = BUILDERS[module, name]
    place = MODULES[module]()
    original, seen = getattr(place, name), []
    assert list(inspect.signature(original).parameters) == parameters.split()

    def watched(*args: Any, **options: Any) -> Any:
        seen.append(name)
        return original(*args, **options)

    def direct() -> Any:
        if name == "extract_volume_patches":
            return getattr(place, name)(X5, [1, 2, 2, 2, 1], [1] * 5, "VALID")
        return getattr(place, name)(X2)

    monkeypatch.setattr(place, name, watched)
    traced = tf.function(call or direct, autograph=False).get_concrete_function().graph
    assert seen == [name]
    assert operator in {operation.type for operation in traced.get_operations()}


def concrete(function: Callable, *shape: int, **options: Any) -> Any:
    wrapped = tf.function(function, autograph=False, **options)
    return wrapped.get_concrete_function(tf.TensorSpec(shape, "float32", name="x"))


@of("tensorflow")
def test_frozen():
    weight = tf.Variable([2.0, 3.0])

    def loop(x: Any) -> Any:
        return {
            "b": tf.while_loop(lambda i, y: i < 2, lambda i, y: (i + 1, y * weight), (0, x))[1],
            "a": x + weight,
        }

    frozen = _tensorflow.freeze(concrete(loop, 2))
    kinds = {operation.type for operation in frozen.graph.get_operations()}
    assert kinds & {"While", "StatelessWhile"}
    assert "ReadVariableOp" not in kinds
    assert [tensor.name for tensor in frozen.inputs] == ["x:0"]
    weight.assign([0.0, 0.0])
    results = [np.asarray(value).tolist() for value in frozen(tf.constant([1.0, 1.0]))]
    assert results == [[3.0, 4.0], [4.0, 9.0]]  # in the order of the names


@of("tensorflow")
@pytest.mark.parametrize(
    ("operator", "stateful"), [("RandomUniform", True), ("AddV2", False), ("NoSuch", False)]
)
def test_is_stateful(operator: str, stateful: bool):
    assert _tensorflow.is_stateful(operator) is stateful


@of("tensorflow")
@pytest.mark.parametrize("compiled", [True, False])
def test_graph_is_for_xla(compiled: bool):
    seen = []

    def function(x: Any) -> Any:
        seen.append(_tensorflow.graph_is_for_xla())
        return tf.cond(x[0] > 0, lambda: branch(x), lambda: x)

    def branch(x: Any) -> Any:
        seen.append(_tensorflow.graph_is_for_xla())
        return x

    concrete(function, 2, jit_compile=compiled)
    assert seen == [compiled, compiled]


@tf.function
def doubled(x: Any) -> Any:
    return tf.raw_ops.Mul(x=x, y=2.0)


@of("tensorflow")
def test_functions_inlined():
    def outer(x: Any) -> Any:
        with _tensorflow.inline_functions():
            return doubled(x)

    kinds = [op.type for op in concrete(outer, 2).graph.get_operations()]
    assert "Mul" in kinds
    assert not any("Call" in kind for kind in kinds)
    assert not tf.config.functions_run_eagerly()


@of("tensorflow")
def test_graph_of_function():
    graph = concrete(lambda x: doubled(x), 2).graph
    (call,) = [op for op in graph.get_operations() if "Call" in op.type]
    inner = _tensorflow.graph_of_function(graph, call.get_attr("f").name)
    assert "Mul" in [op.type for op in inner.get_operations()]


@of("tensorflow")
def test_empty_saved_model(saved: Path):
    message = _tensorflow.empty_saved_model()
    message.ParseFromString((saved / "saved_model.pb").read_bytes())
    (graph,) = message.meta_graphs
    assert "serving_default" in graph.signature_def
    assert graph.graph_def.library.function[0].node_def
    assert graph.saver_def.restore_op_name


@of("tensorflow")
@pytest.mark.parametrize(
    ("dtype", "name"),
    [("float32", "DT_FLOAT"), ("float16", "DT_HALF"), ("bfloat16", "DT_BFLOAT16")],
)
def test_data_type_name(dtype: str, name: str):
    assert _tensorflow.data_type_name(tf.as_dtype(dtype).as_datatype_enum) == name


@of("tensorflow")
def test_traced_for_saving(tmp_path: Path):
    """Saving finds the trace; what was traced by TensorFlow's own method is traced once more."""

    def traces(trace: Callable[[Any], Any]) -> int:
        calls = []

        @tf.function(input_signature=[tf.TensorSpec((1, 3), name="x")], autograph=False)
        def function(x: Any) -> dict[str, Any]:
            calls.append(x)
            return {"y": x * 2}

        module = tf.Module()
        module.serve = function
        signatures = {"serving_default": trace(function)}
        tf.saved_model.save(module, str(tmp_path), signatures=signatures)
        return len(calls)

    assert traces(lambda function: function.get_concrete_function()) == 2
    assert traces(_tensorflow.traced_for_saving) == 1
    loaded = tf.saved_model.load(str(tmp_path))
    for call in (loaded.serve, loaded.signatures["serving_default"]):
        assert call(x=tf.ones((1, 3)))["y"].numpy().tolist() == [[2.0] * 3]
