"""Momentum of batch normalization: inference after few steps on an encoder of random weights."""

import keras
import numpy as np
import pytest

from keras_upsample import losses, zoo

BUILDERS = {
    "unet": {"filters": (4, 4, 4, 4, 4)},
    "linknet": {},
    "fpn": {"pyramid_width": 8, "head_width": 8},
    "deeplab_v3_plus": {"width": 8, "low_level_width": 4},
}


def momenta(model, prefix=""):
    return {
        round(layer.momentum, 6)
        for layer in model.layers
        if isinstance(layer, keras.layers.BatchNormalization) and layer.name.startswith(prefix)
    }


@pytest.mark.parametrize("name", BUILDERS)
def test_defaults(name, tmp_path):
    build = getattr(zoo, name)
    options = {"encoder": "mobilenet_v2", **BUILDERS[name]}
    assert momenta(build(**options)) == {0.9}
    assert momenta(build(**options, batch_norm_momentum=0.5)) == {0.5}
    path = str(tmp_path / "encoder.weights.h5")
    keras.applications.MobileNetV2(
        include_top=False, weights=None, input_shape=(None, None, 3)
    ).save_weights(path)
    pretrained = build(**options, encoder_weights=path)
    assert momenta(pretrained, "encoder_") == {0.999}  # the application's
    assert momenta(pretrained, "decoder_") <= {0.99}  # Keras'
    asked = build(**options, encoder_weights=path, batch_norm_momentum=0.7)
    assert momenta(asked) == {0.7}
    with pytest.raises(ValueError, match=r"`batch_norm_momentum` must be a number in \[0, 1\)"):
        build(**options, batch_norm_momentum=1.0)


def test_networks_without_an_encoder_of_applications_keep_keras_momentum():
    assert momenta(zoo.unet(filters=(4, 4))) == {0.99}
    assert momenta(zoo.unet(filters=(4, 4), batch_norm_momentum=0.8)) == {0.8}
    preset = zoo.unet(weights="cells", batch_norm_momentum=0.95)  # to train it further
    assert momenta(preset) == {0.95}


def test_momentum_survives_saving(tmp_path):
    model = zoo.unet(encoder="mobilenet_v2", filters=(4, 4, 4, 4, 4))
    model.save(tmp_path / "model.keras")
    assert momenta(keras.models.load_model(tmp_path / "model.keras")) == {0.9}


def squares(count, seed):
    """Bright squares on a noisy ground: images and class maps."""
    rng = np.random.default_rng(seed)
    images = rng.normal(0.3, 0.1, (count, 32, 32, 3)).astype("float32")
    labels = np.zeros((count, 32, 32), "uint8")
    for image, label in zip(images, labels, strict=True):
        for _ in range(2):
            row, column = rng.integers(0, 20, 2)
            size = rng.integers(6, 12)
            place = np.s_[row : row + size, column : column + size]
            image[place] += 0.4
            label[place] = 1
    return images.clip(0, 1), labels


@pytest.mark.slow
def test_120_steps_on_a_random_encoder_give_sensible_scores():
    """The same training twice: batch statistics make its steps, the running ones only inference."""
    images, labels = squares(80, 0)
    tests, truth = squares(16, 1)
    scores = {}
    for momentum in (None, 0.999):
        keras.utils.set_random_seed(2)
        model = zoo.unet(
            encoder="mobilenet_v2", filters=(4, 8, 8, 16, 16), batch_norm_momentum=momentum
        )
        model.compile(
            keras.optimizers.AdamW(2e-3), losses.CrossEntropyAndDice(), metrics=["accuracy"]
        )
        history = model.fit(images, labels, batch_size=4, epochs=6, verbose=0).history
        assert history["accuracy"][-1] > 0.9
        guess = np.argmax(model.predict(tests, verbose=0), axis=-1)
        both, either = np.sum((guess == 1) & (truth == 1)), np.sum((guess == 1) | (truth == 1))
        scores[momentum] = both / either
    # IoU 0.925 and 0.718 here; on real cells, mean IoU 0.44 and 0.14 (docs/training.md).
    assert scores[None] > 0.85
    assert scores[None] > scores[0.999] + 0.1
