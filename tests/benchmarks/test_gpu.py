"""`benchmarks/gpu.py`: its comparison with the oracle, and its whole way with small sizes."""

import importlib
import importlib.util
import json
import subprocess
import sys
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest

ROOT = Path(__file__).parents[2]
SIZE = (2, 8, 23, 19)  # N, C, H, W; the two windows leave pixels out


@pytest.fixture(autouse=True)
def path(monkeypatch):
    monkeypatch.syspath_prepend(ROOT / "benchmarks")
    yield
    for name in [n for n in sys.modules if n.partition(".")[0] == "gpu_study"]:
        del sys.modules[name]


def study(name):
    return importlib.import_module(f"gpu_study.{name}")


def problem(name, dtype="float32"):
    cases = study("cases")
    shapes = {
        "transposed": [(4, 4, 8, 8), (8,)],
        "carafe": [(1, 1, 8, 6), (6,), (3, 3, 6, 100), (100,)],
        "dysample": [(1, 1, 8, 32), (32,)],
    }.get(name, [])
    weights = cases.random_weights(cases.CASES[name], shapes, dtype)
    return study("windows").Problem(name, SIZE, weights, dtype)


def whole_output(found):
    """The oracle of the whole image, which the windows spare the measurement."""
    return found.case.oracle(
        found.x.astype("float64"), [w.astype("float64") for w in found.weights]
    )


def whole_cotangent(found):
    cotangent = np.zeros(found.output_shape)
    for window, part in zip(found.windows, found.cotangents, strict=True):
        cotangent[window.output] = part
    return cotangent


def gradient_error(found, of_x, of_weights=(), far=False):
    crops = [of_x[window.crop] for window in found.windows]
    make = study("windows").Found
    return found.gradient_error(make([], crops, far, list(of_weights)))


def parts_of(found, y):
    return [y[window.output] for window in found.windows]


@pytest.mark.backend_neutral
@pytest.mark.parametrize(
    "name", ["nearest", "bilinear", "bicubic", "transposed", "shuffle", "carafe", "dysample"]
)
def test_windows_are_the_corners_of_the_whole_image(name):
    found = problem(name)
    y = whole_output(found)
    n, c, h, w = study("cases").output_shape(name, SIZE)
    assert y.shape == (n, h, w, c)
    first, last = parts_of(found, y)
    np.testing.assert_array_equal(first, y[:1, :8, :8])
    np.testing.assert_array_equal(last, y[-1:, -8:, -8:])
    assert found.value_error([first, last]) < 1e-12
    # one pixel to the side, or a part of the last window that is a little off
    assert found.value_error(parts_of(found, np.roll(y, 1, axis=2))) > 1e-2
    wrong = last.copy()
    wrong[0, -1, -1, -1] += 1e-3 * np.ptp(y)
    assert found.value_error([first, wrong]) > study("windows").VALUE_GATES["float32"]
    wrong[0, 0, 0, 0] = np.nan
    with pytest.raises(ValueError, match="are not finite"):
        found.value_error([first, wrong])
    with pytest.raises(ValueError, match="shape"):
        found.value_error([first, last[:, :-1]])


@pytest.mark.backend_neutral
def test_gradients_are_compared_with_the_oracle():
    gate = study("windows").GRADIENT_GATES["float32"]
    found = problem("nearest")
    n, c, h, w = SIZE
    exact = whole_cotangent(found).reshape(n, h, 2, w, 2, c).sum(axis=(2, 4))  # of 2x2 equal pixels
    assert gradient_error(found, exact) < 1e-6
    assert gradient_error(found, 1.01 * exact) > gate
    assert gradient_error(found, np.roll(exact, 1, axis=3)) > gate
    with pytest.raises(ValueError, match="have a gradient"):
        gradient_error(found, exact, far=True)

    found = problem("transposed")
    kernel = found.weights[0].astype("float64")  # (kh, kw, out, in)
    padded = np.pad(whole_cotangent(found), ((0, 0), (1, 1), (1, 1), (0, 0)))
    of_x, of_kernel = np.zeros(found.x.shape), np.zeros(kernel.shape)
    for a, b in np.ndindex(4, 4):
        seen = padded[:, a : a + 2 * h : 2, b : b + 2 * w : 2]  # (N, H, W, out)
        of_x += seen @ kernel[a, b]
        of_kernel[a, b] = np.einsum("nhwo,nhwi->oi", seen, found.x)
    of_bias = whole_cotangent(found).sum(axis=(0, 1, 2))
    assert gradient_error(found, of_x, [of_kernel, of_bias]) < 1e-6
    assert gradient_error(found, of_x, [of_kernel, 1.1 * of_bias]) > gate
    assert gradient_error(found, of_x, [of_kernel.swapaxes(2, 3), of_bias]) > gate


