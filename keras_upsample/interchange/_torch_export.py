"""PyTorch modules as ONNX graphs, by PyTorch's own exporters, with its names.

The exporter by TorchScript comes first: with `TrainingMode.PRESERVE` it leaves batch normalization
as it is, and it writes what the reader's rules know best. The one by `torch.export` ("dynamo")
takes what that can't.
"""

import os
import re
import sys
import warnings
from collections import Counter
from collections.abc import Callable, Collection, Iterator, Mapping
from contextlib import contextmanager, redirect_stderr, redirect_stdout
from importlib.util import find_spec
from io import StringIO
from typing import Any

from ..errors import ArtefactError, first_line
from ..files._scratch import scratch
from ._context import layer_name
from ._torch_module import load_torch

_OPSET = 20
_STDOUT = 1
_FLOAT = 1
"""float32, in ONNX' numbering of types."""
_NORM = "InstanceNormalization"
_SCOPES = "pkg.torch.onnx.name_scopes"


def by_torchscript(module: Any, given: Any) -> Any:
    """The ONNX model of PyTorch's older exporter.

    Raises:
        ArtefactError: the module can't be exported.
    """
    import onnx

    torch = load_torch()
    with scratch() as folder, _exporting():
        path = folder / "module.onnx"
        torch.onnx.export(
            module,
            (given,),
            str(path),
            dynamo=False,
            opset_version=_OPSET,
            training=torch.onnx.TrainingMode.PRESERVE,
            do_constant_folding=False,
            input_names=["image"],
            output_names=["output"],
        )
        return onnx.load(str(path))


def by_dynamo(module: Any, given: Any) -> Any:
    """The ONNX model of PyTorch's newer exporter, not optimized: that folds batch normalization.

    Raises:
        ArtefactError: the module can't be exported.
    """
    import onnx

    torch = load_torch()
    if find_spec("onnxscript") is None:
        raise ArtefactError("it needs onnxscript. Run: pip install 'keras-upsample[torch]'")
    from onnxscript import optimizer

    with scratch() as folder, _exporting():
        path = folder / "module.onnx"
        program = torch.onnx.export(
            module,
            (given,),
            dynamo=True,
            optimize=False,
            verbose=False,
            opset_version=_OPSET,
            input_names=["image"],
            output_names=["output"],
        )
        optimizer.fold_constants(program.model)
        optimizer.remove_unused_nodes(program.model)
        program.save(str(path), external_data=False)
        return onnx.load(str(path))


@contextmanager
def _exporting() -> Iterator[None]:
    """Without what exporters print and warn of: their age, branches that they follow for this
    example only (the model is compared with the module on another one), and where they fail graphs
    of a thousand lines, from C++."""
    with warnings.catch_warnings(), _nothing_printed(), redirect_stderr(StringIO()):
        warnings.simplefilter("ignore")
        try:
            yield
        except Exception as error:  # exporters raise what they like
            raise ArtefactError(f"it can't be exported: {_reason(error)}.") from error


def _reason(error: BaseException) -> str:
    """In one line; the newer exporter has the reason in the error behind its own."""
    while error.__cause__ is not None:
        error = error.__cause__
    line = first_line(error)
    for noise in (" [Caused by", " Please feel free", " Please open a bug"):
        line = line.partition(noise)[0]
    return line.rstrip(".")


@contextmanager
def _nothing_printed() -> Iterator[None]:
    """Nothing is written to the standard output, that of C++ included."""
    sys.stdout.flush()
    with redirect_stdout(StringIO()), open(os.devnull, "w") as nowhere:
        kept = os.dup(_STDOUT)
        os.dup2(nowhere.fileno(), _STDOUT)
        try:
            yield
        finally:
            os.dup2(kept, _STDOUT)
            os.close(kept)


EXPORTERS: Mapping[str, Callable[[Any, Any], Any]] = {
    "TorchScript": by_torchscript,
    "dynamo": by_dynamo,
}


