"""The structure of a TFLite file against its size, before any runtime sees it."""

import inspect
import re
import struct
from collections.abc import Callable
from typing import Any

import numpy as np
import pytest
from ai_edge_litert import schema_py_generated as schema
from flatbuffers import Builder

from keras_upsample.edge import check
from keras_upsample.errors import ArtefactError
from keras_upsample.files._flatbuffer import DamagedError, read_root
from keras_upsample.files._tflite_schema import TABLES, TENSOR_TYPES, UNIONS
from keras_upsample.files._tflite_structure import check_structure

LETTERS = {
    "Bool": "?", "Int8": "b", "Uint8": "B", "Int16": "h", "Uint16": "H", "Int32": "i",
    "Uint32": "I", "Int64": "q", "Uint64": "Q", "Float32": "f", "Float64": "d",
}  # fmt: skip


def generated_tables() -> dict[str, list[str]]:
    """Name -> type of each slot, out of the code that FlatBuffers made of the schema."""
    tables = {}
    classes = r"^class (\w+)\(object\):\n(.*?)(?=^class |^def |\Z)"
    methods = r"^    def (\w+)\(self(?:, j)?\):\n(.*?)(?=^    def |^    # |\Z)"
    for name, body in re.findall(classes, inspect.getsource(schema), re.S | re.M):
        if "GetRootAs" not in body:
            continue
        slots: dict[int, str] = {}
        for _, code in re.findall(methods, body, re.S | re.M):
            offset = re.search(r"_tab\.Offset\((\d+)\)", code)
            if offset is None or int(offset[1]) in slots:
                continue
            number = re.search(r"_tab\.Get\(flatbuffers\.number_types\.(\w+)Flags", code)
            table = re.search(r"obj = (\w+)\(\)", code)
            kind = "union" if "_tab.Union" in code else "str" if "_tab.String" in code else ""
            kind = kind or (table[1] if table else LETTERS[number[1]])
            slots[int(offset[1])] = f"[{kind}]" if "_tab.Vector(o)" in code else kind
        tables[name] = [slots.get(slot, "") for slot in range(4, max(slots, default=2) + 1, 2)]
    return tables


def test_the_tables_are_those_of_the_schema():
    expected = {name: slots for name, slots in generated_tables().items() if slots}
    assert set(TABLES) <= set(expected)
    for name, fields in TABLES.items():
        ours = ["union" if kind.startswith("<") else kind for _, kind in fields]
        assert ours == expected[name][: len(ours)], name  # a later schema may have added some
    for name, kinds in {**UNIONS, "TensorType": TENSOR_TYPES}.items():
        assert [getattr(schema, name).__dict__[kind] for kind in kinds] == list(range(len(kinds)))
        assert set(kinds) - {"NONE"} <= set(expected) | set(TENSOR_TYPES) | empty_tables()


def empty_tables() -> set[str]:
    return {name for name, slots in generated_tables().items() if not slots}


@pytest.fixture(scope="module")
def whole(artefacts) -> bytes:
    return artefacts[0]["tflite"].read_bytes()


def changed(whole: bytes, edit: Callable[[Any], None]) -> bytes:
    """The file with its parts edited, packed anew."""
    model = schema.ModelT.InitFromPackedBuf(whole, 0)
    for graph in model.subgraphs:
        for part in (graph, *graph.operators):
            part.inputs, part.outputs = list(part.inputs), list(part.outputs)
    edit(model)
    builder = Builder()
    builder.Finish(model.Pack(builder), b"TFL3")
    return bytes(builder.Output())


def test_a_sound_file_passes(whole):
    check_structure(whole)
    check_structure(changed(whole, lambda model: None))


def kernel(model: Any) -> Any:
    """That of the convolution of 3x3."""
    return next(t for t in model.subgraphs[0].tensors if list(t.shape) == [4, 3, 3, 3])


def first(model: Any) -> Any:
    return model.subgraphs[0].operators[0]


def later_output(model: Any) -> None:
    first(model).inputs[0] = model.subgraphs[0].operators[-1].outputs[0]


def outside(model: Any) -> None:
    buffer = model.buffers[kernel(model).buffer]
    buffer.data, buffer.offset, buffer.size = None, 2**40, 64


