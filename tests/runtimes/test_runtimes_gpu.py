"""Engines of GPUs, on whatever driver is here; without one the tests that need it are skipped."""

import keras
import numpy as np
import pytest
from keras import layers

from keras_upsample import export, runtimes
from keras_upsample.errors import ArtefactError
from keras_upsample.export import Options
from keras_upsample.formats._convert import convert
from keras_upsample.layers import BicubicUpSampling2D, BilinearUpSampling2D
from keras_upsample.program._program import program_of
from keras_upsample.program._signature import signature_of
from keras_upsample.runtimes import _gpu
from keras_upsample.runtimes._gpu import Attempt
from keras_upsample.runtimes._load import absence
from keras_upsample.targets import TARGETS

SIZE = (11, 14, 3)
REFUSED = """INFO: x
ERROR: Following operations are not supported by GPU delegate:
BATCH_MATMUL: Not supported batched mat mul case: non-constant tensor
CUMSUM: Operation is not supported.
9 operations will run on the GPU, and the remaining 18 operations will run on the CPU.
"""
FAULT = "E0000 environment.cc:105] Validation error: Error while parsing WGSL: :34:102 error"


def needs(runtime):
    reason = absence(runtime)
    return pytest.mark.skipif(bool(reason), reason=reason or "it is here")


def net(*stack):
    keras.utils.set_random_seed(2)
    x = image = keras.Input(SIZE, name="image")
    for layer in stack:
        x = layer(x)
    return keras.Model(image, x, name="net")


def file_of(model, target, folder):
    """Converted, not verified."""
    path = folder / f"{target}{TARGETS[target].suffix}"
    convert(program_of(model, signature_of(model).fixed()), path, TARGETS[target], Options())
    return path


@pytest.fixture
def bilinear(tmp_path):
    model = net(layers.Conv2D(4, 3, padding="same", activation="relu"), BilinearUpSampling2D(2))
    return model, tmp_path


IMAGE = np.random.default_rng(3).random((1, *SIZE), "float32")


@needs("litert_gpu")
def test_litert_runs_the_whole_file_on_the_gpu(bilinear):
    model, folder = bilinear
    runner = runtimes.load(file_of(model, "litert_gpu", folder), runtime="litert_gpu")
    (y,) = runner({"image": IMAGE}).values()
    expected = keras.ops.convert_to_numpy(model(IMAGE))
    np.testing.assert_allclose(y, expected, atol=5e-5 * np.ptp(expected))
    assert " GPU float32 on " in runner.runtime and not runner.last.refusals
    with pytest.raises(ArtefactError, match=r"takes \(1, 11, 14, 3\) as 'image' on a GPU"):
        runner({"image": IMAGE[:, :8]})


@needs("litert_gpu_float16")
def test_the_accelerators_own_precision(bilinear):
    model, folder = bilinear
    runner = runtimes.load(file_of(model, "litert_gpu", folder), runtime="litert_gpu_float16")
    (y,) = runner({"image": IMAGE}).values()
    expected = keras.ops.convert_to_numpy(model(IMAGE))
    np.testing.assert_allclose(y, expected, atol=1e-2 * np.ptp(expected))


@needs("litert_gpu")
def test_what_the_accelerator_refuses_is_an_error(tmp_path):
    path = file_of(net(BicubicUpSampling2D(2)), "tflite", tmp_path)
    with pytest.raises(ArtefactError, match=r"does not run in .*BATCH_MATMUL: Not supported"):
        runtimes.load(path, runtime="litert_gpu")({"image": IMAGE})


@needs("litert_gpu")
def test_what_the_device_refuses_in_its_log_is_an_error(tmp_path):
    """LiteRT 2.3 returns success: its shader for integers and a constant vector does not parse."""
    import tensorflow as tf

    class Places(keras.layers.Layer):
        def call(self, x):
            whole = tf.cast(x * 100, "int32") + tf.constant([5, 6, 7])
            return tf.cast(whole, "float32")

    path = file_of(net(Places()), "tflite", tmp_path)
    with pytest.raises(ArtefactError, match=r"is computed wrongly by LiteRT .*Validation error"):
        runtimes.load(path, runtime="litert_gpu")({"image": IMAGE})


