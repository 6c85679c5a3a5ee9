"""Windows of DySample's points, as large as images ask for."""

from pathlib import Path
from typing import Any

import keras
import numpy as np
import pytest
from compare import assert_close
from lowering_checks import photographs

from keras_upsample.errors import ExportError
from keras_upsample.export import Options, export
from keras_upsample.export._prepare import prepare
from keras_upsample.layers import DySample2D
from keras_upsample.ops._lacking import GATHERS, lacking
from keras_upsample.program._program import Program, program_of
from keras_upsample.program._signature import signature_of
from keras_upsample.quantization._windows import learn_windows
from keras_upsample.targets import TARGETS

SIZE = (24, 32, 3)


def model_of(reach: tuple[float, float], **options: Any) -> keras.Model:
    """Points of a pixel move by (dr, dc) pixels, more or less, as its brightness has it."""
    image = keras.Input(SIZE, name="image")
    x = keras.layers.Conv2D(8, 1, name="channels")(image)
    layer = DySample2D(2, groups=2, name="points", **options)
    model = keras.Model(image, layer(x))
    half = layer.offset_kernel.shape[3] // 2
    bias = np.repeat(4 * np.float32(reach), half)
    layer.offset_bias.assign(bias)
    layer.offset_kernel.assign(np.full(layer.offset_kernel.shape, 0.05, "float32"))
    model.get_layer("channels").kernel.assign(np.full((1, 1, 3, 8), 1 / 3, "float32"))
    return model


def at_fixed_sizes(model: keras.Model) -> Program:
    return program_of(model, signature_of(model).fixed())


def found_in(model: keras.Model) -> tuple[Any, Any]:
    program = learn_windows(at_fixed_sizes(model), photographs(size=SIZE))
    assert program.notes[0].layers == ("points",)
    made = program.model
    return made, made.get_layer("points").window


@pytest.mark.parametrize(
    ("reach", "window"),
    [
        ((0.0, 0.0), ((-1, 1), (-1, 1))),  # a quarter either way, from the grid of the upsampling
        ((1.5, -0.9), ((1, 2), (-2, 0))),  # none of the points lies on the other side
        ((3.0, -2.2), ((2, 4), (-3, -1))),
        ((0.0, 9.0), ((-1, 1), (4, 4))),  # no larger
    ],
)
def test_windows_follow_the_points(reach: Any, window: Any) -> None:
    assert found_in(model_of(reach))[1] == window


@pytest.mark.parametrize(
    ("reach", "share"), [((4.0, 0.0), 0.5), ((0.0, 9.0), 1.0), ((-3.0, 0.0), 0.0)], ids=str
)
def test_points_that_no_window_reaches_are_counted(reach: Any, share: float) -> None:
    """Half of the points, those of one row of each block, lie a quarter further than the offset."""
    program = learn_windows(at_fixed_sizes(model_of(reach)), photographs(size=SIZE))
    (note,) = program.notes
    if not share:
        assert not note.loss
        return
    assert f"{share:.1%} of the points lie more than 4 pixels away" in note.loss
    assert note.loss in str(note)


def test_layers_that_lose_points_have_a_note_of_their_own() -> None:
    image = keras.Input(SIZE, name="image")
    near, far = model_of((0.0, 1.0)), model_of((9.0, 0.0))
    far.get_layer("points").name = "far_points"
    model = keras.Model(image, [near(image), far(image)])
    notes = learn_windows(at_fixed_sizes(model), photographs(size=SIZE)).notes
    assert {note.layers: bool(note.loss) for note in notes} == {
        ("points",): False,
        ("far_points",): True,
    }


def test_a_refused_file_says_what_its_form_loses(tmp_path: Path) -> None:
    model = model_of((0.0, 9.0))
    given = [feed["image"][0] for feed in photographs(size=SIZE) * 3]
    with pytest.raises(ExportError, match=r"dB are needed.* form of 'points'.* 100.0% of the") as e:
        export(model, tmp_path, ["ethos_u55_128"], images=given, representative_data=given)
    assert not list(tmp_path.glob("*.tflite")), e


@pytest.mark.parametrize("options", [{}, {"style": "pl"}, {"dynamic_scope": True}], ids=str)
def test_the_function_stays(options: dict[str, Any]) -> None:
    model = model_of((1.3, -0.4), **options)
    made, _ = found_in(model)
    x = photographs(size=SIZE)[2]["image"]
    wanted = np.asarray(model(x))
    assert_close(np.asarray(made(x)), wanted, of_range=1e-5)
    with lacking({GATHERS}):
        given = np.asarray(made(x))
    assert_close(given, wanted, of_range=1e-5)
    assert model.get_layer("points").window == ((-2, 2), (-2, 2))  # the user's own is only read


def test_a_model_without_points_stays() -> None:
    image = keras.Input(SIZE, name="image")
    model = keras.Model(image, keras.layers.ReLU()(image))
    program = at_fixed_sizes(model)
    assert learn_windows(program, photographs(size=SIZE)) is program


def test_an_export_keeps_the_windows() -> None:
    """Through equalisation and rounding, for the targets that have no gathers."""
    model = model_of((0.0, 2.6))
    program = at_fixed_sizes(model)
    given = [feed["image"][0] for feed in photographs(size=SIZE) * 3]
    for name, there in (("ethos_u55_128", True), ("tflite_int16x8", True), ("tflite_int8", False)):
        options = Options(representative_data=given)
        ready = prepare(program, TARGETS[name], None, options)
        told = any(entry.rule == "windows" for entry in ready.program.notes)
        assert told == there
        window = ready.program.model.get_layer("points").window
        assert window == (((-1, 1), (2, 3)) if there else ((-2, 2), (-2, 2)))