def calls_itself(model: Any) -> None:
    options = schema.WhileOptionsT()
    options.condSubgraphIndex = options.bodySubgraphIndex = 0
    first(model).builtinOptions = options
    first(model).builtinOptionsType = schema.BuiltinOptions.WhileOptions


def no_such_body(model: Any) -> None:
    calls_itself(model)
    first(model).builtinOptions.bodySubgraphIndex = 7


EDITS: dict[str, Callable[[Any], None]] = {
    "it has no subgraph": lambda m: setattr(m, "subgraphs", []),
    r"operator 0 of the graph names code 99, and there are \d": lambda m: setattr(
        first(m), "opcodeIndex", 99
    ),
    r"operator 0 of the graph reads tensor 500, and": lambda m: first(m).inputs.__setitem__(0, 500),
    r"operator 0 of the graph writes tensor 500,": lambda m: first(m).outputs.__setitem__(0, 500),
    r"operator 0 of the graph reads tensor -2,": lambda m: first(m).inputs.__setitem__(0, -2),
    r"the graph takes tensor -1,": lambda m: setattr(m.subgraphs[0], "inputs", [-1]),
    r"the graph gives tensor 77,": lambda m: setattr(m.subgraphs[0], "outputs", [77]),
    r"reads tensor \d+, which nothing before it writes": later_output,
    r"writes to a constant": lambda m: first(m).outputs.__setitem__(
        0, m.subgraphs[0].tensors.index(kernel(m))
    ),
    r"tensor '.*' has the shape \[4, -3, 3, 3\]": lambda m: setattr(
        kernel(m), "shape", [4, -3, 3, 3]
    ),
    r"of shape \[4, 3, 3, 9\], float32, has 432 bytes": lambda m: setattr(
        kernel(m), "shape", [4, 3, 3, 9]
    ),
    r"would have .*e\+\d+ bytes": lambda m: setattr(kernel(m), "shape", [2**30] * 4),
    r"has the shape of 40 dimensions": lambda m: setattr(kernel(m), "shape", [1] * 40),
    r"the signature \[-7, 1, 1, 1\]": lambda m: setattr(kernel(m), "shapeSignature", [-7, 1, 1, 1]),
    r"has type 120, and there are": lambda m: setattr(kernel(m), "type", 120),
    r"names buffer 4000,": lambda m: setattr(kernel(m), "buffer", 4000),
    r"a buffer would end at byte 1099511627840": outside,
    r"a signature names subgraph 3,": lambda m: setattr(m.signatureDefs[0], "subgraphIndex", 3),
    r"a signature names tensor 300,": lambda m: setattr(
        m.signatureDefs[0].inputs[0], "tensorIndex", 300
    ),
    r"an entry of metadata names buffer 900,": lambda m: setattr(m.metadata[0], "buffer", 900),
    r"subgraph 0 runs itself": calls_itself,
    r"an operator names subgraph 7, and there are 1": no_such_body,
}


@pytest.mark.parametrize("message", EDITS)
def test_what_is_not_there_is_not_named(message, whole):
    with pytest.raises(DamagedError, match=message):
        check_structure(changed(whole, EDITS[message]))


def scales(model: Any, count: int, zeros: int, axis: int = 3) -> None:
    quantization = schema.QuantizationParametersT()
    quantization.scale, quantization.zeroPoint = [0.1] * count, [0] * zeros
    quantization.quantizedDimension = axis
    kernel(model).quantization = quantization


@pytest.mark.parametrize(
    "count, zeros, axis, message",
    [
        (3, 3, 3, None),
        (4, 4, 3, r"of shape \[4, 3, 3, 3\] has 4 scales along axis 3"),
        (3, 2, 3, "3 scales and 2 zero points"),
        (3, 3, 9, "has scales along axis 9"),
    ],
)
def test_scales(count, zeros, axis, message, whole):
    content = changed(whole, lambda model: scales(model, count, zeros, axis))
    if message is None:
        check_structure(content)
        return
    with pytest.raises(DamagedError, match=message):
        check_structure(content)


def test_24_bytes():
    """A root without any field, which has no subgraph for the runtime to run."""
    empty = struct.pack("<I4sHHii", 12, b"TFL3", 4, 4, 4, 0)
    assert len(empty) <= 24
    with pytest.raises(DamagedError, match="it has no subgraph"):
        check_structure(empty)


