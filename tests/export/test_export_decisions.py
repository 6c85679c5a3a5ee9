"""Where rounding decides between equal pixels: what passes, and that a wrong artefact does not."""

import keras
import numpy as np
import pytest
from exporting import noise, write

from keras_upsample import export, layers, zoo
from keras_upsample.errors import VerificationError
from keras_upsample.export import TARGETS, Gate, _artefact
from keras_upsample.export._compare import Difference, difference
from keras_upsample.export._reference import Reference
from keras_upsample.export._verify import _with_best
from keras_upsample.program._program import program_of
from keras_upsample.program._signature import signature_of
from keras_upsample.targets import where_rounding_decides

STRICT = TARGETS["onnx"].gate
SIZE = 96


def net():
    """Pooling of the image itself, so that ties are where the image has them."""
    image = keras.Input((SIZE, SIZE, 3), name="image")
    y, indices = layers.MaxPoolingWithIndices2D(2)(image)
    y = layers.MaxUnpooling2D(2)([y, indices])
    return keras.Model(image, keras.layers.Conv2D(2, 3, padding="same", name="out")(y))


def picture(ties: int):
    """Noise with `ties` windows whose first row holds the maximum twice."""
    x = noise(SIZE, SIZE, 3)
    for k in range(ties):
        x[20 * k : 20 * k + 2, 10:12] = [[[0.5]] * 2, [[0.1]] * 2]
    return x


@pytest.fixture
def the_last_of_equal_values(monkeypatch):
    """A converter whose pooling breaks ties the other way, as another rounding would."""
    from keras_upsample.layers import _max_pooling_with_indices as module

    convert, pool = _artefact.convert, module.pool

    def turned(x, *arguments, **options):
        y, indices = pool(x[:, :, ::-1], *arguments, **options)
        indices = keras.ops.where(indices % 2 == 0, indices + 1, indices - 1)
        return y[:, :, ::-1], indices[:, :, ::-1]

    def other(*arguments):
        with monkeypatch.context() as patch:
            patch.setattr(module, "pool", turned)
            return convert(*arguments)

    monkeypatch.setattr(_artefact, "convert", other)


@pytest.mark.usefixtures("the_last_of_equal_values")
def test_a_tie_that_is_broken_otherwise_is_no_fault(tmp_path):
    model, images = net(), [picture(ties=2)]
    path = write(model, tmp_path, "onnx", images=images)
    found = export.verify(model, path, images)
    assert found.passed and found.max_error > 0.05
    assert 0.99 < found.within < 1
    assert "of the elements within the gate" in str(found)
    with pytest.raises(VerificationError, match="off by"):
        export.verify(model, path, images, gate=STRICT)


@pytest.mark.usefixtures("the_last_of_equal_values")
def test_many_of_them_are(tmp_path):
    """A constant image ties everywhere."""
    flat = np.full((SIZE, SIZE, 3), 0.5, "float32")
    with pytest.raises(VerificationError, match=r"of the elements keep that, 50% must|30 dB"):
        write(net(), tmp_path, "onnx", images=[flat])
    assert not list(tmp_path.iterdir())


def test_a_wrong_artefact_is_refused_all_the_same(tmp_path, monkeypatch):
    convert, model = _artefact.convert, net()

    def wrong(program, *arguments):
        kernel = program.model.get_layer("out").kernel
        right = np.array(kernel)
        kernel.assign(right + 1e-3)
        try:
            return convert(program, *arguments)
        finally:
            kernel.assign(right)

    monkeypatch.setattr(_artefact, "convert", wrong)
    with pytest.raises(VerificationError, match=r"allowed 5e-05; .* keep that, 50% must"):
        write(model, tmp_path, "onnx", images=[picture(ties=0)])


def test_the_gate_judges_by_share_and_by_noise():
    gate = where_rounding_decides(STRICT)
    assert (gate.max_error, gate.min_within, gate.min_snr_db) == (5e-5, 0.5, 30.0)
    dynamic = TARGETS["tflite_dynamic"].gate
    assert where_rounding_decides(dynamic) == dynamic
    assert where_rounding_decides(Gate(1e-2, min_snr_db=40.0)).min_snr_db == 40
    expected = {"y": np.random.default_rng(1).random(1000)}

    def judged(count: int, error: float) -> str:
        actual = expected["y"].copy()
        actual[:count] += error
        return difference("case", {"y": actual}, expected, gate).failure

    assert judged(500, 1e-3) == ""
    assert "49.9% of the elements keep that, 50% must" in judged(501, 1e-3)
    assert judged(10, 0.05) == ""
    assert "at least 30 dB are needed" in judged(10, 0.5)


def test_one_case_must_be_nearly_whole():
    gate = where_rounding_decides(STRICT)
    cases = [Difference(name, 0.1, 50.0, None, within=w) for name, w in (("a", 0.6), ("b", 0.94))]
    assert "95% must be in one" in _with_best(cases, gate)[1].failure
    assert not _with_best(cases, gate)[0].failure
    whole = [*cases, Difference("c", 0.0, 50.0, None, within=0.95)]
    assert _with_best(whole, gate) == tuple(whole)
    assert _with_best(cases, STRICT) == tuple(cases)


def test_it_is_for_models_that_remember_maxima_only():
    def gate_of(model):
        return Reference(program_of(model, signature_of(model))).gate(STRICT)

    assert gate_of(zoo.unet(filters=(2, 3))) == STRICT
    assert gate_of(zoo.unet(filters=(2, 3), upsample="max_unpooling")).min_within == 0.5
    inner = net()
    outer = keras.Sequential([keras.Input((SIZE, SIZE, 3)), inner])
    assert gate_of(outer).min_within == 0.5  # layers inside of layers
