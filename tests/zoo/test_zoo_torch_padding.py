"""padding="torch": weights of PyTorch give PyTorch's numbers. The fixture is of
tests/vectors/make_torch_linknet.py."""

from pathlib import Path

import keras
import numpy as np
import pytest

from keras_upsample import zoo
from keras_upsample.interchange import from_onnx
from keras_upsample.metadata import IMAGENET
from keras_upsample.zoo._encoders import encode
from keras_upsample.zoo._resnet import resnet
from keras_upsample.zoo._skips import skips_of

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


def exported(module, path):
    """A network of PyTorch with random statistics as ONNX: an image, what it makes of it, its
    number of parameters."""
    torch = pytest.importorskip("torch", reason="PyTorch is not installed")
    torch.manual_seed(3)
    for part in module.modules():
        if isinstance(part, torch.nn.BatchNorm2d):
            part.weight.data.uniform_(0.5, 1.5)
            part.bias.data.uniform_(-0.3, 0.3)
            part.running_mean.uniform_(-0.3, 0.3)
            part.running_var.uniform_(0.5, 1.5)
    image = torch.rand(2, 3, 64, 96)
    with torch.no_grad():
        outputs = module.eval()(image)
    torch.onnx.export(
        module, (image,), str(path), dynamo=False, opset_version=17, input_names=["x"],
        dynamic_axes={"x": {0: "n"}}, training=torch.onnx.TrainingMode.PRESERVE,
        do_constant_folding=False,
    )  # fmt: skip
    outputs = outputs if isinstance(outputs, (list, tuple)) else [outputs]
    arrays = [x.numpy().transpose(0, 2, 3, 1) for x in (image, *outputs)]
    return arrays[0], arrays[1:], sum(p.numel() for p in module.parameters())


def by_kernel(model):
    """Kernel's shape -> convolutions of it with their normalization, from front to back."""
    found = {}
    makers = {id(layer.output): layer for layer in model.layers}
    for layer in model.layers:
        if isinstance(layer, keras.layers.BatchNormalization):
            convolution = makers[id(layer.input)]
            found.setdefault(tuple(convolution.kernel.shape), []).append((convolution, layer))
    return found


@pytest.mark.slow
@pytest.mark.parametrize("name", ["resnet18", "resnet34"])
def test_timms_resnets(name, tmp_path):
    timm = pytest.importorskip("timm", reason="timm is not installed")
    module = timm.create_model(name, features_only=True, pretrained=False)
    x, wanted, _ = exported(module, tmp_path / "net.onnx")
    source = from_onnx(tmp_path / "net.onnx")
    unit = (x - np.array(IMAGENET.offset)) / np.array(IMAGENET.scale)
    # its weights in ours
    errors = {}
    for padding in ("torch", "same"):
        image = keras.Input((None, None, 3), name="image")
        model = keras.Model(image, list(encode(image, name, None, padding=padding).values()))
        theirs, ours = by_kernel(source), by_kernel(model)
        assert {k: len(v) for k, v in theirs.items()} == {k: len(v) for k, v in ours.items()}
        for kernel, pairs in theirs.items():
            for given, taken in zip(pairs, ours[kernel], strict=True):
                for a, b in zip(given, taken, strict=True):
                    b.set_weights(a.get_weights())
        errors[padding] = [error(a, b) for a, b in zip(model(unit), wanted, strict=True)]
    assert max(errors["torch"]) < 1e-5 and min(errors["same"]) > 0.1
    # itself as the encoder
    model = zoo.unet(encoder=source, encoder_normalization="imagenet", filters=(2, 3, 4, 5, 6))
    taken = [model.get_layer(skip.layer).output for skip in skips_of(model)]
    for a, b in zip(keras.Model(model.input, taken)(unit), wanted, strict=True):
        assert error(a, b) < 1e-5


@pytest.mark.slow
def test_linknet_of_segmentation_models_pytorch_through_the_importer(tmp_path):
    smp = pytest.importorskip("segmentation_models_pytorch", reason="SMP is not installed")
    module = smp.Linknet("resnet18", encoder_weights=None, classes=3)
    x, (wanted,), parameters = exported(module, tmp_path / "net.onnx")
    model = from_onnx(tmp_path / "net.onnx")
    assert sum(int(np.prod(w.shape)) for w in model.trainable_weights) == parameters == 11_663_843
    assert error(model(x), wanted) < 1e-5
