"""A narrow LinkNet on a narrow ResNet-18 in PyTorch: weights, an image, features and scores.

python tests/vectors/make_torch_linknet.py       # writes torch_linknet.npz beside it; needs torch

The module names are those of the layers in `zoo.linknet`. Written from the two papers' figures; the
paddings are PyTorch's usual ones, and the odd pixel of a 3x3 transposed convolution is cut at the
top and the left (padding 1, output padding 1).
"""

from pathlib import Path

import numpy as np
import torch
from torch import nn

FILTERS = (4, 6, 8, 12)
CLASSES, BETWEEN = 3, 32


class LinkNet(nn.Module):
    def __init__(self):
        super().__init__()
        self.layers = nn.ModuleDict()

    def conv(self, x, name, filters, size, stride=1, relu=True):
        if f"{name}_conv" not in self.layers:
            self.layers[f"{name}_conv"] = nn.Conv2d(
                x.shape[1], filters, size, stride, size // 2, bias=False
            )
        return self.norm(self.layers[f"{name}_conv"](x), name, relu)

    def norm(self, x, name, relu=True):
        if f"{name}_bn" not in self.layers:
            self.layers[f"{name}_bn"] = nn.BatchNorm2d(x.shape[1])
        x = self.layers[f"{name}_bn"](x)
        return torch.relu(x) if relu else x

    def up(self, x, name, filters, size=3):
        if name not in self.layers:
            more = {"padding": 1, "output_padding": 1} if size == 3 else {}
            self.layers[name] = nn.ConvTranspose2d(x.shape[1], filters, size, 2, **more)
        return self.layers[name](x)

    def forward(self, x):
        stem = self.conv(x, "encoder_stem", FILTERS[0], 7, 2)
        x = nn.functional.max_pool2d(stem, 3, 2, 1)
        entering, features = [x], [stem]
        for stage, width in enumerate(FILTERS, start=1):
            for block in (1, 2):
                stride = 2 if stage > 1 and block == 1 else 1
                name = f"encoder_stage{stage}_block{block}"
                y = self.conv(x, f"{name}_1", width, 3, stride)
                y = self.conv(y, f"{name}_2", width, 3, relu=False)
                if stride == 2:
                    x = self.conv(x, f"{name}_shortcut", width, 1, 2, relu=False)
                x = torch.relu(x + y)
            entering.append(x)
            features.append(x)
        for block in (4, 3, 2, 1):
            name, link = f"decoder_block{block}", entering[block - 1]
            inner = x.shape[1] // 4
            x = self.conv(x, f"{name}_reduce", inner, 1)
            if block == 1:
                x = self.conv(x, f"{name}_keep", inner, 3)
            else:
                x = self.norm(self.up(x, f"{name}_upsample", inner), f"{name}_upsample")
            x = self.conv(x, f"{name}_expand", link.shape[1], 1) + link
        x = self.norm(self.up(x, "head_upsample1", BETWEEN), "head_upsample1")
        x = self.conv(x, "head_between", BETWEEN, 3)
        return self.up(x, "head_upsample2", CLASSES, 2), features


def main():
    torch.manual_seed(11)
    model, x = LinkNet(), torch.rand(2, 3, 32, 64)
    with torch.no_grad():
        model(x)  # makes the layers
        model.eval()
        for layer in model.layers.values():
            if isinstance(layer, nn.BatchNorm2d):
                layer.weight.uniform_(0.7, 1.3)
                layer.bias.uniform_(-0.2, 0.4)
                layer.running_mean.uniform_(-0.2, 0.2)
                layer.running_var.uniform_(0.01, 0.8)
        scores, features = model(x)
    arrays = {"image": x, "scores": scores}
    arrays |= {f"features_{2 ** (i + 1)}": y for i, y in enumerate(features)}
    arrays = {name: y.numpy().transpose(0, 2, 3, 1) for name, y in arrays.items()}
    for name, layer in model.layers.items():
        if isinstance(layer, nn.BatchNorm2d):
            values = (layer.weight, layer.bias, layer.running_mean, layer.running_var)
        else:
            values = (layer.weight.permute(2, 3, 1, 0), layer.bias)
        for i, value in enumerate(v for v in values if v is not None):
            arrays[f"layer {name} {i}"] = value.detach().numpy()
    np.savez_compressed(Path(__file__).with_name("torch_linknet.npz"), **arrays)


if __name__ == "__main__":
    main()
