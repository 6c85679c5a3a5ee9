"""The first load of a foreign file happens in a process of its own."""

import dataclasses
import os
import subprocess
import sys
from types import SimpleNamespace

import numpy as np
import pytest
from test_tflite_structure import changed, first

from keras_upsample import interchange, runtimes
from keras_upsample.errors import ArtefactError
from keras_upsample.files import _tried
from keras_upsample.runtimes import _first_load, _first_load_process


@pytest.fixture(autouse=True)
def fresh(tmp_path, monkeypatch):
    """A machine that has met no file."""
    monkeypatch.setenv("KERAS_UPSAMPLE_CACHE", str(tmp_path / "cache"))
    monkeypatch.setattr(_tried, "_known", set())


@pytest.fixture
def calls(monkeypatch) -> list:
    """The processes that were started."""
    made = []
    run = _first_load.run_module
    monkeypatch.setattr(
        _first_load, "run_module", lambda *args, **kwargs: made.append(args) or run(*args, **kwargs)
    )
    return made


@pytest.mark.parametrize("kind", ["tflite", "onnx"])
def test_once_for_each_content(kind, artefacts, tmp_path, calls, monkeypatch):
    path = artefacts[0][kind]
    for _ in range(2):
        runtimes.load(path)
    assert len(calls) == 1
    monkeypatch.setattr(_tried, "_known", set())  # as a later process
    runtimes.load(path)
    assert len(calls) == 1
    assert (tmp_path / "cache" / "first_loads.txt").read_text().count("\n") == 1
    monkeypatch.setenv("KERAS_UPSAMPLE_CACHE", "/dev/null/nowhere")  # can't be kept: no matter
    monkeypatch.setattr(_tried, "_known", set())
    runtimes.load(path)
    assert len(calls) == 2


def test_not_for_what_was_written_here(tmp_path, calls):
    import keras

    from keras_upsample import export

    image = keras.Input((16, 16, 3), name="image")
    model = keras.Model(image, keras.layers.Conv2D(2, 3, padding="same")(image), name="m")
    export.export(model, tmp_path, ["tflite", "onnx"])
    for name in ("m.tflite", "m.onnx"):
        runtimes.load(tmp_path / name)
    assert calls == []


def test_trust_spares_the_process(artefacts, calls):
    runtimes.load(artefacts[0]["tflite"], trust=True)
    assert calls == []


def test_what_is_damaged_is_refused_before_any_runtime_reads_it(artefacts, tmp_path, calls):
    path = tmp_path / "m.tflite"
    path.write_bytes(
        changed(artefacts[0]["tflite"].read_bytes(), lambda m: setattr(first(m), "inputs", [500]))
    )
    with pytest.raises(ArtefactError, match="reads tensor 500"):
        runtimes.load(path)
    assert calls == []


def test_trust_loads_what_ended_its_process(artefacts, monkeypatch):
    done = subprocess.CompletedProcess([], -11, "", "")
    monkeypatch.setattr(_first_load, "run_module", lambda *args, **kwargs: done)
    for kind in ("tflite", "onnx"):
        with pytest.raises(ArtefactError, match=r"SIGSEGV.*trust=True \(--trust\)"):
            runtimes.load(artefacts[0][kind])
        assert runtimes.load(artefacts[0][kind], trust=True).inputs


def test_readers_of_other_formats_try_a_file_first_too(artefacts, monkeypatch, calls):
    for read in (interchange.from_tflite, interchange.from_file):
        monkeypatch.setattr(_tried, "_known", set())
        (_tried.cache_folder() / "first_loads.txt").unlink(missing_ok=True)
        read(artefacts[0]["tflite"], trust=True)
        assert calls == []
        read(artefacts[0]["tflite"])
        assert len(calls) == 1
        calls.clear()


def test_a_file_that_crashes_the_runtime(artefacts, tmp_path):
    """A convolution without its weights: each index is allowed, as optional tensors are -1."""
    path = tmp_path / "crash.tflite"
    content = changed(
        artefacts[0]["tflite"].read_bytes(),
        lambda model: setattr(first(model), "inputs", [first(model).inputs[0], -1, -1]),
    )
    path.write_bytes(content)
    for _ in range(2):  # a crash is not remembered as a success
        with pytest.raises(ArtefactError, match="can't be loaded by LiteRT") as info:
            runtimes.load(path)
        assert "\n" not in str(info.value)


