"""Makes the ONNX files of this folder, with PyTorch's outputs: tiny modules with seeded weights.

    pip install torch onnx onnxscript          (an environment of its own; made with torch 2.13)
    python tests/interchange/files/make.py

Each NAME.onnx has a NAME.npz with x and y; NAME ends in __dyn for PyTorch's newer exporter. The
modules are written for these tests.
"""

import contextlib
import io
import warnings
from pathlib import Path

import numpy as np
import onnx
import torch
import torch.nn.functional as F
from torch import nn

FOLDER = Path(__file__).parent


class MultiHead(nn.Module):
    """`nn.MultiheadAttention` over the pixels of an image."""

    def __init__(self, first=True):
        super().__init__()
        self.stem = nn.Conv2d(3, 12, 2, 2)
        self.attn = nn.MultiheadAttention(12, 3, batch_first=first)
        self.first = first

    def forward(self, x):
        x = self.stem(x)
        tokens = x.flatten(2).transpose(1, 2) if self.first else x.flatten(2).permute(2, 0, 1)
        y, _ = self.attn(tokens, tokens, tokens, need_weights=False)
        y = y.transpose(1, 2) if self.first else y.permute(1, 2, 0)
        return x + y.reshape(x.shape)


class Block(nn.Module):
    """Of a vision transformer: one projection, `scaled_dot_product_attention`, a GELU."""

    def __init__(self, width, heads, gelu="none"):
        super().__init__()
        self.norm1, self.norm2 = nn.LayerNorm(width), nn.LayerNorm(width)
        self.qkv, self.proj = nn.Linear(width, 3 * width), nn.Linear(width, width)
        self.fc1, self.act = nn.Linear(width, 2 * width), nn.GELU(gelu)
        self.fc2, self.heads = nn.Linear(2 * width, width), heads

    def forward(self, x):
        n, tokens, width = x.shape
        qkv = self.qkv(self.norm1(x)).reshape(n, tokens, 3, self.heads, -1).permute(2, 0, 3, 1, 4)
        y = F.scaled_dot_product_attention(*qkv.unbind(0))
        x = x + self.proj(y.transpose(1, 2).reshape(n, tokens, width))
        return x + self.fc2(self.act(self.fc1(self.norm2(x))))


class Transformer(nn.Module):
    """Patches, a class token, positions, two blocks, and the tokens as an image again."""

    def __init__(self):
        super().__init__()
        self.patches = nn.Conv2d(3, 12, 4, 4)
        self.cls_token = nn.Parameter(torch.randn(1, 1, 12))
        self.pos_embed = nn.Parameter(torch.randn(1, 21, 12))
        self.blocks = nn.Sequential(Block(12, 3), Block(12, 2, "tanh"))

    def forward(self, x):
        x = self.patches(x)
        tokens = x.flatten(2).transpose(1, 2)
        tokens = torch.cat([self.cls_token.expand(x.shape[0], -1, -1), tokens], 1) + self.pos_embed
        y = self.blocks(tokens)[:, 1:]
        return y.transpose(1, 2).reshape(x.shape)


