"""Profiles: forms by the times of blocks of like sizes, without a measurement."""

import json
import math
from dataclasses import replace

import keras
import numpy as np
import pytest

from keras_upsample import export
from keras_upsample.lowering import _profiles, _tune, lower
from keras_upsample.lowering._profile import FARTHEST, read_profile, shipped
from keras_upsample.lowering._profiles import profile_for
from keras_upsample.targets import TARGETS

RULE = "minimal_filtering"
KIND = "convolution 3x3 {}->{} at {}x{}"
FORM = "4 by 6"


@pytest.fixture(autouse=True)
def no_variable(monkeypatch):
    """As a user has it, where the tests ask for the same forms on every machine."""
    monkeypatch.delenv("KERAS_UPSAMPLE_PROFILE", raising=False)


def profile_file(path, blocks, **about):
    about = {
        "target": "onnx", "runtime": "ONNX Runtime 1", "instructions": ["AVX2"], "threads": 2,
        "date": "2026-11-30", **about,
    }  # fmt: skip
    keys = {f"{RULE} | {KIND} | {sizes} | 1x8x8x8 | {FORM}": t for sizes, t in blocks.items()}
    path.write_text(json.dumps({"about": about, "blocks": keys}))
    return path


def convolution(channels=64, filters=64, size=(32, 48), seed=0):
    keras.utils.set_random_seed(seed)
    image = keras.Input((*size, channels))
    return keras.Model(image, keras.layers.Conv2D(filters, 3, padding="same", name="c")(image))


def proposed(model):
    """The proposals of the target `onnx` for a model."""
    from keras_upsample.lowering._lower import rewrite
    from keras_upsample.program._program import program_of
    from keras_upsample.program._signature import signature_to_run

    found = []

    def choose(proposal, graph):
        found.append(proposal)
        return "as it is", None

    rewrite(program_of(model, signature_to_run(model)), TARGETS["onnx"], choose)
    return [each for each in found if each.rule == RULE]


def test_gains_are_interpolated_between_the_nearest_blocks(tmp_path):
    blocks = {
        "64 64 32 32": {"as it is": 2.0, FORM: 1.0},
        "64 64 32 64": {"as it is": 4.0, FORM: 4.0},
        "64 64 256 256": {"as it is": 1.0, FORM: 9.0},  # too far away
    }
    profile = read_profile(profile_file(tmp_path / "p.json", blocks))
    (proposal,) = proposed(convolution())  # 32 x 48 pixels
    near, far = math.log2(48 / 32), math.log2(64 / 48)
    weights = [1 / (d**2 + 0.01) for d in (near, far)]
    expected = weights[0] * math.log(2) / sum(weights)
    (estimate,) = profile.estimates(proposal).values()
    assert estimate.gain == pytest.approx(expected)
    spread = math.sqrt(
        (weights[0] * (math.log(2) - expected) ** 2 + weights[1] * expected**2) / sum(weights)
    )
    assert estimate.doubt == pytest.approx(spread + 0.03 * far)
    assert profile.decided(proposal)[0] == FORM
    (wide,) = proposed(convolution(size=(32 * 16, 48 * 16)))
    assert math.dist((5, 5.585), (9, 9.585)) > FARTHEST
    assert profile.decided(wide) is None


@pytest.mark.parametrize(("took", "form"), [(0.5, FORM), (0.98, "as it is"), (3.0, "as it is")])
def test_a_model_takes_the_forms_of_the_profile(took, form, tmp_path):
    path = profile_file(tmp_path / "p.json", {"64 64 32 32": {"as it is": 1.0, FORM: took}})
    model = convolution()
    lowered = lower(model, "onnx", profile=str(path))
    (entry,) = (each for each in lowered.applied if each.rule == RULE)
    assert entry.form == form and entry.measured is None
    (said,) = (each for each in lowered.applied if each.rule == "profile")
    assert said.form == "p" and "ONNX Runtime 1" in said.gain and "2 threads" in said.gain
    x = np.random.default_rng(0).random((2, 32, 48, 64), "float32")
    np.testing.assert_allclose(lowered.model(x), model(x), atol=1e-5)


def test_without_a_measurement_and_always_the_same(tmp_path, monkeypatch):
    def measure(*_, **__):
        raise AssertionError("something was measured")

    monkeypatch.setattr(_tune.Tuner, "_measure", measure)
    path = profile_file(tmp_path / "p.json", {"64 64 32 32": {"as it is": 1.0, FORM: 0.5}})
    both = [lower(convolution(seed=s), "onnx", profile=str(path)).applied for s in (0, 1)]
    assert [e.form for e in both[0]] == [e.form for e in both[1]]
    model = convolution()
    assert lower(model, "onnx").applied == lower(model, "onnx").applied


