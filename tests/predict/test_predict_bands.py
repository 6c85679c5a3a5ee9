"""One large image by bands: the files of one process, whatever the order of the bands."""

import pickle
import random
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import tifffile
from PIL import Image
from predicting import box, picture, predictor
from scenes import PLACED, nodata_tag, write

from keras_upsample.errors import EngineError
from keras_upsample.images._sources import ImageError
from keras_upsample.metadata import Output
from keras_upsample.predict import Predictor, _bands, _files, predict_to_files
from keras_upsample.predict._bands import BandWorker, bands_of
from keras_upsample.predict._networks import Network
from keras_upsample.predict._ray import _watched
from keras_upsample.predict._valid import Margin

BORDER = 3


class Shuffled:
    """An engine in this process: rows in any order, some of them twice."""

    def __init__(self, workers: int = 3) -> None:
        self.workers, self.rows = workers, 0

    def place_of(self, model: str) -> str:
        return model

    def load_options(self, model: str, load: Mapping[str, Any]) -> dict[str, Any]:
        return dict(load)

    def run(
        self, work: type, arguments: Mapping[str, Any], plan: Callable[[int], Sequence[Any]]
    ) -> Iterator[dict[str, Any]]:
        assert work is BandWorker
        rows = list(plan(self.workers))
        self.rows = len(rows)
        random.Random(7).shuffle(rows)
        worker = work(**pickle.loads(pickle.dumps(dict(arguments))))
        worker(rows[0])
        yield from map(worker, rows)


def enlarged(image: np.ndarray) -> np.ndarray:
    return box(1)(image).repeat(2, axis=0).repeat(2, axis=1)


def cut(image: np.ndarray) -> np.ndarray:
    """A network without padding."""
    return box(BORDER)(image)[BORDER:-BORDER, BORDER:-BORDER]


def without_padding() -> Predictor:
    output = Output("probabilities", "probabilities")
    margin = Margin(BORDER, 1, 2 * BORDER + 1)
    network = Network(cut, "cut", 3, (None, None), output, lambda: 4, margin=margin)
    return replace(predictor(cut), network=network)


MODELS: dict[str, Callable[[], Predictor]] = {
    "classes": lambda: predictor(box(2)),
    "logits": lambda: predictor(box(2), logits=True, stride=4),
    "percentiles": lambda: predictor(box(2), normalization="percentiles"),
    "enlarged": lambda: predictor(enlarged, scale=2, enlarges=True),
    "without padding": without_padding,
    "class numbers": lambda: predictor(
        lambda x: box(1)(x).argmax(-1)[..., None].astype("float32"), outputs=1, kind="class_map",
        classes=("a", "b", "c"),
    ),
}  # fmt: skip
OPTIONS: dict[str, dict[str, Any]] = {
    "classes": {"probabilities": True, "objects": True},
    "logits": {"augment": ("flip_vertical", "rotate_180")},
}


@pytest.fixture
def loaded(monkeypatch) -> Callable[[Predictor], None]:
    def give(model: Predictor) -> None:
        for module in (_bands, _files):
            monkeypatch.setattr(module, "load_model", lambda *_, **__: model)

    return give


def content(folder: Path) -> dict[str, bytes]:
    return {path.name: path.read_bytes() for path in folder.iterdir() if path.is_file()}


@pytest.mark.parametrize("name", MODELS)
@pytest.mark.parametrize("workers", [1, 3])
def test_the_files_are_those_of_one_process(name, workers, loaded, tmp_path):
    Image.fromarray(picture(151, 45)).save(tmp_path / "a.png")
    loaded(MODELS[name]())
    options = {"tile": 16, "overlap": 4, **OPTIONS.get(name, {})}
    alone = predict_to_files("m", tmp_path / "a.png", tmp_path / "alone", **options)
    engine, shares = Shuffled(workers), []
    files = predict_to_files(
        "m", tmp_path / "a.png", tmp_path / "out", engine=engine, progress=shares.append, **options
    )
    assert engine.rows >= workers > 0 and engine.rows >= 3
    assert [path.name for path in files.written] == [path.name for path in alone.written]
    assert content(tmp_path / "out") == content(tmp_path / "alone")
    assert files.notes == alone.notes
    assert shares == sorted(shares) and shares[-1] == 1
    there = {path.name for path in (tmp_path / "out").iterdir() if path.name.startswith(".")}
    assert there == {".keras_upsample"}


