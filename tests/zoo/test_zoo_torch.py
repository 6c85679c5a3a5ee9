"""The decoders compute what PyTorch's do: files of segmentation_models.pytorch, and nets written
from the papers in PyTorch (tests/vectors/make_decoder_files.py)."""

import keras
import pytest
import torch_weights

from keras_upsample import zoo
from keras_upsample.zoo import _mix_transformer, _vit

LARGEST = 1e-5
ENCODER = {f"encoder_stage{i}": f"encoder.stages.{i - 1}" for i in range(1, 6)}
WIDTHS = (4, 6, 8, 10, 12)


@pytest.fixture
def stages(narrow_encoder):
    """2x2 convolutions of stride 2; an atrous encoder's last keeps the size."""

    def encode(image, *_, atrous=False, **__):
        features, x = {}, image
        for i, width in enumerate(WIDTHS, start=1):
            size = 1 if atrous and i == 5 else 2
            layer = keras.layers.Conv2D(
                width, size, strides=size, activation="relu", name=f"encoder_stage{i}"
            )
            features[2**i] = x = layer(x)
        return features

    narrow_encoder(encode)


def manet_places():
    places = {f"decoder_pab_{ours}": f"decoder.center.{theirs}_conv" for ours, theirs in
              (("a", "center"), ("b", "top"), ("v", "bottom"), ("out", "out"))}  # fmt: skip
    for block, stride in enumerate((16, 8, 4, 2, 1)):
        ours, theirs = f"decoder_stage{stride}", f"decoder.blocks.{block}"
        for i in (1, 2):
            places[f"{ours}_{i}"] = f"{theirs}.conv{i}"
            places[f"{ours}_project{i}"] = f"{theirs}.hl_conv.{i - 1}"
        for which, smp in (("coarse", "hl"), ("skip", "ll")):
            places[f"{ours}_{which}_squeeze"] = f"{theirs}.SE_{smp}.1"
            places[f"{ours}_{which}_excite"] = f"{theirs}.SE_{smp}.3"
    return places


def pan_places(output_stride):
    places = {
        "decoder_fpa_image": "decoder.fpa.branch1",
        "decoder_fpa_middle": "decoder.fpa.mid",
        "decoder_fpa_level1": "decoder.fpa.conv1",
        "decoder_fpa_level2": "decoder.fpa.conv2",
        "decoder_fpa_level3": "decoder.fpa.down3.2",
        "decoder_fpa_down1": "decoder.fpa.down1",
        "decoder_fpa_down2": "decoder.fpa.down2",
        "decoder_fpa_down3": "decoder.fpa.down3.1",
    }
    for stride, gau in ((16, 3), (8, 2), (4, 1)):
        places[f"decoder_gau{stride}_weights"] = f"decoder.gau{gau}.conv1"
        places[f"decoder_gau{stride}_skip"] = f"decoder.gau{gau}.conv2"
    return places


def upernet_places():
    places = {f"decoder_bins{b}": f"decoder.psp.blocks.{i}" for i, b in enumerate((1, 2, 3, 6))}
    places |= {"decoder_bins_fuse": "decoder.psp.out_conv", "decoder_fuse": "decoder.fusion_block"}
    for i, stride in enumerate((4, 8, 16, 32)):
        places[f"decoder_norm{stride}"] = f"decoder.feature_norms.{i}"
    for i, stride in enumerate((16, 8, 4)):
        places[f"decoder_level{stride}"] = f"decoder.fpn_conv_blocks.{i}"
        places[f"decoder_level{stride}_lateral"] = f"decoder.fpn_lateral_blocks.{i}"
    return places


def pspnet_places():
    places = {f"decoder_bins{b}": f"decoder.psp.blocks.{i}" for i, b in enumerate((1, 2, 3, 6))}
    return {**places, "decoder_fuse": "decoder.conv"}


def segformer_places():
    stages = enumerate((32, 16, 8, 4, 2))
    places = {f"decoder_c{stride}": f"decoder.mlp_stage.{i}" for i, stride in stages}
    return {**places, "decoder_fuse": "decoder.fuse_stage"}


CORNERS = {"coordinates": "align_corners"}
FILES = {
    "pspnet": ("pspnet", {"width": 9, **CORNERS}, pspnet_places()),
    "pan_16": ("pan", {"width": 7, **CORNERS}, pan_places(16)),
    "pan_32": ("pan", {"width": 7, "output_stride": 32, **CORNERS}, pan_places(32)),
    "manet": (
        "manet",
        {"filters": (5, 6, 7, 8, 10), "attention_width": 5, "torch_reshape": True},
        manet_places(),
    ),
    "upernet": ("upernet", {"width": 7, **CORNERS}, upernet_places()),
    "segformer": (
        "segformer",
        {"width": 7, "encoder": "resnet50", "strides": (2, 4, 8, 16, 32), **CORNERS},
        segformer_places(),
    ),
}


