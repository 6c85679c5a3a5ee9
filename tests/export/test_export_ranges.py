"""Ranges of 8-bit files: what the tensors really reach."""

from contextlib import nullcontext

import keras
import numpy as np
import pytest
from keras import layers, ops

from keras_upsample import data, export
from keras_upsample.edge._file import read
from keras_upsample.errors import ExportError
from keras_upsample.export import _artefact
from keras_upsample.formats import _tflite_converter
from keras_upsample.layers import MaxPoolingWithIndices2D, MaxUnpooling2D
from keras_upsample.quantization import _narrow_ranges, _ranges

SIZE = (24, 32, 3)


def products() -> keras.Model:
    """Maps of a large range, multiplied by weights between 0 and 1, twice."""
    keras.utils.set_random_seed(1)
    image = keras.Input(SIZE, name="image")
    large = layers.Conv2D(4, 3, padding="same", name="large")(image) * 50.0
    x = layers.Conv2D(4, 3, padding="same", activation="relu", name="small")(image)
    weights = (ops.relu(1 - x), ops.relu(1 - ops.relu(x - 0.25)))
    x = layers.Concatenate()([large * weight for weight in weights])
    return keras.Model(image, layers.Conv2D(3, 1, name="scores")(x))


def pictures() -> list[np.ndarray]:
    return [data.photograph(name, SIZE[:2]) for name in list(data.PHOTOGRAPHS)[:8]]


def steps_of_weights(path: str) -> list[float]:
    """Of the second operands of the products."""
    from ai_edge_litert.interpreter import Interpreter

    interpreter = Interpreter(model_path=path)
    interpreter.allocate_tensors()
    scales = {d["name"]: d["quantization"][0] for d in interpreter.get_tensor_details()}
    found = [op for op in read(path).operators if op.name == "MUL"]
    return [min(scales[each.name] for each in op.inputs) for op in found[-2:]]


@pytest.mark.parametrize("ours", [True, False])
def test_a_weight_keeps_its_own_range(ours, tmp_path, monkeypatch) -> None:
    """The converter alone gives it that of the product. Once it does not, `_ranges` can go."""
    if not ours:
        monkeypatch.setattr(_tflite_converter, "true_ranges", nullcontext)
    monkeypatch.setattr(_artefact, "require", lambda *args: None)  # of a random network
    report = export.to_tflite(
        products(), tmp_path / "m.tflite", precision="int8", images=pictures(), lower=False
    )
    largest = max(steps_of_weights(report.path))
    assert largest < 1.05 / 255 if ours else largest > 10 / 255


def test_ranges_are_those_of_the_model(tmp_path) -> None:
    from tensorflow.lite.python import schema_py_generated as schema

    from keras_upsample.formats._saved_model import write_saved_model
    from keras_upsample.program._signature import signature_of
    from keras_upsample.quantization._calibration import calibration_feeds

    model, signature = products(), signature_of(products()).fixed()
    feeds = calibration_feeds(model, signature, pictures(), None)
    write_saved_model(model, signature, tmp_path / "saved")
    converter = _tflite_converter.converter_of(tmp_path / "saved", "int8", feeds)
    converter._experimental_calibrate_only = True
    content = _ranges.measure_ranges(converter.convert(), feeds)
    graph = schema.Model.GetRootAs(content, 0).Subgraphs(0)
    output = graph.Tensors(graph.Outputs(0)).Quantization()
    answers = [np.asarray(model(feed["image"])) for feed in feeds]
    for wanted, found in ((np.min, output.Min(0)), (np.max, output.Max(0))):
        np.testing.assert_allclose(found, wanted(answers), rtol=1e-4)


def test_the_report_of_a_network_that_compares(tmp_path) -> None:
    """TensorFlow's debugger reads tensors when others have been written over them."""
    keras.utils.set_random_seed(1)
    image = keras.Input(SIZE, name="image")
    skip = layers.Conv2D(8, 3, padding="same", activation="relu", name="pooled")(image)
    x, places = MaxPoolingWithIndices2D(2)(skip)
    x = layers.Conv2D(8, 3, padding="same", activation="relu", name="deep")(x)
    x = layers.Concatenate()([MaxUnpooling2D(2)([x, places]), skip])
    model = keras.Model(image, layers.Conv2D(3, 1, name="scores")(x))
    report = export.quantization_errors(model, representative_data=pictures())
    convolutions = [error for error in report.errors if error.operator == "CONV_2D"]
    assert len(convolutions) == 3
    assert all(error.own > 25 for error in convolutions)


