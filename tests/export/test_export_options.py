"""One set of options for `export`, `to_*` and the command line."""

from dataclasses import MISSING, fields
from typing import get_type_hints

import keras
import numpy as np
import pytest
from ai_edge_litert.interpreter import Interpreter

import keras_upsample as ku
from keras_upsample._cli.options import FileChoice
from keras_upsample.export import Options, export, to_onnx, to_saved_model, to_tflite
from keras_upsample.export._options import Chosen, choose_options

NAMES = {field.name for field in fields(Options)}
IMAGES = [np.random.default_rng(3).random((12, 16, 3), "float32")]
REAL = np.random.default_rng(4).random((8, 12, 16, 3), "float32")


@pytest.fixture(scope="module")
def model():
    keras.utils.set_random_seed(0)
    x = keras.Input((12, 16, 3), name="image")
    y = keras.layers.Conv2D(4, 3, padding="same", activation="relu", name="inner")(x)
    return keras.Model(x, keras.layers.Conv2D(2, 1, name="scores")(y), name="net")


def test_the_same_names_everywhere():
    assert set(get_type_hints(Chosen)) == NAMES
    on_the_command_line = {field.name for field in fields(FileChoice)}
    # Metadata come from --class-names and from files.
    assert on_the_command_line - {"tune_seconds"} == NAMES - {"metadata"}
    assert FileChoice(tune_seconds=20.0).arguments()["tune"] == 20.0


def test_the_command_line_has_the_same_defaults():
    wanted = {f.name: f.default for f in fields(Options)}
    for field in fields(FileChoice):
        assert field.default is not MISSING
        if field.default is not None:
            assert field.default == wanted[field.name], field.name
    assert FileChoice().arguments() == {
        field.name: field.default for field in fields(FileChoice) if field.default is not None
    }


def test_keywords_go_before_options(model, tmp_path):
    options = Options(layout="nchw", opset=15)
    report = to_onnx(model, tmp_path / "m.onnx", images=IMAGES, options=options, opset=16)
    assert report.inputs == {"image": (None, 3, 12, 16)}
    import onnx

    opsets = onnx.load(tmp_path / "m.onnx").opset_import
    assert [o.version for o in opsets if o.domain in ("", "ai.onnx")] == [16]
    assert options == Options(layout="nchw", opset=15)


def test_options_reach_the_targets_that_have_them(model, tmp_path):
    """Among several, each takes its own."""
    names = ["tflite", "tflite_int8", "onnx", "onnx_int8"]
    report = export(
        model,
        tmp_path,
        names,
        IMAGES,
        representative_data=REAL,
        keep_float=["scores"],
        layout="nchw",
        weight_bits=8,
        batch_size=1,
    )
    by_target = {artefact.target: artefact for artefact in report.artefacts}
    assert set(by_target) == set(names)
    assert by_target["onnx"].inputs == {"image": (1, 3, 12, 16)}
    assert by_target["tflite"].inputs == {"image": (1, 12, 16, 3)}
    operators = by_target["tflite_int8"].operators
    assert operators["QUANTIZE"] and operators["DEQUANTIZE"]  # of the layer that stays in float


def test_integer_io_in_a_set(model, tmp_path):
    report = export(
        model,
        tmp_path,
        ["tflite", "tflite_int8"],
        IMAGES,
        representative_data=REAL,
        integer_io=True,
    )
    interpreters = [Interpreter(artefact.path) for artefact in report.artefacts]
    dtypes = [each.get_input_details()[0]["dtype"] for each in interpreters]
    assert dtypes == [np.float32, np.int8]


@pytest.mark.parametrize(
    ("targets", "chosen", "allowed"),
    [
        (["tflite"], {"opset": 15}, "onnx, onnx_float16, onnx_int8"),
        (["tflite", "saved_model"], {"layout": "nchw"}, "onnx, onnx_float16, onnx_int8"),
        (["onnx"], {"allow_flex": True}, "tflite, tflite_float16"),
        (["tflite", "onnx_int8"], {"integer_io": True}, "tflite_int8, tflite_int16x8"),
        (["tflite", "ethos_u55_128"], {"keep_float": ["scores"]}, "tflite_int8, onnx_int8"),
        (["tflite_int8"], {"weight_bits": 8}, "onnx_int8"),
    ],
    ids=str,
)
def test_an_option_that_no_target_has(model, tmp_path, targets, chosen, allowed):
    (name,) = chosen
    with pytest.raises(ValueError, match=rf"`{name}` is for .*, the targets {allowed}"):
        export(model, tmp_path / "out", targets, IMAGES, representative_data=REAL, **chosen)
    assert not (tmp_path / "out").exists()


def test_bad_options(model, tmp_path):
    for write in (to_tflite, to_onnx, to_saved_model, export):
        with pytest.raises(TypeError, match=r"no option 'input_shap'. Did you mean 'input_shape'"):
            write(model, tmp_path / "m", input_shap=(1, 2, 3))
        with pytest.raises(TypeError, match=r"`options` must be an `Options`. Received: \{"):
            write(model, tmp_path / "m", options={"opset": 15})
    with pytest.raises(TypeError, match="`keep_float` must be a list of names"):
        Options(keep_float="scores")
    with pytest.raises(ValueError, match="`tune` must be"):
        ku.export.Options(tune=-1)
    assert not list(tmp_path.iterdir())


def test_a_list_of_layers_is_kept_as_it_was_given():
    names = ["a"]
    options = choose_options(None, {"keep_float": names})
    names.append("b")
    assert options.keep_float == ("a",)
