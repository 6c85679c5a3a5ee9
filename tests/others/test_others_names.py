"""Private names of other packages are used in `keras_upsample/_others/` alone, and checked."""

import ast
import inspect
import re
from collections.abc import Iterator
from importlib.metadata import version
from pathlib import Path
from types import ModuleType
from typing import Any

import pytest
from checked import of

from keras_upsample._others import (
    _keras,
    _litert,
    _openvino,
    _python,
    _tensorflow,
    _tf2onnx,
    _tf_lite,
)

PACKAGE = Path(inspect.getfile(_keras)).parents[1]
FENCE = PACKAGE / "_others"
MODULES = (_keras, _litert, _openvino, _python, _tensorflow, _tf2onnx, _tf_lite)

# What may be imported of these packages: themselves and, of their modules, those that their makers
# document. `from keras import ops` imports `keras.ops`.
PUBLIC_MODULES = re.compile(
    r"keras(\.(?!src\b)[a-zA-Z]\w*)*|tensorflow|tf2onnx(\.convert)?|ai_edge_litert(\.interpreter)?"
    r"(\.(Interpreter|OpResolverType))?"
)
# What no attribute and no string may name: `import keras` gives `keras.src` too, and a string may
# be imported, or compared with the name of a module.
PRIVATE_TEXT = re.compile(
    r"\bkeras\.src\b|\b(tf|tensorflow)\.(lite|python|core|compiler)\b|\btf2onnx\.(?!convert\b)\w"
    r"|\bai_edge_litert\.(?!interpreter\b)\w|\brun_functions_eagerly\b"
)
# Public methods of named tuples, underscored so that fields may have any name.
NAMED_TUPLES = {"_make", "_replace", "_asdict", "_fields"}
# Known to the fence, and also an attribute, `self._dtype`, of a class of ours that inherits from
# nothing.
OURS = {"_dtype"}

TREES = {
    path: ast.parse(path.read_text(encoding="utf-8"))
    for path in sorted(PACKAGE.rglob("*.py"))
    if FENCE not in path.parents
}


def is_private(name: Any) -> bool:
    return isinstance(name, str) and re.fullmatch(r"_[A-Za-z]\w*", name) is not None


def names_of_others() -> set[str]:
    """The attributes of others that the fence knows: in its code, and in strings of its code."""
    found: set[str] = set()
    for module in MODULES:
        tree = ast.parse(inspect.getsource(module))
        for node in ast.walk(tree):
            if isinstance(node, ast.Attribute):
                found.add(node.attr)
            elif isinstance(node, ast.Constant) and isinstance(node.value, str):
                found.add(node.value)
    return {name for name in found if is_private(name)}


OTHERS = names_of_others()


def texts(tree: ast.AST) -> Iterator[ast.Constant]:
    """Strings but those that stand alone, as docstrings do."""
    alone = {id(node.value) for node in ast.walk(tree) if isinstance(node, ast.Expr)}
    for node in ast.walk(tree):
        if isinstance(node, ast.Constant) and isinstance(node.value, str) and id(node) not in alone:
            yield node


def pieces(tree: ast.AST) -> set[int]:
    """The ids of strings that are part of an f-string: f"{name}_kernel" is a name of ours."""
    joined = [node for node in ast.walk(tree) if isinstance(node, ast.JoinedStr)]
    return {id(value) for node in joined for value in node.values}


def is_own(node: ast.expr) -> bool:
    """Whether it is the object itself whose class is being defined, or its class."""
    return ast.unparse(node) in ("self", "cls", "super()")


def uses(tree: ast.AST) -> Iterator[tuple[int, str]]:
    """Lines and private names of others in a module.

    A class of ours may have any attribute, also one that inherits from Keras; so `self._name` is
    allowed, unless the fence knows `_name` as one of another package. Of any other object, every
    name with an underscore is refused, whoever's it is: modules of the package import from each
    other what has none, or they import the name.
    """
    for node in ast.walk(tree):
        if isinstance(node, ast.Import):
            for alias in node.names:
                yield from ((node.lineno, name) for name in imported(alias.name))
        elif isinstance(node, ast.ImportFrom) and not node.level:
            for alias in node.names:
                yield from ((node.lineno, name) for name in imported(f"{node.module}.{alias.name}"))
        elif isinstance(node, ast.Attribute):
            named = is_private(node.attr) and node.attr not in NAMED_TUPLES
            theirs = node.attr in OTHERS - OURS
            if named and (theirs or not is_own(node.value)):
                yield node.lineno, node.attr
            if PRIVATE_TEXT.search(ast.unparse(node)):
                yield node.lineno, ast.unparse(node)
        elif isinstance(node, ast.Call) and ast.unparse(node.func).endswith(("attr", "attr__")):
            # getattr(layer, "_name"), object.__setattr__(layer, "_name", value)
            given = [a.value for a in node.args[1:2] if isinstance(a, ast.Constant)]
            given = [name for name in given if is_private(name) and name not in NAMED_TUPLES]
            if given and not is_own(node.args[0]):
                yield node.lineno, given[0]
    parts = pieces(tree)
    for text in texts(tree):
        named = text.value in OTHERS and id(text) not in parts
        if named or PRIVATE_TEXT.search(str(text.value)):
            yield text.lineno, text.value