@pytest.mark.backend_neutral
def test_half_precision_is_judged_on_what_it_can_hold():
    half = problem("dysample", "float16")
    for values in (half.x, *half.cotangents, *half.weights):
        np.testing.assert_array_equal(values, values.astype("float16").astype("float32"))
    # No point comes to the centre of a pixel, a quarter of a pixel from where it starts.
    offsets = (half.x @ half.weights[0][0, 0] + half.weights[1]) / 4
    assert 0.1 < np.abs(offsets).max() < 0.24


@pytest.mark.backend_neutral
def test_least_bytes():
    least = study("cases").least_bytes
    # 2·8·13·15 = 3120 values in, four times as many out
    assert least("nearest", (2, 8, 13, 15), 0, 4) == {"forward": 62400, "gradient": 62400}
    assert least("shuffle", (2, 8, 13, 15), 0, 2) == {"forward": 12480, "gradient": 12480}
    assert least("dysample", (2, 8, 13, 15), 100, 2) == {"forward": 31400, "gradient": 37840}


def run(*arguments):
    return subprocess.run(
        [sys.executable, "benchmarks/gpu.py", *map(str, arguments)],
        cwd=ROOT,
        capture_output=True,
        text=True,
        check=False,
    )


@pytest.mark.backend_neutral
@pytest.mark.parametrize("part", ["jax", "torch"])
def test_layers_on_the_cpu(part, tmp_path):
    names = {"jax": ["shuffle", "dysample"], "torch": ["shuffle"]}[part]  # torch compiles for long
    done = run("--run", tmp_path, "--small", "--parts", part, "--layers", ",".join(names))
    found = json.loads((tmp_path / "gpu.json").read_text())["parts"][part]
    if importlib.util.find_spec(part) is None:
        assert f"{part} is not installed here" in found["absent"]
        assert f"{part}: absent" in done.stdout
        assert done.returncode == 1  # nothing was measured
        return
    assert not done.returncode, done.stdout + done.stderr
    rows = found["rows"]
    assert rows[0]["bytes_a_second"] > 0
    checks = [row for row in rows if row["kind"] == "check"]
    for name in names:
        own = [row for row in checks if row["layer"] == name]
        seen = {(row["precision"], row["data_format"]) for row in own}
        formats = ("channels_first", "channels_last")
        assert seen >= {(p, f) for p in ("float32", "float16", "bfloat16") for f in formats}
        assert all(row["value_error"] <= row["gates"][0] for row in own)
    times = [row for row in rows if row["kind"] == "time"]
    assert {row["pass"] for row in times} == {"forward", "gradient"}
    assert all(0 < low <= mid for row in times for low, mid in row["seconds"].values())
    if part == "torch":
        assert all({"torch compiled", "keras compiled, first"} <= {*r["seconds"]} for r in times)


@pytest.mark.backend_neutral
def test_without_a_gpu_full_sizes_are_refused(tmp_path):
    torch = importlib.util.find_spec("torch")
    if torch is not None:
        import torch

        if torch.cuda.is_available():
            pytest.skip("there is a GPU")
    done = run("--run", tmp_path, "--parts", "torch")
    assert done.returncode == 1
    assert ("finds no GPU here" if torch else "is not installed here") in done.stdout