def test_a_scene_with_gaps_of_16_bits(loaded, tmp_path):
    """Percentiles are those of the whole scene, in which a third of the rows hold no data."""
    scene = picture(120, 50, 4, "uint16")
    scene[40:80] = 65535
    write(tmp_path / "a.tif", scene, *PLACED, nodata_tag(65535), planarconfig="contig")
    loaded(predictor(box(2), normalization="percentiles"))
    options = {"tile": 16, "overlap": 4, "channels": (2, 0, 3)}
    predict_to_files("m", tmp_path / "a.tif", tmp_path / "alone", **options)
    predict_to_files("m", tmp_path / "a.tif", tmp_path / "out", engine=Shuffled(), **options)
    assert content(tmp_path / "out") == content(tmp_path / "alone")
    with tifffile.TiffFile(tmp_path / "out" / "a_classes.tif") as file:
        labels = file.asarray()
    assert (labels[40:80] == 255).all() and (labels[:40] < 3).all()


def test_frames_of_one_file(loaded, tmp_path):
    frames = np.stack([picture(70, 20) for _ in range(3)])
    tifffile.imwrite(tmp_path / "a.tif", frames, photometric="rgb", metadata={"axes": "TYXS"})
    loaded(predictor(box(2)))
    options = {"tile": 16, "overlap": 4}
    predict_to_files("m", tmp_path / "a.tif", tmp_path / "alone", **options)
    predict_to_files("m", tmp_path / "a.tif", tmp_path / "out", engine=Shuffled(), **options)
    assert len(content(tmp_path / "out")) == 6
    assert content(tmp_path / "out") == content(tmp_path / "alone")


def test_a_small_image_needs_no_engine(loaded, tmp_path):
    Image.fromarray(picture(16, 45)).save(tmp_path / "a.png")
    loaded(predictor(box(2)))
    engine = Shuffled()
    files = predict_to_files("m", tmp_path / "a.png", tmp_path / "out", engine=engine, tile=16)
    assert len(files.written) == 2 and engine.rows == 0


def test_an_engine_that_fails_leaves_nothing(loaded, tmp_path):
    class Fails(Shuffled):
        def run(self, *arguments: Any) -> Iterator[dict[str, Any]]:
            yield next(super().run(*arguments))
            raise EngineError("gone")

    Image.fromarray(picture(151, 45)).save(tmp_path / "a.png")
    loaded(predictor(box(2)))
    with pytest.raises(EngineError, match="gone"):
        predict_to_files("m", tmp_path / "a.png", tmp_path / "out", engine=Fails(), tile=16)
    assert not (tmp_path / "out").exists() or not list((tmp_path / "out").iterdir())


def test_an_image_that_is_damaged_in_the_middle_is_told_as_in_one_process(loaded, tmp_path):
    options = {"photometric": "rgb", "tile": (16, 16), "compression": "zlib"}
    tifffile.imwrite(tmp_path / "a.tif", picture(96, 64), **options)
    with tifffile.TiffFile(tmp_path / "a.tif") as file:
        place, length = file.pages[0].dataoffsets[14], file.pages[0].databytecounts[14]
    content = bytearray((tmp_path / "a.tif").read_bytes())
    content[place : place + length] = bytes(length)
    (tmp_path / "a.tif").write_bytes(content)
    loaded(predictor(box(2)))
    said = []
    for engine in (None, Shuffled()):
        with pytest.raises(ImageError) as caught:
            predict_to_files("m", tmp_path / "a.tif", tmp_path / "out", engine=engine, tile=16)
        said.append(str(caught.value))
    assert said[0] == said[1] and "can't be read" in said[0]
    assert not (tmp_path / "out").exists() or not list((tmp_path / "out").iterdir())


@pytest.mark.parametrize("workers", [1, 2, 3, 16, 1000])
@pytest.mark.parametrize("rows", [1, 2, 7, 40, 1001])
def test_bands_cover_all_rows_once(rows, workers):
    bands = bands_of(rows, workers)
    assert [row for first, last in bands for row in range(first, last)] == list(range(rows))
    assert len(bands) <= 4 * workers
    if rows >= 8 * workers:  # few rows are computed twice, and no worker is idle
        assert len(bands) >= workers and max(b - a for a, b in bands) >= 4


def test_an_engine_that_says_nothing_is_told():
    import threading

    never = threading.Event()

    def rows() -> Iterator[dict[str, int]]:
        yield {"a": 1}
        never.wait(20)

    given = _watched(rows, 0.2)
    assert next(given) == {"a": 1}
    with pytest.raises(EngineError, match=r"No image has ended for 0.2 seconds"):
        next(given)
    never.set()


def test_an_engine_s_own_error_is_raised_here():
    def rows() -> Iterator[dict[str, int]]:
        yield {"a": 1}
        raise KeyError("its own")

    given = _watched(rows, 20)
    assert next(given) == {"a": 1}
    with pytest.raises(KeyError, match="its own"):
        next(given)
