"""`keras-upsample push` and `keras-upsample pull`: model files to a hub and from it."""

from pathlib import Path
from typing import Annotated

import typer

from .options import Verbose
from .screen import say
from .session import session

Address = Annotated[
    str,
    typer.Argument(
        help="hf://USER/NAME or kaggle://USER/MODEL/keras/VARIATION.", metavar="ADDRESS"
    ),
]


def push(
    files: Annotated[
        list[Path],
        typer.Argument(
            help=".keras, .tflite, .onnx or .xml files, or SavedModel folders.", metavar="MODEL..."
        ),
    ],
    address: Address,
    readme: Annotated[
        Path | None, typer.Option(help="README.md to upload in place of the made one.")
    ] = None,
    private: Annotated[
        bool, typer.Option("--private", help="Make a new repository private; refuse a public one.")
    ] = False,
    message: Annotated[str, typer.Option(help="Message of the commit or version.")] = (
        "Upload by keras_upsample"
    ),
    verbose: Verbose = False,
) -> None:
    """Upload model files with a card that is made of their metadata."""
    with session(verbose):
        from ..hub import push as push_files

        say(push_files(files, address, readme=readme, private=private, message=message, tell=say))


def pull(
    address: Address,
    out: Annotated[Path, typer.Option(help="Folder for the files.")],
    overwrite: Annotated[
        bool,
        typer.Option(
            "--overwrite",
            help="Replace files of the same names in the folder; the others are kept.",
        ),
    ] = False,
    verbose: Verbose = False,
) -> None:
    """Download the files of a repository, each compared with what the hub states."""
    with session(verbose):
        from ..hub import pull as pull_files

        say(pull_files(address, out, overwrite=overwrite, tell=say))