@pytest.mark.backend_neutral
def test_a_part_that_is_cut_off_leaves_its_rows(tmp_path, monkeypatch):
    parts = study("parts")
    (tmp_path / "sleeper.py").write_text(
        "import json, sys, time\n"
        "with open(sys.argv[2], 'a') as file:\n"
        "    file.write(json.dumps({'kind': 'plan', 'rows': 3}) + '\\n')\n"
        "    file.write(json.dumps({'kind': 'device', 'device': 'a'}) + '\\n{\"cut')\n"
        "time.sleep(600)\n"
    )
    monkeypatch.setattr(parts, "WORKER", [sys.executable, str(tmp_path / "sleeper.py")])
    written = []
    found = parts.run_parts(
        ["jax"], [], True, tmp_path, 4, lambda parts: written.append(json.dumps(parts))
    )
    assert found["jax"]["rows"] == [{"kind": "device", "device": "a"}]
    assert found["jax"]["failed"] == "stopped after 4 s, at 1 of 3 rows"
    assert '"a"' in written[0]  # before the end
    assert found["jax"]["seconds"] < 30

    (tmp_path / "sleeper.py").write_text("import sys\nsys.exit('no memory')\n")
    found = parts.run_parts(["jax"], [], True, tmp_path, 60, lambda parts: None)
    assert found["jax"]["failed"] == "ended at the first row, exit code 1: no memory"


def doubling_file(path):
    """y = 2·x, as ONNX."""
    onnx = pytest.importorskip("onnx")
    of = onnx.helper.make_tensor_value_info
    shape, kind = (2, 3, 5, 1), onnx.TensorProto.FLOAT
    node = onnx.helper.make_node("Add", ["image", "image"], ["y"])
    graph = onnx.helper.make_graph(
        [node], "double", [of("image", kind, shape)], [of("y", kind, shape)]
    )
    opsets = [onnx.helper.make_opsetid("", 18)]
    onnx.save(onnx.helper.make_model(graph, opset_imports=opsets, ir_version=10), path)


def test_files_on_the_cpu(tmp_path):
    manifest = study("manifest")
    doubling_file(tmp_path / "double.onnx")
    x = np.random.default_rng(0).random((2, 3, 5, 1), "float32")
    np.savez(tmp_path / "right.npz", input=x, output_0=2 * x)
    wrong = 2 * x
    wrong[-1, -1, -1, -1] += 0.02
    np.savez(tmp_path / "wrong.npz", input=x, output_0=wrong)
    right = manifest.PreparedFile("a net", "float32", "double.onnx", "right.npz", 5e-5)
    manifest.write_manifest(tmp_path, [right])
    arguments = ("--run", tmp_path, "--small", "--parts", "onnxruntime,tensorrt")
    done = run(*arguments)
    assert not done.returncode, done.stdout
    parts = json.loads((tmp_path / "gpu.json").read_text())["parts"]
    device, row = parts["onnxruntime"]["rows"]
    if not device["on_gpu"]:
        assert "no TensorrtExecutionProvider" in parts["tensorrt"]["absent"]
    assert (row["model"], row["precision"], row["batch"]) == ("a net", "float32", [2, 3, 5, 1])
    assert row["value_error"] < 1e-6 and row["seconds"][0] > 0

    files = [right, replace(right, arrays="wrong.npz"), replace(right, file="none.onnx")]
    manifest.write_manifest(tmp_path, files)
    done = run(*arguments)
    assert done.returncode == 1
    assert "1 of 3 passed" in done.stdout
    rows = json.loads((tmp_path / "gpu.json").read_text())["parts"]["onnxruntime"]["rows"]
    assert 0.005 < rows[2]["value_error"] < 0.02
    assert "none.onnx" in rows[3]["error"]


@pytest.mark.slow
def test_files_are_prepared(tmp_path):
    folder = tmp_path / "files"
    done = run("--prepare", folder, "--small")
    assert not done.returncode, done.stderr
    done = run("--run", folder, "--small", "--parts", "onnxruntime")
    assert not done.returncode, done.stdout
    rows = json.loads((folder / "gpu.json").read_text())["parts"]["onnxruntime"]["rows"][1:]
    seen = [(row["model"], row["precision"]) for row in rows]
    assert seen[:2] == [("unet bilinear", "float32"), ("unet bilinear", "float16")]
    assert all(row["value_error"] <= row["gate"] for row in rows)


def test_a_folder_of_others_is_left_alone(tmp_path):
    (tmp_path / "notes.txt").write_text("mine")
    done = run("--prepare", tmp_path, "--small")
    assert done.returncode == 2
    assert "holds files that --prepare did not write" in done.stderr
    assert [file.name for file in tmp_path.iterdir()] == ["notes.txt"]


