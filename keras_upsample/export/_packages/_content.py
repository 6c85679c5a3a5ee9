"""The file in a package: exported, or copied from one that was exported before."""

import shutil
import warnings
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass, replace
from pathlib import Path
from types import MappingProxyType
from typing import Any

from ..._publish import publish
from ...errors import ExportError
from ...examples._cases import Images
from ...files._beside import values_beside
from ...lowering._profiles import PORTABLE
from ...metadata import Metadata
from .._artefact import check_path
from .._formats import to_onnx, to_saved_model, to_tflite
from .._options import Options
from .._report import ArtefactReport

_EXPORTERS: Mapping[str, Callable[..., ArtefactReport]] = MappingProxyType(
    {"saved_model": to_saved_model, "onnx": to_onnx, "tflite": to_tflite}
)
"""Format of the file -> how it is exported."""


@dataclass(frozen=True)
class Content:
    """What is packaged.

    Attributes:
        model: a Keras model; the path of an exported file, if `exported`.
        exported: whether the file is there, to be copied.
        name: name of the package.
        metadata: of the model, or of the exported file.
        options: options of the export.
        images: images for verification.
        precision: of the file.
        author, licence, cite: credits, where the format names them.
    """

    model: Any
    exported: bool
    name: str
    metadata: Metadata
    options: Options
    images: Images
    precision: str
    author: str | None = None
    licence: str | None = None
    cite: str | None = None

    def write(self, path: Path, file_format: str) -> ArtefactReport | None:
        """Write the file to `path`, whole or not at all.

        Returns:
            The report of the export; None of a copy.

        Raises:
            ExportError, ValueError: as the exporters; `path` is unchanged.
        """
        if not self.exported:
            more = {} if file_format == "saved_model" else {"precision": self.precision}
            export = _EXPORTERS[file_format]
            # It goes to other machines than this one, unless a profile says to which.
            options = replace(self.options, profile=self.options.profile or PORTABLE)
            return export(self.model, path, images=self.images, options=options, **more)
        directory = file_format == "saved_model"
        check_path(path, directory=directory, overwrite=self.options.overwrite)
        source = Path(self.model)
        with publish(path, directory=directory) as staged:
            if directory:
                shutil.copytree(source, staged)
            else:
                copy_file(source, staged)
        return None


def copy_file(source: Path, place: Path) -> None:
    """Copy a file with the values beside it, whose names an ONNX file states."""
    shutil.copyfile(source, place)
    for values in values_beside(source):
        shutil.copyfile(values, place.with_name(values.name))


@contextmanager
def named_as(path: Path, staged: Path) -> Iterator[None]:
    """Let errors and warnings on what is made at `staged` name the path that it will have."""
    with warnings.catch_warnings(record=True) as caught:
        warnings.simplefilter("always")
        try:
            yield
        except ExportError as error:
            error.args = tuple(
                part.replace(str(staged), str(path)) if isinstance(part, str) else part
                for part in error.args
            )
            raise
    for each in caught:
        text = str(each.message).replace(str(staged), str(path))
        warnings.warn(text, each.category, stacklevel=5)  # whoever calls `package`


def moved(report: ArtefactReport | None, path: Path) -> ArtefactReport | None:
    """The report of a file that was renamed to `path` with its folder."""
    return None if report is None else replace(report, path=str(path))