def test_an_export_names_its_profile(tmp_path):
    path = profile_file(tmp_path / "p.json", {"64 64 32 32": {"as it is": 1.0, FORM: 0.5}})
    report = export.to_onnx(convolution(), tmp_path / "m.onnx", profile=str(path))
    assert report.verifications[0].passed
    assert any(line.startswith("profile: ") and "AVX2" in line for line in report.lowering)


def test_the_host_gets_the_profile_of_its_instructions_and_threads(tmp_path, monkeypatch):
    from keras_upsample.lowering import _tuning_cache
    from keras_upsample.runtimes import _runner

    monkeypatch.setattr(_tuning_cache, "instructions", lambda: ("AVX2", "AVX-512"))
    monkeypatch.setattr(_runner, "cpu_threads", lambda: 8)
    fits = read_profile(profile_file(tmp_path / "p.json", {}, instructions=["AVX2", "AVX-512"],
                                     threads=8))  # fmt: skip
    others = {
        "a": replace(fits, name="a", threads=2),
        "b": replace(fits, name="b", instructions=("AVX2",)),
        "c": replace(fits, name="c", target="tflite"),
    }
    monkeypatch.setattr(_profiles, "shipped", lambda: {**others, "p": fits})
    chosen, why = profile_for(TARGETS["onnx"], None)
    assert chosen is fits and "like this one" in why
    assert profile_for(TARGETS["tflite"], None) == (None, "")
    monkeypatch.setattr(_profiles, "shipped", lambda: others)
    chosen, why = profile_for(TARGETS["onnx"], None)
    assert chosen is None and "no profile fits this machine (AVX2, AVX-512, 8 threads)" in why
    lines = [str(entry) for entry in lower(convolution(), "onnx").applied]
    assert any("by table: no profile fits" in line for line in lines)


def test_profiles_that_are_not_there(tmp_path):
    with pytest.raises(
        ValueError, match=r"`profile` may be 'host', 'portable', 'table'.*'hots'.*'host'"
    ):
        export.Options(profile="hots")
    (tmp_path / "p.json").write_text("{}")
    for content in ("", "{}", '{"about": {}, "blocks": 1}'):
        (tmp_path / "p.json").write_text(content)
        with pytest.raises(ValueError, match="is no profile"):
            lower(convolution(), "onnx", profile=str(tmp_path / "p.json"))
    of_another = profile_file(tmp_path / "q.json", {}, target="tflite")
    with pytest.raises(ValueError, match="is of the target 'tflite', not of 'onnx'"):
        lower(convolution(), "onnx", profile=str(of_another))


def test_tuning_measures_what_the_profile_is_not_sure_of(tmp_path, monkeypatch):
    monkeypatch.setenv("KERAS_UPSAMPLE_CACHE", str(tmp_path / "cache"))
    measured = []

    def measure(self, proposal, graph):
        forms = self._profile.hopeful(proposal)
        measured.append((str(proposal.block), forms))
        return {"as it is": 1.0, **dict.fromkeys(forms, 0.25)}

    monkeypatch.setattr(_tune.Tuner, "_measure", measure)
    blocks = {
        "64 64 32 48": {"as it is": 1.0, FORM: 0.5},  # like the model's, and surely faster
        "64 64 512 512": {"as it is": 1.0, FORM: 0.5},
        "64 65 512 512": {"as it is": 1.0, FORM: 1.5},  # so that nothing is sure there
    }
    path = str(profile_file(tmp_path / "p.json", blocks))
    for size, expected in (((32, 48), None), ((512, 512), 4.0), ((8, 8), 4.0)):
        lowered = lower(convolution(size=size), "onnx", tune=True, profile=path)
        (entry,) = (each for each in lowered.applied if each.rule == RULE)
        assert (entry.form, entry.measured) == (FORM, expected)
    assert [text for text, _ in measured] == [
        f"convolution 3x3 64->64 at {n}x{n}" for n in (512, 8)
    ]  # the second is far from all of the profile's


def test_forms_without_hope_are_not_measured(tmp_path):
    blocks = {"64 64 32 32": {"as it is": 1.0, FORM: 3.0}}
    profile = read_profile(profile_file(tmp_path / "p.json", blocks))
    (near,), (far,) = (proposed(convolution(size=(n, n))) for n in (32, 512))
    assert profile.sure(near) and profile.hopeful(near) == []
    assert not profile.sure(far) and profile.hopeful(far) == [FORM]