def check(build, name, fill):
    """At a known size, and at an open one, where the graph computes what are constants else."""
    stored = torch_weights.read(name)
    model = build((*map(int, stored["size"]), 3))
    fill(model, stored)
    assert torch_weights.error(model, stored) < LARGEST
    again = torch_weights.copy(model, build((None, None, 3)))
    assert torch_weights.error(again, stored) < LARGEST


QUICK = [name for name in FILES if name != "pan_32"]


@pytest.mark.parametrize("name", [*QUICK, pytest.param("pan_32", marks=pytest.mark.slow)])
@pytest.mark.usefixtures("stages")
def test_decoders_of_segmentation_models_pytorch(name, monkeypatch):
    builder, options, places = FILES[name]
    if name == "manet":
        monkeypatch.setattr("keras_upsample.zoo._manet._REDUCTION", 4)
    path = torch_weights.FOLDER / f"{name}.onnx"
    places = {**ENCODER, "head": "head", **places}
    check(
        lambda shape: getattr(zoo, builder)(shape, **options),
        name,
        lambda model, _: torch_weights.fill_from_onnx(model, path, places),
    )


def mix_places():
    places = {
        "decoder_fuse_conv": "decoder.fuse_stage.0",
        "decoder_fuse_bn": "decoder.fuse_stage.1",
        "head_conv": "head.0",
    }
    for i, stride in enumerate((32, 16, 8, 4)):
        places[f"decoder_c{stride}"] = f"decoder.mlp_stage.{i}.linear"
    for stage, blocks in enumerate((1, 2, 1, 1), start=1):
        ours = f"encoder_stage{stage}"
        places[f"{ours}_patches"] = f"encoder.patch_embed{stage}.proj"
        places[f"{ours}_patches_norm"] = f"encoder.patch_embed{stage}.norm"
        places[f"{ours}_norm"] = f"encoder.norm{stage}"
        for block in range(blocks):
            here, there = f"{ours}_block{block + 1}", f"encoder.block{stage}.{block}"
            attention = f"{there}.attn"
            places |= {
                f"{here}_norm1": f"{there}.norm1",
                f"{here}_norm2": f"{there}.norm2",
                f"{here}_reduce": f"{attention}.sr",
                f"{here}_reduce_norm": f"{attention}.norm",
                f"{here}_attention": (f"{attention}.q", f"{attention}.kv", f"{attention}.proj"),
                f"{here}_widen": f"{there}.mlp.fc1",
                f"{here}_depthwise": f"{there}.mlp.dwconv.dwconv",
                f"{here}_narrow": f"{there}.mlp.fc2",
            }
    return places


def test_mix_transformer_of_segmentation_models_pytorch(monkeypatch):
    narrow = _mix_transformer.Mix((8, 12, 18, 16), (1, 2, 1, 1), heads=(1, 2, 3, 4))
    monkeypatch.setitem(_mix_transformer.MIXES, "mit_b0", narrow)
    check(
        lambda shape: zoo.segformer(shape, width=7, **CORNERS),
        "mix_transformer",
        lambda model, stored: torch_weights.fill_from_state(model, stored, mix_places()),
    )


