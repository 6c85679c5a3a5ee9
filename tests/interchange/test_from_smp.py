"""`from_smp`: checkpoints of segmentation_models.pytorch in the files in which people keep them."""

import json
import pickle
import warnings

import numpy as np
import pytest
from smp_nets import load_smp, seeded

from keras_upsample import metadata
from keras_upsample.errors import ArtefactError
from keras_upsample.interchange import from_smp
from keras_upsample.interchange._checkpoint import read_checkpoint, under

smp = load_smp()

import torch  # noqa: E402

SHAPE = (32, 64, 3)
SMALL = {"encoder_depth": 3, "decoder_channels": (8, 8, 4)}
NAMES = {"architecture": "Unet", "encoder": "resnet18", "input_shape": SHAPE, **SMALL}


@pytest.fixture(scope="module")
def net():
    return seeded("Unet", "resnet18", **SMALL)


def read(weights, **options):
    return from_smp(weights, **{**NAMES, **options})


def assert_same(net, model):
    x = np.random.default_rng(5).normal(size=(2, 3, *SHAPE[:2])).astype("float32")
    with torch.no_grad():
        wanted = net(torch.from_numpy(x)).numpy()
    found = np.moveaxis(model(np.moveaxis(x, 1, -1), training=False), -1, 1)
    np.testing.assert_allclose(found, wanted, atol=1e-5 * np.ptp(wanted), rtol=0)


def save(net, folder, kind):
    """A checkpoint of one kind, and what `from_smp` is told beside it."""
    state = net.state_dict()
    if kind == "safetensors":
        from safetensors.torch import save_file

        save_file(state, folder / "net.safetensors")
        return folder / "net.safetensors"
    if kind == "save_pretrained":
        net.save_pretrained(folder / "net")
        return folder / "net"
    within = {
        "pth": state,
        "training loop": {"model_state_dict": state, "epoch": 3, "loss": 0.5},
        "lightning": {
            "state_dict": {f"model.{name}": value for name, value in state.items()},
            "hyper_parameters": {"arch": "Unet"},
        },
        "parallel": {f"module.{name}": value for name, value in state.items()},
    }
    torch.save(within[kind], folder / "net.pth")
    return folder / "net.pth"


@pytest.mark.parametrize("kind", ["pth", "training loop", "parallel"])
def test_files_of_weights(kind, net, tmp_path):
    found = read_checkpoint(save(net, tmp_path, kind))
    state = under(found.state, ("encoder", "decoder", "segmentation_head"), None)
    assert state.keys() == net.state_dict().keys() and not found.config
    assert all(torch.equal(value, net.state_dict()[name]) for name, value in state.items())


@pytest.mark.parametrize("kind", ["safetensors", "save_pretrained", "lightning"])
def test_checkpoints_become_models(kind, net, tmp_path):
    path = save(net, tmp_path, kind)
    if kind == "save_pretrained":
        model = from_smp(path, input_shape=SHAPE, verify=False)
    else:
        model = read(path, verify=False)
    assert model.name == "unet_resnet18" and model.output_shape == (None, 32, 64, 3)
    assert_same(net, model)


def test_a_state_dict_and_what_the_model_means(net):
    model = read(
        net.state_dict(),
        normalization="imagenet",
        class_names=("sky", "road", "car"),
        activation="softmax2d",
    )
    found = metadata.of(model)
    assert found.task == "segmentation" and found.class_names == ("sky", "road", "car")
    assert found.output.kind == "probabilities" and found.preprocessing == ""
    assert found.input.scaling == metadata.IMAGENET
    assert found.input.channels == ("red", "green", "blue")
    sums = model(np.zeros((1, *SHAPE), "float32")).numpy().sum(-1)
    np.testing.assert_allclose(sums, 1, atol=1e-5)


def test_what_is_unknown_is_said(net):
    found = metadata.of(read(net.state_dict(), verify=False, mode="multilabel"))
    assert found.preprocessing.startswith("unknown: the checkpoint does not say")
    assert found.input.scaling is None and found.output.kind == "logits"
    assert found.task == "multi_label_segmentation"


def test_a_binary_network_of_an_encoder_whose_scaling_is_known():
    encoder = "tu-mobilenetv3_small_050"
    net = seeded("Unet", encoder, classes=1, **SMALL)
    options = {"encoder": encoder, "normalization": "encoder", "class_names": ("ground", "cell")}
    model = read(net.state_dict(), verify=False, **options)
    found = metadata.of(model)
    assert found.input.scaling == metadata.IMAGENET  # timm's facts, beside ours
    assert found.task == "binary_segmentation" and found.class_names == ("ground", "cell")
    assert_same(net, model)


