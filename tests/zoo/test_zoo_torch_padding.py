"""padding="torch": weights of PyTorch give PyTorch's numbers. The fixture is of
tests/vectors/make_torch_linknet.py."""

from pathlib import Path

import keras
import numpy as np
import pytest

from keras_upsample import zoo
from keras_upsample.zoo._encoders import encode
from keras_upsample.zoo._resnet import resnet

FILTERS = (4, 6, 8, 12)  # of the fixture
VECTORS = Path(__file__).parents[1] / "vectors" / "torch_linknet.npz"


@pytest.fixture(scope="module")
def vectors():
    with np.load(VECTORS) as file:
        return {name: file[name] for name in file.files}


def fill(model, vectors):
    """PyTorch's weights, by the names of the layers; each of the model's must get some."""
    for layer in model.layers:
        names = [f"layer {layer.name} {i}" for i in range(4)]
        values = [vectors[name] for name in names if name in vectors]
        assert len(values) == len(layer.weights), layer.name
        layer.set_weights(values)


def error(found, wanted):
    assert found.shape == wanted.shape
    return np.abs(np.asarray(found) - wanted).max() / np.ptp(wanted)


def test_linknet_is_pytorchs(vectors):
    model = zoo.linknet(classes=3, filters=FILTERS, padding="torch")
    fill(model, vectors)
    assert error(model(vectors["image"]), vectors["scores"]) < 1e-5
    # With "same" the same weights give something else.
    other = zoo.linknet(classes=3, filters=FILTERS)
    fill(other, vectors)
    assert error(other(vectors["image"]), vectors["scores"]) > 0.1


def test_the_features_of_a_resnet_are_pytorchs(vectors):
    image = keras.Input((32, 64, 3))
    _, features = resnet(image, FILTERS, padding="torch")
    model = keras.Model(image, list(features.values()))
    fill(model, vectors)
    for stride, found in zip(features, model(vectors["image"]), strict=True):
        assert error(found, vectors[f"features_{stride}"]) < 1e-5, stride


def test_resnets_by_name_pad_so_too():
    image = keras.Input((None, None, 3), name="image")
    for padding, places in (("torch", 5), ("same", 0)):
        features = encode(image, "resnet18", None, padding=padding)
        model = keras.Model(image, list(features.values()))
        kinds = [type(layer).__name__ for layer in model.layers]
        assert kinds.count("ZeroPadding2D") == places  # stem, pooling, three stages
        assert [x.shape[-1] for x in features.values()] == [64, 64, 128, 256, 512]
        assert model.count_params() == 11_186_112  # of timm's, without the classifier
        sizes = keras.Model(image, features[32]).compute_output_shape((1, 64, 96, 3))
        assert sizes == (1, 2, 3, 512)


@pytest.mark.parametrize(
    "build, arguments, message",
    [
        (zoo.unet, {"encoder": "vgg16"}, "is for ResNet encoders by name.*encoder='vgg16'"),
        (zoo.unet, {}, "is for ResNet encoders.*encoder=None"),
        (zoo.unet_plus_plus, {}, "is for ResNet encoders.*encoder=None"),
        (zoo.fpn, {"encoder": "xception"}, "is for ResNet encoders"),
        (zoo.deeplab_v3_plus, {"encoder": "densenet121"}, "is for ResNet encoders"),
    ],
)
def test_only_resnets_have_it(build, arguments, message):
    with pytest.raises(ValueError, match=message):
        build(padding="torch", **arguments)


def test_another_padding_is_refused():
    with pytest.raises(ValueError, match="`padding` must be one of 'same', 'torch'"):
        zoo.fpn(padding="valid")
