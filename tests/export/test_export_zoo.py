"""Our models: every upsampler in every format, with the operators that the targets promise."""

from itertools import product

import numpy as np
import pytest
from exporting import FORMATS, assert_same, distinctive, noise, picture, write

import keras_upsample as ku
from keras_upsample import runtimes
from keras_upsample.zoo._upsamplers import UPSAMPLERS

formats = pytest.mark.parametrize("kind", FORMATS)
FUSIONS = ("concat", "add", "attention", "scse")
FIVE = ("transposed_conv", "nearest", "bilinear", "bicubic", "pixel_shuffle")
# The others are fast one by one in the parity tests, and slow here.
upsamplers = pytest.mark.parametrize(
    "upsample",
    [name if name in FIVE else pytest.param(name, marks=pytest.mark.slow) for name in UPSAMPLERS],
)


def unet(upsample="transposed_conv", fusion="concat", **options):
    return ku.zoo.unet(filters=(4, 8, 8), upsample=upsample, fusion=fusion, dropout=0.3, **options)


def check(model, tmp_path, kind):
    """Open sizes stay open where the format has them, and the answers are the model's there."""
    path = write(distinctive(model), tmp_path, kind)
    shapes = [(1, 32, 32, 3)]
    if kind != "tflite":
        shapes += [(2, 20, 28, 3), (1, 7, 33, 3)]
    runner = runtimes.load(path)
    for shape in shapes:
        x = noise(*shape)
        assert_same(runner, {"image": x}, {"logits": model(x)})
    return runner


# XNNPACK has no GATHER, PADV2 (zeros are PAD), EQUAL, SELECT_V2 or REDUCE_MIN.
PARTITIONS = {"dysample": 3, "freq_fusion": 5, "max_unpooling": 3}


@upsamplers
@formats
def test_unet(upsample, kind, tmp_path):
    runner = check(unet(upsample), tmp_path, kind)
    found = set(runner.operator_counts())
    if kind == "tflite":
        assert runner.delegate_partitions() == PARTITIONS.get(upsample, 1)
        assert not found & {"SHAPE", "PACK", "TILE", "EXPAND_DIMS"}
    if kind == "onnx":
        assert not found & {"Tile", "BatchNormalization"}


PLAIN = {"Conv", "Relu", "MaxPool", "Concat", "Transpose"}
UPSAMPLING = {
    "transposed_conv": {"ConvTranspose"},
    "nearest": {"Resize"},
    "bilinear": {"Resize"},
    "bicubic": {"MatMul", "Reshape"},
    "pixel_shuffle": {"DepthToSpace"},
    "pixel_shuffle_blur": {"DepthToSpace", "Slice"},
    "lanczos": {"MatMul", "Reshape"},
    "area": {"Resize"},
    "carafe": {"Add", "DepthToSpace", "MatMul", "Pad", "Reshape", "Slice", "Softmax"},
    "dysample": {
        "Add", "Cast", "DepthToSpace", "Floor", "Gather", "Max", "Min", "Mul", "Reshape", "Slice",
        "Sub",
    },
    "joint_bilateral": {
        "Add", "AveragePool", "DepthToSpace", "MatMul", "Max", "Mul", "Pad", "ReduceMax",
        "ReduceSum", "Reshape", "Slice", "Softmax", "Sub",
    },
    "sapa": {
        "Add", "DepthToSpace", "MatMul", "Mul", "Pad", "Reciprocal", "ReduceMean", "Reshape",
        "Sigmoid", "Slice", "Softmax", "Sqrt", "Sub",
    },
    "fade": {
        "Add", "DepthToSpace", "MatMul", "Mul", "Pad", "Reshape", "Resize", "Sigmoid", "Slice",
        "Softmax", "Sub",
    },
    "freq_fusion": {
        "Add", "Cast", "DepthToSpace", "Floor", "Gather", "MatMul", "Max", "Min", "Mul",
        "Pad", "Reciprocal", "ReduceMean", "Reshape", "Sigmoid", "Slice", "Softmax", "Sqrt", "Sub",
    },
    "max_unpooling": {
        "Add", "Cast", "DepthToSpace", "Equal", "Mul", "Not", "ReduceMin", "Reshape", "Slice",
    },
}  # fmt: skip


@upsamplers
def test_at_a_fixed_size_onnx_holds_nothing_but_the_net(upsample, tmp_path):
    path = write(unet(upsample), tmp_path, "onnx", input_shape=(16, 24, 3), batch_size=1)
    found = runtimes.load(path).operator_counts()
    assert set(found) == PLAIN | UPSAMPLING[upsample], found


@pytest.mark.slow
@pytest.mark.parametrize("upsample", UPSAMPLERS)
@pytest.mark.parametrize("kind", ["tflite", "onnx"])
def test_every_upsampler_tuned(upsample, kind, tmp_path):
    """With channels enough for every rule; whatever is measured to be faster is verified."""
    model = distinctive(ku.zoo.unet((32, 48, 3), filters=(32, 64), upsample=upsample))
    report = getattr(ku.export, f"to_{kind}")(
        model, tmp_path / f"m.{kind}", images=picture(32, 48), tune=True
    )
    assert any("(measured" in line for line in report.lowering)
    assert report.verifications[0].passed


@pytest.mark.parametrize("fusion", FUSIONS[1:])
@pytest.mark.parametrize("kind", ["tflite", "onnx"])
def test_fusion(fusion, kind, tmp_path):
    runner = check(unet("nearest", fusion), tmp_path, kind)
    if kind == "tflite":
        assert runner.delegate_partitions() == 1


