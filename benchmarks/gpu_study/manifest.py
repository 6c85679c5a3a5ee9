"""What `--prepare` leaves in a folder for `--run`: files, inputs, and Keras' outputs for them."""

import json
from dataclasses import asdict, dataclass
from pathlib import Path

NAME = "manifest.json"
MAKER = "benchmarks/gpu.py --prepare"


@dataclass(frozen=True)
class PreparedFile:
    """One ONNX file.

    Attributes:
        model: the name of the network.
        precision: "float32" or "float16".
        file: name of the `.onnx` in the folder.
        arrays: name of an `.npz` in the folder: "input", "output_0", "output_1", ...
        gate: largest |output - Keras' output| that is allowed, as a share of the range.
    """

    model: str
    precision: str
    file: str
    arrays: str
    gate: float


def write_manifest(folder: Path, files: list[PreparedFile]) -> None:
    """Write which files there are."""
    content = {"made_by": MAKER, "files": [asdict(file) for file in files]}
    (folder / NAME).write_text(json.dumps(content, indent=1) + "\n", encoding="utf-8")


def read_manifest(folder: Path) -> list[PreparedFile]:
    """Which files there are.

    Raises:
        FileNotFoundError: the folder was not prepared.
    """
    path = folder / NAME
    if not path.exists():
        raise FileNotFoundError(
            f"{path} does not exist. Make the folder by `python benchmarks/gpu.py --prepare "
            f"{folder}` where TensorFlow is installed."
        )
    content = json.loads(path.read_text(encoding="utf-8"))
    return [PreparedFile(**file) for file in content["files"]]