class Origins:
    """Which modules and parameters the nodes of an exported graph come from.

    Args:
        proto: what one of the exporters wrote; its nodes get the names of modules, in which only
            letters, digits and underscores occur, and convolutions lose biases of zeros that the
            module does not have.
        module: what was exported.
    """

    def __init__(self, proto: Any, module: Any) -> None:
        self._paths = {path for path, _ in module.named_modules() if path}
        self._leaves = {path for path, each in module.named_modules() if not list(each.children())}
        self._of_node: dict[str, str] = {}
        parameters = {name for name, _ in module.named_parameters(remove_duplicate=False)}
        flowing, learnt = _sources(proto, module)
        self.constant: set[str] = set()
        """Nodes whose constants are no parameters: buffers, and numbers of the code."""
        own_parameters = {name.rpartition(".")[0] for name in parameters}
        taken: dict[str, None] = {}
        live = [node for node in proto.graph.node if not flowing.isdisjoint(node.input)]
        zeros = _zeros(proto) - parameters
        kinds: dict[str, set[str]] = {}
        for node in live:
            kinds.setdefault(self._path(node), set()).add(node.op_type)
        floats = _floats(proto)
        for node in live:
            _drop_bias_of_zeros(node, zeros)
            _cast_to_float(node, floats)
            path = self._path(node)
            with_weights = not learnt.isdisjoint(node.input)
            alone = len(kinds[path]) == 1 or node.op_type == _NORM  # GroupNorm is five nodes
            whole = path in self._leaves and (alone or with_weights)
            plain = path if whole else f"{path}.{node.op_type}" if path else node.op_type
            name = layer_name(re.sub(r"\W+", "_", plain), taken)
            taken[name] = None
            node.name = name
            self._of_node[name] = path
            own = node.op_type == _NORM and path in own_parameters
            if not with_weights and not own:
                self.constant.add(name)
            del node.metadata_props[:]  # by which `from_onnx` would name the layer otherwise
        self.shared = _used_twice(live, parameters)
        """Parameters that several nodes use."""

    def named(self, text: str) -> str:
        """A message about a node, with the path of its module."""
        for name in re.findall(r"at node '(\w+)'", text):
            path = self._of_node.get(name, "")
            where = f"in the module {path!r}" if path else "in the module's own `forward`"
            text = text.replace(f"at node {name!r}", where)
        return text

    def _path(self, node: Any) -> str:
        """The module in which a node was written."""
        for entry in node.metadata_props:
            if entry.key == _SCOPES:
                scopes = re.findall(r"'([^']*)'", entry.value)
                return next((one for one in reversed(scopes) if one in self._paths), "")
        path = ""
        for part in node.name.split("/")[1:-1]:
            # A module that is called again is called relu_1 there.
            parts = (part, re.sub(r"_\d+$", "", part))
            known = (one for each in parts for one in _continued(path, each) if one in self._paths)
            path = next(known, path)
        return path


def _continued(path: str, part: str) -> list[str]:
    """What a part of a scope may mean inside of a module: a child of it, or of what is around it,
    as names of a Sequential's children repeat its own: encoder, layer1, layer1.0."""
    steps = path.split(".") if path else []
    return [".".join((*steps[:length], part)) for length in range(len(steps), -1, -1)]


def _sources(proto: Any, module: Any) -> tuple[set[str], set[str]]:
    """Tensors that depend on the input, and those that are made of parameters alone.

    Of equal arrays the exporter by TorchScript keeps one and writes an Identity for each other, by
    that one's name.
    """
    parameters = {name for name, _ in module.named_parameters(remove_duplicate=False)}
    buffers = {name for name, _ in module.named_buffers(remove_duplicate=False)}
    held = {item.name for item in proto.graph.initializer}
    flowing = {value.name for value in proto.graph.input if value.name not in held}
    learnt = held & parameters
    for node in proto.graph.node:
        if node.op_type == "Shape":
            continue
        if not flowing.isdisjoint(node.input):
            flowing.update(node.output)
        elif not learnt.isdisjoint(node.input):
            learnt |= set(node.output) - buffers
        else:
            learnt |= parameters.intersection(node.output)
    return flowing, learnt


def _zeros(proto: Any) -> set[str]:
    """Arrays of zeros."""
    from onnx import numpy_helper

    return {i.name for i in proto.graph.initializer if not numpy_helper.to_array(i).any()}


def _drop_bias_of_zeros(node: Any, zeros: Collection[str]) -> None:
    if node.op_type == "Conv" and len(node.input) > 2 and node.input[2] in zeros:
        del node.input[2]


def _floats(proto: Any) -> set[str]:
    """Tensors of float32, as far as the graph says so."""
    values = (*proto.graph.input, *proto.graph.value_info, *proto.graph.output)
    return {v.name for v in values if v.type.tensor_type.elem_type == _FLOAT}


def _cast_to_float(node: Any, floats: Collection[str]) -> None:
    """CastLike of a constant, which depends on the other tensor in its type alone, as Cast."""
    from onnx import helper

    if node.op_type == "CastLike" and node.input[1] in floats:
        del node.input[1]
        node.op_type = "Cast"
        node.attribute.append(helper.make_attribute("to", _FLOAT))


def _used_twice(nodes: Any, parameters: Collection[str]) -> list[str]:
    uses = Counter(name for node in nodes for name in set(node.input) if name in parameters)
    return sorted(name for name, count in uses.items() if count > 1)
