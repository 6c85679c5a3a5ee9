"""bioimage.io: a zip archive with `rdf.yaml`, the ONNX file, and tensors to test it with.

https://github.com/bioimage-io/spec-bioimage-io, ModelDescr 0.5. The sizes that it states of outputs
are measured on the file.
"""

import shutil
import zipfile
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np

from ..._publish import publish
from ...errors import ExportError
from ...files._beside import values_beside
from ...files._sha256 import sha256_of
from ...metadata import Metadata, read
from ...runtimes import Runner, load
from ...runtimes._layout import from_layout, to_layout
from .._artefact import check_path
from .._report import ArtefactReport
from ._bioimageio_text import Credits, plain_text, read_me, tensor_ids
from ._bioimageio_values import axes_of, data_of, preprocessing_of, processed, raw_image
from ._content import Content, moved, named_as

VERSION = "0.5.12"
MODEL, RDF, README = "model.onnx", "rdf.yaml", "README.md"
STEP, SMALLEST, HALO = 32, 96, 32
"""Open sizes are multiples of STEP from SMALLEST up. HALO: half of the overlap of `predict`."""


@dataclass(frozen=True)
class _Measured:
    """Sizes of one output: scale and offset, by which it follows the input, in height and width."""

    shape: tuple[int, ...]
    follows: tuple[tuple[float, int], ...] | None


def write_bioimageio(content: Content, out: Path) -> tuple[Path, ArtefactReport | None]:
    """Write `NAME.zip`."""
    path = out / f"{content.name}.zip"
    check_path(path, directory=False, overwrite=content.options.overwrite)
    credits = Credits.of(content.metadata, content.author, content.licence, content.cite)
    with publish(path) as staged, named_as(path, staged.parent / "parts"):
        folder = staged.parent / "parts"
        folder.mkdir()
        report = content.write(folder / MODEL, "onnx")
        _describe(folder, content.name, credits)
        _pack(folder, staged)
        shutil.rmtree(folder)
    return path, moved(report, path)


def _describe(folder: Path, name: str, credits: Credits) -> None:
    """Write the description, its text and the test tensors beside the file."""
    import onnx
    import yaml

    path = folder / MODEL
    metadata = read(path) or Metadata()
    runner = load(path)
    layout = runner.layout
    size, channels, dtype = _input_size(runner)
    image = raw_image((1, *_least(size), channels), metadata.input.scaling, dtype)
    given = processed(image, metadata.input.scaling, dtype)
    results = _run(runner, given)
    measured = _measure(runner, size, results, given)
    ids = tensor_ids([runner.inputs[0].name, *results])
    np.save(folder / "test_input.npy", to_layout(image, layout))
    halo = HALO if None in size and not metadata.input.whole else 0
    axes = axes_of(image.shape, layout, metadata.input.channels, runner.inputs[0].shape[0])
    for axis, pixels in zip(_space(axes), size, strict=True):
        axis["size"] = pixels or {"min": SMALLEST, "step": STEP}
    tensors = [
        {
            "id": ids[0],
            "axes": axes,
            "data": {"type": str(image.dtype)},
            "test_tensor": _file(folder, "test_input.npy"),
            "preprocessing": preprocessing_of(metadata.input.scaling, dtype),
        }
    ]
    kinds = {item.name: item for item in metadata.outputs}
    for number, (key, values) in enumerate(results.items()):
        told = kinds.get(key, metadata.output if len(results) == 1 else None)
        file = f"test_output_{number}.npy"
        np.save(folder / file, to_layout(values, layout))
        names = told.class_names if told is not None and told.kind != "class_map" else ()
        axes = axes_of(values.shape, layout, names, runner.inputs[0].shape[0])
        for place, axis in enumerate(_space(axes)):
            axis |= _output_size(measured[key], place, ids[0], size[place], halo)
        tensors.append(
            {
                "id": ids[1 + number],
                "axes": axes,
                "data": data_of(values.dtype, told),
                "test_tensor": _file(folder, file),
            }
        )
    text = read_me(name, metadata, credits)
    (folder / README).write_text(text, encoding="utf-8")
    opset = next(
        item.version
        for item in onnx.load(str(path), load_external_data=False).opset_import
        if item.domain in ("", "ai.onnx")
    )
    weights = {**_file(folder, MODEL), "opset_version": opset}
    for values_file in values_beside(path):
        weights["external_data"] = _file(folder, values_file.name)
    facts = {
        "format_version": VERSION,
        "type": "model",
        "name": plain_text(name, 5),
        "description": (metadata.description or metadata.task.replace("_", " "))[:1024],
        **credits.to_dict(),
        "documentation": _file(folder, README),
        "tags": [tag for tag in (metadata.task.replace("_", "-"), "keras") if tag],
        "version": metadata.version,
        "inputs": tensors[:1],
        "outputs": tensors[1:],
        "weights": {"onnx": weights},
        "config": {"keras_upsample": metadata.to_dict()},
    }
    text = yaml.safe_dump(facts, sort_keys=False, allow_unicode=True, width=100)
    (folder / RDF).write_text(text, encoding="utf-8")


