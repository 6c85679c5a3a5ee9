"""Writes tests/vectors/decoders/: decoders of PyTorch as ONNX files, with what PyTorch computes.

    pip install torch==2.13.0 segmentation-models-pytorch==0.6.0 onnx      (its own environment)
    python tests/vectors/make_decoder_files.py

Each net is a narrow encoder of strided convolutions under a decoder and head of
segmentation_models.pytorch (MIT), or of the nets at the end of this file, which were written from
the papers. Weights and batch statistics are random. No weights of others are in the files.
"""

import pathlib

import numpy as np
import torch
from segmentation_models_pytorch.base import SegmentationHead
from segmentation_models_pytorch.decoders.dpt.decoder import DPTDecoder, DPTSegmentationHead
from segmentation_models_pytorch.decoders.manet.decoder import MAnetDecoder
from segmentation_models_pytorch.decoders.pan.decoder import PANDecoder
from segmentation_models_pytorch.decoders.pspnet.decoder import PSPDecoder
from segmentation_models_pytorch.decoders.segformer.decoder import SegformerDecoder
from segmentation_models_pytorch.decoders.upernet.decoder import UPerNetDecoder
from segmentation_models_pytorch.encoders.mix_transformer import MixVisionTransformer
from timm.models.vision_transformer import VisionTransformer
from torch import nn
from torch.nn import functional

FOLDER = pathlib.Path(__file__).parent / "decoders"
WIDTHS = (4, 6, 8, 10, 12)
STEP = 3  # of the pixels that are kept of the output


class Stages(nn.Module):
    """A 2x2 convolution of stride 2 and ReLU a stage; `dilated`: the last keeps the size."""

    def __init__(self, depth=5, dilated=False):
        super().__init__()
        before = (3, *WIDTHS)
        self.stages = nn.ModuleList()
        for i in range(depth):
            size = 1 if dilated and i == 4 else 2
            self.stages.append(nn.Conv2d(before[i], before[i + 1], size, stride=size))

    def forward(self, x):
        features = [x]
        for stage in self.stages:
            features.append(functional.relu(stage(features[-1])))
        return features


class Net(nn.Module):
    def __init__(self, encoder, decoder, head):
        super().__init__()
        self.encoder, self.decoder, self.head = encoder, decoder, head

    def forward(self, x):
        return self.head(self.decoder(self.encoder(x)))


