"""keras-hub, where it is installed: backbones and presets as encoders, segmenters exported."""

import importlib.util
import pathlib

import keras
import numpy as np
import pytest

from keras_upsample import export, runtimes, zoo
from keras_upsample.errors import FetchError
from keras_upsample.zoo import _hub as hub
from keras_upsample.zoo._skips import skips_of

pytestmark = pytest.mark.slow
needs_hub = pytest.mark.skipif(
    importlib.util.find_spec("keras_hub") is None,
    reason="keras-hub is not installed (it needs tensorflow-text, 60 MB)",
)
ROOT = pathlib.Path(__file__).parents[2]
FILTERS = (2, 3, 4, 5, 6)
NETS = ("SegFormer", "DeepLabV3+", "BASNet", "Depth Anything", "SAM, image encoder")


@pytest.fixture
def nets(monkeypatch):
    monkeypatch.syspath_prepend(ROOT / "benchmarks")
    import _hub_nets

    return _hub_nets


def backbone():
    import keras_hub

    return keras_hub.models.ResNetBackbone(
        input_conv_filters=[64],
        input_conv_kernel_sizes=[7],
        stackwise_num_filters=[64, 64, 64, 64],
        stackwise_num_blocks=[2, 2, 2, 2],
        stackwise_num_strides=[1, 2, 2, 2],
        block_type="basic_block",
        image_shape=(None, None, 3),
    )


def deepest(model):
    return model.get_layer(skips_of(model)[-1].layer).output


@needs_hub
def test_a_backbone_is_an_encoder(images):
    source = backbone()
    image = images(64, 96)
    model = zoo.unet(encoder=source, encoder_normalization="0_to_255", filters=FILTERS)
    ours = np.asarray(keras.Model(model.input, deepest(model))(image))
    theirs = np.asarray(source(image * 255))
    assert np.ptp(theirs) > 0
    np.testing.assert_allclose(ours, theirs, atol=1e-5 * np.abs(theirs).max())
    assert [s.stride for s in skips_of(model)] == [2, 4, 8, 16, 32]
    assert model(images(33, 50)).shape == (2, 33, 50, 2)
    atrous = zoo.deeplab_v3_plus(encoder=source, encoder_normalization="0_to_255", width=4)
    assert atrous(images(33, 50)).shape == (2, 33, 50, 2)


@needs_hub
def test_a_preset_is_an_encoder(images, tmp_path):
    import keras_hub

    source = backbone()
    source.save_to_preset(str(tmp_path))
    keras_hub.layers.ResNetImageConverter(
        image_size=(96, 96), scale=1 / 127.5, offset=-1.0
    ).save_to_preset(str(tmp_path))
    image = images(64, 96)
    theirs = np.asarray(source(image * 2 - 1))
    for weights, same in (("preset", True), (None, False)):
        model = zoo.unet(encoder=str(tmp_path), encoder_weights=weights, filters=FILTERS)
        ours = np.asarray(keras.Model(model.input, deepest(model))(image))
        error = np.abs(ours - theirs).max() / np.abs(theirs).max()
        assert bool(error < 1e-5) is same


@needs_hub
def test_an_unknown_preset_is_refused(tmp_path):
    (tmp_path / "config.json").write_text("{}")
    with pytest.raises(FetchError, match=r"could not make a backbone of the preset"):
        zoo.unet(encoder=str(tmp_path))


@needs_hub
@pytest.mark.parametrize("name", NETS)
def test_its_networks_are_exported_within_the_gates(name, nets, tmp_path):
    model = nets.network(name)
    image = np.random.default_rng(2).random((1, *model.inputs[0].shape[1:]), "float32")
    wanted = [np.asarray(x) for x in keras.tree.flatten(model(image, training=False))]
    for write, file in ((export.to_tflite, "net.tflite"), (export.to_onnx, "net.onnx")):
        report = write(model, tmp_path / file)
        assert report.verifications[0].passed
        found = list(runtimes.load(tmp_path / file)({model.inputs[0].name: image}).values())
        assert len(found) == len(wanted)
        for a, b in zip(found, wanted, strict=True):
            assert np.abs(a - b).max() <= 5e-5 * np.ptp(b), file


def test_presets_without_keras_hub(monkeypatch):
    monkeypatch.setattr(hub, "find_spec", lambda name: None)
    with pytest.raises(
        ValueError, match=r"`encoder` must be one of .*Received: 'resnet_18_imagenet'"
    ):
        zoo.unet(encoder="resnet_18_imagenet")
    with pytest.raises(ValueError, match=r"which is not installed\. Install it with `pip install"):
        zoo.unet(encoder="hf://somebody/something")
