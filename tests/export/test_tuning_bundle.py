"""A bundle of blocks, timed by a second process that stands for the device."""

import errno
import json
import os
import subprocess
import sys
from importlib.resources import files
from pathlib import Path

import keras
import pytest

from keras_upsample.errors import ExportError
from keras_upsample.export import export, tuning_bundle
from keras_upsample.files._sha256 import sha256_of
from keras_upsample.lowering import _bundle, lower
from keras_upsample.program._applied import KEEP

SIZE = (12, 10, 3)
# What benchmark_model prints, as quickly as a shell can: microseconds by file, from a table.
DEVICE = """#!/bin/sh
echo "$@" >>"$LOG"
for word in "$@"; do
    case $word in --graph=*) file=${word#--graph=} ;; esac
done
us=$(sed -n "s|^$file ||p" "$TABLE")
[ "$us" != fails ] || { echo "ERROR: no kernel" >&2; exit 1; }
echo "INFO: count=2 first=9 curr=8 min=1 max=9 avg=8.5 std=0" >&2
echo "INFO: count=50 first=9 curr=9 min=$us max=999999 avg=9 std=0" >&2
echo "INFO: Inference timings in us: Init: 1, First inference: 9, Warmup (avg): 8, \
Inference (avg): $us" >&2
"""
# adb, whose device is a folder.
ADB = """#!/bin/sh
inside() { printf '%s' "$1" | sed "s|/data/local/tmp|$DEVICE|g"; }
case $1 in
get-state) echo device ;;
push)
    shift
    for last in "$@"; do :; done
    to=$(inside "$last")
    while [ $# -gt 1 ]; do cp "$1" "$to" || exit 1; shift; done
    ;;
shell)
    case $2 in
    getprop*) printf 'maker\\r\\nPhone 7\\r\\n' ;;
    *) sh -c "$(inside "$2")" | sed 's/$/\\r/' ;;
    esac
    ;;
esac
"""


def network(size=SIZE, filters=4):
    keras.utils.set_random_seed(1)
    image = keras.Input(size, name="image")
    x = keras.layers.Conv2D(filters, 1, activation="relu", name="low")(image)
    x = keras.layers.UpSampling2D(2, name="up")(x)
    x = keras.layers.Conv2D(3, 3, padding="same", activation="relu", name="joined")(x)
    return keras.Model(image, keras.layers.UpSampling2D(2, interpolation="bilinear")(x), name="net")


@pytest.fixture(scope="module")
def model():
    return network()


@pytest.fixture(scope="module")
def bundle(model, tmp_path_factory):
    folder = tmp_path_factory.mktemp("made") / "bundle"
    written = tuning_bundle(model, folder)
    about = json.loads((folder / "bundle.json").read_text())
    names = {path.name for path in folder.glob("*.tflite")}
    assert (written.blocks, written.files) == (len(about["blocks"]), len(names))
    assert written.size == sum((folder / name).stat().st_size for name in names)
    return folder


@pytest.fixture
def program(tmp_path, monkeypatch):
    """A program that stands for benchmark_model, and the table of its times."""
    path = tmp_path / "benchmark_model"
    path.write_text(DEVICE)
    path.chmod(0o755)
    monkeypatch.setenv("TABLE", str(tmp_path / "table.txt"))
    monkeypatch.setenv("LOG", str(tmp_path / "log.txt"))
    return path


def blocks_of(folder):
    return json.loads((folder / "bundle.json").read_text())["blocks"]


def run(folder, *arguments):
    command = ["sh", folder / "run.sh", *map(str, arguments)]
    return subprocess.run(command, capture_output=True, text=True)


def table(folder, place, us):
    """Write the times of a bundle's files: `us(number of the form)` microseconds."""
    names = {}
    for forms in blocks_of(folder).values():
        for number, name in enumerate(forms.values()):
            names[name] = us(number)
    (place / "table.txt").write_text("".join(f"{name} {us}\n" for name, us in names.items()))
    return names


def chosen(model, timings):
    """(rule, form, gain) of the blocks that were timed, and the note on them."""
    applied = lower(model, "tflite", timings=timings).applied
    (note,) = [entry for entry in applied if entry.rule == "timings"]
    return [(e.rule, e.form, e.measured) for e in applied if e.measured is not None], note


