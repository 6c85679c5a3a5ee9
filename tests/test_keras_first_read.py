"""A Keras file is read in a child process before Keras reads it, and builds no more than it holds.

Expected: what h5py and zipfile, by which the files are made, say about them.
"""

import struct
import subprocess
import zipfile
from collections.abc import Callable
from pathlib import Path
from typing import Any

import h5py
import keras
import numpy as np
import pytest
from keras_configs import edited

from keras_upsample import _keras_first_read
from keras_upsample._keras_file import load_keras_file
from keras_upsample.errors import ArtefactError
from keras_upsample.files import _keras_archive, _tried
from keras_upsample.files._hdf5_structure import most_unpacked


@pytest.fixture(autouse=True)
def fresh(tmp_path, monkeypatch) -> None:
    """A machine that has met no file."""
    monkeypatch.setenv("KERAS_UPSAMPLE_CACHE", str(tmp_path / "cache"))
    monkeypatch.setattr(_tried, "_known", set())


@pytest.fixture
def calls(monkeypatch) -> list:
    """The processes that were started."""
    made: list = []
    run = _keras_first_read.run_module
    monkeypatch.setattr(
        _keras_first_read,
        "run_module",
        lambda *args, **kwargs: made.append(args) or run(*args, **kwargs),
    )
    return made


@pytest.fixture(scope="module")
def model() -> Any:
    keras.utils.set_random_seed(5)
    image = keras.Input((8, 8, 3))
    x = keras.layers.Conv2D(4, 3, activation="relu")(keras.layers.GaussianNoise(0.1)(image))
    x = keras.layers.BatchNormalization()(keras.layers.Dropout(0.1)(x))
    return keras.Model(image, keras.layers.Conv2D(2, 1)(x))


def saved(model: Any, path: Path) -> Path:
    model.save(path)
    return path


def refused(path: Path, match: str) -> None:
    """By one line, and without a note that the file did no harm."""
    with pytest.raises(ArtefactError, match=match) as info:
        load_keras_file(path)
    assert "\n" not in str(info.value)
    assert str(path) in str(info.value)
    assert not _tried._known


@pytest.mark.parametrize("suffix", [".keras", ".h5"])
def test_once_for_each_content(suffix, model, tmp_path, calls, monkeypatch) -> None:
    path = saved(model, tmp_path / f"m{suffix}")
    for _ in range(2):
        loaded = load_keras_file(path)
    for mine, its in zip(model.get_weights(), loaded.get_weights(), strict=True):
        np.testing.assert_array_equal(mine, its)
    assert len(calls) == 1
    monkeypatch.setattr(_tried, "_known", set())  # as a later process
    load_keras_file(path)
    assert len(calls) == 1
    load_keras_file(saved(keras.Sequential([keras.Input((2,))]), tmp_path / "n.keras"), trust=True)
    assert len(calls) == 1


@pytest.mark.parametrize("compression", [zipfile.ZIP_STORED, zipfile.ZIP_DEFLATED])
def test_every_element_is_counted(compression, model, tmp_path) -> None:
    saved(model, tmp_path / "m.keras")
    again = tmp_path / "again.keras"
    with zipfile.ZipFile(tmp_path / "m.keras") as old, zipfile.ZipFile(again, "w") as new:
        for name in old.namelist():
            new.writestr(name, old.read(name), compression)
    there = model.count_params()
    assert 0 < there == _keras_archive.elements_of(again)
    assert there == _keras_archive.elements_of(saved(model, tmp_path / "m.h5"))


def test_a_small_file_that_asks_for_terabytes(tmp_path) -> None:
    dense = keras.Sequential([keras.Input((4,)), keras.layers.Dense(4)])
    path = saved(dense, tmp_path / "m.keras")

    def enlarge(config: dict) -> None:
        first, second = config["config"]["layers"]
        first["config"]["batch_shape"] = [None, 10**6]
        second["config"]["units"] = 10**6
        for each in (second, config):
            each.get("build_config", {})["input_shape"] = [None, 10**6]

    large = edited(path, enlarge)
    assert large.stat().st_size < 20_000
    refused(large, r"weights of 1,000,000,000,000 elements, and the file has 20\. .*trust=True")
    refused(
        edited(saved(dense, tmp_path / "m.h5"), enlarge), "weights of 1,000,000,000,000 elements"
    )


def test_weights_that_layers_may_make(tmp_path, monkeypatch) -> None:
    """A quarter more than the file has, and as many again as tables may have."""
    monkeypatch.setattr(_keras_first_read, "SPARE", 6)
    dense = keras.Sequential([keras.Input((4,)), keras.layers.Dense(4)])  # 20 elements
    saved(dense, tmp_path / "m.keras")

    def asked(units: int) -> str:
        def enlarge(config: dict) -> None:
            config["config"]["layers"][1]["config"]["units"] = units

        with pytest.raises(ArtefactError) as info:
            load_keras_file(edited(tmp_path / "m.keras", enlarge))
        return str(info.value)

    assert "ask for weights" not in asked(6)  # 30 of 31: Keras finds that they do not fit
    assert "ask for weights of 35 elements, and the file has 20" in asked(7)