@pytest.mark.slow
@pytest.mark.parametrize("upsample, fusion", list(product(FIVE, FUSIONS)))
@formats
def test_every_upsampler_with_every_fusion(upsample, fusion, kind, tmp_path):
    check(unet(upsample, fusion), tmp_path, kind)


@formats
def test_valid_padding(kind, tmp_path):
    model = distinctive(ku.zoo.unet((28, 28, 3), filters=(4, 8), padding="valid"))
    path = write(model, tmp_path, kind)
    x = noise(1, 28, 28, 3)
    assert_same(path, {"image": x}, {"logits": model(x)})


def fcn(name, **options):
    return getattr(ku.zoo, name)(classes=3, fc_width=8, **options)


def check_fcn(model, tmp_path, kind, of_range=5e-5):
    shape = (1, 48, 40, 3)
    path = write(model, tmp_path, kind, input_shape=shape[1:])
    x = noise(*shape)
    assert_same(path, {"image": x}, {"logits": model(x)}, of_range)


def test_fcn8s(tmp_path):
    model = fcn("fcn8s")
    for kind in FORMATS:
        check_fcn(model, tmp_path, kind)


@pytest.mark.slow
@pytest.mark.parametrize("upsample", [name for name in UPSAMPLERS if name != "transposed_conv"])
def test_fcn_with_another_upsampler(upsample, tmp_path):
    model = fcn("fcn8s", upsample=upsample)
    for kind in FORMATS:
        check_fcn(model, tmp_path, kind)


@pytest.mark.slow
@pytest.mark.parametrize("geometry", ["same", "caffe"])
@pytest.mark.parametrize("deconvolution", ["fixed", "learned"])
@pytest.mark.parametrize("name", ["fcn32s", "fcn16s", "fcn8s"])
def test_fcn(name, geometry, deconvolution, tmp_path):
    model = fcn(name, geometry=geometry, deconvolution=deconvolution)
    for kind in FORMATS:
        check_fcn(model, tmp_path, kind)


@pytest.mark.slow
@pytest.mark.parametrize("encoder", ["mobilenet_v2", "efficientnet_b0", "resnet50"])
def test_encoders(encoder, tmp_path):
    model = ku.zoo.unet(encoder=encoder, filters=(4, 8, 8, 8, 8))
    for kind in FORMATS:
        path = write(model, tmp_path, kind, input_shape=(64, 64, 3), images=picture(64, 64))
        x = noise(1, 64, 64, 3)
        assert_same(path, {"image": x}, {"logits": np.asarray(model(x))})


# What a resize by repeating, or a size that the graph computes, leaves behind.
PLAIN_FORMS = {"SHAPE", "PACK", "TILE", "EXPAND_DIMS"}
SMALL = {
    "unet_plus_plus": {"filters": (3, 4, 5), "deep_supervision": True},
    "segnet": {"filters": (2, 3, 4, 5, 6)},
    "linknet": {"filters": (8, 8, 12, 16)},
    "fpn": {"encoder": "mobilenet_v2", "pyramid_width": 8, "head_width": 8},
    "deeplab_v3_plus": {"encoder": "mobilenet_v2", "width": 8, "low_level_width": 4},
    "pspnet": {"encoder": "mobilenet_v2", "width": 8},
    "bisenet_v2": {
        "detail_filters": (4, 4, 8),
        "semantic_filters": (4, 4, 4, 8),
        "head_width": 8,
    },
}


def check_architecture(name, tmp_path, kind, **options):
    """Open sizes stay open where the format has them; TFLite is one delegate partition."""
    model = getattr(ku.zoo, name)(**{**SMALL[name], "dropout": 0.1, **options})
    path = write(model, tmp_path, kind, images=picture(64, 64))
    runner = runtimes.load(path)
    for shape in [(1, 32, 32, 3)] if kind == "tflite" else [(1, 64, 32, 3), (2, 33, 70, 3)]:
        x = noise(*shape)
        outputs = model(x)
        outputs = outputs if isinstance(outputs, list) else [outputs]
        assert_same(runner, {"image": x}, dict(zip(model.output_names, outputs, strict=True)))
    if kind == "tflite":
        assert not set(runner.operator_counts()) & PLAIN_FORMS
    return runner


@pytest.mark.parametrize("name", ["unet_plus_plus", "segnet"])
@pytest.mark.parametrize("kind", ["tflite", "onnx"])
def test_architectures(name, kind, tmp_path):
    check_architecture(name, tmp_path, kind)


@pytest.mark.slow
@pytest.mark.parametrize("name", SMALL)
@formats
def test_every_architecture(name, kind, tmp_path):
    runner = check_architecture(name, tmp_path, kind)
    if kind == "tflite":
        # SegNet pools with indices five times, by EQUAL and REDUCE_MIN, which XNNPACK lacks.
        assert runner.delegate_partitions() == (6 if name == "segnet" else 1)


@pytest.mark.slow
@pytest.mark.parametrize("name", SMALL)
@pytest.mark.parametrize("upsample", UPSAMPLERS)
def test_every_upsampler_of_every_architecture(name, upsample, tmp_path):
    options = {"upsample": upsample}
    if name == "fpn":
        options["head_upsample"] = upsample
    check_architecture(name, tmp_path, "tflite", **options)
    check_architecture(name, tmp_path, "onnx", **options)