def _input_size(runner: Runner) -> tuple[tuple[int | None, ...], int, np.dtype[Any]]:
    """Height and width, channels and dtype of the only input.

    Raises:
        ExportError: a bioimage.io package of it is not written here.
    """
    info = runner.inputs[0]
    shape = info.shape
    if runner.layout == "nchw" and len(shape) == 4:
        shape = (shape[0], *shape[2:], shape[1])
    if len(runner.inputs) != 1 or len(shape) != 4 or shape[3] is None:
        raise ExportError(
            "A bioimage.io package is written for networks of one input, images (N, H, W, C) of a "
            f"known number of channels. Received: {[item.shape for item in runner.inputs]}."
        )
    if info.shape[0] not in (None, 1):
        raise ExportError(
            f"bioimage.io allows any batch, or 1. Received: {info.shape[0]}. Leave `batch_size` "
            "out."
        )
    return tuple(shape[1:3]), shape[3], np.dtype(info.dtype)


def _least(size: Sequence[int | None]) -> tuple[int, ...]:
    return tuple(SMALLEST if pixels is None else pixels for pixels in size)


def _run(runner: Runner, image: np.ndarray) -> dict[str, np.ndarray]:
    """Outputs for an image; channels last, whatever the layout of the file."""
    feeds = {runner.inputs[0].name: to_layout(image, runner.layout)}
    return from_layout(runner(feeds), runner.layout)


def _measure(
    runner: Runner,
    size: Sequence[int | None],
    results: dict[str, np.ndarray],
    given: np.ndarray,
) -> dict[str, _Measured]:
    """How the sizes of each output follow those of the input, by three sizes."""
    first = {key: _Measured(values.shape, None) for key, values in results.items()}
    if None not in size:
        return first
    found = []
    for steps in (0, 1, 2):
        sides = [p or SMALLEST + steps * STEP for p in size]
        image = np.zeros((1, *sides, given.shape[3]), given.dtype)
        found.append(_run(runner, image))
    for key, values in results.items():
        follows = []
        for place, pixels in enumerate(size):
            sides = [each[key].shape[1 + place] for each in found]
            scale = (sides[1] - sides[0]) / STEP
            if sides[2] - sides[1] != sides[1] - sides[0] or (pixels is None and scale <= 0):
                raise ExportError(
                    f"Sizes of the output {key!r} do not follow those of the image: {sides}."
                )
            follows.append((scale, round(sides[0] - scale * SMALLEST)))
        first[key] = _Measured(values.shape, tuple(follows))
    return first


def _output_size(
    measured: _Measured, place: int, source: str, pixels: int | None, halo: int
) -> dict[str, Any]:
    """Fields of one axis of an output."""
    if pixels is not None or measured.follows is None:
        return {"size": measured.shape[1 + place]}
    scale, offset = measured.follows[place]
    axis = "yx"[place]
    fields: dict[str, Any] = {"size": {"tensor_id": source, "axis_id": axis, "offset": offset}}
    if scale != 1:
        fields["scale"] = 1 / scale
    if halo and offset == 0 and halo * scale >= 1 and float(halo * scale).is_integer():
        fields["halo"] = round(halo * scale)
    return fields


def _space(axes: list[dict[str, Any]]) -> list[dict[str, Any]]:
    return [axis for axis in axes if axis["type"] == "space"]


def _file(folder: Path, name: str) -> dict[str, Any]:
    return {"source": name, "sha256": sha256_of(folder / name)}


def _pack(folder: Path, place: Path) -> None:
    """One archive of all files, of equal bytes for equal files."""
    from ..._version import __version__

    with zipfile.ZipFile(place, "w") as archive:
        for file in sorted(folder.iterdir()):
            entry = zipfile.ZipInfo(file.name)  # its date is fixed
            with file.open("rb") as source, archive.open(entry, "w", force_zip64=True) as target:
                shutil.copyfileobj(source, target, 1 << 20)
        archive.comment = f"keras_upsample {__version__}".encode()
