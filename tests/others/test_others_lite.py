"""What is used of `tf.lite`, and of LiteRT beside its public names, is what we take it for."""

import struct
import warnings
from collections.abc import Callable
from pathlib import Path
from types import ModuleType
from typing import Any

import numpy as np
import pytest
import tensorflow as tf
from checked import of

from keras_upsample._others import _litert, _tf_lite


def images(count: int = 3) -> list[list[np.ndarray]]:
    rng = np.random.default_rng(0)
    return [[rng.random((1, 8, 8, 2), "float32")] for _ in range(count)]


def integer_converter(saved: Path) -> Any:
    converter = _tf_lite.converter(saved)
    converter.optimizations = [_tf_lite.default_optimization()]
    converter.representative_dataset = lambda: iter(images())
    converter.target_spec.supported_ops = [_tf_lite.operator_set("TFLITE_BUILTINS_INT8")]
    return converter


def tensor_types(content: bytes) -> set[int]:
    graph = _litert.schema().Model.GetRootAs(content, 0).Subgraphs(0)
    return {graph.Tensors(i).Type() for i in range(graph.TensorsLength())}


@of("ai-edge-litert")
def test_schema_of_litert(tflite: bytes):
    schema = _litert.schema()
    model = schema.Model.GetRootAs(tflite, 0)
    assert (model.Version(), model.SubgraphsLength(), model.SignatureDefsLength()) == (3, 1, 1)
    assert model.SignatureDefs(0).Inputs(0).Name() == b"x"
    graph = model.Subgraphs(0)
    assert graph.Tensors(graph.Inputs(0)).ShapeAsNumpy().tolist() == [1, 8, 8, 2]
    assert (schema.BuiltinOperator.CONV_2D, schema.TensorType.INT8) == (3, 9)
    held = schema.ModelT.InitFromObj(model)
    assert [output.name for output in held.signatureDefs[0].outputs] == [b"y"]


@of("tensorflow")
@pytest.mark.parametrize("kind", ["float32", "float16", "int8"])
def test_a_file_is_that_of_the_public_converter(saved: Path, kind: str):
    """But for the record of the conversion."""

    def configured(converter: Any) -> Any:
        if kind != "float32":
            converter.optimizations = [_tf_lite.default_optimization()]
        if kind == "float16":
            converter.target_spec.supported_types = [tf.float16]
        if kind == "int8":
            converter.representative_dataset = lambda: iter(images())
            converter.target_spec.supported_ops = [_tf_lite.operator_set("TFLITE_BUILTINS_INT8")]
        return converter

    public = configured(tf.lite.TFLiteConverter.from_saved_model(str(saved)))
    public.exclude_conversion_metadata = True
    with _tf_lite.quiet_interpreter():
        content = _tf_lite.converted(configured(_tf_lite.converter(saved)))
        assert content == public.convert()
    assert len(content) > 1000


@of("ai-edge-litert")
@pytest.mark.parametrize("module", [_litert, _tf_lite], ids=["litert", "tf_lite"])
def test_table_of(module: ModuleType, tflite: bytes):
    model = module.schema().Model.GetRootAs(tflite, 0)
    table = _litert.table_of(model)
    assert table.Bytes is tflite
    version_field = table.Pos + table.Offset(4)
    assert struct.unpack_from("<I", tflite, version_field) == (3,)
    subgraphs = table.Vector(table.Offset(8))
    (offset,) = struct.unpack_from("<I", tflite, subgraphs)
    assert subgraphs + offset == _litert.table_of(model.Subgraphs(0)).Pos


@of("ai-edge-litert")
@pytest.mark.parametrize("module", [_litert, _tf_lite], ids=["litert", "tf_lite"])
def test_builtin_operators_of_litert(module: ModuleType):
    """The numbers of the format, https://www.tensorflow.org/lite; TensorFlow counts the same."""
    names = _litert.builtin_operators()
    assert (names[0], names[3], names[67], names[126]) == (
        "ADD",
        "CONV_2D",
        "TRANSPOSE_CONV",
        "BATCH_MATMUL",
    )
    theirs = vars(module.schema().BuiltinOperator)
    assert all(theirs[name] == number for number, name in names.items() if name in theirs)
    assert len(set(names.values()) & theirs.keys()) > 150


