"""Check of a SavedModel's graph for file access, sockets and Python calls.

Loading a SavedModel runs its initialisers, and calling it runs its graph, with the rights of the
user: https://github.com/tensorflow/tensorflow/blob/master/SECURITY.md. So the graph is read first.
"""

import re
from collections.abc import Iterable, Iterator, Mapping
from pathlib import Path
from typing import Any

from .._others import _tensorflow

_MOST_BYTES = 2**31  # what protobuf reads

# Operators that keep no state outside of the graph, of those that TensorFlow calls stateful.
_STATEFUL_AND_HARMLESS = re.compile(
    r"_?(VarHandles?Op|Variable(V2|Shape)?|TemporaryVariable|Arg|Retval|DeviceArg|DeviceRetval"
    r"|(If|While|Case|RiscWhile|StatefulPartitionedCall|XlaCallModule|XlaLaunch)"
    r"|(Read|Assign|AssignAdd|AssignSub)Variables?Op|VarIsInitializedOp|DisableCopyOnRead"
    r"|Resource(Apply|SparseApply|Scatter|Gather|StridedSlice|CountUpTo).*"
    r"|TensorArray.*|Stack.*|Assert|CheckNumerics(V2)?|Print|DeepCopy|Empty|GuaranteeConst"
    r"|(Parameterized)?TruncatedNormal|Multinomial|Random(Crop|Gamma|Poisson|Shuffle|StandardNormal"
    r"|Uniform|UniformInt)(V2)?|NonDeterministicInts|Rng(ReadAndSkip|Skip)|Stateful(Uniform.*"
    r"|StandardNormal.*|TruncatedNormal|RandomBinomial)|StatelessRandomGetAlg"
    r"|SampleDistortedBoundingBox(V2)?|DummySeedGenerator|Anonymous(Random)?SeedGenerator"
    r"|Delete(Random)?SeedGenerator"
    r"|(Anonymous)?(Mutable)?(Dense)?HashTable(OfTensors)?(V2)?"
    r"|LookupTable(Find|Insert|Remove|Size|Export|Import)(V2)?|InitializeTable(V2|FromDataset)?"
    r"|CudnnRNN.*|DestroyResourceOp|IsResourceHandleRefCounting|Mutex(V2|Lock)|ConsumeMutexLock"
    r"|(Anonymous)?Iterator(V2|V3)?|MakeIterator|IteratorGetNext(Sync|AsOptional)?|DeleteIterator"
    r"|(Tensor|TensorSlice|SparseTensorSlice|Range|Reduce|Random|List|Generator)Dataset(V2)?"
    r"|DatasetToSingleElement|Shuffle(AndRepeat)?Dataset(V2|V3)|DeleteMemoryCache"
    r"|(Anonymous|Dummy)MemoryCache|DummyIterationCounter|(Uniform|LogUniform|All"
    r"|LearnedUnigram|FixedUnigram)CandidateSampler|Skipgram|NegTrain)"
)

# Operators that do, although TensorFlow does not call them stateful.
_STATELESS_AND_NOT = re.compile(
    r"ReadFile|MatchingFiles|PyFuncStateless|InitializeTableFromTextFile|Reader.*|Debug.*"
    r"|Snapshot.*|RegisterDataset.*|CacheDataset|.*ToGraph(V2)?|DatasetFromGraph|_?Host(Send|Recv)"
    r"|WrapDatasetVariant|UnwrapDatasetVariant"
)

# With these TensorFlow keeps and fetches the variables; nothing but loading may ask for them.
_CHECKPOINT = frozenset(
    {"SaveV2", "RestoreV2", "MergeV2Checkpoints", "Save", "SaveSlices", "Restore", "RestoreSlice"}
)


def check_saved_model(folder: Path) -> None:
    """Refuse a SavedModel that reads or writes files, opens sockets or calls Python.

    Raises:
        ValueError: it names the operator and the function that holds it.
    """
    place = folder / "saved_model.pb"
    if place.stat().st_size > _MOST_BYTES:
        raise ValueError(f"saved_model.pb has {place.stat().st_size:,} bytes, more than 2 GiB")
    saved = _tensorflow.empty_saved_model()
    saved.ParseFromString(place.read_bytes())
    for graph in saved.meta_graphs:
        _check_graph(graph)


def _check_graph(graph: Any) -> None:
    functions = {f.signature.name: f.node_def for f in graph.graph_def.library.function}
    nodes = {node.name: node for node in graph.graph_def.node}
    saver = graph.saver_def
    ends = (saver.save_tensor_name, saver.restore_op_name, saver.filename_tensor_name)
    asked = [t.name for s in graph.signature_def.values() for t in s.outputs.values()]
    for_saving = _ancestors(nodes, filter(None, ends)) - _ancestors(nodes, filter(None, asked))
    computing = [node for name, node in nodes.items() if name not in for_saving]
    named = (*graph.object_graph_def.concrete_functions, *_initialisers(graph))
    called = _called(functions, computing, named)
    for name, own in {"the graph": list(nodes.values()), **functions}.items():
        for node in own:
            # Whoever computes has no business with checkpoints; the graph of a saver has.
            allowed = name not in called and (name != "the graph" or node.name in for_saving)
            _check_node(node, name, functions, checkpoints=allowed)


def _initialisers(graph: Any) -> Iterator[str]:
    """Functions that run when the model is loaded, by the names of their signatures."""
    for key, signature in graph.signature_def.items():
        if key.startswith("__saved_model_init"):
            for tensor in signature.outputs.values():
                yield _node_name(tensor.name)


def _check_node(node: Any, where: str, functions: Mapping[str, Any], *, checkpoints: bool) -> None:
    if node.op in functions or (node.op in _CHECKPOINT and checkpoints):
        return
    if node.op == "PrintV2":
        stream = node.attr["output_stream"].s.decode("utf-8", "replace") or "stderr"
        refused = stream.startswith("file:")
    elif node.op in _CHECKPOINT or _STATELESS_AND_NOT.fullmatch(node.op):
        refused = True
    else:
        # An operator that TensorFlow does not know it will not load.
        refused = _tensorflow.is_stateful(node.op) and not _STATEFUL_AND_HARMLESS.fullmatch(node.op)
    if refused:
        raise ValueError(
            f"its operator {node.op} ({node.name!r} in {where}) may read or write files, use the "
            "network or call Python, and was not run. If you know where the file comes from, pass "
            "trust=True (--trust)"
        )


def _ancestors(nodes: Mapping[str, Any], ends: Iterable[str]) -> set[str]:
    """Names of these nodes and of all nodes that they read, directly or indirectly."""
    found: set[str] = set()
    waiting = [_node_name(name) for name in ends]
    while waiting:
        name = waiting.pop()
        if name in nodes and name not in found:
            found.add(name)
            waiting += [_node_name(text) for text in nodes[name].input]
    return found


def _node_name(text: str) -> str:
    """`^save/Const:0` -> `save/Const`."""
    return text.removeprefix("^").split(":")[0]


def _called(functions: Mapping[str, Any], nodes: Iterable[Any], named: Iterable[str]) -> set[str]:
    """The functions that these nodes and functions call, directly or indirectly."""
    found: set[str] = set()
    waiting = [*named, *(name for node in nodes for name in _functions_of(node))]
    while waiting:
        name = waiting.pop()
        if name in functions and name not in found:
            found.add(name)
            waiting += [called for node in functions[name] for called in _functions_of(node)]
    return found


def _functions_of(node: Any) -> Iterator[str]:
    yield node.op
    for value in node.attr.values():
        if value.HasField("func"):
            yield value.func.name
        for function in value.list.func:
            yield function.name
