"""Runs the notebooks from top to bottom and keeps what they print and draw.

python examples/run_notebooks.py [NAME ...]    # needs pip install ".[viz]" nbclient ipykernel

What libraries report is left out; pictures are stored in 256 colours.
"""

import base64
import sys
from io import BytesIO
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any

HERE = Path(__file__).parent


def main() -> None:
    """Run those that are named, default all."""
    import nbformat
    from nbclient import NotebookClient

    names = sys.argv[1:] or sorted(path.stem for path in HERE.glob("*.ipynb"))
    for name in names:
        path = HERE / f"{name}.ipynb"
        notebook = nbformat.read(path, as_version=4)
        with TemporaryDirectory() as folder:
            resources = {"metadata": {"path": folder}}
            NotebookClient(
                notebook, timeout=600, kernel_name="python3", resources=resources
            ).execute()
        for cell in notebook.cells:
            cell.metadata.clear()  # when it ran
            if cell.cell_type == "code":
                cell.outputs = _kept(cell.outputs)
                for output in cell.outputs:
                    _shrink(output.get("data", {}))
        notebook.metadata.language_info = {"name": "python"}
        nbformat.write(notebook, path)
        print(path.name, f"{path.stat().st_size / 1e3:.0f} kB")


def _kept(outputs: list[Any]) -> list[Any]:
    """Without what libraries report; a text that came in parts is one."""
    kept: list[Any] = []
    for output in outputs:
        if output.output_type != "stream":
            kept.append(output)
        elif output.name == "stdout":
            lines = output.text.splitlines(keepends=True)
            output.text = "".join(line for line in lines if not line.startswith("INFO:"))
            if kept and kept[-1].output_type == "stream":
                kept[-1].text += output.text
            elif output.text:
                kept.append(output)
    return kept


def _shrink(data: dict[str, Any]) -> None:
    """A picture of a cell in 256 colours."""
    from PIL import Image

    if "image/png" not in data:
        return
    small = BytesIO()
    with Image.open(BytesIO(base64.b64decode(data["image/png"]))) as picture:
        few = picture.convert("RGB").quantize(256, dither=Image.Dither.NONE)
    few.save(small, "PNG", optimize=True)
    data["image/png"] = base64.b64encode(small.getvalue()).decode()


if __name__ == "__main__":
    main()