@pytest.mark.parametrize("size, most", [(1, 2**28), (2**20, 2**28), (2**28, 20 * 2**28)])
def test_what_a_file_may_claim(size, most) -> None:
    assert most_unpacked(size) == most


def test_time_grows_with_the_file(model, tmp_path, monkeypatch) -> None:
    given: list = []

    def run_module(module: str, arguments: list, **options: Any) -> Any:
        given.append((arguments, options))
        return subprocess.CompletedProcess([], -14, "", "")

    monkeypatch.setattr(_keras_first_read, "run_module", run_module)
    monkeypatch.setattr(_keras_first_read, "SPEED", 100)
    path = saved(model, tmp_path / "m.keras")
    refused(path, "takes more than")
    (((_, seconds, memory), options),) = given
    assert float(seconds) == 20 + path.stat().st_size / 100 < options["seconds"]
    assert int(memory) == 2**30


def test_trust_loads_what_ended_its_process(model, tmp_path, monkeypatch) -> None:
    done = subprocess.CompletedProcess([], -11, "", "")
    monkeypatch.setattr(_keras_first_read, "run_module", lambda *args, **kwargs: done)
    path = saved(model, tmp_path / "m.keras")
    refused(path, r"SIGSEGV.*trust=True \(--trust\)")
    assert load_keras_file(path, trust=True).count_params() == model.count_params()


def hdf5(path: Path, write: Callable[[Any], None]) -> Path:
    saved(keras.Sequential([keras.Input((4,)), keras.layers.Dense(4)]), path)
    with h5py.File(path, "a") as file:
        write(file)
    return path


def test_datasets_that_claim_more_than_the_file_has(tmp_path) -> None:
    def claim(file: Any) -> None:
        file.create_dataset("x", (10**6, 10**6), "float32", chunks=(1000, 1000), compression="gzip")

    refused(hdf5(tmp_path / "m.h5", claim), "'/x' alone 4,000,000,000,000.*the file has")
    refused(
        hdf5(tmp_path / "n.h5", lambda f: f.create_dataset("x", (10**6, 10**6), "float32")),
        "claim 4,000,000,000",
    )


def test_values_of_other_files(tmp_path) -> None:
    (tmp_path / "secret").write_bytes(bytes(range(16)))

    def outside(file: Any) -> None:
        file.create_dataset("x", (4,), "float32", external=[(str(tmp_path / "secret"), 0, 16)])

    def virtual(file: Any) -> None:
        layout = h5py.VirtualLayout((4,), "float32")
        layout[:] = h5py.VirtualSource(str(tmp_path / "secret"), "y", (4,))
        file.create_virtual_dataset("x", layout)

    def link(file: Any) -> None:
        file["x"] = h5py.ExternalLink(str(tmp_path / "secret"), "/y")

    refused(hdf5(tmp_path / "a.h5", outside), "'/x' keeps its values in another file")
    refused(hdf5(tmp_path / "b.h5", virtual), "'/x' keeps its values in another file")
    refused(hdf5(tmp_path / "c.h5", link), "'x' is a link to the file '.*secret'")


def test_weights_are_read_in_the_same_way(tmp_path, monkeypatch) -> None:
    from keras_upsample._cli.models import UserError, load_choice
    from keras_upsample._cli.options import ModelChoice
    from keras_upsample.zoo._weights import load_file

    net = keras.Sequential([keras.Input((4,)), keras.layers.Dense(4)])
    good, bad = tmp_path / "good.weights.h5", tmp_path / "bad.weights.h5"
    for path in (good, bad):
        net.save_weights(path)
    with h5py.File(bad, "a") as file:
        file["x"] = h5py.ExternalLink("secret", "/y")
    load_file(net, good, "net")
    with pytest.raises(ValueError, match=r"`encoder_weights`: .*'x' is a link.*secret'\.$"):
        load_file(net, bad, "net")
    monkeypatch.setattr("keras_upsample.zoo.espcn", lambda: net)
    load_choice(ModelChoice("espcn", weights=str(good)))
    with pytest.raises(UserError, match=r"--weights '.*' can't be loaded: .*trust=True"):
        load_choice(ModelChoice("espcn", weights=str(bad)))
    load_choice(ModelChoice("espcn", weights=str(bad), trust=True))


def test_groups_in_a_circle_end(tmp_path) -> None:
    def circle(file: Any) -> None:
        file["x"] = file["/"]
        file["y"] = h5py.SoftLink("/x")

    path = hdf5(tmp_path / "m.h5", circle)
    assert _keras_archive.elements_of(path) == 20
    assert load_keras_file(path).count_params() == 20