def test_the_files_of_a_bundle(bundle):
    about = json.loads((bundle / "bundle.json").read_text())
    assert (about["model"], about["target"]) == ("net", "tflite")
    assert about["inputs"] == {"image": [1, *SIZE]}
    rules = {key.split(" | ")[0] for key in about["blocks"]}
    assert {"nearest", "matrices"} <= rules
    for key, forms in about["blocks"].items():
        assert next(iter(forms)) == KEEP and len(forms) >= 2
        for form, name in forms.items():
            words = "_".join(form.replace(",", " ").split())
            assert key.split(" | ")[0] in name and words in name, name
    names = {name for forms in about["blocks"].values() for name in forms.values()}
    assert about["sha256"] == {name: sha256_of(bundle / name) for name in names}
    assert len(set(about["sha256"].values())) == len(names)
    others = {"bundle.json", "run.sh", "benchmark_model.py", "README.md"}
    assert {path.name for path in bundle.iterdir()} == names | others
    assert os.access(bundle / "run.sh", os.X_OK) and os.access(
        bundle / "benchmark_model.py", os.X_OK
    )


def test_no_path_of_this_machine_is_in_a_bundle(bundle):
    package = Path(str(files("keras_upsample")))
    for path in bundle.iterdir():
        content = path.read_bytes()
        for folder in (bundle, package, Path.cwd(), Path.home(), Path(sys.prefix)):
            assert os.fsencode(folder) not in content or folder == Path("/")


@pytest.mark.parametrize("fastest", range(3))
def test_made_times_decide_each_form(model, bundle, program, tmp_path, fastest):
    table(bundle, tmp_path, lambda number: 100 if number == fastest else 300 + number)
    out = tmp_path / "timings.txt"
    result = run(bundle, "--rounds", 2, "--device", "my phone", "--out", out, program)
    assert result.returncode == 0, result.stderr
    found, note = chosen(model, out)
    assert note.form == "timed on my phone" and "benchmark_model --num_threads=1" in note.gain
    times = {key.split(" | ")[0]: list(forms) for key, forms in blocks_of(bundle).items()}
    assert {rule for rule, _, _ in found} >= {"nearest"}
    for rule, form, gain in found:
        forms = times[rule]
        assert form == (forms[fastest] if fastest < len(forms) else KEEP)
        assert gain == pytest.approx(3.0 if 0 < fastest < len(forms) else 1.0)


def test_runs_are_interleaved_and_flags_reach_the_program(bundle, program, tmp_path):
    names = table(bundle, tmp_path, lambda number: 100)
    out = tmp_path / "t.txt"
    options = ("--rounds", 3, "--threads", 2, "--prefix", "env A=1", "--out", out)
    result = run(bundle, *options, program, "--", "--use_gpu=true")
    assert result.returncode == 0, result.stderr
    lines = (tmp_path / "log.txt").read_text().splitlines()
    assert [line.split()[0] for line in lines] == 3 * [f"--graph={name}" for name in sorted(names)]
    assert all("--num_threads=2 " in line and line.endswith(" --use_gpu=true") for line in lines)
    assert "command: env A=1 benchmark_model --num_threads=2 " in out.read_text()
    assert not (tmp_path / "t.txt.part").exists()


def test_an_android_device_by_adb(model, bundle, program, tmp_path, monkeypatch):
    names = table(bundle, tmp_path, lambda number: "fails" if number == 1 else 1000 - number)
    adb, device = tmp_path / "adb", tmp_path / "device"
    adb.write_text(ADB)
    adb.chmod(0o755)
    device.mkdir()
    monkeypatch.setenv("ADB", str(adb))
    monkeypatch.setenv("DEVICE", str(device))
    out = tmp_path / "timings.txt"
    result = run(bundle, "--adb", "--rounds", 1, "--out", out, program)
    assert result.returncode == 0, result.stderr
    assert list(device.iterdir()) == []  # nothing is left there
    found, note = chosen(model, out)
    assert note.form == "timed on maker Phone 7"
    assert [form for rule, form, _ in found if rule == "nearest"] == [KEEP]  # by less than 3%
    assert out.read_text().count("== status 1\n") == sum(us == "fails" for us in names.values()) > 0


