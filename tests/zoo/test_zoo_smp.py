"""Whole networks of segmentation_models.pytorch on ResNet-18, their own widths: the same output."""

import keras
import numpy as np
import pytest
import test_zoo_torch as decoders
import torch_weights

torch = pytest.importorskip("torch", reason="PyTorch is not installed")
smp = pytest.importorskip("segmentation_models_pytorch", reason="it is not installed")

from keras_upsample import zoo  # noqa: E402

pytestmark = pytest.mark.slow
SIZE = (192, 384)  # 6 and 12 at stride 32: ONNX has adaptive pooling for what 6 divides alone
LARGER = (256, 320)  # PAN pools three times at stride 32
MEAN, STD = (0.485, 0.456, 0.406), (0.229, 0.224, 0.225)
NETS = {
    "pspnet": ("PSPNet", {}, decoders.CORNERS, decoders.pspnet_places()),
    "pan": (
        "PAN",
        {"encoder_output_stride": 32},
        {"output_stride": 32, **decoders.CORNERS},
        decoders.pan_places(32),
    ),
    "manet": ("MAnet", {}, {"torch_reshape": True}, decoders.manet_places()),
    "upernet": ("UPerNet", {}, decoders.CORNERS, decoders.upernet_places()),
    "segformer": (
        "Segformer",
        {},
        {"strides": (2, 4, 8, 16, 32), **decoders.CORNERS},
        decoders.segformer_places(),
    ),
}


def encoder_places():
    places = {"encoder_stem_conv": "encoder.conv1", "encoder_stem_bn": "encoder.bn1"}
    for stage in (1, 2, 3, 4):
        for block in (0, 1):
            ours, theirs = f"encoder_stage{stage}_block{block + 1}", f"encoder.layer{stage}.{block}"
            for i in (1, 2):
                places[f"{ours}_{i}_conv"] = f"{theirs}.conv{i}"
                places[f"{ours}_{i}_bn"] = f"{theirs}.bn{i}"
            places[f"{ours}_shortcut_conv"] = f"{theirs}.downsample.0"
            places[f"{ours}_shortcut_bn"] = f"{theirs}.downsample.1"
    return places


@pytest.mark.parametrize("name", NETS)
def test_the_same_output_at_the_same_weights(name, tmp_path):
    builder, theirs, ours, places = NETS[name]
    torch.manual_seed(5)
    net = getattr(smp, builder)("resnet18", encoder_weights=None, classes=2, **theirs).eval()
    with torch.no_grad():
        for module in net.modules():
            if isinstance(module, torch.nn.BatchNorm2d):
                module.running_mean.uniform_(-0.3, 0.3)
                module.running_var.uniform_(0.5, 1.5)
                module.weight.uniform_(0.5, 1.0)
                module.bias.uniform_(-0.2, 0.3)
        image = torch_weights.image(*(LARGER if name == "pan" else SIZE))
        normal = (image - np.float32(MEAN)) / np.float32(STD)
        x = torch.from_numpy(np.ascontiguousarray(normal.transpose(0, 3, 1, 2)))
        expected = net(x).numpy().transpose(0, 2, 3, 1)
        torch.onnx.export(
            net,
            (x,),
            tmp_path / "net.onnx",
            dynamo=False,
            training=torch.onnx.TrainingMode.PRESERVE,
            do_constant_folding=False,
        )
    model = getattr(zoo, name)(classes=2, encoder="resnet18", padding="torch", **ours)
    table = {**encoder_places(), "head": "segmentation_head", **places}
    torch_weights.fill_from_onnx(model, tmp_path / "net.onnx", table)
    found = keras.ops.convert_to_numpy(model(image, training=False))
    error = np.abs(found - expected).max() / np.ptp(expected)
    print(f"{name}: {error:.1e} of the range; {model.count_params():,} numbers")
    assert error < 1e-5