class Windows(nn.Module):
    """Two blocks of windowed attention, the second shifted and masked, with a table of relative
    positions each."""

    def __init__(self, width=8, heads=2, size=2, rows=4, columns=6):
        super().__init__()
        self.stem = nn.Conv2d(3, width, 2, 2)
        self.qkv = nn.ModuleList([nn.Linear(width, 3 * width) for _ in range(2)])
        self.proj = nn.ModuleList([nn.Linear(width, width) for _ in range(2)])
        self.table = nn.ParameterList([torch.randn((2 * size - 1) ** 2, heads) for _ in range(2)])
        place = torch.stack(torch.meshgrid(torch.arange(size), torch.arange(size), indexing="ij"))
        place = place.flatten(1)
        apart = place[:, :, None] - place[:, None, :] + size - 1
        self.register_buffer("places", apart[0] * (2 * size - 1) + apart[1])
        self.heads, self.size = heads, size
        region = torch.zeros(1, rows, columns, 1)
        region[:, -1:] += 1
        region[:, :, -1:] += 2
        region = self.split(region).squeeze(-1)
        self.register_buffer("mask", (region[:, None] != region[:, :, None]).float() * -100)

    def split(self, x):
        n, h, w, c = x.shape
        s = self.size
        return x.view(n, h // s, s, w // s, s, c).transpose(2, 3).reshape(-1, s * s, c)

    def forward(self, x):
        x = self.stem(x).permute(0, 2, 3, 1)
        for place in range(2):
            shift = place * (self.size // 2)
            y = self.attend(torch.roll(x, (-shift, -shift), (1, 2)), place, shift)
            x = x + torch.roll(y, (shift, shift), (1, 2))
        return x.permute(0, 3, 1, 2)

    def attend(self, x, place, shift):
        n, h, w, c = x.shape
        s, heads = self.size, self.heads
        tokens = self.split(x)
        m = tokens.shape[0]
        q, k, v = self.qkv[place](tokens).reshape(m, s * s, 3, heads, -1).permute(2, 0, 3, 1, 4)
        scores = (q * (c // heads) ** -0.5) @ k.transpose(-2, -1)
        bias = self.table[place][self.places.flatten()].view(s * s, s * s, heads)
        scores = scores + bias.permute(2, 0, 1).unsqueeze(0)
        if shift:
            scores = scores.view(n, -1, heads, s * s, s * s) + self.mask[None, :, None]
            scores = scores.view(m, heads, s * s, s * s)
        y = (scores.softmax(-1) @ v).transpose(1, 2).reshape(m, s * s, c)
        y = self.proj[place](y)
        y = y.view(n, h // s, w // s, s, s, c).transpose(2, 3)
        return y.reshape(n, h, w, c)


class Reduction(nn.Module):
    """SegFormer's attention: keys and values of a smaller image, a depthwise convolution between
    two dense layers."""

    def __init__(self, width=12, heads=3):
        super().__init__()
        self.stem = nn.Conv2d(3, width, 3, 2, 1)
        self.q, self.kv, self.proj = (nn.Linear(width, n) for n in (width, 2 * width, width))
        self.sr, self.norm = nn.Conv2d(width, width, 2, 2), nn.LayerNorm(width)
        self.fc1, self.fc2 = nn.Linear(width, 24), nn.Linear(24, width)
        self.dw = nn.Conv2d(24, 24, 3, 1, 1, groups=24)
        self.heads = heads

    def forward(self, image):
        image = self.stem(image)
        n, c, h, w = image.shape
        x = image.flatten(2).transpose(1, 2)
        q = self.q(x).reshape(n, h * w, self.heads, -1).permute(0, 2, 1, 3)
        few = self.sr(x.transpose(1, 2).reshape(n, c, h, w)).reshape(n, c, -1).transpose(1, 2)
        kv = self.kv(self.norm(few)).reshape(n, -1, 2, self.heads, c // self.heads)
        k, v = kv.permute(2, 0, 3, 1, 4)
        scores = (q @ k.transpose(-2, -1)) * (c // self.heads) ** -0.5
        y = (scores.softmax(-1) @ v).transpose(1, 2).reshape(n, h * w, c)
        x = x + self.proj(y)
        z = self.fc1(x).transpose(1, 2).view(n, -1, h, w)
        z = F.gelu(self.dw(z).flatten(2).transpose(1, 2))
        return (x + self.fc2(z)).transpose(1, 2).reshape(n, c, h, w)


class ChannelNorm(nn.Module):
    """LayerNorm of the channels of an image, written out."""

    def __init__(self, width):
        super().__init__()
        self.weight, self.bias = (nn.Parameter(torch.rand(width) + 0.5) for _ in range(2))

    def forward(self, x):
        mean = x.mean(1, keepdim=True)
        variance = (x - mean).pow(2).mean(1, keepdim=True)
        x = (x - mean) / torch.sqrt(variance + 1e-6)
        return self.weight[:, None, None] * x + self.bias[:, None, None]


class Norms(nn.Module):
    """The normalizations and activations, in a row."""

    def __init__(self):
        super().__init__()
        self.stem, self.group, self.first = (
            nn.Conv2d(3, 12, 3),
            nn.GroupNorm(3, 12),
            ChannelNorm(12),
        )
        self.batch, self.layer, self.instance = (
            nn.BatchNorm2d(12),
            nn.LayerNorm(12),
            nn.InstanceNorm2d(12, affine=True),
        )
        self.gamma = nn.Parameter(torch.rand(12))
        self.acts = nn.Sequential(nn.GELU(), nn.SiLU(), nn.Hardswish(), nn.GELU("tanh"), nn.Mish())

    def forward(self, x):
        x = F.silu(self.group(self.stem(x)))
        x = F.hardswish(self.first(x))
        x = F.gelu(self.layer(x.permute(0, 2, 3, 1)), approximate="tanh") * self.gamma
        x = self.instance(x.permute(0, 3, 1, 2))
        return self.acts(self.batch(F.relu(x)))


def randomise(model, seed):
    """Normalizations are no identities; biases of attention are no zeros."""
    torch.manual_seed(seed)
    for module in model.modules():
        if getattr(module, "running_var", None) is not None:
            module.running_mean.normal_()
            module.running_var.uniform_(0.5, 2)
    for parameter in model.parameters():
        if parameter.ndim == 1:
            parameter.data.add_(torch.randn(parameter.shape) * 0.3)
    return model.eval()


def save(name, model, shape, opset=18, dynamo=False, **options):
    """NAME.onnx and NAME.npz."""
    with torch.no_grad():
        x = torch.rand(shape)
        y = model(x)
        if dynamo:
            options |= {"external_data": False}
        with contextlib.redirect_stdout(io.StringIO()), warnings.catch_warnings():
            warnings.simplefilter("ignore")
            torch.onnx.export(
                model,
                (x,),
                str(FOLDER / f"{name}.onnx"),
                input_names=["x"],
                output_names=["y"],
                opset_version=opset,
                dynamo=dynamo,
                **options,
            )
    clean(FOLDER / f"{name}.onnx")
    np.savez_compressed(FOLDER / f"{name}.npz", x=x.numpy(), y=y.numpy())


def clean(path):
    """Without paths of the machine and stack traces; the modules' names stay."""
    file = onnx.load(path)
    for node in (*file.graph.node, *file.graph.value_info, *file.graph.input, *file.graph.output):
        kept = [item for item in node.metadata_props if item.key.endswith("name_scopes")]
        del node.metadata_props[:]
        node.metadata_props.extend(kept)
        node.doc_string = ""
    del file.graph.metadata_props[:]
    file.graph.doc_string = ""
    onnx.save(file, path)


def main():
    """All files."""
    for seed, (name, make, shape) in enumerate(
        (
            ("multi_head", MultiHead, (1, 3, 6, 10)),
            ("multi_head_tokens_first", lambda: MultiHead(False), (1, 3, 6, 10)),
            ("transformer", Transformer, (1, 3, 16, 20)),
            ("windows", Windows, (1, 3, 8, 12)),
            ("reduction", Reduction, (1, 3, 16, 12)),
            ("norms", Norms, (1, 3, 9, 8)),
        )
    ):
        for dynamo in (False, True):
            torch.manual_seed(seed)
            save(name + "__dyn" * dynamo, randomise(make(), seed), shape, dynamo=dynamo)
    for opset in (11, 13, 16):
        torch.manual_seed(7)
        keep = {"training": torch.onnx.TrainingMode.PRESERVE, "do_constant_folding": False}
        save(f"norms_opset{opset}", randomise(Norms(), 7), (1, 3, 9, 8), opset, **keep)
    torch.manual_seed(8)
    save("norms_opset20__dyn", randomise(Norms(), 8), (1, 3, 9, 8), 20, dynamo=True)
    torch.manual_seed(9)
    save("transformer_opset14", randomise(Transformer(), 9), (1, 3, 16, 20), 14)


if __name__ == "__main__":
    main()
