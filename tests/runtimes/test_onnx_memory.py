"""First runs of ONNX files that are not trusted have a limit of memory."""

import numpy as np
import pytest
from onnx import TensorProto, checker, helper, numpy_helper, save

from keras_upsample import interchange, runtimes
from keras_upsample.errors import ArtefactError
from keras_upsample.files import _tried
from keras_upsample.predict import load_model
from keras_upsample.runtimes import _onnx_memory
from keras_upsample.runtimes._onnx_memory import RunMemoryError, first_runs

MIB = 2**20


@pytest.fixture(autouse=True)
def fresh(tmp_path, monkeypatch):
    """A machine that has met no file."""
    monkeypatch.setenv("KERAS_UPSAMPLE_CACHE", str(tmp_path / "cache"))
    monkeypatch.setattr(_tried, "_known", set())


@pytest.fixture
def little(monkeypatch):
    """64 MiB and 8 times the file, in this process; its children have the limit that users have."""
    monkeypatch.setattr(_onnx_memory, "LEAST", 64 * MIB)


def padded(path, rows, *, height="h", width="w", channels=3):
    """max(x, 0), (1, 3, H, W), computed on so many rows of zeros more, which are cut off again."""
    shape = (1, channels, height, width)
    constants = {
        "pads": [0, 0, 0, 0, 0, 0, rows, 0],
        "begin": [0],
        "end": [-rows],
        "axis": [2],
    }
    nodes = [
        helper.make_node("Pad", ["x", "pads"], ["higher"]),
        helper.make_node("Relu", ["higher"], ["positive"]),
        helper.make_node("Slice", ["positive", "begin", "end", "axis"], ["y"]),
    ]
    graph = helper.make_graph(
        nodes,
        "padded",
        [helper.make_tensor_value_info("x", TensorProto.FLOAT, shape)],
        [helper.make_tensor_value_info("y", TensorProto.FLOAT, shape)],
        [numpy_helper.from_array(np.array(v, "int64"), name) for name, v in constants.items()],
    )
    opset = [helper.make_opsetid("", 18)]
    model = helper.make_model(graph, opset_imports=opset, ir_version=9)
    checker.check_model(model)
    save(model, path)
    return path


def image(height, width, channels=3):
    return np.random.default_rng(1).normal(size=(1, channels, height, width)).astype("float32")


def resident():
    with open("/proc/self/statm") as file:
        return int(file.read().split()[1]) * 4096


def test_a_run_is_refused_before_it_takes_the_memory(tmp_path, little):
    path = padded(tmp_path / "m.onnx", 2**20)  # 768 MiB for 64 columns
    with first_runs(limited=True) as made:
        runner = runtimes.load(path, trust=True)
    assert made == [runner]
    before = resident()
    message = (
        r"`.*m\.onnx` takes too much memory in ONNX Runtime: Pad asks for 0\.8 GiB at once, and a "
        r"first run may take 64\.0 MiB .*trust=True \(--trust\) runs it without this limit\.$"
    )
    with pytest.raises(RunMemoryError, match=message) as info:
        runner({"x": image(5, 64)})
    assert isinstance(info.value, ArtefactError) and "\n" not in str(info.value)
    assert resident() - before < 64 * MIB
    small = image(3, 1)  # 12 MiB a tensor
    np.testing.assert_array_equal(runner({"x": small})["y"], np.maximum(small, 0))


def test_the_limit_ends_with_the_first_runs(tmp_path, little):
    path = padded(tmp_path / "m.onnx", 2**19)  # 6 MiB for each column
    with first_runs(limited=True):
        runner = runtimes.load(path, trust=True)
    wide = image(3, 7)
    with pytest.raises(RunMemoryError):
        runner({"x": wide})
    runner.lift_limit()
    np.testing.assert_array_equal(runner({"x": wide})["y"], np.maximum(wide, 0))


def test_each_session_has_its_own_limit(tmp_path, little, monkeypatch):
    path = padded(tmp_path / "m.onnx", 2**19)
    with first_runs(limited=True):
        limited = runtimes.load(path, trust=True)
    monkeypatch.setattr(_onnx_memory, "LEAST", 512 * MIB)
    with first_runs(limited=True):
        larger = runtimes.load(path, trust=True)
    with first_runs(limited=False):
        trusted = runtimes.load(path, trust=True)
    free = runtimes.load(path, trust=True)
    wide = image(3, 7)
    for runner in (free, trusted, larger, free):
        np.testing.assert_array_equal(runner({"x": wide})["y"], np.maximum(wide, 0))
        with pytest.raises(RunMemoryError):
            limited({"x": wide})


def test_the_limit_grows_with_the_file(tmp_path):
    path = padded(tmp_path / "m.onnx", 3)
    assert _onnx_memory.most_of(path) == 2**30 + 8 * path.stat().st_size


def test_a_file_of_one_size_takes_what_its_size_takes(tmp_path, little):
    """Its first load has run that size, in a process with a limit of its own."""
    path = padded(tmp_path / "m.onnx", 2**19, height=3, width=7)
    with first_runs(limited=True):
        runner = runtimes.load(path)
    wide = image(3, 7)
    np.testing.assert_array_equal(runner({"x": wide})["y"], np.maximum(wide, 0))


def test_the_first_load_says_what_asks_for_memory(tmp_path):
    path = padded(tmp_path / "m.onnx", 2**24)  # 6 GiB for the 32 columns of the first load
    message = r"one run of it on zeros needs too much memory: Pad asks for 6\.0 GiB at once, and .*"
    with pytest.raises(ArtefactError, match=rf"{message}1\.0 GiB in all\. .*trust=True"):
        runtimes.load(path)


def test_predict(tmp_path, little):
    """64 pixels square are tried, 48 MiB for each of two tensors."""
    path = padded(tmp_path / "m.onnx", 2**16)
    arguments = {"task": "restoration", "normalization": "none"}
    with pytest.raises(RunMemoryError, match=r"Relu asks for 48\.\d MiB at once.*--trust"):
        load_model(path, **arguments)
    found = load_model(path, trust=True, **arguments)
    picture = image(37, 81)[0].transpose(1, 2, 0)
    assert found.network.run(picture).shape == (37, 81, 3)


def test_larger_images_than_those_of_first_runs_are_predicted(tmp_path, little):
    path = padded(tmp_path / "m.onnx", 2**13)
    found = load_model(path, task="restoration", normalization="none")
    picture = image(37, 2001)[0].transpose(1, 2, 0)  # 189 MiB for each tensor
    np.testing.assert_array_equal(found.network.run(picture), np.maximum(picture, 0))


def test_import(tmp_path, little):
    path = padded(tmp_path / "m.onnx", 2**16)
    with pytest.raises(RunMemoryError, match=r"Pad asks for .* at once.*--trust"):
        interchange.from_onnx(path)


@pytest.mark.parametrize("trust", [False, True])
def test_a_file_with_large_tensors_is_imported_by_smaller_images(tmp_path, little, trust):
    """16 MiB for each tensor at 128 columns, 33 MiB at 256."""
    path = padded(tmp_path / "m.onnx", 11 * 2**10)
    model = interchange.from_onnx(path, trust=trust)
    picture = image(5, 9).transpose(0, 2, 3, 1)
    np.testing.assert_array_equal(model(picture), np.maximum(picture, 0))


def test_a_network_of_many_channels_is_refused(tmp_path):
    path = padded(tmp_path / "m.onnx", 1, channels=8193)
    with pytest.raises(ArtefactError, match=r"images of 8,193 channels; .* may take 8,192 of them"):
        load_model(path, layout="nchw")
