"""One page for each notebook in examples/; links to a notebook lead to its page."""

import json
import re
from pathlib import Path
from typing import Any

from mkdocs.config.defaults import MkDocsConfig
from mkdocs.structure.files import File, Files
from mkdocs.structure.pages import Page

ROOT = Path(__file__).parents[2]


def markdown(notebook: dict[str, Any]) -> str:
    """The cells of a notebook, and what they printed and drew, as a page."""
    parts = []
    for cell in notebook["cells"]:
        source = "".join(cell["source"])
        parts.append(source if cell["cell_type"] == "markdown" else f"```python\n{source}\n```")
        parts += filter(None, map(_output, cell.get("outputs", ())))
    return "\n\n".join(parts) + "\n"


def _output(output: dict[str, Any]) -> str:
    if output["output_type"] == "stream":
        return f"```text\n{''.join(output['text']).rstrip()}\n```"
    data = output.get("data", {})
    if "image/png" in data:
        picture = "".join(data["image/png"]).replace("\n", "")
        return f"![what this cell draws](data:image/png;base64,{picture})"
    text = "".join(data.get("text/plain", ())).rstrip()
    return f"```text\n{text}\n```" if text else ""


def on_files(files: Files, config: MkDocsConfig) -> Files:
    """Add the pages, in place of the notebooks."""
    for path in sorted(ROOT.glob("examples/*.ipynb")):
        name = path.relative_to(ROOT).as_posix()
        if raw := files.get_file_from_path(name):
            files.remove(raw)
        text = markdown(json.loads(path.read_text(encoding="utf-8")))
        file = File.generated(config, f"{name}.md", content=text)
        file.dest_uri = name.removesuffix(".ipynb") + "/index.html"
        files.append(file)
    return files


def on_page_markdown(text: str, page: Page, config: MkDocsConfig, files: Files) -> str:
    """Lead links to the pages."""
    return re.sub(r"(\]\([^)\s:]+\.ipynb)\)", r"\1.md)", text)