def test_what_else_is_in_a_checkpoint_is_named(net):
    state = {f"model.{name}": value for name, value in net.state_dict().items()}
    state |= {"mean": torch.zeros(3), "std": torch.ones(3)}
    with pytest.warns(UserWarning, match="2 entries that are not the network's masks: mean, std"):
        assert_same(net, read(state, verify=False))
    two = {f"{start}{name}": v for name, v in net.state_dict().items() for start in ("a.", "b.")}
    with pytest.raises(ArtefactError, match=r"several networks, under 'a\.', 'b\.'"):
        read(two)
    with pytest.warns(UserWarning, match="were left out"):
        assert_same(net, read(two, prefix="b.", verify=False))


class Payload:
    """Writes a file where it is unpickled."""

    def __init__(self, path):
        self.path = path

    def __reduce__(self):
        return open, (str(self.path), "w")


def test_nothing_in_a_file_is_executed(net, tmp_path):
    torch.save({"state_dict": Payload(tmp_path / "executed")}, tmp_path / "bad.pth")
    torch.save(net, tmp_path / "whole.pth")
    (tmp_path / "plain.pth").write_bytes(pickle.dumps(Payload(tmp_path / "executed")))
    for name, words in (
        ("bad.pth", "was not unpickled"),
        ("whole.pth", r"segmentation_models_pytorch\..*Unet` beside tensors.*torch\.save"),
        ("plain.pth", "was not unpickled|can't be read"),
    ):
        with pytest.raises(ArtefactError, match=words) as caught:
            read(tmp_path / name)
        assert "\n" not in str(caught.value)
    assert not (tmp_path / "executed").exists()


def without(net, name):
    return {key: value for key, value in net.state_dict().items() if key != name}


def whole(net):
    return net.state_dict()


MISTAKES = {
    "missing": (
        lambda net: without(net, "encoder.conv1.weight"),
        {},
        ArtefactError,
        "missing are encoder.conv1.weight",
    ),
    "unexpected": (
        lambda net: {**whole(net), "decoder.x": torch.ones(1)},
        {},
        ArtefactError,
        "unexpected are decoder.x",
    ),
    "encoder": (whole, {"encoder": "resnet34"}, ArtefactError, r"missing are .* and \d+ more"),
    "classes": (whole, {"classes": 5}, ArtefactError, r"\(3, 4, 3, 3\) instead of \(5, 4"),
    "channels": (
        whole,
        {"input_shape": (32, 64, 4)},
        ArtefactError,
        r"encoder.conv1.weight \(64, 3, 7, 7\) instead of \(64, 4",
    ),
    "architecture": (whole, {"architecture": "Unett"}, ValueError, "Did you mean 'Unet'"),
    "no architecture": (whole, {"architecture": None}, ValueError, "`architecture` is needed"),
    "unknown encoder": (
        whole,
        {"encoder": "resnet19"},
        ValueError,
        "unknown `encoder` 'resnet19'.* Did you mean",
    ),
    "no timm encoder": (whole, {"encoder": "tu-resnet19"}, ValueError, "can't be built"),
    "option": (whole, {"decoder_chanels": (1,)}, ValueError, "Did you mean 'decoder_channels'"),
    "mode": (whole, {"mode": "binary"}, ValueError, "has 3 classes"),
    "names": (whole, {"class_names": ("a",)}, ValueError, "must have 3 names"),
    "shape": (whole, {"input_shape": (32, 64)}, ValueError, "`input_shape` must be"),
    "scaling": (whole, {"normalization": "encoder"}, ValueError, "do not say how .* 'resnet18'"),
    "prefix": (whole, {"prefix": "net."}, ArtefactError, "begin with decoder, encoder, seg"),
    "no network": (lambda net: {"x": torch.ones(1)}, {}, ArtefactError, "no segmentation_head"),
    "numbers": (lambda net: {"x": 1.0}, {}, ArtefactError, "holds no state dict"),
    "nowhere": (lambda net: "nowhere.pth", {}, ArtefactError, "does not exist"),
}


@pytest.mark.parametrize("name", MISTAKES)
def test_mistakes_are_named(name, net):
    make, options, kind, words = MISTAKES[name]
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        with pytest.raises(kind, match=words) as caught:
            read(make(net), **options)
    assert "\n" not in str(caught.value)


def test_folders_and_files_that_are_none(net, tmp_path):
    with pytest.raises(ArtefactError, match=r"must hold config\.json"):
        read(tmp_path)
    (tmp_path / "cut.pth").write_bytes(b"PK\x03\x04 nothing")
    (tmp_path / "cut.safetensors").write_bytes(b"nothing")
    for name in ("cut.pth", "cut.safetensors"):
        with pytest.raises(ArtefactError, match=r"can't be read|was not unpickled"):
            read(tmp_path / name)
    path = save(net, tmp_path, "save_pretrained")
    with pytest.raises(ValueError, match=r"`encoder` is 'resnet34', but config\.json"):
        from_smp(path, encoder="resnet34", input_shape=SHAPE)
    config = json.loads((path / "config.json").read_text())
    (path / "config.json").write_text(json.dumps(config)[:-3])
    with pytest.raises(ArtefactError, match="is no JSON"):
        from_smp(path, input_shape=SHAPE)