def with_field(path: Path, field: int, value: bytes) -> Path:
    """The archive with another value in the first entry of its list of members."""
    content = bytearray(path.read_bytes())
    start = content.index(b"PK\x01\x02")
    content[start + field : start + field + len(value)] = value
    path.write_bytes(content)
    return path


def test_archives_that_claim_more_than_they_hold(model, tmp_path) -> None:
    def fresh_copy() -> Path:
        return saved(model, tmp_path / "m.keras")

    size, packed, method = 24, 20, 10
    refused(with_field(fresh_copy(), size, struct.pack("<I", 3 << 30)), "members unpack to 3,221,")
    refused(with_field(fresh_copy(), packed, struct.pack("<I", 1 << 30)), "claim 1,073,.*which has")
    refused(with_field(fresh_copy(), method, struct.pack("<H", 14)), "compressed by method 14")
    with zipfile.ZipFile(fresh_copy(), "a") as archive, pytest.warns(UserWarning, match="Dupl"):
        archive.writestr("config.json", "{}")
    refused(tmp_path / "m.keras", "two members of one name")


def test_damage_is_told_by_its_reason(model, tmp_path) -> None:
    path = saved(model, tmp_path / "m.h5")
    content = path.read_bytes()
    path.write_bytes(content[: len(content) // 2])
    refused(path, "can't be loaded by Keras: it is damaged: .*truncated file")


def test_too_much_time_or_memory(model, tmp_path, monkeypatch) -> None:
    path = saved(model, tmp_path / "m.h5")
    with monkeypatch.context() as patch:
        patch.setattr(_keras_first_read, "SECONDS", 0.001)
        refused(path, r"more than 0 seconds\. .*trust=True \(--trust\)")
    with h5py.File(path, "a") as file:
        file.create_dataset("x", data=np.ones((1, 2**24), "float32"))
    with monkeypatch.context() as patch:
        patch.setattr(_keras_first_read, "MEMORY", 2**25)
        refused(path, r"more than 0\.0312 GiB.*trust=True")
    assert load_keras_file(path).count_params() == model.count_params()


def test_a_file_in_which_libhdf5_never_ends(tmp_path, monkeypatch) -> None:
    """A text in the file's heap has no length: libhdf5 1.14 looks for the next one for ever."""
    path = hdf5(tmp_path / "m.h5", lambda file: file.attrs.update(made="a text of any length"))
    content = bytearray(path.read_bytes())
    length = content.index(b"GCOL") + 16 + 8
    assert struct.unpack_from("<Q", content, length)[0] > 0
    content[length : length + 8] = bytes(8)
    path.write_bytes(content)
    monkeypatch.setattr(_keras_first_read, "SECONDS", 1)
    refused(path, "takes more than 1 seconds|it is damaged")  # as later versions may say


@pytest.mark.parametrize(
    "code, message",
    [
        (-11, r"ended the process that tried it first with SIGSEGV.*libhdf5.*trust=True"),
        (-6, "with SIGABRT"),
        (-14, "more than 20 seconds"),
        (1, "can't start: No module named 'nothing'"),
    ],
)
def test_how_it_ended(code, message, model, tmp_path, monkeypatch) -> None:
    done = subprocess.CompletedProcess([], code, "", "Traceback\nNo module named 'nothing'\n")
    monkeypatch.setattr(_keras_first_read, "run_module", lambda *args, **kwargs: done)
    refused(saved(model, tmp_path / "m.keras"), message)


def _wide_dilation(config: dict) -> None:
    (layer,) = (each for each in config["config"]["layers"] if each["class_name"] == "Conv2D")
    layer["config"]["dilation_rate"] = 2**70


def _mask_of_text(config: dict) -> None:
    (layer,) = (
        each for each in config["config"]["layers"] if each["class_name"] == "BatchNormalization"
    )
    layer["inbound_nodes"][0]["kwargs"]["mask"] = ["1", "1"]


@pytest.mark.parametrize("suffix", [".keras", ".h5"])
@pytest.mark.parametrize(
    ("change", "reason"),
    [(_wide_dilation, "Python int too large"), (_mask_of_text, "'list' object has no attribute")],
)
def test_a_model_that_is_read_and_can_not_be_run(change, reason, suffix, tmp_path) -> None:
    """`info` shows what is known of it, `predict` says why in one line."""
    from typer.testing import CliRunner

    from keras_upsample.cli import app
    from keras_upsample.predict import load_model

    image = keras.Input((None, None, 3))  # Keras does not compute open sizes when it reads
    x = keras.layers.BatchNormalization()(keras.layers.Conv2D(4, 3)(image))
    path = edited(saved(keras.Model(image, x), tmp_path / f"m{suffix}"), change)
    shown = CliRunner().invoke(app, ["info", str(path)])
    assert shown.exit_code == 0, shown.output
    assert "can't be run at 256x256x3" in shown.output and reason in shown.output
    with pytest.raises(ArtefactError, match=f"can't be run: Exception encountered .*{reason}"):
        load_model(path)
