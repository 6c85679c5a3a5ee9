"""The ONNX file that PyTorch writes of segmentation_models.pytorch's U-Net on MobileNetV2.

python benchmarks/_smp_onnx.py FILE SIZE nearest|bilinear

It needs torch, onnx and segmentation-models-pytorch.
"""

import sys

import segmentation_models_pytorch as smp
import torch

path, size, upsample = sys.argv[1], int(sys.argv[2]), sys.argv[3]
torch.manual_seed(0)
net = smp.Unet(
    "mobilenet_v2", encoder_weights=None, classes=3, decoder_interpolation=upsample
).eval()
example = torch.rand(1, 3, size, size)
torch.onnx.export(net, (example,), path, opset_version=18, dynamo=False)
