"""OpenVINO IR: two files that are one artefact, run as its users run them."""

import json
import shutil
import subprocess
import sys

import keras
import numpy as np
import pytest
from exporting import assert_same, distinctive, noise, picture

import keras_upsample as ku
from keras_upsample import export, runtimes
from keras_upsample.errors import ArtefactError, VerificationError
from keras_upsample.export import _verify
from keras_upsample.lowering import _meters
from keras_upsample.metadata import read
from keras_upsample.program._applied import KEEP
from keras_upsample.runtimes import _load
from keras_upsample.training._write_threshold import _copy_file

openvino = pytest.importorskip("openvino", reason="OpenVINO is not installed")

OWN_WAY = """
import sys
import numpy as np
import openvino as ov

core = ov.Core()
net = core.compile_model(core.read_model(sys.argv[1]), "CPU", {"INFERENCE_PRECISION_HINT": "f32"})
images = np.load(sys.argv[2])
np.savez(sys.argv[3], **{name: net(images[name])["logits"] for name in images.files})
"""


@pytest.fixture(scope="module")
def model():
    keras.utils.set_random_seed(7)
    made = distinctive(ku.zoo.unet(classes=2, filters=(4, 8), upsample="bilinear"))
    ku.metadata.attach(made, ku.metadata.of(made).with_class_names(['a "<&>', "b\té\n"]))
    return made


@pytest.fixture(scope="module")
def report(model, tmp_path_factory):
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(_verify, "_LATENCY_ROUNDS", (1, 1))
        folder = tmp_path_factory.mktemp("openvino")
        return export.export(model, folder, ["openvino"], picture(), name="net").artefacts[0]


@pytest.fixture
def net(report, tmp_path):
    """A copy of `net.xml`, with `net.bin` beside it."""
    for suffix in (".xml", ".bin"):
        shutil.copy(report.path[:-4] + suffix, tmp_path / f"net{suffix}")
    return tmp_path / "net.xml"


def test_openvino_alone_computes_what_the_model_does(model, net):
    images = {"odd": noise(1, 21, 13, 3), "batch": noise(2, 9, 32, 3), "point": noise(1, 1, 1, 3)}
    np.savez(net.with_name("images.npz"), **images)
    files = [str(net.with_name(name)) for name in ("net.xml", "images.npz", "found.npz")]
    subprocess.run([sys.executable, "-c", OWN_WAY, *files], check=True)
    found = np.load(files[-1])
    for name, x in images.items():
        expected = np.asarray(model(x))
        gap = np.abs(found[name] - expected)
        assert gap.max() < 5e-5 * np.ptp(expected) + 1e-6
        assert gap[:, [0, -1]].max() == pytest.approx(gap.max(), abs=1e-4)  # borders too


def test_the_report_says_both_arithmetics(report, net):
    first, second = report.verifications
    assert first.runtime.startswith("OpenVINO ") and "default" not in first.runtime
    assert first.decides and first.passed and len(first.differences) == 4  # odd, batch of 2
    assert second.runtime.endswith(("bfloat16 by default", "float32 by default"))
    assert not second.decides and second.declared.min_snr_db == 30
    assert report.data_files == ("net.bin",)
    assert set(report.sha256) == {"net.xml", "net.bin"}
    assert report.file_size == sum(net.with_suffix(s).stat().st_size for s in (".xml", ".bin"))


def test_what_openvino_takes_by_itself_is_measured_as_it_is(report, net):
    """The second figure is that of `compile_model` without a hint."""
    x = noise(1, 24, 20, 3)
    core = openvino.Core()
    plain = core.compile_model(core.read_model(str(net)), "CPU")
    found = runtimes.load(net, runtime="openvino_default")({"image": x})["logits"]
    np.testing.assert_array_equal(found, plain(x)["logits"])
    exact = runtimes.load(net)({"image": x})["logits"]
    rounded = "bfloat16" in report.verifications[1].runtime
    assert (np.abs(found - exact).max() > 1e-4 * np.ptp(exact)) == rounded


def test_the_metadata_is_in_rt_info(model, net):
    found = read(net)
    assert found.outputs[0].class_names == ('a "<&>', "b\té\n")
    assert (found.verified_in, found.input.layout) == ("openvino", "nhwc")
    info = openvino.Core().read_model(str(net)).get_rt_info()["framework"]
    plain = json.loads(info["keras_upsample_metadata"].value)
    assert plain["outputs"][0]["class_names"] == ['a "<&>', "b\té\n"]
    assert info["layout"].value == "nhwc"


