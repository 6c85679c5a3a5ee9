"""`keras-upsample demo`: a folder with a page that runs the model in a browser."""

import json
import os
import shlex
import shutil
from collections.abc import Collection
from pathlib import Path
from typing import Annotated, Any

import typer

from ..files._package import Package
from .options import InputShape, ModelChoice, integers, takes
from .session import session

FACTS = "demo.json"
PAGE = Path(__file__).parent / "demo_page"
_RUNTIME = Package(
    "onnxruntime-web",
    "1.30.0",
    "d2228df7e4616bc3348bf504ee888f3bec43789a273f0a63f3e68d203ce3bf71",
    33_106_585,
    index="npm",
)
_FILES = ("ort.wasm.bundle.min.mjs", "ort-wasm-simd-threaded.wasm")
_MULTIPLE = 32
"""Open sizes are multiples of it, as many networks need."""


@takes(choice=ModelChoice)
def demo(
    choice: ModelChoice,
    out: Annotated[Path, typer.Option(help="Folder for the page and its files.")],
    sample: Annotated[
        Path | None,
        typer.Option(help="A picture, or a .npy file of (H, W, C), that the page shows first."),
    ] = None,
    side: Annotated[
        int,
        typer.Option(min=32, help="Pixels: longest side of a picture, if the size is open."),
    ] = 256,
    input_shape: InputShape = None,
) -> None:
    """Write a page that runs the model in a browser, by WebAssembly.

    The model is exported to ONNX and verified. npm downloads onnxruntime-web (33 MB) at the first
    use. Pictures that are opened in the page stay in the browser.
    """
    shape = None if input_shape is None else integers(input_shape, "--input-shape")
    with session(choice.verbose) as console:
        from .models import UserError

        if sample is not None and not sample.is_file():
            raise UserError(f"--sample {str(sample)!r} is not a file.")
        write_demo(choice, out, sample, side, shape)
        folder = shlex.quote(str(out))
        console.print(
            f"python -m http.server --directory {folder}   # then open http://localhost:8000"
        )


def write_demo(
    choice: ModelChoice, out: Path, sample: Path | None, side: int, input_shape: Any
) -> None:
    """Write the folder.

    Raises:
        UserError: there is no such model, a page can't show what it gives, or the folder holds
            files of the same names that no demo wrote.
        FetchError: onnxruntime-web can't be downloaded.
        ExportError: the file does not compute what the model computes.
    """
    from .._publish import publish
    from .._text import json_text
    from ..export import to_onnx
    from ..files._package import fetch_members
    from ..predict import load_model
    from .models import load_choice

    copies = {file.name: file for file in PAGE.iterdir()}
    if sample is not None:
        copies[f"sample{sample.suffix.lower()}"] = sample
    _check_folder(out, {FACTS, *copies, *_FILES})
    model = load_choice(choice, input_shape)
    predictor = load_model(model)
    facts = facts_of(predictor, model, side, input_shape)
    members = {f"package/dist/{name}": name for name in _FILES}
    copies |= {file.name: file for file in fetch_members(_RUNTIME, members)}
    if sample is not None:
        facts["sample"] = f"sample{sample.suffix.lower()}"
    # For browsers on other machines than this one.
    to_onnx(model, out / "model.onnx", input_shape=input_shape, profile="portable")
    with publish(out / FACTS) as staged:  # first: by it the folder is known as a demo's
        staged.write_text(json_text(facts) + "\n", encoding="utf-8")
    for name, file in copies.items():
        with publish(out / name) as staged:
            shutil.copyfile(file, staged)


def _check_folder(out: Path, names: Collection[str]) -> None:
    """Refuse to replace files that no demo wrote.

    Raises:
        UserError: one is there.
    """
    from .models import UserError

    there = sorted(name for name in names if os.path.lexists(out / name))
    if there and not _is_demo(out / FACTS):
        raise UserError(
            f"--out {str(out)!r} holds {there[0]!r}, which no demo wrote. It is not replaced. "
            "Choose another folder, or move it away."
        )


def _is_demo(path: Path) -> bool:
    try:
        facts = json.loads(path.read_text(encoding="utf-8"))
    except (OSError, ValueError):
        return False
    return isinstance(facts, dict) and {"multiple", "limit", "outputs", "scaling"} <= facts.keys()


def facts_of(predictor: Any, model: Any, side: int, input_shape: Any = None) -> dict[str, Any]:
    """What the page needs to know of the model, as plain values.

    Raises:
        UserError: the model gives no class map and no picture, or takes no fixed number of
            channels.
    """
    from ..metadata import of
    from ..program._signature import signature_of
    from .models import UserError

    network = predictor.network
    if not (predictor.gives_labels or predictor.gives_picture) or predictor.labels_overlap:
        raise UserError(
            f"A demo shows class maps and pictures; the task of {network.name!r} is "
            f"{predictor.task!r}."
        )
    if network.channels is None or network.volume or network.margin is not None:
        raise UserError(
            f"A demo takes networks of images with a known number of channels, whose output covers "
            f"the whole image. {network.name!r} is none."
        )
    size = input_shape[:2] if input_shape else signature_of(model).inputs[0].shape[1:3]
    metadata = of(model)
    licence = f" Licence of the weights: {metadata.licence}." if metadata.licence else ""
    return {
        "name": metadata.preset or network.name,
        "description": metadata.description,
        "about": f"Input: {metadata.preprocessing}.{licence}"
        if metadata.preprocessing
        else licence,
        "channels": network.channels,
        "order": predictor.order,
        "scaling": predictor.scaling.to_dict(),
        "size": None if None in size else list(size),
        "whole": network.whole,
        "multiple": _MULTIPLE,
        "limit": side,
        "picture": predictor.gives_picture,
        "kind": predictor.kind,
        "outputs": predictor.outputs,
        "threshold": predictor.threshold,
        "range": list(predictor.value_range),
        "classes": _classes(predictor) if predictor.gives_labels else [],
    }


def _classes(predictor: Any) -> list[dict[str, Any]]:
    from ..viz._colours import class_colours

    count = predictor.class_count
    names = predictor.classes or [f"class {number}" for number in range(count)]
    colours = class_colours(count, predictor.colours or None)
    return [
        {"name": name, "colour": list(map(int, colour))}
        for name, colour in zip(names, colours, strict=True)
    ]