def dpt_places(readout):
    places = {
        "encoder_patches": "encoder.patch_embed.proj",
        "encoder_positions": "encoder",
        "head_conv": "head.head.0",
        "head_bn": "head.head.1",
        "head_scores": "head.head.4",
    }
    for block in range(4):
        here, there = f"encoder_block{block + 1}", f"encoder.blocks.{block}"
        places |= {
            f"{here}_norm1": f"{there}.norm1",
            f"{here}_norm2": f"{there}.norm2",
            f"{here}_attention": (f"{there}.attn.qkv", f"{there}.attn.proj"),
            f"{here}_widen": f"{there}.mlp.fc1",
            f"{here}_narrow": f"{there}.mlp.fc2",
        }
    for i, stride in enumerate((4, 8, 16, 32)):
        here = f"decoder_map{stride}"
        places[f"{here}_project"] = f"decoder.reassemble_blocks.{i}.project_to_out_channel"
        places[f"{here}_resample"] = f"decoder.reassemble_blocks.{i}.upsample"
        places[f"{here}_conv"] = f"decoder.reassemble_blocks.{i}.project_to_feature_dim"
        read_out = f"decoder.projection_blocks.{i}.project.0"
        # W [x, c]: the left half of the columns is for tokens, the right one for the class token
        places[f"{here}_readout_project_tokens"] = lambda take, name=read_out: [
            take(f"{name}.weight")[:, :12].T,
            take(f"{name}.bias"),
        ]
        places[f"{here}_readout_project_class"] = lambda take, name=read_out: [
            take(f"{name}.weight")[:, 12:].T
        ]
    for i, stride in enumerate((32, 16, 8, 4)):
        here, there = f"decoder_fuse{stride}", f"decoder.fusion_blocks.{i}"
        places[f"{here}_project"] = f"{there}.project"
        for unit in (1, 2):
            for k in (1, 2):
                block = f"{there}.residual_conv_block{unit}"
                places[f"{here}_unit{unit}_conv{k}"] = f"{block}.conv_{k}"
                places[f"{here}_unit{unit}_{k}_bn"] = f"{block}.batch_norm_{k}"
    return places


@pytest.mark.parametrize(
    "readout, theirs", [("project", "cat"), pytest.param("add", "add", marks=pytest.mark.slow)]
)
def test_dpt_of_segmentation_models_pytorch(readout, theirs, monkeypatch):
    monkeypatch.setitem(_vit.VITS, "vit_tiny", _vit.ViT(12, 4, 3))
    stored = torch_weights.read(f"dpt_{theirs}")
    model = zoo.dpt(
        (*map(int, stored["size"]), 3),
        encoder="vit_tiny",
        readout=readout,
        filters=(6, 7, 8, 9),
        width=10,
        **CORNERS,
    )
    # PyTorch's last normalization of the transformer is behind everything that is read.
    state = {k: v for k, v in stored.items() if not k.startswith("encoder.norm.")}
    torch_weights.fill_from_state(model, state, dpt_places(readout))
    assert torch_weights.error(model, stored) < LARGEST


def bisenet_places():
    places = {}

    def pair(ours, theirs, names=("conv", "bn")):
        places[f"{ours}_{names[0]}"] = f"{theirs}.conv"
        places[f"{ours}_{names[1]}"] = f"{theirs}.bn"

    def depthwise(ours, theirs):
        pair(ours, theirs, ("depthwise", "depthwise_bn"))

    for stage, count in ((1, 2), (2, 3), (3, 3)):
        for i in range(count):
            pair(f"encoder_detail{stage}_{i + 1}", f"detail{stage}.{i}")
    for ours, theirs in ((1, "stem1"), (2, "stem2.0"), (3, "stem2.1"), (4, "stem3")):
        pair(f"encoder_stem_{ours}", theirs)
    for stage, stride, count in ((3, 8, 2), (4, 16, 2), (5, 32, 4)):
        for i in range(count):
            here, there = f"encoder_semantic{stride}_{i + 1}", f"stage{stage}.{i}"
            pair(f"{here}_gather", f"{there}.gather")
            pair(f"{here}_project", f"{there}.project")
            if i:
                depthwise(f"{here}_expand", f"{there}.depthwise")
                continue
            depthwise(f"{here}_expand", f"{there}.depthwise.0")
            depthwise(f"{here}_between", f"{there}.depthwise.1")
            depthwise(f"{here}_shortcut1", f"{there}.shortcut.0")
            pair(f"{here}_shortcut2", f"{there}.shortcut.1")
    places["encoder_context_mean_bn"] = "mean_bn"
    pair("encoder_context_image", "mean")
    pair("encoder_context", "context")
    for ours, theirs in (("detail1", "d1"), ("semantic2", "s2")):
        depthwise(f"decoder_{ours}", f"{theirs}.0")
        places[f"decoder_{ours}_conv"] = f"{theirs}.1.conv"
    pair("decoder_detail2", "d2")
    pair("decoder_semantic1", "s1")
    pair("decoder_fuse", "fuse")
    pair("head", "head")
    return {**places, "head_scores": "scores"}


def test_bisenet_v2_written_in_pytorch():
    filters = {"detail_filters": (4, 5, 6), "semantic_filters": (4, 5, 6, 7), "head_width": 8}
    check(
        lambda shape: zoo.bisenet_v2(shape, **filters),
        "bisenet_v2",
        lambda model, stored: torch_weights.fill_from_state(model, stored, bisenet_places()),
    )