@of("ai-edge-litert")
@pytest.mark.parametrize("float32", [True, False])
def test_gpu_model_of_litert(float32: bool, monkeypatch: pytest.MonkeyPatch):
    """What it asks for; what comes of it is tested in `tests/runtimes/test_runtimes_gpu.py`."""
    from ai_edge_litert import compiled_model

    asked: list[dict[str, Any]] = []
    monkeypatch.setattr(
        compiled_model.CompiledModel,
        "from_buffer",
        lambda content, options: asked.append(options._as_flat_kwargs()),
    )
    _litert.gpu_model(b"TFL3", float32=float32)
    assert asked[0]["gpu_enforce_f32"] is float32
    accelerator = next(value for name, value in asked[0].items() if "accel" in name)
    assert int(accelerator) == int(compiled_model.HardwareAccelerator.GPU)


@of("ai-edge-litert")
def test_operator_names_of_litert(tflite: bytes):
    from ai_edge_litert.interpreter import Interpreter, OpResolverType

    plain = Interpreter(
        model_content=tflite,
        experimental_op_resolver_type=OpResolverType.BUILTIN_WITHOUT_DEFAULT_DELEGATES,
    )
    names = _litert.operator_names(plain)
    assert names[0] == "CONV_2D"
    assert {"LOGISTIC", "MEAN", "ADD"} <= set(names)
    usual = Interpreter(model_content=tflite)
    usual.allocate_tensors()
    assert _litert.operator_names(usual).count("DELEGATE") == 1


@of("tensorflow")
def test_converter(saved: Path, tflite: bytes):
    assert tflite[4:8] == b"TFL3"
    schema = _tf_lite.schema()
    graph = schema.Model.GetRootAs(tflite, 0).Subgraphs(0)
    kinds = {graph.Tensors(i).Type() for i in range(graph.TensorsLength())}
    assert schema.TensorType.FLOAT32 in kinds
    assert schema.TensorType.INT8 not in kinds


@of("tensorflow")
@pytest.mark.parametrize(
    "name",
    [
        "TFLITE_BUILTINS",
        "SELECT_TF_OPS",
        "TFLITE_BUILTINS_INT8",
        "EXPERIMENTAL_TFLITE_BUILTINS_ACTIVATIONS_INT16_WEIGHTS_INT8",
    ],
)
def test_operator_set(name: str):
    assert _tf_lite.operator_set(name).name == name


@of("tensorflow")
def test_quantising(saved: Path, tflite: bytes, monkeypatch: pytest.MonkeyPatch):
    """The file of floats is prepared first, then ranges are learnt, then it is quantised."""
    order = []
    calibrator = _tf_lite.calibrator_class()
    original = calibrator.calibrate

    def calibrate(self: Any, dataset: Callable) -> bytes:
        order.append(("calibrate", len(list(dataset()))))
        calibrated = original(self, dataset)
        graph = _tf_lite.schema().Model.GetRootAs(calibrated, 0).Subgraphs(0)
        ranges = [graph.Tensors(i).Quantization() for i in range(graph.TensorsLength())]
        order.append(("ranges", any(r is not None and r.MinLength() == 1 for r in ranges)))
        return calibrated

    def prepared(content: bytes) -> bytes:
        order.append(("prepared", 9 in tensor_types(content)))
        return content

    monkeypatch.setattr(calibrator, "calibrate", calibrate)
    converter = integer_converter(saved)
    _tf_lite.prepare_before_quantising(converter, prepared)
    with _tf_lite.quiet_interpreter():
        content = _tf_lite.converted(converter)
    assert order == [("prepared", False), ("calibrate", 3), ("ranges", True)]
    assert 9 in tensor_types(content)  # int8


