"""Imports point one way: no circle of modules or packages, those inside of functions included."""

import ast
from collections.abc import Iterator
from pathlib import Path

import pytest

PACKAGE = Path(__file__).parents[1] / "keras_upsample"
NAME = PACKAGE.name

# From the bottom up: a part may import those before it, and none behind it. What stands in the
# package's own folder is a part of its own, by its name.
FLOORS = (
    ("_installed", "_text", "_version", "errors"),
    ("_others",),
    ("_lazy_names",),
    ("files", "ops", "viz"),
    ("_keras2_functions", "initializers", "losses", "metadata", "metrics", "targets"),
    ("_keras2", "_ours", "images", "layers", "runtimes"),
    ("_keras2_file", "_keras_first_read", "_publish", "_saved_model_source", "data", "program"),
    ("edge", "examples", "hub", "interchange", "introspection"),
    ("zoo",),
    ("quantization",),
    ("formats",),
    ("lowering",),
    ("_registered",),
    ("_keras_file",),
    ("export",),
    ("predict",),
    ("training",),
    ("_cli",),
    ("cli",),
    ("__main__",),
)


def modules() -> dict[str, Path]:
    found = {}
    for path in PACKAGE.rglob("*.py"):
        parts = path.relative_to(PACKAGE.parent).with_suffix("").parts
        found[".".join(parts[:-1] if parts[-1] == "__init__" else parts)] = path
    return found


MODULES = modules()


def statements(node: ast.AST) -> Iterator[ast.Import | ast.ImportFrom]:
    """Every import of a module but those for types alone."""
    for child in ast.iter_child_nodes(node):
        if isinstance(child, ast.If) and "TYPE_CHECKING" in ast.unparse(child.test):
            continue
        if isinstance(child, ast.Import | ast.ImportFrom):
            yield child
        yield from statements(child)


def imported(name: str) -> set[str]:
    """The modules of the package that one of them imports."""
    path = MODULES[name]
    package = name if path.name == "__init__.py" else name.rpartition(".")[0]
    found = set()
    for statement in statements(ast.parse(path.read_text(encoding="utf-8"))):
        if isinstance(statement, ast.Import):
            found |= {alias.name for alias in statement.names}
            continue
        base = statement.module or ""
        if statement.level:
            above = package.split(".")[: len(package.split(".")) - statement.level + 1]
            base = ".".join([*above, base] if base else above)
        for alias in statement.names:
            whole = f"{base}.{alias.name}"
            found.add(whole if whole in MODULES else base)
    return {other for other in found if other in MODULES and other != name}


GRAPH = {name: imported(name) for name in MODULES}


def part(module: str) -> str:
    """The package or single module in the package's folder; "" for the package itself."""
    return module.partition(".")[2].partition(".")[0]


def circle(graph: dict[str, set[str]]) -> list[str]:
    """One circle of a graph, or nothing."""
    done: set[str] = set()
    for start in graph:
        path: list[str] = []
        waiting = [(start, False)]
        while waiting:
            node, leaving = waiting.pop()
            if leaving:
                done.add(path.pop())
                continue
            if node in path:
                return [*path[path.index(node) :], node]
            if node in done:
                continue
            path.append(node)
            waiting.append((node, True))
            waiting += [(other, False) for other in graph.get(node, ())]
    return []


def test_a_circle_is_found() -> None:
    assert circle({"a": {"b"}, "b": {"c"}, "c": {"b"}}) == ["b", "c", "b"]
    assert circle({"a": {"b", "c"}, "b": {"c"}, "c": set()}) == []


def test_imports_are_seen() -> None:
    """Relative ones, those in functions, and of modules out of their package."""
    assert f"{NAME}.ops" in GRAPH[f"{NAME}.formats._target_model"]
    assert f"{NAME}.formats._convert" in GRAPH[f"{NAME}.lowering._block_files"]  # in a function
    assert f"{NAME}.lowering._rules.fold" in GRAPH[f"{NAME}.lowering._rules._all"]


def test_no_circle_of_modules() -> None:
    assert circle(GRAPH) == []


def test_no_circle_of_packages() -> None:
    graph: dict[str, set[str]] = {}
    for module, others in GRAPH.items():
        graph.setdefault(part(module), set()).update(map(part, others))
    for name, others in graph.items():
        others.discard(name)
    assert circle(graph) == []


def test_every_part_has_a_floor() -> None:
    parts = {part(module) for module in MODULES} - {""}
    assert {name for floor in FLOORS for name in floor} == parts


@pytest.mark.parametrize("name", [name for floor in FLOORS for name in floor])
def test_a_part_imports_what_is_below(name: str) -> None:
    floor = {each: number for number, names in enumerate(FLOORS) for each in names}
    for module in (m for m in MODULES if part(m) == name):
        for other in GRAPH[module]:
            target = part(other)
            if target not in ("", name):
                assert floor[target] < floor[name], f"{module} imports {other}"


def test_targets_know_nothing_of_what_reads_them() -> None:
    above = {"program", "quantization", "formats", "lowering", "export", "edge"}
    for module in (m for m in MODULES if part(m) == "targets"):
        assert not above & set(map(part, GRAPH[module]))