def imported(name: str) -> list[str]:
    ours = ("keras", "tensorflow", "tf2onnx", "ai_edge_litert")
    if name.partition(".")[0] not in ours or PUBLIC_MODULES.fullmatch(name):
        return []
    return [name]


@pytest.mark.parametrize("path", TREES, ids=lambda path: str(path.relative_to(PACKAGE)))
def test_private_names_of_others_are_used_in_one_place(path: Path):
    found = [f"line {line}: {name}" for line, name in uses(TREES[path])]
    assert not found, f"{path.name}: move into keras_upsample/_others/: {'; '.join(found)}"


@pytest.mark.parametrize(
    "code",
    [
        "layer._flatten_layers()",
        "self._model._flatten_layers()",
        "self._flatten_layers()",
        "super()._flatten_layers()",
        "model.layers[0]._nobody_knows",
        "getattr(model, '_build_shapes_dict', None)",
        "hasattr(model, '_nobody_knows')",
        "object.__setattr__(layer, '_nobody_knows', 1)",
        "names = ('_inbound_nodes', '_outbound_nodes')",
        "yield layer, '_dtype', 'float64'",
        "from keras.src.ops.node import Node",
        "from keras import src",
        "import keras.src.ops as ops",
        "import keras\nkeras.src.ops",
        "kind.__module__ == f'keras.src.ops.{module}'",
        "import_module('keras.src.ops')",
        "from tensorflow.python.ops import gen_nn_ops",
        "from tensorflow import python",
        "from tensorflow.lite.python import interpreter",
        "from tensorflow import lite",
        "from tensorflow.core.protobuf import saved_model_pb2",
        "tf.lite.Optimize.DEFAULT",
        "tf.config.run_functions_eagerly(True)",
        "graph._get_function(name)",
        "from tf2onnx import utils",
        "from tf2onnx.optimizer import _optimizers",
        "import tf2onnx\ntf2onnx.utils.make_name('a')",
        "from ai_edge_litert import schema_py_generated as schema",
    ],
)
def test_a_private_name_is_found(code: str):
    assert list(uses(ast.parse(code)))


@pytest.mark.parametrize(
    "code",
    [
        "self._ours = 1",
        "self._ours.append(1)",
        "getattr(self, f'_{self.mode}')",
        "name = f'{layer}_kernel'",
        "value._make(items)",
        "model.__dict__",
        "from ._private import private",
        "from .._others import _keras\n_keras.flatten_layers(model)",
        "import keras\nfrom keras import ops, tree\nfrom keras.backend import is_float_dtype",
        "import tensorflow as tf\ntf.raw_ops.Mul(x=x, y=y)",
        "import tf2onnx\ntf2onnx.convert.from_function(f)",
        "from ai_edge_litert.interpreter import Interpreter",
        "def f():\n    '''What keras.src and _flatten_layers do.'''",
    ],
)
def test_what_is_ours_or_public_is_not(code: str):
    assert not list(uses(ast.parse(code)))


def public(module: ModuleType) -> dict[str, Any]:
    """The functions and constants of a module of the fence."""
    return {
        name: value
        for name, value in vars(module).items()
        if not name.startswith("_")
        and (name.isupper() or getattr(value, "__module__", "") == module.__name__)
    }


def label(module: ModuleType) -> str:
    return module.__name__.rpartition(".")[2]


def test_every_module_of_the_fence_is_here():
    assert {label(module) for module in MODULES} == {p.stem for p in FENCE.glob("_[a-z]*.py")}


@pytest.mark.parametrize("module", MODULES, ids=label)
def test_every_name_has_a_check_and_says_where_it_was_read(module: ModuleType):
    checked = {
        node.attr
        for path in Path(__file__).parent.glob("test_others_*.py")
        for node in ast.walk(ast.parse(path.read_text(encoding="utf-8")))
        if isinstance(node, ast.Attribute) and ast.unparse(node.value) == label(module)
    }
    assert public(module)
    assert set(public(module)) <= checked
    said = re.findall(
        r"^ *(?:Keras|OpenVINO|Python|TensorFlow|tf2onnx|ai-edge-litert) \d[\d.]+\d, ",
        inspect.getsource(module),
        re.MULTILINE,
    )
    assert len(said) == len(public(module))


def test_tf_lite_is_used_in_one_module():
    for module in MODULES:
        lines = [
            ast.unparse(n)
            for n in ast.walk(ast.parse(inspect.getsource(module)))
            if isinstance(n, ast.Attribute | ast.ImportFrom)
        ]
        found = [line for line in lines if re.search(r"\b(tf|tensorflow)\.lite\b", line)]
        assert bool(found) == (module is _tf_lite)


def test_a_failure_names_package_and_version():
    @of("numpy")
    def fails() -> None:
        raise AttributeError("no such thing")

    with pytest.raises(AssertionError, match=rf"numpy {version('numpy')} .*no such thing"):
        fails()
