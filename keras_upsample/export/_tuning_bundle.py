"""A folder of a model's blocks in all their forms, to be timed on the device it is for."""

from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Unpack

from .._publish import publish
from ..errors import ExportError, first_line
from ..files._durable import is_of_disk
from ..lowering._bundle import files_of_bundle, write_bundle
from ..program._inference import check_weights
from ..program._read import NotAGraphError
from ..quantization import _lines
from ..targets import DEVICES, TARGETS, Target, target_named
from ._options import Chosen, Options, choose_options
from ._prepare import silent
from ._subject import program_to_export


@dataclass(frozen=True)
class TuningBundle:
    """A folder of blocks to be timed.

    Attributes:
        path: path of the folder.
        target: name of the target.
        blocks: number of blocks.
        files: number of `.tflite` files.
        size: of these files together, in bytes.
    """

    path: Path
    target: str
    blocks: int
    files: int
    size: int

    def __str__(self) -> str:
        return f"{self.blocks} blocks in {self.files} files of {self.size / 1e6:.1f} MB"


def tuning_bundle(
    model: Any,
    directory: str | Path,
    target: str = "tflite",
    *,
    progress: Callable[[str], None] = silent,
    options: Options | None = None,
    **chosen: Unpack[Chosen],
) -> TuningBundle:
    """Write each block of a model that has several equal forms as a file in each form.

    The folder has a script, `run.sh`, that times the files by LiteRT's `benchmark_model`, on an
    Android device or on the machine that holds a copy of the folder. It writes `timings.txt`, and
    `export(..., timings="timings.txt")` takes the forms that were fastest.

    Args:
        model: any Keras model, or the path of one, as for `export`.
        directory: folder to write.
        target: a TFLite target.
        progress: called with the description of each block before it is converted.
        options: as for `export`; those that decide the blocks are `input_shape`, `batch_size`,
            `head`, `threshold` and `metadata`.
        chosen: fields of `Options` as keyword arguments; they override `options`. `overwrite`
            allows to replace a bundle in the folder; other files in it are kept.

    Raises:
        ExportError: a block can't be converted, or the model's code can't be followed.
        ValueError, TypeError: a bad argument, a model without such blocks, or a folder that holds
            other files. Nothing was written.

    Example:
        >>> tuning_bundle(model, "build/bundle", input_shape=(256, 256, 3))  # doctest: +SKIP
    """
    options = choose_options(options, chosen)
    goal = _target_of_bundle(target, options)
    directory = Path(directory)
    _check_folder(directory, overwrite=options.overwrite)
    program, _, _ = program_to_export(model, options)
    check_weights(program.model)
    program = program.at(program.signature.fixed())
    if goal.calibrated:  # as `prepare` does
        program = program.attempt(_lines.NOTE.rule, _lines.put_lines_on_images)
    with publish(directory, directory=True, others=_other_files) as staged:
        staged.mkdir()
        try:
            blocks = write_bundle(program, goal, staged, progress)
        except NotAGraphError as error:
            raise ExportError(f"The model {program.name!r} has no graph: {error}") from error
        except Exception as error:  # every converter runs here, and the model's own code
            if is_of_disk(error):
                raise
            raise ExportError(f"A block can't be converted: {first_line(error)}") from error
        if not blocks:
            raise ValueError(
                f"The model {program.name!r} has no block with several forms for {goal.name!r}; "
                "there is nothing to be timed."
            )
        names = {name for forms in blocks.values() for name in forms.values()}
        size = sum((staged / name).stat().st_size for name in names)
    return TuningBundle(directory, goal.name, len(blocks), len(names), size)


def _target_of_bundle(name: str, options: Options) -> Target:
    """
    Raises:
        ValueError: no bundle can be made for this target, or of these options.
    """
    target = target_named(name)
    if not _can_be_timed(target):
        names = ", ".join(each.name for each in TARGETS.values() if _can_be_timed(each))
        raise ValueError(
            f"LiteRT's benchmark_model runs no files of the target {target.name!r}. Allowed: "
            f"{names}."
        )
    for option in ("tune", "timings", "resizable"):
        if getattr(options, option):
            raise ValueError(f"`{option}` is for `export`, not for a bundle. Leave it out.")
    return target


def _can_be_timed(target: Target) -> bool:
    """Whether benchmark_model runs the target's files as they are, on a CPU or a GPU."""
    runs = not target.device or DEVICES[target.device].how == "gpu"
    return target.format == "tflite" and runs


def _check_folder(folder: Path, *, overwrite: bool) -> None:
    """
    Raises:
        ValueError: something stands there that is not replaced.
    """
    if folder.is_symlink() or (folder.exists() and not folder.is_dir()):
        raise ValueError(
            f"`directory` {str(folder)!r} is a file or a link. Choose another path for the folder."
        )
    if not folder.is_dir() or not any(folder.iterdir()):
        return
    if files_of_bundle(folder) is None:
        raise ValueError(
            f"`directory` {str(folder)!r} holds other things than a bundle. Choose another path, "
            "or empty it."
        )
    if not overwrite:
        raise ValueError(
            f"`directory` {str(folder)!r} holds a bundle. Choose another path, or pass "
            "overwrite=True (--overwrite) to replace it."
        )


def _other_files(folder: Path) -> list[Path]:
    """The files in a bundle's folder that are no part of it, such as timings."""
    ours = files_of_bundle(folder) or set()
    return [Path(entry.name) for entry in sorted(folder.glob("*")) if entry.name not in ours]
