"""Many images by Ray: the same files as without it, also when a worker dies in the middle."""

import ipaddress
import os
import signal
import subprocess
import sys
import time
from collections.abc import Callable
from importlib.util import find_spec
from pathlib import Path

import numpy as np
import psutil
import pytest
from brightest import brightest
from PIL import Image
from scenes import PLACED, nodata_tag, write

from keras_upsample.errors import EngineError
from keras_upsample.predict import ForRay, Ray, predict_dataset
from keras_upsample.predict._ray import import_ray

pytestmark = [
    pytest.mark.skipif(find_spec("ray") is None, reason="Ray is not installed (extra ray)"),
    pytest.mark.skipif(sys.platform != "linux", reason="it looks at processes as Linux has them"),
]

RNG = np.random.default_rng(23)
DIES = """
'''A worker that is killed where it has written the results of one image, but not published them.'''
import os, signal
from pathlib import Path
from keras_upsample.predict._image_task import ImageTask

MARK = Path({mark!r})
write = ImageTask.write

def write_and_die(self, staged):
    said = write(self, staged)
    if any("im04" in str(path) for path in staged.values()) and not MARK.exists():
        MARK.touch()
        os.kill(os.getpid(), signal.SIGKILL)
    return said

ImageTask.write = write_and_die
"""
DIES_IN_A_BAND = """
# A worker that is killed in the middle of one band.
import os, signal
from pathlib import Path
from keras_upsample.predict import _bands

MARK = Path({mark!r})
call = _bands.BandWorker.__call__

def call_and_die(self, row):
    done = call(self, row)
    if not MARK.exists():
        MARK.touch()
        os.kill(os.getpid(), signal.SIGKILL)
    return done

_bands.BandWorker.__call__ = call_and_die
"""
DIES_WITH_ITS_NODE = """
# The whole node is killed, its worker too, where that has written a result but not published it.
import os, signal
from pathlib import Path
import ray
from keras_upsample.predict._image_task import ImageTask

MARK = Path({mark!r})
write = ImageTask.write

def write_and_die(self, staged):
    said = write(self, staged)
    if ray.get_runtime_context().get_node_id() == {node!r}:
        MARK.touch()
        os.kill(os.getppid(), signal.SIGKILL)
        os.kill(os.getpid(), signal.SIGKILL)
    return said

ImageTask.write = write_and_die
"""


@pytest.fixture(scope="module")
def cluster():
    """Two nodes of this machine, which listen to nobody else."""
    ray = import_ray(own_cluster=True)
    from ray.cluster_utils import Cluster

    head = {"num_cpus": 1, "include_dashboard": False}
    nodes = Cluster(initialize_head=True, head_node_args=head)
    nodes.add_node(num_cpus=1)
    ray.init(address=nodes.address, log_to_driver=False, logging_level="critical")
    yield nodes
    ray.shutdown()
    nodes.shutdown()


@pytest.fixture(scope="module")
def images(tmp_path_factory) -> list[Path]:
    """Twelve pictures and one that is broken."""
    folder = tmp_path_factory.mktemp("images")
    files = []
    for number in range(12):
        path = folder / f"im{number:02}.png"
        shape = (33 + number, 41, 3)
        Image.fromarray(RNG.integers(0, 256, shape, dtype="uint8")).save(path)
        files.append(path)
    (folder / "broken.png").write_bytes(b"\x89PNG\r\n\x1a\nnot a picture")
    return [*files[:5], folder / "broken.png", *files[5:]]


@pytest.fixture(scope="module")
def model(tmp_path_factory) -> Path:
    return brightest(tmp_path_factory.mktemp("model") / "m.onnx")


def content(place: Path) -> dict[str, bytes]:
    """Path -> bytes of each file of a folder, or of a file itself."""
    paths = [place] if place.is_file() else place.rglob("*")
    return {str(p.relative_to(place)): p.read_bytes() for p in paths if p.is_file()}