@pytest.mark.backend_neutral
def test_operators_that_a_profile_has_on_the_cpu():
    cpu, cuda = "CPUExecutionProvider", "CUDAExecutionProvider"
    events = [
        {"name": "a_kernel_time", "args": {"op_name": "Gather", "provider": cpu}},
        {"name": "b_kernel_time", "args": {"op_name": "Gather", "provider": cpu}},
        {"name": "c_kernel_time", "args": {"op_name": "Conv", "provider": cuda}},
        {"name": "model_run"},
    ]
    assert study("onnx_run").operators_on_cpu(json.dumps(events)) == {"Gather": 2}


def made_up(on_gpu):
    size = [1, 256, 64, 64]
    about = {"layer": "carafe", "size": size, "precision": "float32"}
    check = {"value_error": 2e-7, "gradient_error": None, "passed": True}
    pair = {"keras eager, first": [9e-5, 1e-4], "torch compiled": [4e-5, 5e-5]}
    rows = [
        {
            "kind": "device",
            "device": "H",
            "on_gpu": on_gpu,
            "versions": {"torch": "2"},
            "bytes_a_second": 4e12,
        },
        {"kind": "check", **about, "data_format": "channels_last", **check},
        {"kind": "check", **about, "data_format": "channels_first", "error": "OSError: a | b"},
        {
            "kind": "time",
            **about,
            "pass": "forward",
            "seconds": pair,
            "failed": {},
            "least_bytes": 8_000_000,
        },
    ]
    files = [
        {
            "kind": "file",
            "model": "unet",
            "precision": "float16",
            "value_error": 2e-3,
            "passed": False,
            "seconds": [1e-3, 2e-3],
            "on_cpu": {"Gather": 2},
        },
    ]
    absent = {"rows": [], "failed": "", "absent": "no TensorRT"}
    return {
        "date": "2026-12-01",
        "parts": {
            "torch": {"rows": rows, "failed": "", "absent": ""},
            "onnxruntime": {"rows": files, "failed": "stopped after 9 s", "absent": ""},
            "tensorrt": absent,
        },
    }


@pytest.mark.backend_neutral
def test_the_tables_stand_between_their_marks(tmp_path):
    page, results = tmp_path / "gpu.md", tmp_path / "gpu.json"
    mark = "<!-- Generated by `python benchmarks/gpu.py --table`. -->"
    page.write_text(f"before\n\n{mark}\n\nNone yet.\n\n<!-- End of that. -->\n\nbehind\n")
    results.write_text(json.dumps(made_up(on_gpu=True)))
    done = run("--table", results, "--page", page)
    assert not done.returncode, done.stderr
    text = page.read_text()
    assert text.startswith("before") and text.endswith("behind\n") and "None yet" not in text
    for line in (
        "- torch: H, torch 2, 2026-12-01; a copy moves 4000 GB a second.",
        "- onnxruntime: stopped after 9 s.",
        "- tensorrt: no TensorRT.",
        "| carafe | 1x256x64x64 | channels_last | float32 | 2.0e-07 |  | yes |",
        "| carafe | 1x256x64x64 | channels_first | float32 | OSError: a \\| b |  | no |",
        "| carafe | 1x256x64x64 | float32 | forward | 2 | 90 / 100 | 40 / 50 |",
        "| unet | float16 | 2.0e-03 | **no** | 1.00 / 2.00 | Gather 2 |",
    ):
        assert line in text
    before = text
    results.write_text(json.dumps(made_up(on_gpu=False)))
    done = run("--table", results, "--page", page)
    assert done.returncode == 2 and "not measured on a GPU" in done.stderr
    assert page.read_text() == before
    done = run("--table", tmp_path / "none.json", "--page", page)
    assert done.returncode == 2 and "does not exist" in done.stderr


@pytest.mark.backend_neutral
def test_mistakes_on_the_command_line(tmp_path):
    done = run("--run", tmp_path / "none")
    assert done.returncode == 2 and "make it by --prepare" in done.stderr
    done = run("--run", tmp_path, "--layers", "nearest,lanczos")
    assert done.returncode == 2 and "Received: lanczos" in done.stderr