@pytest.mark.parametrize(
    "code, output, message",
    [
        (-11, "", r"loading it ended the process .* with SIGSEGV.*trust=True \(--trust\)"),
        (-6, "first load: loaded\n", "running it ended the process .* with SIGABRT"),
        (-14, "", "that took more than 300 seconds"),
        (-14, "first load: loaded\n", r"run of it on zeros takes more than 60 .*trust=True"),
        (0, 'first load: loaded\nfirst load: "no room."', r"too much memory: no room\. "),
        (3, "", "with code 3"),
        (1, "", "can't start: No module named 'nothing'"),
        (0, 'first load: "`m` is damaged"\n', "^`m` is damaged$"),
    ],
)
def test_how_it_ended(code, output, message, artefacts, monkeypatch):
    log = "Traceback\nNo module named 'nothing'\n"
    done = subprocess.CompletedProcess([], code, output, log)
    monkeypatch.setattr(_first_load, "run_module", lambda *args, **kwargs: done)
    with pytest.raises(ArtefactError, match=message) as info:
        runtimes.load(artefacts[0]["onnx"])
    assert "\n" not in str(info.value)


def test_a_bad_ending_is_no_damage(artefacts, monkeypatch):
    output = "first load: loaded\nfirst load: ran"
    done = subprocess.CompletedProcess([], -11, output, "")
    monkeypatch.setattr(_first_load, "run_module", lambda *args, **kwargs: done)
    runtimes.load(artefacts[0]["onnx"])


def test_nothing_is_imported_from_the_current_folder(artefacts, tmp_path, monkeypatch, calls):
    for name in ("numpy", "onnxruntime", "json"):
        (tmp_path / f"{name}.py").write_text("open('was_here', 'w'); raise SystemExit(1)")
    monkeypatch.chdir(tmp_path)
    runtimes.load(artefacts[0]["onnx"])
    assert len(calls) == 1
    assert not (tmp_path / "was_here").exists()


def test_values_outside_of_the_folder(artefacts, tmp_path):
    import onnx

    model = onnx.load(str(artefacts[0]["onnx"]))
    folder = tmp_path / "inner"
    folder.mkdir()
    onnx.save(
        model,
        str(folder / "m.onnx"),
        save_as_external_data=True,
        size_threshold=100,
        location="m.data",
    )
    assert runtimes.load(folder / "m.onnx").inputs[0].name == "image"
    (tmp_path / "m.data").write_bytes((folder / "m.data").read_bytes())
    model = onnx.load(str(folder / "m.onnx"), load_external_data=False)
    for tensor in model.graph.initializer:
        for entry in tensor.external_data:
            if entry.key == "location":
                entry.value = "../m.data"
    (folder / "out.onnx").write_bytes(model.SerializeToString())
    with pytest.raises(ArtefactError, match=r"values in '\.\./m\.data', outside of its own folder"):
        runtimes.load(folder / "out.onnx")
    with pytest.raises(ArtefactError, match="can't be loaded by ONNX Runtime"):
        runtimes.load(folder / "out.onnx", trust=True)
    for tensor in model.graph.initializer:
        for entry in tensor.external_data:
            if entry.key == "location":
                entry.value = str(tmp_path / "m.data")
    (folder / "out.onnx").write_bytes(model.SerializeToString())
    with pytest.raises(ArtefactError, match=r"values in '/.*m\.data', outside of its own folder"):
        runtimes.load(folder / "out.onnx")
    with pytest.raises(ArtefactError, match="can't be loaded by ONNX Runtime"):
        runtimes.load(folder / "out.onnx", trust=True)
    (folder / "m.data").unlink()
    (folder / "m.data").symlink_to(tmp_path / "m.data")
    with pytest.raises(ArtefactError, match="outside of its own folder"):
        runtimes.load(folder / "m.onnx")
    with pytest.raises(ArtefactError, match="can't be loaded by ONNX Runtime"):
        runtimes.load(folder / "m.onnx", trust=True)


def test_other_values_beside_a_file_are_another_file(artefacts, tmp_path, calls):
    import onnx

    model = onnx.load(str(artefacts[0]["onnx"]))
    path = tmp_path / "m.onnx"
    onnx.save(model, str(path), save_as_external_data=True, size_threshold=100, location="m.data")
    runtimes.load(path)
    data = bytearray((tmp_path / "m.data").read_bytes())
    data[5] ^= 1
    (tmp_path / "m.data").write_bytes(data)
    runtimes.load(path)
    assert len(calls) == 2


def onnx_file(path, nodes, constants):
    """A file of one input x and one output y, (1, 3, 8, 8)."""
    from onnx import TensorProto, helper, numpy_helper, save

    ends = [helper.make_tensor_value_info(n, TensorProto.FLOAT, (1, 3, 8, 8)) for n in ("x", "y")]
    arrays = [numpy_helper.from_array(np.asarray(array), n) for n, array in constants.items()]
    graph = helper.make_graph(nodes, "net", [ends[0]], [ends[1]], arrays)
    model = helper.make_model(graph, opset_imports=[helper.make_opsetid("", 18)])
    model.ir_version = 9
    save(model, str(path))
    return path