def test_a_killed_worker_costs_nothing(cluster, images, model, tmp_path, monkeypatch):
    mark = tmp_path / "mark"
    (tmp_path / "dies_once.py").write_text(DIES.format(mark=str(mark)))
    given = {"load": {"classes": ["a", "b", "c"], "stride": 1}, "tile": 16, "overlap": 4}
    here = list(predict_dataset(model, images, tmp_path / "here", **given))
    assert sum(bool(outcome.error) for outcome in here) == 1
    monkeypatch.syspath_prepend(tmp_path)
    shares: list[tuple[int, float]] = []
    outcomes = list(
        predict_dataset(
            model,
            images,
            tmp_path / "out",
            engine=Ray(imports=("dies_once",), stall=120),
            progress=lambda *each: shares.append(each),
            **given,
        )
    )
    assert mark.exists()
    assert sorted(outcome.path for outcome in outcomes) == sorted(images)
    assert [outcome.path.name for outcome in outcomes if outcome.error] == ["broken.png"]
    assert sorted(shares) == [(number, 1.0) for number in range(13)]
    results = {name for name in content(tmp_path / "out") if not name.startswith(".")}
    assert len(results) == 24
    for outcome in here:
        for path in outcome.written:
            assert (tmp_path / "out" / path.name).read_bytes() == path.read_bytes()
    assert {path.name for path in (tmp_path / "out").iterdir() if path.name.startswith(".")} == {
        ".keras_upsample"
    }
    again = predict_dataset(model, images, tmp_path / "out", engine=Ray(), **given)
    assert sum(len(outcome.kept) for outcome in again) == 24


def test_a_node_that_dies_costs_nothing(cluster, images, model, tmp_path, monkeypatch):
    mark = tmp_path / "mark"
    node = cluster.add_node(num_cpus=1)
    script = DIES_WITH_ITS_NODE.format(mark=str(mark), node=node.node_id)
    (tmp_path / "dies_with_its_node.py").write_text(script)
    monkeypatch.syspath_prepend(tmp_path)
    given = {"load": {"classes": ["a", "b", "c"], "stride": 1}}
    here = list(predict_dataset(model, images, tmp_path / "here", **given))
    engine = Ray(imports=("dies_with_its_node",), stall=120)
    outcomes = list(predict_dataset(model, images, tmp_path / "out", engine=engine, **given))
    cluster.remove_node(node, allow_graceful=False)
    assert mark.exists()
    assert sorted(outcome.path for outcome in outcomes) == sorted(images)
    assert [outcome.path.name for outcome in outcomes if outcome.error] == ["broken.png"]
    for outcome in here:
        for path in outcome.written:
            assert (tmp_path / "out" / path.name).read_bytes() == path.read_bytes()
    there = {path.name for path in (tmp_path / "out").iterdir() if path.name.startswith(".")}
    assert there == {".keras_upsample"}


def test_one_raster_by_bands(cluster, model, tmp_path, monkeypatch):
    """A killed worker in the middle; bit by bit the files of one process; a valid COG."""
    rasterio = pytest.importorskip("rasterio", reason="rasterio is not installed (extra geo)")
    from rio_cogeo.cogeo import cog_validate

    scene = RNG.integers(0, 65535, (700, 260, 3), dtype="uint16")
    for nodata in (0, 65535):
        scene[:200, :100] = nodata
        write(tmp_path / f"{nodata}.tif", scene, *PLACED, nodata_tag(nodata))
    mark = tmp_path / "mark"
    (tmp_path / "dies_in_a_band.py").write_text(DIES_IN_A_BAND.format(mark=str(mark)))
    monkeypatch.syspath_prepend(tmp_path)
    load = {"stride": 1, "normalization": "percentiles"}
    options = {"load": load, "tile": 40, "overlap": 8}
    (alone,) = predict_dataset(
        model, [tmp_path / "65535.tif"], tmp_path / "alone", zarr=True, **options
    )
    shares: list[tuple[int, float]] = []
    (outcome,) = predict_dataset(
        model,
        [tmp_path / "65535.tif"],
        tmp_path / "out",
        engine=Ray(imports=("dies_in_a_band",), stall=120),
        progress=lambda *each: shares.append(each),
        zarr=True,
        **options,
    )
    assert not outcome.error and mark.exists()
    assert {path.suffix for path in outcome.written} == {".zarr", ".tif"}
    assert shares == sorted(shares) and shares[-1] == (0, 1.0)
    for new, old in zip(outcome.written, alone.written, strict=True):
        assert content(new) == content(old) and new.name == old.name
    there = {path.name for path in (tmp_path / "out").iterdir() if path.name.startswith(".")}
    assert there == {".keras_upsample"}
    (as_cog,) = predict_dataset(
        model, [tmp_path / "0.tif"], tmp_path / "cog", engine=Ray(), cog=True, **options
    )
    path = next(path for path in as_cog.written if "classes" in path.name)
    assert cog_validate(str(path), strict=True) == (True, [], [])
    with rasterio.open(path) as file, rasterio.open(tmp_path / "0.tif") as source:
        assert (file.crs, file.transform) == (source.crs, source.transform)
        labels = file.read(1)
        assert (labels[:200, :100] == file.nodata).all()
    import zarr

    plain = next(path for path in outcome.written if "classes" in path.name)
    np.testing.assert_array_equal(zarr.open(str(plain), mode="r")["classes"][...], labels)


