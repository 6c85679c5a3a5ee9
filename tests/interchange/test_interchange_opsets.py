"""Operators whose inputs and attributes changed, in every opset that has another form."""

import keras
import numpy as np
import pytest
from many_nodes import Form, check_forms
from onnx_files import check, file_of, weights, whole

from keras_upsample import interchange

IMAGE = (6, 7, 10)
NORMALIZATION = (weights(6), weights(6), weights(6), weights(6, low=0.5))
TWICE = np.array([1, 1, 2, 2], np.float32)
PADS = [0, 0, 1, 2, 0, 0, 0, 3]


def unsure(kind, constants, **options):
    """ONNX' evaluator has no such version, or leaves out its epsilon; ONNX Runtime decides."""
    return Form(kind, constants, options, reference=False)


SINCE = {
    range(9, 10): [
        unsure("Upsample", (TWICE,), mode="nearest"),
        unsure("Upsample", (TWICE,), mode="linear"),
        unsure("Upsample", (np.array([1, 1, 1.5, 2.3], np.float32),), mode="nearest"),
        unsure("Slice", (), starts=[1, 2], ends=[5, -1], axes=[2, 3]),
        unsure("Slice", (), starts=[0, 1], ends=[2**31 - 1, 4]),
    ],
    range(10, 11): [
        unsure("Resize", (TWICE,), mode="nearest"),
        unsure("Resize", (np.array([1, 1, 0.6, 1.7], np.float32),), mode="nearest"),
        unsure("Resize", (np.array([1, 1, 0.6, 1.7], np.float32),), mode="linear"),
    ],
    range(9, 11): [
        unsure("Clip", (), min=-0.2, max=0.4),
        unsure("Clip", ()),
        unsure("Pad", (), pads=PADS, value=0.5),
        unsure("Pad", (), pads=PADS, mode="reflect"),
    ],
    range(9, 12): [unsure("Dropout", (), ratio=0.3)],
    range(9, 13): [
        unsure("Unsqueeze", (), axes=[2]),
        unsure("ReduceSum", (), axes=[2, 3], keepdims=0),
        unsure("ReduceMean", (), axes=[1]),
        unsure("Softmax", (), axis=1),
        unsure("Softmax", (), axis=2),
        unsure("Softmax", (), axis=3),
        unsure("LogSoftmax", (), axis=2),
    ],
    range(10, 24): [Form("Slice", (whole(1, -1), whole(5, -9), whole(2, 3), whole(1, -2)))],
    range(11, 24): [
        Form("Clip", (np.float32(-0.2), np.float32(0.4))),
        Form("Clip", (None, np.float32(0.4))),
        unsure("Pad", (whole(*PADS),)),
    ],
    range(11, 13): [
        unsure("Resize", (np.array([], np.float32), TWICE), mode="linear"),
        unsure(
            "Resize",
            (np.array([], np.float32), TWICE),
            mode="nearest",
            coordinate_transformation_mode="tf_half_pixel_for_nn",
            nearest_mode="floor",
        ),
    ],
    range(13, 24): [
        unsure("Resize", (None, TWICE), mode="cubic"),
        Form("Unsqueeze", (whole(2, -1),)),
        Form("ReduceSum", (whole(2, 3),), {"keepdims": 0}),
        Form("Softmax", (), {"axis": 2}),
        Form("Dropout", (np.float32(0.3),)),
        Form("Pad", (whole(*PADS), np.float32(0.5))),
    ],
    range(13, 18): [Form("ReduceMean", (), {"axes": [2, 3]})],
    range(18, 24): [
        unsure("Resize", (None, None, whole(9, 4)), mode="linear", axes=[2, 3]),
        unsure(
            "Resize",
            (None, None, whole(9, 4)),
            mode="linear",
            axes=[3, 2],
            keep_aspect_ratio_policy="not_larger",
        ),
        Form("ReduceMean", (whole(-1),), {"keepdims": 0}),
        Form("ReduceL2", (whole(2, 3),), {}),
        Form("Pad", (whole(1, 2, 0, 3), None, whole(2, 3))),
        Form("Reshape", (whole(0, -1, 10),)),
    ],
    range(9, 24): [
        unsure("BatchNormalization", NORMALIZATION, epsilon=1e-3),
        Form("Flatten"),
        Form("Relu"),
        Form("Mul", (weights(6, 1, 1),)),
        Form("MaxPool", (), {"kernel_shape": [2, 2], "strides": [2, 2]}),
    ],
}
"""Opsets -> forms that they have."""

FAST = (9, 10, 11, 13, 18, 23)


def forms_of(opset):
    return [form for span, forms in SINCE.items() if opset in span for form in forms]


@pytest.mark.parametrize("opset", FAST)
def test_opsets(opset, tmp_path):
    check_forms(tmp_path, forms_of(opset), IMAGE, opset)


@pytest.mark.slow
@pytest.mark.parametrize("opset", [opset for opset in range(9, 24) if opset not in FAST])
def test_opsets_between(opset, tmp_path):
    check_forms(tmp_path, forms_of(opset), IMAGE, opset)


@pytest.mark.parametrize(
    "opset, constants, options",
    [
        (9, [], {"split": [2, 4]}),
        (13, [whole(2, 4)], {}),
        (13, [], {}),
        (18, [], {"num_outputs": 2}),
        (18, [whole(5, 1)], {}),
    ],
)
def test_splits(opset, constants, options, tmp_path):
    check(file_of(tmp_path, "Split", constants, opset=opset, more=("z",), axis=1, **options))


@pytest.mark.parametrize(
    "opset, options, constants", [(11, {"axes": [2]}, []), (13, {}, [whole(2)])]
)
def test_squeezes(opset, options, constants, tmp_path):
    path = file_of(tmp_path, "Squeeze", constants, shape=(1, 6, 1, 10), opset=opset, **options)
    check(path)


@pytest.mark.slow
def test_the_export_of_keras_reads_back_equal(tmp_path):
    """It has (N, H, W, C), as its first Transpose shows."""
    keras.utils.set_random_seed(0)
    x = keras.Input((12, 16, 3))
    y = keras.layers.Conv2D(4, 3, strides=2, padding="same", activation="relu")(x)
    y = keras.layers.BatchNormalization()(keras.layers.Conv2DTranspose(4, 2, 2)(y))
    y = keras.layers.UpSampling2D(2, interpolation="bilinear")(y)
    net = keras.Model(x, keras.layers.Softmax()(y))
    net(np.zeros((1, 12, 16, 3), "float32"))
    path = tmp_path / "m.onnx"
    net.export(path, format="onnx", verbose=False)
    model = interchange.from_onnx(path)
    images = weights(2, 12, 16, 3)
    assert model.input_shape == (None, 12, 16, 3)
    np.testing.assert_allclose(model(images), net(images), rtol=0, atol=1e-5)
