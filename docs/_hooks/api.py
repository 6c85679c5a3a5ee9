"""One page for each public package: what its `__init__.pyi` lists in `__all__`."""

import ast
import re
from pathlib import Path

from mkdocs.config.defaults import MkDocsConfig
from mkdocs.structure.files import File, Files
from mkdocs.structure.pages import Page

ROOT = Path(__file__).parents[2]
PACKAGE = ROOT / "keras_upsample"


def public_names(stub: Path) -> list[str]:
    """The names that a stub lists in `__all__`."""
    for statement in ast.parse(stub.read_text(encoding="utf-8")).body:
        if isinstance(statement, ast.Assign) and ast.unparse(statement.targets[0]) == "__all__":
            return list(ast.literal_eval(statement.value))
    raise ValueError(f"{stub} has no `__all__`. List its public names there.")


def pages() -> dict[str, str]:
    """Path of each page, and its text."""
    found = {}
    for name in public_names(PACKAGE / "__init__.pyi"):
        stub = PACKAGE / name / "__init__.pyi"
        source = PACKAGE / name / "__init__.py" if stub.exists() else PACKAGE / f"{name}.py"
        about = ast.get_docstring(ast.parse(source.read_text(encoding="utf-8"))) or ""
        lines = [f"# keras_upsample.{name}", "", about, ""]
        if stub.exists():
            lines += [f"::: keras_upsample.{name}.{each}" for each in public_names(stub)]
        else:
            lines += _members(source, name)
        found[f"api/{name}.md"] = "\n\n".join(lines) + "\n"
    return found


def _members(source: Path, module: str) -> list[str]:
    """The public classes and functions of a module that has no stub."""
    return [
        f"::: keras_upsample.{module}.{node.name}"
        for node in ast.parse(source.read_text(encoding="utf-8")).body
        if isinstance(node, ast.ClassDef | ast.FunctionDef) and not node.name.startswith("_")
    ]


def on_config(config: MkDocsConfig) -> MkDocsConfig:
    """Put the pages into the reference."""
    sections = {name: places for entry in config.nav for name, places in entry.items()}
    sections["Reference"].append({"Python": sorted(pages())})
    return config


def on_files(files: Files, config: MkDocsConfig) -> Files:
    """Add the pages."""
    for path, text in pages().items():
        files.append(File.generated(config, path, content=text))
    return files


def on_page_markdown(text: str, page: Page, config: MkDocsConfig, files: Files) -> str:
    """Lead the names of layers on their page to the reference."""
    if page.file.src_uri != "docs/layers.md":
        return text
    names = "|".join(public_names(PACKAGE / "layers" / "__init__.pyi"))
    return re.sub(rf"`({names})`", r"[`\1`][keras_upsample.layers.\1]", text)