@pytest.mark.parametrize(
    ("arguments", "why"),
    [
        ((), "BENCHMARK_MODEL"),
        (("missing",), "there is no file missing"),
        (("--rounds", "0", __file__), "whole numbers from 1. Received: 0"),
        (("--threads", "two", __file__), "Received: two"),
        (("--speed", "1", __file__), "there is no option --speed"),
        (("--out",), "--out needs a value"),
        (("--adb", __file__), "there is no program no-such-adb"),
        (("--prefix", "no-such-command", sys.executable), "the command can't be run"),
    ],
)
def test_the_script_refuses(bundle, tmp_path, monkeypatch, arguments, why):
    monkeypatch.setenv("ADB", "no-such-adb")
    before = set(bundle.iterdir())
    result = run(bundle, *arguments)
    assert result.returncode == 1 and why in result.stderr
    assert set(bundle.iterdir()) == before


def test_a_device_that_goes_away(bundle, program, tmp_path, monkeypatch):
    adb = tmp_path / "adb"
    adb.write_text('#!/bin/sh\ncase "$*" in *--graph*) exit 1 ;; esac\n')
    adb.chmod(0o755)
    monkeypatch.setenv("ADB", str(adb))
    result = run(bundle, "--adb", "--out", tmp_path / "t.txt", program)
    assert result.returncode == 1 and "the device gave no answer" in result.stderr
    assert not list(tmp_path.glob("t.txt*"))


def test_real_times_of_a_second_process(model, bundle, tmp_path, monkeypatch):
    """From the bundle to the file: LiteRT, in a process of its own, stands for the device."""
    monkeypatch.setenv("PATH", f"{Path(sys.executable).parent}:{os.environ['PATH']}")
    out = tmp_path / "timings.txt"
    result = run(bundle, "--rounds", 1, "--out", out, bundle / "benchmark_model.py")
    assert result.returncode == 0, result.stderr
    report = export(model, tmp_path / "files", ["tflite"], timings=out)
    (artefact,) = report.artefacts
    assert artefact.verifications[0].passed
    (note,) = [line for line in artefact.lowering if line.startswith("timings: net: timed on ")]
    assert "benchmark_model.py --num_threads=1" in note
    assert any("(measured " in line for line in artefact.lowering)


def test_timings_of_another_model_are_refused(model, bundle, program, tmp_path):
    table(bundle, tmp_path, lambda number: 100)
    out = tmp_path / "timings.txt"
    assert run(bundle, "--rounds", 1, "--out", out, program).returncode == 0
    lower(network(), "tflite", timings=out)  # other weights do not matter
    for other in (network(filters=5), network(size=(10, 12, 3))):
        with pytest.raises(ValueError, match="are of 'net' and don't have the block"):
            lower(other, "tflite", timings=out)
        with pytest.raises(ValueError, match="don't have the block"):
            export(other, tmp_path / "files", ["tflite"], timings=out)
    assert not (tmp_path / "files").exists()
    with pytest.raises(ValueError, match="of the target 'tflite', not of tflite_int8"):
        export(model, tmp_path / "files", ["tflite_int8"], timings=out)


def test_what_stands_at_a_bundles_place(model, bundle, tmp_path, monkeypatch):
    monkeypatch.setattr(_bundle, "write_block", lambda p, g, form, t, path: path.write_text(form))
    place = tmp_path / "bundle"
    tuning_bundle(model, place)
    (place / "timings.txt").write_text("mine")
    (place / "old.tflite").write_text("mine")
    with pytest.raises(
        ValueError, match=r"holds a bundle\. Choose another path, or pass overwrite"
    ):
        tuning_bundle(model, place)
    before = blocks_of(place)
    tuning_bundle(model, place, overwrite=True, batch_size=2)
    assert blocks_of(place) != before
    assert (place / "timings.txt").read_text() == (place / "old.tflite").read_text() == "mine"
    (tmp_path / "full").mkdir()
    (tmp_path / "full" / "a.txt").write_text("mine")
    (tmp_path / "file").write_text("mine")
    for name, why in (("full", "other things than a bundle"), ("file", "is a file or a link")):
        with pytest.raises(ValueError, match=why):
            tuning_bundle(model, tmp_path / name, overwrite=True)
    assert sorted(path.name for path in tmp_path.iterdir()) == ["bundle", "file", "full"]