def test_a_vector_that_claims_more_than_the_file_has(whole):
    content = bytearray(whole)
    root = struct.unpack_from("<I", content, 0)[0]
    vtable = root - struct.unpack_from("<i", content, root)[0]
    field = root + struct.unpack_from("<H", content, vtable + 8)[0]  # slot 2: the subgraphs
    vector = field + struct.unpack_from("<I", content, field)[0]
    struct.pack_into("<I", content, vector, 2**32 - 1)
    with pytest.raises(DamagedError, match=r"subgraphs, 4294967295 values long, would end at byte"):
        check_structure(bytes(content))


def test_tables_that_are_shared_without_end():
    """Vectors of tables that all lead to one table are walked once, not once a way."""
    builder = Builder()
    tables = []
    inner = schema.TensorT()
    inner.shape = [1]
    tensor = inner.Pack(builder)
    for _ in range(3):
        builder.StartVector(4, 300_000, 4)
        for _ in range(300_000):
            builder.PrependUOffsetTRelative(tensor)
        vector = builder.EndVector()
        schema.SubGraphStart(builder)
        schema.SubGraphAddTensors(builder, vector)
        tables.append(schema.SubGraphEnd(builder))
    builder.StartVector(4, len(tables) * 50, 4)
    for table in tables * 50:
        builder.PrependUOffsetTRelative(table)
    vector = builder.EndVector()
    schema.ModelStart(builder)
    schema.ModelAddSubgraphs(builder, vector)
    builder.Finish(schema.ModelEnd(builder), b"TFL3")
    graphs = read_root(bytes(builder.Output()), "Model").all("subgraphs")
    assert len(graphs) == 150 and len({id(graph) for graph in graphs}) == 3


def mutants(whole: bytes, seed: int, count: int) -> list[bytes]:
    rng = np.random.default_rng(seed)
    words = [0, 1, 2, 3, 4, 255, 65535, 2**31 - 1, 2**31, 2**32 - 1]
    found = []
    for number in range(count):
        content = bytearray(whole)
        if number % 4 == 0:
            for place in rng.integers(0, len(content), rng.integers(1, 9)):
                content[place] ^= 1 << rng.integers(8)
        elif number % 4 == 1:
            struct.pack_into("<I", content, 4 * rng.integers(len(content) // 4), rng.choice(words))
        elif number % 4 == 2:
            a, b = rng.integers(0, len(content), 2)
            content[a : a + 24] = content[b : b + 24]
        else:
            content = content[: rng.integers(len(content))]
        found.append(bytes(content))
    return found


def test_damage_gives_one_line_and_nothing_else(whole, tmp_path):
    refused = 0
    path = tmp_path / "m.tflite"
    for content in mutants(whole, 5, 1200):
        try:
            check_structure(content)
        except DamagedError as error:
            assert "\n" not in str(error)
            refused += 1
        else:
            path.write_bytes(content)
            try:
                check(path, "edge_tpu")
            except ArtefactError as error:
                assert "\n" not in str(error)
    assert 400 < refused < 1150  # weights may be anything, offsets not


def test_files_with_loops_strings_states_and_open_sizes_pass():
    import keras
    import tensorflow as tf

    def converted(function: Any, spec: Any) -> bytes:
        traced = tf.function(function, input_signature=[spec]).get_concrete_function()
        return tf.lite.TFLiteConverter.from_concrete_functions([traced]).convert()

    numbers = tf.TensorSpec((1, 4), tf.float32)
    for function, spec in (
        (lambda x: tf.while_loop(lambda i, y: i < 3, lambda i, y: (i + 1, y * 2), [0, x]), numbers),
        (lambda x: tf.cond(tf.reduce_sum(x) > 0, lambda: x * 2, lambda: x - 1), numbers),
        (lambda x: tf.gather(tf.constant(["a", "", "ccc"]), x), tf.TensorSpec((2,), tf.int32)),
        (lambda x: {"same": x, "constant": tf.constant([1.0, 2.0])}, numbers),
        (lambda x: tf.image.resize(x, (8, 8)), tf.TensorSpec((1, None, None, 3), tf.float32)),
    ):
        check_structure(converted(function, spec))
    sequence = keras.Input((5, 3), batch_size=1)
    for layer in (keras.layers.LSTM(4), keras.layers.GRU(4, unroll=True)):
        model = keras.Model(sequence, layer(sequence))
        check_structure(tf.lite.TFLiteConverter.from_keras_model(model).convert())
