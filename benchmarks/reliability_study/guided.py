"""Coverage-guided fuzzing of this package's own parsers, by atheris.

python benchmarks/reliability_study/guided.py tflite [FOLDER OF SEEDS] -- -runs=100000

Parsers: tflite, tflite_metadata, onnx_metadata, keras_metadata, tiff, masks. What stands after `--`
are options of libFuzzer, and folders of its corpus. An exception that no caller expects, more than
10 seconds or more than 2 GiB end the run, and the input is written to the current folder.
"""

import sys
import tempfile
from collections.abc import Callable
from pathlib import Path

import atheris

ROOT = Path(__file__).parents[2]
sys.path.insert(0, str(ROOT))
LIMITS = ("-timeout=10", "-rss_limit_mb=2048")

with atheris.instrument_imports(include=["keras_upsample", "tifffile"]):
    from keras_upsample.data._masks import read_masks
    from keras_upsample.errors import ArtefactError
    from keras_upsample.files._flatbuffer import DamagedError
    from keras_upsample.files._tflite_structure import check_structure
    from keras_upsample.images._pictures import sources_in
    from keras_upsample.images._sources import ImageError
    from keras_upsample.metadata import read

_FOLDER = Path(tempfile.mkdtemp(prefix="guided"))


def _structure(content: bytes) -> None:
    try:
        check_structure(content)
    except DamagedError:
        return


def _metadata(suffix: str) -> Callable[[bytes], None]:
    def work(content: bytes) -> None:
        try:
            read(_file(content, suffix))
        except ArtefactError:
            return

    return work


def _tiff(content: bytes) -> None:
    try:
        for source in sources_in(_file(content, ".tif"), 3):
            height = source.shape[0]
            source.rows(0, min(height, 8))
            source.rows(max(0, height - 8), height)
    except ImageError:
        return


def _masks(content: bytes) -> None:
    suffix = ".tif" if content[:2] in (b"II", b"MM") else ".png"
    for kind in ("numbers", "colours", "strengths"):
        try:
            read_masks(_file(content, suffix), kind)
        except ImageError:
            continue


def _file(content: bytes, suffix: str) -> Path:
    path = _FOLDER / f"input{suffix}"
    path.write_bytes(content)
    return path


PARSERS: dict[str, tuple[Callable[[bytes], None], str]] = {
    "tflite": (_structure, "models/*.tflite"),
    "tflite_metadata": (_metadata(".tflite"), "models/*.tflite"),
    "onnx_metadata": (_metadata(".onnx"), "models/*.onnx"),
    "keras_metadata": (_metadata(".keras"), "models/*.keras"),
    "tiff": (_tiff, "pictures/*.tif"),
    "masks": (_masks, "pictures/*.[pt][ni][gf]"),
}


def main() -> None:
    split = sys.argv.index("--") if "--" in sys.argv else len(sys.argv)
    words, given = sys.argv[1:split], sys.argv[split + 1 :]
    if not words or words[0] not in PARSERS:
        sys.exit(f"PARSER must be one of {', '.join(PARSERS)}.")
    work, pattern = PARSERS[words[0]]
    folders = []
    if len(words) > 1:  # a folder of `reliability.py`: only the seeds of this kind
        corpus = Path(tempfile.mkdtemp(prefix="corpus"))
        for file in Path(words[1]).glob(pattern):
            (corpus / file.name).write_bytes(file.read_bytes())
        folders = [str(corpus)]
    atheris.Setup([sys.argv[0], *LIMITS, *given, *folders], work)
    atheris.Fuzz()


if __name__ == "__main__":
    main()