def test_a_full_disk_and_a_block_that_can_not_be_converted(model, tmp_path, monkeypatch):
    def failing(error, at):
        def write(proposal, graph, form, target, path):
            path.write_text(form)
            if (form == KEEP) == (at == KEEP):
                raise error

        monkeypatch.setattr(_bundle, "write_block", write)

    failing(OSError(errno.ENOSPC, "No space left on device"), "other")
    with pytest.raises(OSError, match="No space left"):
        tuning_bundle(model, tmp_path / "b")
    failing(RuntimeError("no such operator"), KEEP)
    with pytest.raises(ExportError, match="A block can't be converted: no such operator"):
        tuning_bundle(model, tmp_path / "b")
    assert list(tmp_path.iterdir()) == []
    failing(RuntimeError("no such operator"), "other")  # a form that the target can't have
    tuning_bundle(model, tmp_path / "b")
    assert all(list(forms) == [KEEP] for forms in blocks_of(tmp_path / "b").values())


@pytest.mark.parametrize(
    ("target", "options", "why"),
    [
        ("onnx", {}, "runs no files of the target 'onnx'. Allowed: tflite, "),
        ("ethos_u55_128", {}, "runs no files of the target 'ethos_u55_128'"),
        ("tflite", {"tune": True}, "`tune` is for `export`"),
        ("tflite", {"resizable": True}, "`resizable` is for `export`"),
        ("tflite", {"head": "argmin"}, "argmin"),
    ],
)
def test_bad_arguments_of_a_bundle(model, tmp_path, target, options, why):
    with pytest.raises(ValueError, match=why):
        tuning_bundle(model, tmp_path / "b", target, **options)
    assert list(tmp_path.iterdir()) == []


def test_a_model_without_choices(tmp_path):
    image = keras.Input(SIZE)
    plain = keras.Model(image, keras.layers.Conv2D(2, 1)(image), name="plain")
    with pytest.raises(ValueError, match="'plain' has no block with several forms"):
        tuning_bundle(plain, tmp_path / "b")
    assert list(tmp_path.iterdir()) == []


@pytest.mark.slow
def test_integer_files_and_open_sizes(tmp_path, program):
    """The blocks of an export are those of its bundle."""
    model = network((None, None, 3), 8)
    for target, options in (("tflite_int8", {}), ("litert_gpu", {}), ("tflite_float16", {})):
        folder = tmp_path / target
        tuning_bundle(model, folder, target, input_shape=(24, 20, 3), **options)
        table(folder, tmp_path, lambda number: 200 - 50 * number)
        result = run(folder, "--rounds", 1, program)
        assert result.returncode == 0, result.stderr
        gpu = "--use_gpu=true" in (folder / "timings.txt").read_text()
        assert gpu == (target == "litert_gpu")
        (report,) = export(
            model, tmp_path / "files", [target], timings=folder, input_shape=(24, 20, 3)
        ).artefacts
        assert any("(measured " in line for line in report.lowering)
        assert report.verifications[0].passed


@pytest.mark.slow
def test_the_command(tmp_path, program):
    def command(*arguments):
        return subprocess.run(
            [sys.executable, "-m", "keras_upsample", *map(str, arguments)],
            capture_output=True,
            text=True,
        )

    unet = ("unet", "--filters", "4,4,8", "--classes", "3", "--upsample", "nearest")
    unet += ("--input-shape", "16,24,3")
    folder = tmp_path / "bundle"
    made = command("tune", *unet, "--bundle", folder)
    assert made.returncode == 0 and made.stderr == ""
    assert f"MB: {folder}" in made.stdout
    again = command("tune", *unet, "--bundle", folder)
    assert again.returncode == 2 and len(again.stderr.strip().splitlines()) == 1
    table(folder, tmp_path, lambda number: 200 - 50 * number)
    assert run(folder, "--rounds", 1, program).returncode == 0
    done = command(
        "export", *unet, "--target", "tflite", "--out", tmp_path / "out", "--timings", folder
    )
    assert done.returncode == 0 and done.stderr == "", done.stderr
    report = json.loads((tmp_path / "out" / "report.json").read_text())
    assert any(line.startswith("timings: unet") for line in report["artefacts"][0]["lowering"])
    bad = command("export", *unet[:-1], "24,16,3", "--out", tmp_path / "x", "--timings", folder)
    assert bad.returncode == 2 and "don't have the block" in bad.stderr