def test_files_are_run_by_predict_and_verify(model, net):
    x = picture()[0]
    expected = ku.predict.load_model(model)
    found = ku.predict.load_model(net)
    assert found.classes == expected.classes
    own, other = (
        ku.predict.predict(one, x, probabilities=True).probabilities for one in (found, expected)
    )
    assert np.ptp(other) > 0.01
    np.testing.assert_allclose(own, other, atol=1e-4)
    assert export.verify(model, net, picture()).passed
    other = distinctive(keras.models.clone_model(model), 9)
    with pytest.raises(VerificationError, match=r"OpenVINO .* does not compute"):
        export.verify(other, net, picture())


@pytest.mark.parametrize(
    ("upsample", "layout", "precision"),
    [
        ("nearest", "nchw", "float16"),
        pytest.param("transposed_conv", "nhwc", "float32", marks=pytest.mark.slow),
        pytest.param("bicubic", "nhwc", "float16", marks=pytest.mark.slow),
    ],
)
def test_layouts_and_precisions(upsample, layout, precision, tmp_path):
    model = distinctive(ku.zoo.unet(filters=(4, 8), upsample=upsample))
    path = tmp_path / "m.xml"
    report = export.to_openvino(
        model, path, layout=layout, precision=precision, images=picture(), head="argmax"
    )
    assert len(report.verifications[0].differences) == 4
    runner = runtimes.load(path)
    assert runner.layout == layout and runner.outputs[0].dtype == np.uint8
    assert runner.operator_counts()["Parameter"] == 1


@pytest.mark.parametrize("layout", ["nhwc", pytest.param("nchw", marks=pytest.mark.slow)])
def test_eight_bits_are_computed_in_eight_bits(layout, tmp_path):
    """Beside ONNX Runtime with the same steps; and the convolutions multiply integers."""
    model = distinctive(ku.zoo.unet(classes=3, filters=(8, 16), upsample="bilinear"))
    chosen = {"precision": "int8", "layout": layout, "images": picture(48, 64)}
    path = tmp_path / "m.xml"
    report = export.to_openvino(model, path, **chosen)
    export.to_onnx(model, tmp_path / "m.onnx", **chosen)
    assert min(d.snr_db for v in report.verifications for d in v.differences) > 30
    own, other = (runtimes.load(tmp_path / name) for name in ("m.xml", "m.onnx"))
    for x in (noise(1, 24, 32, 3), noise(2, 16, 48, 3)):
        x = x if layout == "nhwc" else x.transpose(0, 3, 1, 2)
        ((found,), (expected,)) = (r({r.inputs[0].name: x}).values() for r in (own, other))
        signal, error = np.square(expected).sum(), np.square(found - expected).sum()
        assert 10 * np.log10(signal / error) > 30
    core = openvino.Core()
    network = core.compile_model(core.read_model(str(path)), "CPU")
    kinds = [
        op.get_rt_info()["runtimePrecision"].astype(str)
        for op in network.get_runtime_model().get_ops()
        if op.get_rt_info()["layerType"].astype(str) == "Convolution"
    ]
    assert len(kinds) >= 5 and set(kinds) <= {"u8", "i8"}


def test_inputs_and_outputs_of_one_name_or_tensor(tmp_path):
    a, x = keras.Input((9, 7, 3), name="a"), keras.Input((9, 7, 3), name="x")
    scores = keras.layers.Conv2D(2, 1, name="scores")(a)
    y = keras.layers.Conv2D(3, 1, name="y")(x)
    nets = [
        keras.Model([a, x], [y, scores, a, x]),
        keras.Model(a, {"p": scores, "q": a, "r": scores}),
    ]
    for number, model in enumerate(map(distinctive, nets)):
        path = tmp_path / f"{number}.xml"
        export.to_openvino(model, path, images=picture(9, 7))
        feeds = {t.name: noise(2, 9, 7, 3, seed=k) for k, t in enumerate(model.inputs)}
        found = list(runtimes.load(path)(feeds).values())
        expected = model(list(feeds.values()) if number == 0 else feeds["a"])
        wanted = expected if number == 0 else [expected[key] for key in sorted(expected)]
        for value, one in zip(found, wanted, strict=True):
            np.testing.assert_allclose(value, np.asarray(one), atol=1e-5)


