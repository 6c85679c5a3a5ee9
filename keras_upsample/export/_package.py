"""`package`: an exported file with the names, folders and descriptions that a server wants."""

from collections.abc import Callable, Mapping
from dataclasses import dataclass, fields
from pathlib import Path
from types import MappingProxyType
from typing import Any, Unpack

from .._ours import is_marked
from .._text import plain_name
from ..errors import did_you_mean
from ..examples._cases import Images
from ..metadata import Metadata, of, read
from ._options import Chosen, Options, choose_options
from ._packages._bioimageio import write_bioimageio
from ._packages._content import Content
from ._packages._mediapipe import write_mediapipe
from ._packages._tf_serving import write_tf_serving
from ._packages._triton import write_triton
from ._report import ArtefactReport
from ._source import as_model


@dataclass(frozen=True)
class _Package:
    """One format of packages: what it is for, the format of the file inside, and what writes it."""

    summary: str
    inside: str
    write: Callable[[Content, Path], tuple[Path, ArtefactReport | None]]


_FORMATS: Mapping[str, _Package] = MappingProxyType(
    {
        "triton": _Package("a folder for Triton Inference Server", "onnx", write_triton),
        "tf-serving": _Package("a folder for TensorFlow Serving", "saved_model", write_tf_serving),
        "bioimageio": _Package("an archive for bioimage.io", "onnx", write_bioimageio),
        "mediapipe": _Package("a file for MediaPipe's ImageSegmenter", "tflite", write_mediapipe),
    }
)

PACKAGES: Mapping[str, str] = MappingProxyType(
    {name: each.summary for name, each in _FORMATS.items()}
)
"""Format of `package` -> what it writes."""


@dataclass(frozen=True)
class PackageReport:
    """What `package` wrote.

    Attributes:
        format: one of `PACKAGES`.
        path: the folder or file.
        artefact: report of the export; None of a file that was exported before.
    """

    format: str
    path: str
    artefact: ArtefactReport | None = None

    def __str__(self) -> str:
        lines = [] if self.artefact is None else [str(self.artefact)]
        return "\n".join([*lines, f"{self.format}: {self.path}"])


def package(
    model: Any,
    out: str | Path,
    format: str,
    *,
    name: str | None = None,
    precision: str = "float32",
    author: str | None = None,
    licence: str | None = None,
    cite: str | None = None,
    images: Images = None,
    options: Options | None = None,
    **chosen: Unpack[Chosen],
) -> PackageReport:
    """Export a model, and write the verified file as a server or another program reads it.

    `"triton"` writes `out/NAME/config.pbtxt`, `labels.txt` and `1/model.onnx`, for Triton Inference
    Server. `"tf-serving"` writes the SavedModel `out/NAME/1`, for TensorFlow Serving.
    `"bioimageio"` writes the archive `out/NAME.zip`, with the ONNX file, a description (ModelDescr
    0.5) and tensors to test it with. `"mediapipe"` writes `out/NAME.tflite`, and refuses what
    MediaPipe's ImageSegmenter does not take. The model's metadata (names, scaling, classes, layout)
    become the description.

    Args:
        model: any Keras model, the name of a preset (`"unet:nuclei"`), or a path. A file of the
            format that the package holds, which this package exported, is copied as it is; any
            other is loaded and exported, as by `export`.
        out: folder for the package.
        format: one of `PACKAGES`.
        name: name of the model in the package. Default: the preset's or the model's.
        precision: of the file, as for `to_onnx` and `to_tflite`.
        author, licence, cite: for bioimage.io: who made the model, the SPDX name of its licence,
            and a citation that ends in a DOI or an address. Default: what the metadata say of the
            first two.
        images: images for verification, see `verify`.
        options, chosen: as for `export`.

    Returns:
        The report.

    Raises:
        ExportError, VerificationError: the file can't be exported. Nothing was written.
        ValueError, TypeError: a bad argument, an option for a file that is copied, or files in the
            place of the package that no `package` wrote. Nothing was written.

    Example:
        >>> package("unet:nuclei", "build/models", "triton")  # doctest: +SKIP
    """
    kind = package_format(format)
    options = choose_options(options, chosen)
    out = Path(out)
    if out.exists() and not out.is_dir():
        raise ValueError(f"`out` {str(out)!r} is a file; it must be a folder. Choose another path.")
    if precision != "float32" and kind.inside == "saved_model":
        raise ValueError(
            f"`precision` of format {format!r} is 'float32', for it holds a SavedModel. Received: "
            f"{precision!r}."
        )
    credits = {"author": author, "licence": licence, "cite": cite}
    for what, value in credits.items():
        if value is not None and format != "bioimageio":
            raise ValueError(f"`{what}` is for format 'bioimageio'. Received: {format!r}.")
    exported = is_exported(model, format)
    if exported:
        _refuse_options(Path(model), options, precision, images)
        facts = read(model) or Metadata()
        default = Path(model).stem if kind.inside != "saved_model" else ""
    else:
        model = _loaded(model, options)
        facts, default = options.metadata or of(model), ""
    called = name or default or facts.preset or facts.name
    called = plain_name(called).lstrip(".") or "model"
    content = Content(model, exported, called, facts, options, images, precision, **credits)
    path, artefact = kind.write(content, out)
    return PackageReport(format, str(path), artefact)


def package_format(name: str) -> _Package:
    """One of the formats.

    Raises:
        ValueError: there is none of this name.
    """
    if name not in _FORMATS:
        raise ValueError(
            f"`format` must be one of {', '.join(map(repr, _FORMATS))}. Received: {name!r}."
            f"{did_you_mean(str(name), list(_FORMATS))}"
        )
    return _FORMATS[name]


def is_exported(model: Any, format: str) -> bool:
    """Whether `model` is the path of a file that goes into a package of this format as it is."""
    inside = package_format(format).inside
    if not isinstance(model, str | Path) or not Path(model).exists():
        return False
    path = Path(model)
    fits = path.is_dir() if inside == "saved_model" else path.suffix.lower() == f".{inside}"
    return fits and is_marked(path)


def _loaded(model: Any, options: Options) -> Any:
    from ..zoo import PACKAGED, PRESETS, load

    if isinstance(model, str) and not Path(model).exists() and model in {*PRESETS, *PACKAGED}:
        return load(model)
    return as_model(model, options.input_shape)


def _refuse_options(path: Path, options: Options, precision: str, images: Images) -> None:
    """Options of an export do nothing to a file that is there.

    Raises:
        ValueError: it names the first one.
    """
    given = {field.name: getattr(options, field.name) for field in fields(Options)}
    del given["overwrite"]
    plain = Options()
    changed = [name for name, value in given.items() if _differ(value, getattr(plain, name))]
    changed += ["precision"] * (precision != "float32") + ["images"] * (images is not None)
    if changed:
        raise ValueError(
            f"`{changed[0]}` is for models that are exported. {str(path)!r} was exported before "
            "and is packaged as it is. Leave it out, or pass the model."
        )


def _differ(value: Any, default: Any) -> bool:
    if isinstance(value, str | bool | int | float | tuple | list | None):
        return value != default
    return value is not default
