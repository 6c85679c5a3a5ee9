"""Decoders over an encoder of one convolution a stage, and the vision transformer: each format.

`test_export_zoo` has the same of other models, and these with every upsampler.
"""

import keras
import numpy as np
import pytest
from exporting import FORMATS, assert_same, distinctive, noise, picture, write
from keras import layers

from keras_upsample import data, export, runtimes, zoo

SIZE = (64, 32, 3)
BUILT = {
    "pspnet": {"width": 8},
    "pan": {"width": 8},
    "manet": {"filters": (8, 8, 8, 8, 8), "attention_width": 8},
    "upernet": {"width": 8},
    "segformer": {"width": 8},
    "bisenet_v2": {
        "detail_filters": (4, 4, 8),
        "semantic_filters": (4, 4, 4, 8),
        "head_width": 8,
    },
    "dpt": {"filters": (4, 4, 6, 6), "width": 4},
}
STRIDES = (2, 4, 8, 16, 32)
DPT_SIZE = (40, 64, 3)


def narrow():
    """A network with a feature at each stride."""
    x = image = keras.Input((None, None, 3), name="image")
    features = []
    for stride in STRIDES:
        x = layers.Conv2D(8, 3, 2, padding="same", activation="relu", name=f"stage{stride}")(x)
        features.append(x)
    return keras.Model(image, features)


@pytest.fixture
def short_transformer(monkeypatch):
    """A vision transformer of four blocks, of which DPT reads each."""
    from keras_upsample.zoo import _vit

    monkeypatch.setitem(_vit.VITS, "vit_tiny", _vit.ViT(width=12, blocks=4, heads=3))


def built(name, input_shape=(None, None, 3)):
    keras.utils.set_random_seed(3)
    options = dict(BUILT[name])
    if name == "dpt":
        options["encoder"], input_shape = "vit_tiny", DPT_SIZE
    elif name != "bisenet_v2":
        options |= {"encoder": narrow(), "encoder_normalization": "full_range"}
    return getattr(zoo, name)(input_shape, 3, dropout=0.1, **options)


@pytest.mark.parametrize("name", BUILT)
@pytest.mark.parametrize("kind", FORMATS)
def test_each_format(name, kind, tmp_path, short_transformer):
    """Open sizes stay open where the format has them; TFLite is one delegate partition."""
    model = distinctive(built(name))
    size = DPT_SIZE if name == "dpt" else SIZE
    options = {"input_shape": size} if kind == "tflite" else {}
    runner = runtimes.load(write(model, tmp_path, kind, images=picture(*size[:2]), **options))
    batches = [(1, *size)] if kind == "tflite" else [(2, *size)]
    if name != "dpt" and kind != "tflite":
        batches.append((1, 33, 70, 3))
    for batch in batches:
        image = noise(*batch)
        assert_same(runner, {"image": image}, {"logits": model(image)})
    if kind == "tflite":
        assert runner.delegate_partitions() == 1


@pytest.mark.parametrize(
    "name",
    [
        *("bisenet_v2", "manet", "segformer"),
        *(pytest.param(each, marks=pytest.mark.slow) for each in ("pspnet", "pan", "upernet")),
    ],
)
def test_eight_bits(name, tmp_path):
    """Gates are products of two tensors of 8 bits; MA-Net's narrow ones may be 0 everywhere."""
    model = built(name, SIZE)
    if name != "bisenet_v2":
        model = distinctive(model)
    image = data.photograph("coffee", SIZE[:2])[None] / np.float32(255)
    report = export.to_tflite(model, tmp_path / "m.tflite", precision="int8")
    runner = runtimes.load(report.path)
    (found,) = runner({runner.inputs[0].name: image}).values()
    wanted = np.asarray(model(image), "float64")
    assert 10 * np.log10(wanted.var() / np.mean((found - wanted) ** 2)) > 30