def endless_loop(path):
    from onnx import TensorProto, helper

    info = helper.make_tensor_value_info
    ends = [
        [info(f"go_{i}", TensorProto.BOOL, ()), info(f"x_{i}", TensorProto.FLOAT, None)]
        for i in range(2)
    ]
    same = [helper.make_node("Identity", [f"{n}_0"], [f"{n}_1"]) for n in ("go", "x")]
    body = helper.make_graph(same, "body", [info("i", TensorProto.INT64, ()), *ends[0]], ends[1])
    loop = helper.make_node("Loop", ["", "go", "x"], ["y"], body=body)
    return onnx_file(path, [loop], {"go": True})


def claim(path, *shape):
    """An array of this shape, of which the largest value is added to the image."""
    from onnx import helper

    nodes = [
        helper.make_node("ConstantOfShape", ["shape"], ["c"]),
        helper.make_node("ReduceMax", ["c"], ["m"], keepdims=0),
        helper.make_node("Add", ["x", "m"], ["y"]),
    ]
    return onnx_file(path, nodes, {"shape": np.array(shape, "int64")})


def test_a_loop_without_end(tmp_path, monkeypatch):
    monkeypatch.setattr(_first_load, "RUN_SECONDS", 1)
    path = endless_loop(tmp_path / "m.onnx")
    for _ in range(2):
        with pytest.raises(ArtefactError, match="takes more than 1 seconds, and may never end"):
            runtimes.load(path)


def test_a_load_without_end(artefacts, monkeypatch):
    monkeypatch.setattr(_first_load, "LOAD_SECONDS", 0.01)
    with pytest.raises(ArtefactError, match=r"that took more than 0\.01 seconds.*--trust"):
        runtimes.load(artefacts[0]["onnx"])


def test_the_time_of_a_run_grows_with_the_file(artefacts, monkeypatch):
    given = []

    def run_module(module, arguments, **options):
        given.append((arguments, options))
        return subprocess.CompletedProcess([], 0, "first load: loaded\nfirst load: ran\n", "")

    monkeypatch.setattr(_first_load, "run_module", run_module)
    monkeypatch.setattr(_first_load, "SPEED", 100)
    path = artefacts[0]["onnx"]
    runtimes.load(path)
    (((_, _, load, one), options),) = given
    assert (float(load), float(one)) == (300, 60 + path.stat().st_size / 100)
    assert options["seconds"] > float(load) + float(one)


def test_the_first_run_is_on_zeros_at_small_sizes(artefacts):
    image = runtimes.load(artefacts[0]["onnx"]).inputs[0]
    runner = SimpleNamespace(inputs=[dataclasses.replace(image, shape=(None, None, 6, None))])
    (feeds,) = _first_load_process._zeros(runner)
    assert feeds["image"].shape == (1, 32, 6, 32)
    assert feeds["image"].dtype == np.float32 and not feeds["image"].any()


def test_memory_of_a_small_file(tmp_path):
    path = claim(tmp_path / "m.onnx", 10**6, 10**6)
    with pytest.raises(ArtefactError, match=r"too much memory: .*4000000000000\. .*--trust"):
        runtimes.load(path)
    path = claim(tmp_path / "n.onnx", 10**4, 10**5)  # 4 GB, which many machines have
    message = r"takes more than 1\.5 GiB of memory, and the file has \d{3} bytes.*--trust"
    with pytest.raises(ArtefactError, match=message):
        runtimes.load(path)


def test_a_large_file_may_take_more_memory(artefacts, monkeypatch):
    monkeypatch.setattr(_first_load, "MEMORY", 2**20)
    with pytest.raises(ArtefactError, match=r"takes more than 0\.000976562 GiB"):
        runtimes.load(artefacts[0]["onnx"])
    monkeypatch.setattr(_first_load, "SMALL", 100)
    assert runtimes.load(artefacts[0]["onnx"]).inputs


def test_the_process_has_no_more_memory_than_the_machine():
    """What claims more gets an error there, so that nothing else is pushed out."""
    script = (
        "from keras_upsample.runtimes import _first_load_process as f; import resource, os;"
        "f._limit_memory(); print(resource.getrlimit(resource.RLIMIT_AS)[0])"
    )
    done = subprocess.run([sys.executable, "-c", script], capture_output=True, text=True)
    there = os.sysconf("SC_PAGE_SIZE") * os.sysconf("SC_PHYS_PAGES")
    assert int(done.stdout) == max(there, 8 << 30)
