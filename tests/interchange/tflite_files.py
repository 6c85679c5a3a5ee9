"""Small TFLite files, and what LiteRT's own kernels, without XNNPACK compute of them."""

import keras
import numpy as np
from ai_edge_litert import interpreter as litert
from ai_edge_litert import schema_py_generated as schema
from flatbuffers import Builder

from keras_upsample import interchange

RNG = np.random.default_rng(11)
SHAPE = (1, 6, 7, 4)
VERSIONS = {"TRANSPOSE_CONV": 3, "FULLY_CONNECTED": 5, "CONV_2D": 2, "DEPTHWISE_CONV_2D": 2}
TYPES = {"float32": "FLOAT32", "float16": "FLOAT16", "int32": "INT32", "int8": "INT8"}


def weights(*shape, low=-1.0, high=1.0):
    return RNG.uniform(low, high, shape).astype("float32")


class Maker:
    """A file of one graph, tensor after tensor."""

    def __init__(self):
        self.model, self.graph = schema.ModelT(), schema.SubGraphT()
        self.model.version, self.model.buffers = 3, [schema.BufferT()]
        self.model.subgraphs, self.model.operatorCodes = [self.graph], []
        self.graph.tensors, self.graph.operators = [], []

    def tensor(self, shape, name, array=None, dtype="float32"):
        made = schema.TensorT()
        made.name, made.shape, made.buffer = name, [*shape], 0
        kind = dtype if array is None else str(array.dtype)
        made.type = getattr(schema.TensorType, TYPES[kind])
        if array is not None:
            made.buffer = len(self.model.buffers)
            buffer = schema.BufferT()
            buffer.data = np.ascontiguousarray(array).view("uint8").ravel()
            self.model.buffers.append(buffer)
        self.graph.tensors.append(made)
        return len(self.graph.tensors) - 1

    def constant(self, array, name="c"):
        array = np.asarray(array)
        return self.tensor(array.shape, f"{name}{len(self.graph.tensors)}", array)

    def operator(self, kind, inputs, outputs, custom=b"", **options):
        code, made = schema.OperatorCodeT(), schema.OperatorT()
        known = getattr(schema.BuiltinOperator, kind, None)
        code.builtinCode = schema.BuiltinOperator.CUSTOM if known is None else known
        code.deprecatedBuiltinCode = min(code.builtinCode, 127)
        code.version = VERSIONS.get(kind, 1)
        if known is None:
            code.customCode, made.customOptions = kind, [*custom]
        made.opcodeIndex = len(self.model.operatorCodes)
        made.inputs, made.outputs = [*inputs], [*outputs]
        if options:
            name = options.pop("of")
            made.builtinOptionsType = getattr(schema.BuiltinOptions, name)
            made.builtinOptions = getattr(schema, f"{name}T")()
            for field, value in options.items():
                assert hasattr(made.builtinOptions, field), field
                setattr(made.builtinOptions, field, value)
        self.model.operatorCodes.append(code)
        self.graph.operators.append(made)

    def signature(self, inputs, outputs):
        """One whose names all lead to the graph's first input and first output."""

        def named(names, index):
            found = []
            for number, name in enumerate(names):
                found.append(schema.TensorMapT())
                found[-1].name, found[-1].tensorIndex = f"{name}{number}", index
            return found

        made = schema.SignatureDefT()
        made.signatureKey = "serving_default"
        made.inputs = named(inputs, self.graph.inputs[0])
        made.outputs = named(outputs, self.graph.outputs[0])
        self.model.signatureDefs = [made]

    def packed(self):
        builder = Builder()
        builder.Finish(self.model.Pack(builder), b"TFL3")
        return bytes(builder.Output())


def one_operator(kind, operands=("x",), shapes=(SHAPE,), outputs=((1,),), **options):
    """A file of one operator; operands are "x" or "z" for the inputs, None, and arrays."""
    maker = Maker()
    flowing = {name: maker.tensor(shape, name) for name, shape in zip("xz", shapes, strict=False)}
    places = []
    for operand in operands:
        if operand is None:
            places.append(-1)
        elif isinstance(operand, str):
            places.append(flowing[operand])
        else:
            places.append(maker.constant(operand))
    made = [maker.tensor(shape, f"y{i}") for i, shape in enumerate(outputs)]
    maker.operator(kind, places, made, **options)
    maker.graph.inputs, maker.graph.outputs = [*flowing.values()], made
    return maker


def with_shapes(maker):
    """The file's bytes, its tensors as long as LiteRT makes them."""
    runner = interpreter_of(maker.packed())
    found = {d["index"]: [int(n) for n in d["shape"]] for d in runner.get_tensor_details()}
    for index, tensor in enumerate(maker.graph.tensors):
        tensor.shape = found.get(index, tensor.shape)
    return maker.packed()


def interpreter_of(content):
    runner = litert.Interpreter(
        model_content=content,
        experimental_op_resolver_type=litert.OpResolverType.BUILTIN_WITHOUT_DEFAULT_DELEGATES,
    )
    runner.allocate_tensors()
    for detail in runner.get_input_details():
        runner.set_tensor(detail["index"], np.full(detail["shape"], 0.5, "float32"))
    runner.invoke()  # what a file computes of its own shapes is known then
    return runner


def check(content, folder, low=-1.0, atol=2e-6):
    """`from_tflite` against LiteRT's own kernels, without XNNPACK; the model."""
    path = folder / "m.tflite"
    path.write_bytes(content)
    model = interchange.from_tflite(path, verify=False)
    runner = interpreter_of(content)
    given = []
    for detail in runner.get_input_details():
        given.append(weights(*detail["shape"], low=low))
        runner.set_tensor(detail["index"], given[-1])
    runner.invoke()
    found = keras.tree.flatten(model(given if len(given) > 1 else given[0], training=False))
    details = runner.get_output_details()
    assert len(found) == len(details)
    for y, detail in zip(found, details, strict=True):
        np.testing.assert_allclose(y, runner.get_tensor(detail["index"]), rtol=2e-5, atol=atol)
    return model
