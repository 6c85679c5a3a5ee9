"""Every runtime has one surface; what can't be loaded is one clear error."""

import errno
import os
import re
import shutil

import numpy as np
import pytest
from compare import assert_close

from keras_upsample import runtimes
from keras_upsample.errors import ArtefactError
from keras_upsample.runtimes import TensorInfo, _load, _onnx
from keras_upsample.runtimes._runner import cpu_threads


def optional(kind: str, runtime: str, title: str) -> object:
    """Skipped where the runtime is not installed."""
    absent = not runtimes.available()[runtime]
    mark = pytest.mark.skipif(absent, reason=f"{title.strip()} is not installed")
    return pytest.param(kind, runtime, title, marks=mark)


RUNTIMES = [
    ("saved_model", None, "TensorFlow "),
    ("saved_model", "tensorflow", "TensorFlow "),
    ("tflite", None, "LiteRT "),
    ("tflite", "litert_builtin", "LiteRT "),
    ("tflite", "litert_flex", "TensorFlow Lite with Flex"),
    optional("tflite", "tflm", "TFLM "),
    ("onnx", None, "ONNX Runtime "),
    optional("onnx", "openvino", "OpenVINO "),
]


@pytest.mark.parametrize("kind, runtime, title", RUNTIMES)
def test_one_surface(kind, runtime, title, artefacts):
    paths, model = artefacts
    runner = runtimes.load(paths[kind], runtime=runtime)
    assert runner.runtime.startswith(title)
    assert runner.layout == "nhwc"
    (image,) = runner.inputs
    assert (image.name, image.dtype) == ("image", np.float32)
    assert image.accepts((1, 8, 6, 3))
    assert not image.accepts((1, 8, 7, 3))
    assert {info.name for info in runner.outputs} == {"logits", "score"}
    x = np.random.default_rng(2).random((1, 8, 6, 3), "float32")
    expected = model(x)
    for _ in range(2):
        actual = runner({"image": x})
        for name in ("logits", "score"):
            assert_close(actual[name], np.asarray(expected[name]), of_range=5e-5)


@pytest.mark.parametrize("kind, runtime, title", RUNTIMES)
def test_an_answer_is_not_overwritten_by_the_next(kind, runtime, title, artefacts):
    runner = runtimes.load(artefacts[0][kind], runtime=runtime)
    x = np.random.default_rng(2).random((1, 8, 6, 3), "float32")
    first = runner({"image": x})["logits"]
    kept = first.copy()
    assert np.abs(runner({"image": 1 - x})["logits"] - kept).max() > 1e-3
    np.testing.assert_array_equal(first, kept)


def test_operator_counts(artefacts):
    paths, _ = artefacts
    counts = {kind: runtimes.load(path).operator_counts() for kind, path in paths.items()}
    assert counts["tflite"] == {"CONV_2D": 2, "DEPTH_TO_SPACE": 1, "MEAN": 1}
    assert counts["onnx"]["Conv"] == counts["onnx"]["ConvTranspose"] == 1
    assert counts["saved_model"]["Conv2D"] == counts["saved_model"]["Conv2DBackpropInput"] == 1


def test_available_tells_what_is_installed():
    found = runtimes.available()
    assert set(found) == {
        "tensorflow",
        "litert",
        "litert_builtin",
        "litert_flex",
        "litert_gpu",
        "litert_gpu_float16",
        "tflm",
        "onnxruntime",
        "onnxruntime_webgpu",
        "openvino",
        "openvino_default",
    }
    assert found["tensorflow"] and found["litert"] and found["onnxruntime"]


@pytest.mark.parametrize("kind", ["tflite", "onnx"])
def test_threads(kind, artefacts):
    paths, model = artefacts
    x = np.random.default_rng(2).random((1, 8, 6, 3), "float32")
    for threads in (1, 3):
        actual = runtimes.load(paths[kind], threads=threads)({"image": x})
        assert_close(actual["score"], np.asarray(model(x)["score"]), of_range=5e-5)
    session = getattr(runtimes.load(paths["onnx"], threads=3), "_session", None)
    assert session.get_session_options().intra_op_num_threads == 3


@pytest.mark.parametrize("threads", [0, -1, 1.5, True, "2"])
def test_bad_threads(threads, artefacts):
    with pytest.raises(ValueError, match=r"`threads` must be an integer >= 1.*Received"):
        runtimes.load(artefacts[0]["onnx"], threads=threads)


