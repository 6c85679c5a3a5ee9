"""NAME or FILE on the command line -> a Keras model."""

import difflib
import inspect
from pathlib import Path
from typing import Any

from .._keras_first_read import first_read
from ..errors import first_line
from ..export._source import load_source
from .options import ModelChoice


class UserError(Exception):
    """A bad argument: one readable line, exit code 2."""


def load_choice(choice: ModelChoice, input_shape: Any = None) -> Any:
    """Build a model of the zoo, or a trained one, or load a file or SavedModel folder.

    Args:
        choice: the user's.
        input_shape: for files of another framework whose sizes can't stay open.

    Raises:
        UserError: there is no such model, or an argument does not fit it.
        ArtefactError: the file can't be loaded.
    """
    from ..zoo import CATALOGUE, PACKAGED, PRESETS, load

    names = [entry.name for entry in CATALOGUE]
    arguments = choice.builder_arguments()
    if choice.signature is not None and not Path(choice.model).is_dir():
        raise UserError(f"--signature is for SavedModel folders. Received: {choice.model!r}.")
    if choice.model in names:
        model = _built(choice.model, arguments, choice.seed)
    elif choice.model in PRESETS:
        _refuse(arguments, "a preset, which is what it was trained as")
        preset = PRESETS[choice.model]
        model = _built(preset.model, {"weights": preset.weights}, choice.seed)
    elif choice.model in PACKAGED:
        _refuse(arguments, "a network whose weights come in a package")
        try:
            model = load(choice.model)
        except OSError as error:  # of the fetch
            raise UserError(str(error)) from error
    elif Path(choice.model).exists():
        _refuse(arguments, "a file")
        model = load_source(
            choice.model,
            choice.signature,
            imports=choice.imports or (),
            trust=choice.trust,
            input_shape=input_shape,
        )
    else:
        close = difflib.get_close_matches(choice.model, [*names, *PRESETS, *PACKAGED], n=1)
        hint = f" Did you mean {close[0]!r}?" if close else ""
        raise UserError(
            f"{choice.model!r} is neither a model of the zoo ({', '.join([*names, *PRESETS])}; "
            f"`keras-upsample list` has more) nor a file that exists.{hint}"
        )
    if choice.weights is not None:
        try:
            with first_read(Path(choice.weights), trust=choice.trust):
                model.load_weights(choice.weights)
        except Exception as error:  # h5py, zipfile and Keras raise kinds of their own
            raise UserError(
                f"--weights {choice.weights!r} can't be loaded: {first_line(error)}"
            ) from error
    return model


def file_name(choice: ModelChoice) -> str | None:
    """The name of what is exported from a file: the file's own, without its ending."""
    path = Path(choice.model)
    return path.stem if path.exists() else None


def _refuse(arguments: dict[str, Any], what: str) -> None:
    if arguments:
        option = next(iter(arguments)).replace("_", "-")
        raise UserError(f"--{option} is for models of the zoo, not for {what}.")


def _built(name: str, arguments: dict[str, Any], seed: int) -> Any:
    import keras

    from .. import zoo

    builder = getattr(zoo, name)
    allowed = inspect.signature(builder).parameters
    for argument in arguments:
        if argument not in allowed:
            raise UserError(f"{name} has no option --{argument.replace('_', '-')}.")
    keras.utils.set_random_seed(seed)
    try:
        return builder(**arguments)
    except (TypeError, ValueError, OSError) as error:
        raise UserError(str(error)) from error