def test_a_copy_with_a_threshold(model, net):
    out = net.with_name("copy.xml")
    _copy_file(net, read(net).with_output(threshold=0.25), out)
    assert read(out).outputs[0].threshold == 0.25
    assert_same(out, {"image": (x := noise(1, 8, 12, 3))}, {"logits": model(x)})


def test_both_files_are_replaced_and_only_our_own(model, net):
    before = {path.name: path.read_bytes() for path in net.parent.iterdir()}
    other = distinctive(keras.models.clone_model(model), 9)
    export.to_openvino(other, net, images=picture())
    x = noise(2, 10, 14, 3)
    assert_same(net, {"image": x}, {"logits": other(x)})
    net.with_suffix(".bin").write_bytes(before["net.bin"])  # of another export
    with pytest.raises(ArtefactError, match=r"net\.bin .* is not the file that it was written wi"):
        runtimes.load(net)
    net.unlink()
    with pytest.raises(ValueError, match=r"net\.bin' is there and was not written by this package"):
        export.to_openvino(model, net, images=picture())
    assert net.with_suffix(".bin").read_bytes() == before["net.bin"] and not net.exists()


def test_a_missed_gate_of_the_default_arithmetic_is_a_warning(report):
    second = report.verifications[1]
    one = second.differences[0]
    failed = type(one)(one.case, one.max_error, 12.0, None, "'logits' has 12.0 dB")
    line = type(second)(second.runtime, (failed,), decides=False, declared=second.declared).warning
    assert line.endswith(f"on {one.case}, 'logits' has 12.0 dB. Ask the runtime for float32")


def test_without_openvino(model, tmp_path, monkeypatch):
    monkeypatch.setitem(_load._MODULES, "openvino", "a_module_that_nobody_has")
    folder = tmp_path / "out"
    with pytest.raises(ModuleNotFoundError, match=r"Target 'openvino' needs .*pip install"):
        export.export(model, folder, ["onnx", "openvino"], picture())
    assert not folder.exists()


def test_a_wrong_suffix(model, tmp_path):
    with pytest.raises(ValueError, match=r"`path` must end in \.xml\. Received"):
        export.to_openvino(model, tmp_path / "net.onnx", images=picture())


def test_forms_are_chosen_by_times_in_openvino(tmp_path, monkeypatch):
    """Here the last form of each block is the fastest, and the whole model untuned."""
    monkeypatch.setenv("KERAS_UPSAMPLE_CACHE", str(tmp_path / "cache"))
    opened = []

    def call(path, target):
        opened.append((path.suffix, target.runtime))
        return runtimes.load(path, runtime=target.runtime, trust=True)

    def times(runs, seconds):
        assert all(run.runtime.startswith("OpenVINO") for run in runs.values())
        forms = ["tuned", "untuned"] if "untuned" in runs else list(runs)
        return {form: 1 / (1 + number) for number, form in enumerate(forms)}

    monkeypatch.setattr(_meters, "call_on_noise", call)
    monkeypatch.setattr(_meters, "interleaved_minima", times)
    image = keras.Input((12, 10, 3), name="image")
    up = keras.layers.UpSampling2D(2)(keras.layers.Conv2D(4, 3, padding="same")(image))
    net = distinctive(keras.Model(image, keras.layers.Conv2D(4, 3, padding="same")(up)))
    lowered = ku.lowering.lower(net, "openvino", tune=True)
    (entry,) = [entry for entry in lowered.applied if entry.measured is not None]
    assert entry.form != KEEP and entry.measured >= 2
    (cached,) = (tmp_path / "cache" / "tuning").iterdir()
    assert cached.name.startswith("openvino_openvino20")
    assert len(opened) >= 2 and set(opened) == {(".xml", "openvino")}
    report = export.to_openvino(net, tmp_path / "net.xml", images=picture(12, 10), tune=True)
    assert any("whole model" in line and "untuned" in line for line in report.lowering)
    assert report.verifications[0].passed and set(report.sha256) == {"net.xml", "net.bin"}
    x = noise(1, 12, 10, 3)
    (found,) = runtimes.load(tmp_path / "net.xml")({"image": x}).values()
    np.testing.assert_allclose(found, np.asarray(net(x)), atol=1e-4)