def test_default_threads_are_those_of_this_process():
    assert cpu_threads() == len(os.sched_getaffinity(0))


def test_unknown_runtime(artefacts):
    with pytest.raises(ValueError, match=r"`runtime` must be one of 'tensorflow'.*'tensorrt'"):
        runtimes.load(artefacts[0]["onnx"], runtime="tensorrt")


def test_absent_runtime(artefacts, monkeypatch):
    monkeypatch.setitem(_load._MODULES, "openvino", "a_module_that_nobody_has")
    assert runtimes.available()["openvino"] is False
    with pytest.raises(ModuleNotFoundError, match=r"pip install 'a_module_that_nobody_has'"):
        runtimes.load(artefacts[0]["onnx"], runtime="openvino")


@pytest.mark.parametrize("name", ["none.onnx", "none.tflite", "none", "none.keras"])
def test_missing(name, tmp_path):
    with pytest.raises(ArtefactError, match=f"`.*{name}`.*(missing|does not exist)"):
        runtimes.load(tmp_path / name)


@pytest.mark.parametrize("content", [b"", b"garbage", b"\x00" * 4096])
@pytest.mark.parametrize("name", ["m.onnx", "m.tflite", "saved/saved_model.pb"])
def test_garbage(name, content, tmp_path):
    path = tmp_path / name
    path.parent.mkdir(exist_ok=True)
    path.write_bytes(content)
    path = path.parent if name.endswith("pb") else path
    with pytest.raises(ArtefactError, match=r"`.*` can't be loaded by ") as info:
        runtimes.load(path)
    assert "\n" not in str(info.value)


@pytest.mark.parametrize("kind, other", [("tflite", "onnx"), ("onnx", "tflite")])
def test_the_wrong_suffix(kind, other, artefacts, tmp_path):
    path = tmp_path / f"m.{other}"
    shutil.copy(artefacts[0][kind], path)
    with pytest.raises(ArtefactError, match=r"can't be loaded"):
        runtimes.load(path)


def test_a_folder_or_file_of_another_kind(tmp_path):
    with pytest.raises(ArtefactError, match=r"a directory without saved_model.pb. Allowed: "):
        runtimes.load(tmp_path)
    (tmp_path / "notes.txt").write_text("text")
    with pytest.raises(ArtefactError, match=r"of another kind. Allowed: "):
        runtimes.load(tmp_path / "notes.txt")
    for suffix in ("tflite", "onnx"):
        (tmp_path / f"d.{suffix}").mkdir()
        with pytest.raises(ArtefactError, match=r"is a directory"):
            runtimes.load(tmp_path / f"d.{suffix}")


def test_a_saved_model_without_its_weights(artefacts, tmp_path):
    shutil.copytree(artefacts[0]["saved_model"], tmp_path / "saved")
    shutil.rmtree(tmp_path / "saved" / "variables")
    with pytest.raises(ArtefactError, match=r"can't be loaded by TensorFlow"):
        runtimes.load(tmp_path / "saved")


def test_tensor_info():
    info = TensorInfo("x", (None, 4, None), np.dtype("float32"))
    assert info.accepts((1, 4, 9))
    assert not info.accepts((1, 5, 9))
    assert not info.accepts((1, 4))


def test_a_loaded_file_may_be_replaced(artefacts, tmp_path):
    for kind in ("tflite", "onnx"):
        path = tmp_path / f"m.{kind}"
        shutil.copy(artefacts[0][kind], path)
        runner = runtimes.load(path)
        x = np.ones((1, 8, 6, 3), "float32")
        before = runner({"image": x})["logits"]
        path.write_bytes(b"")
        np.testing.assert_array_equal(runner({"image": x})["logits"], before)


@pytest.mark.skipif(os.name != "posix", reason="limits of a process are POSIX'")
def test_onnx_runtime_says_why_the_system_opens_no_file(artefacts, monkeypatch):
    """It says "system error number 24"."""
    import resource

    monkeypatch.setattr(_onnx, "_bytes_beside", lambda path: 0)  # opens the file too
    before = resource.getrlimit(resource.RLIMIT_NOFILE)
    try:
        resource.setrlimit(resource.RLIMIT_NOFILE, (3, before[1]))
        with pytest.raises(ArtefactError, match=re.escape(os.strerror(errno.EMFILE))):
            _onnx.OnnxRunner(artefacts[0]["onnx"])
    finally:
        resource.setrlimit(resource.RLIMIT_NOFILE, before)