def test_the_calibrator_is_as_before_whatever_happens() -> None:
    from tensorflow.lite.python.optimize.calibrator import Calibrator

    before = Calibrator.calibrate
    with pytest.raises(KeyError), _ranges.true_ranges():
        assert Calibrator.calibrate is not before
        raise KeyError
    assert Calibrator.calibrate is before


def dead_units() -> keras.Model:
    """A gate whose narrow layer is 0 on every image: its range says nothing."""
    keras.utils.set_random_seed(1)
    image = keras.Input(SIZE, name="image")
    x = layers.Conv2D(8, 3, padding="same", activation="relu")(image)
    gate = layers.GlobalAveragePooling2D(keepdims=True)(x)
    gate = layers.Conv2D(2, 1, activation="relu", name="dead")(gate)
    gate = layers.Conv2D(8, 1, activation="sigmoid")(gate)
    model = keras.Model(image, layers.Conv2D(3, 1, name="scores")(x * gate))
    model.get_layer("dead").bias.assign([-100.0, -50.0])
    return model


def small_product() -> keras.Model:
    """A product far smaller than its factors: one is small wherever the other is large."""
    keras.utils.set_random_seed(1)
    image = keras.Input(SIZE, name="image")
    x = layers.Conv2D(8, 3, padding="same", activation="relu")(image)
    dark = layers.Conv2D(8, 3, padding="same", activation="relu", name="dark")(image)
    x = layers.Concatenate()([x, x * dark])
    model = keras.Model(image, layers.Conv2D(3, 1, name="scores")(x))
    layer = model.get_layer("dark")
    layer.kernel.assign(-abs(layer.kernel))
    layer.bias.assign([0.002] * 8)
    return model


@pytest.mark.parametrize("built", [dead_units, small_product])
def test_ranges_that_are_too_narrow_for_the_runtime(built, tmp_path, monkeypatch) -> None:
    """XNNPACK refuses factors of 256 and more. Once it does not, `_narrow_ranges` can go."""
    report = export.to_tflite(built(), tmp_path / "m.tflite", precision="int8")
    assert report.verifications[0].snr_db > 35
    monkeypatch.setattr(_ranges, "widened", lambda content, ends: ends)
    with pytest.raises(ExportError, match="XNNPACK runtime"):
        export.to_tflite(built(), tmp_path / "narrow.tflite", precision="int8")


def test_only_ranges_that_are_too_narrow_are_widened(monkeypatch) -> None:
    steps = {
        "conv": ("CONV_2D", [0, 10, 11], [1]),  # the largest weight is 0.5
        "move": ("RESHAPE", [1], [2]),
        "sum": ("ADD", [3, 4], [5]),
        "product": ("MUL", [6, 7], [8]),
        "fine": ("CONV_2D", [0, 10], [9]),
    }
    operators = [(*step, lambda index: 0.5) for step in steps.values()]
    monkeypatch.setattr(_narrow_ranges, "_operators", lambda content: operators)
    ends = {
        0: (0.0, 255.0),  # a step of 1; times 0.5 / 127 that is 0.0039 a sum
        1: (0.0, 0.0), 2: (0.0, 0.0),
        3: (0.0, 1e-9), 4: (-100.0, 155.0), 5: (-90.0, 165.0),
        6: (0.0, 255.0), 7: (-510.0, 0.0), 8: (-1e-3, 1e-3),
        9: (-1.0, 3.0),
    }  # fmt: skip
    found = _narrow_ranges.widened(b"", ends)
    unit = 0.5 / 127
    assert found[1] == found[2] == (0.0, pytest.approx(255 * unit))
    assert found[3] == (0.0, pytest.approx(255 / 256))
    low, high = found[8]
    assert low == -256 and high - low == pytest.approx(255 * 2)
    assert all(found[i] == ends[i] for i in (0, 4, 5, 6, 7, 9))
