"""Writes keras2/: small models of ours as Keras 2 saves them, with its answers.

Needs `tf_keras`, which is Keras 2 beside Keras 3: python tests/vectors/make_keras2_files.py
"""

import shutil
from pathlib import Path
from tempfile import TemporaryDirectory

import numpy as np
import tensorflow as tf
import tf_keras

L = tf_keras.layers
HERE = Path(__file__).parent / "keras2"


def unet():
    """Every layer that a segmentation model of that time is likely to have."""
    image = L.Input((16, 16, 3))
    x = L.Conv2D(4, 3, padding="same", kernel_regularizer="l2")(image)
    skip = L.Activation("relu")(L.BatchNormalization()(x))
    x = L.DepthwiseConv2D(3, padding="same")(L.MaxPooling2D()(skip))
    x = L.LeakyReLU(alpha=0.2)(L.SeparableConv2D(6, 3, padding="same")(x))
    x = L.Conv2DTranspose(4, 2, strides=2, activation="hard_sigmoid")(x)
    x = L.ReLU(6.0)(L.Concatenate()([x, skip]))
    x = L.SpatialDropout2D(0.1)(L.Dropout(0.2)(x))
    x = L.PReLU(shared_axes=[1, 2])(L.Add()([x, x]))
    x = L.Cropping2D(1)(L.ZeroPadding2D(2)(L.ThresholdedReLU(0.1)(x)))
    x = L.AveragePooling2D()(L.UpSampling2D(2, interpolation="bilinear")(x))
    x = L.GroupNormalization(groups=2)(L.LayerNormalization()(x))
    return tf_keras.Model(image, L.Conv2D(3, 1, activation="softmax")(x), name="unet")


def functions():
    """TensorFlow functions on tensors."""
    image = L.Input((16, 16, 3))
    x = tf.nn.elu(image / 127.5 - 1.0)
    y = L.Conv2D(2, 1)(x)
    x = tf.concat([y, x[:, :, :, 1:]], axis=-1)
    x = tf.image.resize(1.0 - x, (20, 24)) + tf.image.resize(x, (20, 24), "nearest")
    return tf_keras.Model(image, tf.math.multiply(x, tf.reduce_mean(y)), name="functions")


def nested():
    """Models in models, one called twice, and two outputs."""
    block = tf_keras.Sequential(
        [L.Conv2D(3, 3, padding="same", input_shape=(16, 16, 3)), L.BatchNormalization()]
    )
    inner = L.Input((16, 16, 3))
    model = tf_keras.Model(inner, L.Conv2D(3, 1)(inner), name="inner")
    image = L.Input((16, 16, 3))
    x = model(block(block(model(image))))
    heads = [L.Conv2D(2, 1, name="a")(x), L.Conv2D(1, 1, name="b")(x)]
    return tf_keras.Model(image, heads, name="nested")


def recurrent():
    """Gates that are `hard_sigmoid`, which is another function in Keras 3."""
    frames = L.Input((3, 8, 8, 2))
    return tf_keras.Model(frames, L.ConvLSTM2D(2, 3, padding="same")(frames), name="recurrent")


def mixed():
    """Half precision while training."""
    tf_keras.mixed_precision.set_global_policy("mixed_float16")
    image = L.Input((16, 16, 3))
    x = L.Conv2D(4, 3, padding="same")(image)
    model = tf_keras.Model(image, L.Conv2D(2, 1, dtype="float32")(x), name="mixed")
    tf_keras.mixed_precision.set_global_policy("float32")
    return model


def trained() -> None:
    """A SavedModel with an optimizer and what it remembers, in a zip archive."""
    image = L.Input((8, 8, 3), name="image")
    x = L.BatchNormalization()(L.Conv2D(2, 3, padding="same")(image))
    model = tf_keras.Model(image, [L.ReLU(name="b")(x), L.Conv2D(1, 1, name="a")(x)])
    model.compile("adam", "mse")
    images = np.random.default_rng(9).random((2, 8, 8, 3)).astype("float32")
    model.fit(images, model(images), verbose=0)
    with TemporaryDirectory() as folder:
        model.save(folder, save_format="tf")
        shutil.make_archive(str(HERE / "trained"), "zip", folder)
    np.savez_compressed(HERE / "trained.npz", images, *model(images, training=False))


def main() -> None:
    HERE.mkdir(exist_ok=True)
    trained()
    for number, make in enumerate((unet, functions, nested, recurrent, mixed)):
        rng = np.random.default_rng(number)
        model = make()
        values = []
        for weight in model.weights:
            positive = "variance" in weight.name
            spread = rng.uniform(0.5, 1.5, weight.shape), rng.normal(0, 0.3, weight.shape)
            values.append(spread[0] if positive else spread[1])
        model.set_weights(values)
        model.compile("adam", "mse")
        image = rng.random((2, *model.input_shape[1:])).astype("float32")
        image *= 255 if make is functions else 1
        answers = model(image, training=False)
        answers = answers if isinstance(answers, list) else [answers]
        np.savez_compressed(HERE / f"{model.name}.npz", image, *answers)
        for suffix in (".h5", ".keras"):
            model.save(HERE / f"{model.name}{suffix}")


if __name__ == "__main__":
    main()