def on_its_machine(monkeypatch, profile):
    """A machine that the profile fits."""
    from keras_upsample.lowering import _tuning_cache
    from keras_upsample.runtimes import _runner

    monkeypatch.setattr(_tuning_cache, "instructions", lambda: profile.instructions)
    monkeypatch.setattr(_runner, "cpu_threads", lambda: profile.threads)


@pytest.mark.parametrize("name", sorted(shipped()))
def test_the_profiles_of_the_package(name, monkeypatch, tmp_path):
    """Each decides by default on its kind of machine, measures nothing, and the file is right."""

    def measure(*_, **__):
        raise AssertionError("something was measured")

    profile = shipped()[name]
    on_its_machine(monkeypatch, profile)
    least = 300 if name.startswith("portable_") else 500  # the portable one has two rules' blocks
    assert len([row for rows in profile.gains.values() for row in rows]) > least
    monkeypatch.setattr(_tune.Tuner, "_measure", measure)
    model = convolution(128, 128, (64, 64))
    of_the_target = TARGETS[profile.target].profile == "host" or name.startswith("portable_")
    asked = None if of_the_target else "host"
    applied = lower(model, profile.target, profile=asked).applied
    assert applied == lower(model, profile.target, profile=asked).applied
    (said,) = (each for each in applied if each.rule == "profile")
    assert said.form == name
    (form,) = (each.form for each in applied if each.rule == RULE)
    assert form != "as it is"
    if profile.target == "onnx":
        report = export.to_onnx(model, tmp_path / "m.onnx")
        assert report.verifications[0].passed and name in str(report)
        assert report.operators.get("Conv", 0) != 1
        plain = export.to_onnx(model, tmp_path / "n.onnx", profile="portable")
        assert plain.operators["Conv"] == 1 and name not in str(plain)
    if name == "portable_tflite":
        report = export.to_tflite(model, tmp_path / "m.tflite")
        assert report.verifications[0].passed
        assert f"{name} (" in report.profile and 'profile="table"' in report.profile
        plain = export.to_tflite(model, tmp_path / "n.tflite", profile="table")
        assert plain.operators == {"CONV_2D": 1} and not plain.profile
        assert plain.file_size < report.file_size


def test_the_table_alone_where_a_profile_is_for_any_machine(monkeypatch, tmp_path):
    path = tmp_path / "portable_onnx.json"
    profile_file(path, {"64 64 32 32": {"as it is": 1.0, FORM: 0.5}}, instructions=[])
    profile = read_profile(path)
    monkeypatch.setattr(_profiles, "shipped", lambda: {"portable_onnx": profile})
    found, why = profile_for(TARGETS["onnx"], "portable")
    assert found is profile and "for any machine: portable_onnx" in why
    assert profile_for(TARGETS["onnx"], "table") == (None, "")


def test_what_goes_to_other_machines_has_portable_forms(monkeypatch, tmp_path):
    import onnx

    on_its_machine(monkeypatch, next(p for p in shipped().values() if p.target == "onnx"))
    model = convolution(128, 128, (64, 64))
    counts = []
    for number, chosen in enumerate(({}, {"profile": "host"})):
        place = tmp_path / str(number)
        export.package(model, place, "triton", name="net", **chosen)
        (path,) = place.rglob("*.onnx")
        counts.append([node.op_type for node in onnx.load(path).graph.node].count("Conv"))
    assert counts[0] == 1 != counts[1]


def test_the_variable_gives_the_same_forms_on_every_machine(monkeypatch, tmp_path):
    path = profile_file(tmp_path / "p.json", {"64 64 32 32": {"as it is": 1.0, FORM: 0.5}})
    profile = read_profile(path)
    monkeypatch.setattr(_profiles, "shipped", lambda: {"p": profile})
    on_its_machine(monkeypatch, profile)
    assert profile_for(TARGETS["onnx"], None)[0] is profile
    for word in ("portable", "table"):
        monkeypatch.setenv("KERAS_UPSAMPLE_PROFILE", word)
        assert profile_for(TARGETS["onnx"], None) == (None, "")
        assert profile_for(TARGETS["onnx"], None, tuned=True) == (None, "")
    assert profile_for(TARGETS["onnx"], "host")[0] is profile  # as asked
    monkeypatch.setenv("KERAS_UPSAMPLE_PROFILE", "fast")
    with pytest.raises(ValueError, match=r"KERAS_UPSAMPLE_PROFILE may be .*'fast'"):
        profile_for(TARGETS["onnx"], None)