class Transformer(Net):
    """MiT has no features at stride 2: SMP's encoder puts an empty map there."""

    def forward(self, x):
        empty = x.new_empty((len(x), 0, x.shape[2] // 2, x.shape[3] // 2))
        normal = (x - MEAN) / STD
        return self.head(self.decoder([x, empty, *self.encoder(normal)]))


MEAN = torch.tensor((0.485, 0.456, 0.406)).view(1, 3, 1, 1)
STD = torch.tensor((0.229, 0.224, 0.225)).view(1, 3, 1, 1)


class Dense(Net):
    def forward(self, x):
        found = self.encoder.forward_intermediates(
            2 * x - 1, indices=4, intermediates_only=True, return_prefix_tokens=True
        )
        return self.head(self.decoder([f for f, _ in found], [c for _, c in found]))


def nets():
    channels = (3, *WIDTHS)
    yield (
        "pspnet",
        (96, 64),
        Net(
            Stages(3),
            PSPDecoder(list(channels[:4]), out_channels=9),
            SegmentationHead(9, 2, 3, None, 8),
        ),
    )
    for stride in (16, 32):
        yield (
            f"pan_{stride}",
            (8 * stride, 10 * stride),
            Net(
                Stages(dilated=stride == 16),
                PANDecoder(channels, 5, 7),
                SegmentationHead(7, 2, 3, None, 4),
            ),
        )
    yield (
        "manet",
        (96, 64),
        Net(
            Stages(),
            MAnetDecoder(channels, (10, 8, 7, 6, 5), reduction=4, pab_channels=5),
            SegmentationHead(5, 2, 3),
        ),
    )
    yield (
        "upernet",
        (96, 160),
        Net(Stages(), UPerNetDecoder(channels, 5, 7), SegmentationHead(7, 2, 1, None, 4)),
    )
    yield (
        "segformer",
        (96, 64),
        Net(Stages(), SegformerDecoder(list(channels), 5, 7), SegmentationHead(7, 2, 1, None, 4)),
    )
    mix = MixVisionTransformer(
        embed_dims=[8, 12, 18, 16],
        num_heads=[1, 2, 3, 4],
        depths=[1, 2, 1, 1],
        qkv_bias=True,
        norm_layer=lambda width: type_of_norm(width),
    )
    yield (
        "mix_transformer",
        (64, 96),
        Transformer(
            mix, SegformerDecoder([3, 0, 8, 12, 18, 16], 5, 7), SegmentationHead(7, 2, 1, None, 4)
        ),
    )
    for readout in ("cat", "add"):
        vit = VisionTransformer(
            img_size=(64, 96), patch_size=16, embed_dim=12, depth=4, num_heads=3, num_classes=0
        )
        yield (
            f"dpt_{readout}",
            (64, 96),
            Dense(
                vit,
                DPTDecoder((12,) * 4, (16,) * 4, True, readout, (6, 7, 8, 9), 10),
                DPTSegmentationHead(10, 2),
            ),
        )
    yield "bisenet_v2", (64, 96), BiSeNetV2()


def type_of_norm(width):
    from segmentation_models_pytorch.encoders.mix_transformer import LayerNorm

    return LayerNorm(width, eps=1e-6)


def randomise(net, seed):
    """Every number of a normalization, and every bias, away from 0 and 1, where it would hide."""
    made = torch.Generator().manual_seed(seed)

    def uniform(like, low, high):
        return torch.rand(like.shape, generator=made) * (high - low) + low

    for module in net.modules():
        if isinstance(module, nn.BatchNorm2d):
            module.running_mean.copy_(uniform(module.running_mean, -0.3, 0.3))
            module.running_var.copy_(uniform(module.running_var, 0.5, 1.5))
        if isinstance(module, (nn.BatchNorm2d, nn.LayerNorm)):
            module.weight.data.copy_(uniform(module.weight, 0.6, 1.4))
        elif getattr(module, "weight", None) is not None:
            fan = module.weight[0].numel()
            module.weight.data.copy_(uniform(module.weight, -1, 1) * (3 / fan) ** 0.5)
        if getattr(module, "bias", None) is not None:
            module.bias.data.copy_(uniform(module.bias, -0.4, 0.6))
    for name in ("cls_token", "pos_embed"):
        if hasattr(getattr(net, "encoder", None), name):
            value = getattr(net.encoder, name)
            value.data.copy_(uniform(value, -1, 1))


def image(height, width, count=1):
    """Numbers in [0, 1) that are the same everywhere: multiples of Knuth's constant."""
    n = np.arange(1, count * 3 * height * width + 1, dtype=np.uint64)
    x = ((n * np.uint64(2654435761)) % np.uint64(2**32)).astype("float64") / 2**32
    return x.reshape(count, 3, height, width).astype("float32")


class Conv(nn.Sequential):
    """Convolution padded as TensorFlow's "same", batch normalization and, unless off, ReLU."""

    def __init__(self, inside, outside, size=3, stride=1, groups=1, relu=True, norm=True):
        super().__init__()
        self.same = (0, 1, 0, 1) if stride == 2 and size == 3 else (size // 2,) * 4
        self.conv = nn.Conv2d(inside, outside, size, stride, groups=groups, bias=False)
        if norm:
            self.bn = nn.BatchNorm2d(outside)
        self.relu = relu

    def forward(self, x):
        x = self.conv(functional.pad(x, self.same))
        x = self.bn(x) if hasattr(self, "bn") else x
        return functional.relu(x) if self.relu else x


class GatherExpand(nn.Module):
    """Figure 5 (b) and (c) of BiSeNet V2's paper."""

    def __init__(self, inside, outside, stride):
        super().__init__()
        wide = 6 * inside
        self.gather = Conv(inside, inside)
        if stride == 1:
            self.depthwise = Conv(inside, wide, groups=inside)
        else:
            self.depthwise = nn.Sequential(
                Conv(inside, wide, stride=2, groups=inside, relu=False),
                Conv(wide, wide, groups=wide),
            )
            self.shortcut = nn.Sequential(
                Conv(inside, inside, stride=2, groups=inside, relu=False),
                Conv(inside, outside, 1, relu=False),
            )
        self.project = Conv(wide, outside, 1, relu=False)

    def forward(self, x):
        y = self.project(self.depthwise(self.gather(x)))
        return functional.relu(y + (self.shortcut(x) if hasattr(self, "shortcut") else x))


class BiSeNetV2(nn.Module):
    """Narrow: details 4, 5, 6, semantics 4, 5, 6, 7 channels, head 8."""

    def __init__(self):
        super().__init__()
        self.detail1 = nn.Sequential(Conv(3, 4, stride=2), Conv(4, 4))
        self.detail2 = nn.Sequential(Conv(4, 5, stride=2), Conv(5, 5), Conv(5, 5))
        self.detail3 = nn.Sequential(Conv(5, 6, stride=2), Conv(6, 6), Conv(6, 6))
        self.stem1 = Conv(3, 4, stride=2)
        self.stem2 = nn.Sequential(Conv(4, 2, 1), Conv(2, 4, stride=2))
        self.stem3 = Conv(8, 4)
        self.stage3 = nn.Sequential(GatherExpand(4, 5, 2), GatherExpand(5, 5, 1))
        self.stage4 = nn.Sequential(GatherExpand(5, 6, 2), GatherExpand(6, 6, 1))
        self.stage5 = nn.Sequential(
            GatherExpand(6, 7, 2), *(GatherExpand(7, 7, 1) for _ in range(3))
        )
        self.mean_bn = nn.BatchNorm2d(7)
        self.mean = Conv(7, 7, 1)
        self.context = Conv(7, 7)
        self.d1 = nn.Sequential(
            Conv(6, 6, groups=6, relu=False), Conv(6, 6, 1, relu=False, norm=False)
        )
        self.d2 = Conv(6, 6, stride=2, relu=False)
        self.s1 = Conv(7, 6, relu=False)
        self.s2 = nn.Sequential(
            Conv(7, 7, groups=7, relu=False), Conv(7, 6, 1, relu=False, norm=False)
        )
        self.fuse = Conv(6, 6, relu=False)
        self.head = Conv(6, 8)
        self.scores = nn.Conv2d(8, 2, 1)

    def forward(self, x):
        def up(y, factor):
            return functional.interpolate(y, scale_factor=factor, mode="bilinear")

        detail = self.detail3(self.detail2(self.detail1(x)))
        stem = self.stem1(x)
        pooled = functional.max_pool2d(functional.pad(stem, (0, 1, 0, 1)), 3, 2)  # after ReLU
        y = self.stem3(torch.cat([self.stem2(stem), pooled], 1))
        y = self.stage5(self.stage4(self.stage3(y)))
        mean = self.mean(self.mean_bn(y.mean((2, 3), keepdim=True)))
        y = self.context(y + mean)
        # The mean over the pixels that are inside of the map.
        d2 = functional.pad(self.d2(detail), (0, 1, 0, 1))
        inside = functional.pad(torch.ones_like(d2[:, :, :-1, :-1]), (0, 1, 0, 1))
        d2 = functional.avg_pool2d(d2, 3, 2) / functional.avg_pool2d(inside, 3, 2)
        fine = self.d1(detail) * torch.sigmoid(up(self.s1(y), 4))
        coarse = d2 * torch.sigmoid(self.s2(y))
        y = self.fuse(fine + up(coarse, 4))
        return up(self.scores(self.head(y)), 8)


def main():
    FOLDER.mkdir(exist_ok=True)
    for seed, (name, size, net) in enumerate(nets()):
        x = torch.from_numpy(image(*size))
        with torch.no_grad():
            randomise(net, seed)
            net.eval()
            y = net(x).numpy()
            # ONNX has no adaptive pooling, so that PyTorch writes it only where 6 divides the size.
            export_size = {"pspnet": (48, 96), "upernet": (192, 192)}.get(name, size)
            by_name = name.startswith(("mix", "dpt", "bisenet"))
            weights = {}
            if by_name:
                weights = {k: v.numpy() for k, v in net.state_dict().items() if v.ndim}
            else:
                torch.onnx.export(
                    net,
                    (torch.from_numpy(image(*export_size)),),
                    FOLDER / f"{name}.onnx",
                    dynamo=False,
                    opset_version=18,
                    training=torch.onnx.TrainingMode.PRESERVE,
                    do_constant_folding=False,
                    input_names=["x"],
                    output_names=["y"],
                )
            np.savez_compressed(
                FOLDER / f"{name}.npz",
                size=size,
                range=np.ptp(y),
                y=y[:, :, ::STEP, ::STEP],
                **weights,
            )
        print(name, y.shape, float(np.ptp(y)), float(y.std()))


if __name__ == "__main__":
    main()
