"""Max pooling that tells integers apart by arithmetic."""

import keras
import numpy as np
from lowering_checks import photographs

from keras_upsample.export import Options
from keras_upsample.export._prepare import prepare
from keras_upsample.layers import MaxPoolingWithIndices2D, MaxUnpooling2D
from keras_upsample.ops._places import SHARPNESS
from keras_upsample.program._program import program_of
from keras_upsample.program._signature import signature_of
from keras_upsample.quantization._sharpness import learn_sharpness
from keras_upsample.targets import TARGETS

SIZE = (24, 32, 3)


def model_of(gain: float) -> keras.Model:
    image = keras.Input(SIZE, name="image")
    x = keras.layers.Conv2D(4, 3, padding="same", name="features")(image)
    y, places = MaxPoolingWithIndices2D(2, name="pool")(x * gain)
    return keras.Model(image, MaxUnpooling2D(2)([y, places]))


def test_half_a_step_of_an_integer_is_a_difference() -> None:
    for gain in (0.1, 20.0):
        model = model_of(gain)
        probe = keras.Model(model.input, model.get_layer("pool").input)
        reach = max(
            float(np.ptp(np.asarray(probe(feed["image"])))) for feed in photographs(size=SIZE)
        )
        program = program_of(model, signature_of(model).fixed())
        learnt = learn_sharpness(program, photographs(size=SIZE), 255)
        assert learnt.notes[0].layers == ("pool",)
        made = learnt.model
        np.testing.assert_allclose(made.get_layer("pool").sharpness, 2 * 255 / reach, rtol=1e-5)
        made = learn_sharpness(program, photographs(size=SIZE), 65535).model
        np.testing.assert_allclose(made.get_layer("pool").sharpness, 2**13 / reach, rtol=1e-5)
        assert model.get_layer("pool").sharpness == SHARPNESS


def test_the_step_is_that_of_all_that_is_rounded_together() -> None:
    image = keras.Input(SIZE, name="image")
    skip = keras.layers.Rescaling(1.0)(image)
    y, places = MaxPoolingWithIndices2D(2, name="pool")(skip)
    strong = keras.layers.Rescaling(-30.0)(MaxUnpooling2D(2)([y, places]))
    model = keras.Model(image, keras.layers.Concatenate()([strong, skip]))
    program = program_of(model, signature_of(model).fixed())
    made = learn_sharpness(program, photographs(size=SIZE), 255).model
    ends = [feed["image"].max() for feed in photographs(size=SIZE)]
    np.testing.assert_allclose(
        made.get_layer("pool").sharpness, 2 * 255 / (31 * max(ends)), rtol=0.01
    )


def test_a_model_without_such_pools_stays() -> None:
    image = keras.Input(SIZE, name="image")
    model = keras.Model(image, keras.layers.MaxPooling2D(2)(image))
    program = program_of(model, signature_of(model).fixed())
    assert learn_sharpness(program, photographs(size=SIZE), 255) is program


def test_an_export_for_a_device_says_so() -> None:
    model = model_of(1.0)
    given = [feed["image"][0] for feed in photographs(size=SIZE) * 2]
    for name, there in (("ethos_u55_128", True), ("tflite_int8", False)):
        program = program_of(model, signature_of(model).fixed())
        ready = prepare(program, TARGETS[name], None, Options(representative_data=given))
        assert any(entry.rule == "maxima" for entry in ready.program.notes) == there