@of("tensorflow")
def test_schemas_agree():
    ours, theirs = _litert.schema(), _tf_lite.schema()
    for kind in ("BuiltinOperator", "TensorType"):
        known = {k: v for k, v in vars(getattr(theirs, kind)).items() if k[0] != "_"}
        assert known.items() <= vars(getattr(ours, kind)).items()


@of("tensorflow")
def test_unpacked_and_packed(tflite: bytes):
    model = _tf_lite.unpack(tflite)
    graph = model.subgraphs[0]
    assert len(graph.operators) >= 4
    graph.tensors[graph.inputs[0]].name = b"renamed"
    found = _tf_lite.schema().Model.GetRootAs(_tf_lite.pack(model), 0).Subgraphs(0)
    assert found.Tensors(found.Inputs(0)).Name() == b"renamed"


@of("tensorflow")
def test_interpreter_module(tflite: bytes):
    module = _tf_lite.interpreter_module()
    plain = module.OpResolverType.BUILTIN_WITHOUT_DEFAULT_DELEGATES
    assert plain != module.OpResolverType.AUTO
    with _tf_lite.quiet_interpreter():
        interpreter = module.Interpreter(model_content=tflite, experimental_op_resolver_type=plain)
    interpreter.allocate_tensors()
    assert _litert.operator_names(interpreter)[0] == "CONV_2D"


@of("tensorflow")
def test_interpreter_that_keeps(saved: Path, tflite: bytes):
    (x,) = images(1)[0]
    with _tf_lite.quiet_interpreter():
        interpreter = _tf_lite.interpreter_that_keeps(tflite)
    interpreter.set_tensor(interpreter.get_input_details()[0]["index"], x)
    interpreter.invoke()
    kernel = np.linspace(-1, 1, 54, dtype="float32").reshape(3, 3, 2, 3)
    y = np.asarray(tf.nn.conv2d(x, kernel, 1, "SAME"))
    wanted = {"conv": y, "sigmoid": np.asarray(tf.sigmoid(y)), "relu": np.maximum(y, 0)}
    found = [interpreter.get_tensor(d["index"]) for d in interpreter.get_tensor_details()]
    inner = [values for values in found if values.shape == y.shape]
    for name, values in wanted.items():
        assert any(np.allclose(each, values, atol=1e-5) for each in inner), name
    assert "DELEGATE" not in _litert.operator_names(interpreter)


@of("tensorflow")
def test_quiet_interpreter(tflite: bytes):
    interpreter = _tf_lite.interpreter_module().Interpreter
    with pytest.warns(UserWarning, match=r"tf\.lite\.Interpreter is deprecated"):
        interpreter(model_content=tflite)
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        with _tf_lite.quiet_interpreter():
            interpreter(model_content=tflite)


@of("tensorflow")
def test_debugger(saved: Path):
    metrics = {"size": lambda exact, given, scale, zero: float(exact.size)}
    with _tf_lite.quiet_interpreter():
        debugger = _tf_lite.debugger(
            integer_converter(saved), lambda: iter(images()), layer_direct_compare_metrics=metrics
        )
        own = _tf_lite.interpreter_of_debugger(debugger)
        assert "NumericVerify" in _litert.operator_names(own)
        runs = []

        class Watched:
            def invoke(self) -> None:
                runs.append(own)
                own.invoke()

            def __getattr__(self, name: str) -> Any:
                return getattr(own, name)

        _tf_lite.set_interpreter_of_debugger(debugger, Watched())
        debugger.run()
    assert len(runs) == 3
    compared = dict(_tf_lite.compared_results(debugger))
    assert set(compared) == set(debugger.layer_statistics)
    details = {detail["name"]: detail for detail in own.get_tensor_details()}
    assert len(compared) >= 4
    for key, name in compared.items():
        assert details[name]["dtype"] == np.float32
        assert debugger.layer_statistics[key]["size"] == np.prod(details[name]["shape"])