@needs("onnxruntime_webgpu")
def test_onnx_runtime_says_what_it_leaves_to_the_processor(bilinear):
    model, folder = bilinear
    export.to_onnx(model, folder / "m.onnx", images=[IMAGE[0]])
    runner = runtimes.load(folder / "m.onnx", runtime="onnxruntime_webgpu")
    (y,) = runner({"image": IMAGE}).values()
    expected = keras.ops.convert_to_numpy(model(IMAGE))
    np.testing.assert_allclose(y, expected, atol=5e-5 * np.ptp(expected))
    assert runner.left == {}
    assert "WebGPU" in runner.runtime


def test_the_log_of_a_refusal():
    done = Attempt(None, REFUSED, 1)
    assert done.refusals == (
        ("BATCH_MATMUL", "Not supported batched mat mul case: non-constant tensor"),
        ("CUMSUM", "Operation is not supported."),
    )
    assert done.reason.endswith("CUMSUM: Operation is not supported")
    assert not done.fault


@pytest.mark.parametrize(
    "log", [FAULT, f"x\n{FAULT}\ny", "WebGPU validation failed. Binding", "the device was lost"]
)
def test_the_log_of_a_fault(log):
    assert Attempt({}, log, 0).fault in log and Attempt({}, log, 0).fault


@pytest.mark.parametrize("log", ["", REFUSED, "INFO: Created a WebGPU environment."])
def test_the_log_of_a_run_without_a_fault(log):
    assert Attempt({}, log, 0).fault == ""


def test_a_process_that_ended():
    assert Attempt(None, "", -11).reason == "its process ended with SIGSEGV"
    error = "RuntimeError: ONNX Runtime lists no WebGPU device"
    log = f"x\nTraceback (most recent call last):\n  File\n{error}\nlater\n"
    assert Attempt(None, log, 1).reason == error


@pytest.fixture
def no_gpu(monkeypatch):
    """A Linux machine without a GPU and without a driver of the user's choice."""
    for name in ("VK_ICD_FILENAMES", "VK_DRIVER_FILES", "LD_LIBRARY_PATH"):
        monkeypatch.delenv(name, raising=False)
    monkeypatch.setattr(_gpu.sys, "platform", "linux")
    monkeypatch.setattr(_gpu, "_has_gpu", lambda: False)
    return monkeypatch


def test_without_a_driver(no_gpu, tmp_path):
    no_gpu.setattr(_gpu, "_CHROMIUM_FOLDERS", ())
    path = tmp_path / "m.tflite"
    path.write_bytes(b"")
    with pytest.raises(ModuleNotFoundError, match=r"there is no Vulkan driver\. Install"):
        runtimes.load(path, runtime="litert_gpu")
    assert not runtimes.available()["litert_gpu"]
    assert runtimes.available()["litert"]


def test_the_software_driver_is_taken_where_nothing_else_is(no_gpu, tmp_path):
    (tmp_path / "vk_swiftshader_icd.json").touch()
    no_gpu.setattr(_gpu, "_CHROMIUM_FOLDERS", (str(tmp_path),))
    no_gpu.setattr(_gpu, "find_library", lambda name: None)
    assert _gpu.driver_variables() == {
        "VK_ICD_FILENAMES": str(tmp_path / "vk_swiftshader_icd.json"),
        "ORT_WEBGPU_EP_ALLOW_SOFTWARE_ADAPTER": "1",
        "LD_LIBRARY_PATH": str(tmp_path),
    }
    assert _gpu.driver_is_absent() == ""


def test_a_driver_of_the_users_choice_stays(no_gpu, tmp_path):
    no_gpu.setattr(_gpu, "_CHROMIUM_FOLDERS", ())
    no_gpu.setenv("VK_DRIVER_FILES", "mine.json")
    assert _gpu.driver_variables() == {"ORT_WEBGPU_EP_ALLOW_SOFTWARE_ADAPTER": "1"}
    assert _gpu.driver_is_absent() == ""


def test_a_gpu_is_left_to_the_system(no_gpu, tmp_path):
    (tmp_path / "vk_swiftshader_icd.json").touch()
    no_gpu.setattr(_gpu, "_CHROMIUM_FOLDERS", (str(tmp_path),))
    no_gpu.setattr(_gpu, "_has_gpu", lambda: True)
    no_gpu.setattr(_gpu, "find_library", lambda name: "libvulkan.so.1")
    assert _gpu.driver_variables() == {}