def test_nothing_listens_beyond_this_machine(cluster, images, model, tmp_path):
    outcomes = predict_dataset(model, images[:2], tmp_path / "out", engine=Ray())
    next(outcomes)
    family = psutil.Process().children(recursive=True)
    listening = [
        connection.laddr.ip
        for process in family
        for connection in process.net_connections("inet")
        if connection.status == psutil.CONN_LISTEN
    ]
    assert listening
    for ip in map(ipaddress.ip_address, listening):
        assert (getattr(ip, "ipv4_mapped", None) or ip).is_loopback, ip
    list(outcomes)


def test_more_workers_than_there_is_room_for(cluster, images, model, tmp_path):
    with pytest.raises(EngineError, match=r"2 CPUs, 0 GPUs, not enough for 3 workers of 1 CPUs"):
        list(predict_dataset(model, images, tmp_path, engine=Ray(workers=3)))


def test_a_model_that_no_worker_can_load(cluster, images, tmp_path):
    with pytest.raises(EngineError, match=r"can't load the model: .*'none:at_all'"):
        list(predict_dataset("none:at_all", images, tmp_path, engine=Ray(workers=1)))


def test_a_folder_that_can_not_be_written_ends_the_run(cluster, images, model):
    with pytest.raises((PermissionError, EngineError)):
        list(predict_dataset(model, images[:3], images[0] / "out", engine=Ray(workers=1)))


def test_in_a_pipeline_of_one_s_own(cluster, images, model, tmp_path):
    rows = [{"path": str(path), "mine": number} for number, path in enumerate(images[:3])]
    import ray.data

    dataset = ray.data.from_items(rows).map(
        ForRay,
        fn_constructor_kwargs={"model": str(model), "folder": str(tmp_path / "out")},
        compute=ray.data.ActorPoolStrategy(size=1),
        num_cpus=1,
    )
    found = sorted(dataset.iter_rows(), key=lambda row: row["mine"])
    assert [row["path"] for row in found] == [row["path"] for row in rows]
    assert all(len(row["written"]) == 2 and row["error"] == "" for row in found)
    assert Path(found[0]["written"][0]).is_file()


def until(holds: Callable[[], bool], seconds: float = 120) -> None:
    """Wait for something that other processes do."""
    end = time.monotonic() + seconds
    while not holds():
        assert time.monotonic() < end
        time.sleep(0.05)


def name_of(process: psutil.Process) -> str:
    """Empty where it has ended."""
    try:
        return "" if process.status() == psutil.STATUS_ZOMBIE else process.name()
    except psutil.NoSuchProcess:
        return ""


def test_the_command_starts_and_stops_a_cluster_of_its_own(images, model, tmp_path):
    """In a fresh home, which stays as it was. Killed once, then complete, then all is kept."""
    home = tmp_path / "home"
    home.mkdir()
    command = [
        sys.executable, "-m", "keras_upsample", "predict", model, images[0].parent,
        "--out", tmp_path / "out", "--engine", "ray", "--workers", "1",
    ]  # fmt: skip
    environment = {**os.environ, "HOME": str(home), "COLUMNS": "200"}
    results = tmp_path / "out"
    killed = subprocess.Popen([*map(str, command)], env=environment, stderr=subprocess.PIPE)
    until(lambda: any(results.glob("*.png")))
    family = psutil.Process(killed.pid).children(recursive=True)
    # Two agents of Ray's look once a minute whether they are still needed.
    working = [process for process in family if not name_of(process).endswith("Agent")]
    family[0].kill()  # the one that works; its parent waits for it
    assert killed.wait(60) == 128 + signal.SIGKILL
    killed.communicate()
    assert len(working) >= len(family) - 2
    until(lambda: not any(map(name_of, working)))
    for word in ("kept", "0 images predicted, 12 kept"):
        done = subprocess.run(
            [*map(str, command)], capture_output=True, text=True, env=environment, timeout=300
        )
        assert done.returncode == 1, done.stderr  # one picture is broken
        assert word in done.stdout
        (line,) = done.stderr.strip().splitlines()
        assert "broken.png" in line
    assert not (home / ".ray").exists()
    assert len(list((tmp_path / "out").glob("*.png"))) == 24
    wrong = subprocess.run(
        [*map(str, command[:-4]), "--workers", "2"], capture_output=True, text=True, check=False
    )
    assert wrong.returncode == 2 and "--workers is for --engine. Add --engine ray." in wrong.stderr
