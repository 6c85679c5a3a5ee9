"""Operators that TFLite lacks, as equal forms: pools of volumes, patches, places of maxima.

The oracle is TensorFlow, whose own operators the Keras model runs.
"""

import threading

import keras
import numpy as np
import pytest
import tensorflow as tf
from compare import assert_close
from exporting import assert_same, distinctive, noise, write
from keras import layers, ops

from keras_upsample import runtimes

VOLUME = (7, 6, 5)


class Function(layers.Layer):
    """A function of tensors as a layer, so that TensorFlow's own functions can be called."""

    def __init__(self, function):
        super().__init__()
        self.function = function

    def call(self, x):
        return self.function(x)


def check(model, tmp_path, x, **options):
    """Exported, it gives what the model gives."""
    options.setdefault("images", None if x.ndim != 4 else [x[0]])
    path = write(model, tmp_path, "tflite", batch_size=len(x), **options)
    runner = runtimes.load(path)
    assert_same(runner, {"x": x}, model(x), of_range=2e-6)
    return runner.operator_counts()


def model_of(stack, size, batch=None):
    x = keras.Input(size, batch_size=batch, name="x")
    return distinctive(keras.Model(x, {name: layer(x) for name, layer in stack.items()}))


@pytest.mark.parametrize("batch", [1, 2])
@pytest.mark.parametrize("padding", ["same", "valid"])
@pytest.mark.parametrize("pool", [layers.MaxPooling3D, layers.AveragePooling3D])
def test_pools_of_volumes(pool, padding, batch, tmp_path) -> None:
    windows = {"cubes": (2, None), "apart": ((3, 2, 2), (2, 1, 3)), "over": (3, 2), "one": (1, 2)}
    stack = {
        name: pool(size, strides, padding=padding) for name, (size, strides) in windows.items()
    }
    stack["first"] = pool((2, 3, 2), (1, 2, 2), padding=padding, data_format="channels_first")
    counts = check(model_of(stack, (*VOLUME, 3)), tmp_path, noise(batch, *VOLUME, 3) - 0.5)
    assert set(counts) <= {"RESHAPE", "TRANSPOSE", "MAX_POOL_2D", "AVERAGE_POOL_2D"}


def test_pools_of_volumes_by_function(tmp_path) -> None:
    def pools(x):
        return {
            "tf": tf.nn.max_pool3d(x, 2, (1, 2, 1), "SAME"),
            "average": tf.nn.avg_pool3d(x, (3, 1, 2), 2, "VALID"),
            "pool": tf.nn.pool(x, (2, 2, 3), "MAX", strides=(2, 2, 2), padding="SAME"),
            "ops": ops.max_pool(x, (1, 3, 2), 2, "same"),
            "raw": tf.raw_ops.AvgPool3D(
                input=x, ksize=[1, 2, 2, 2, 1], strides=[1, 1, 2, 1, 1], padding="SAME"
            ),
        }

    x = keras.Input((*VOLUME, 2), name="x")
    check(keras.Model(x, Function(pools)(x)), tmp_path, noise(2, *VOLUME, 2) - 0.5)


@pytest.mark.parametrize("padding", ["same", "valid"])
def test_convolutions_of_volumes(padding, tmp_path) -> None:
    stack = {
        "plain": layers.Conv3D(3, (3, 2, 1), padding=padding),
        "strided": layers.Conv3D(3, 3, (2, 1, 2), padding=padding),
        "dilated": layers.Conv3D(3, 2, dilation_rate=(2, 1, 3), padding=padding),
        "grouped": layers.Conv3D(4, 3, groups=2, padding=padding, activation="tanh"),
        "transposed": layers.Conv3DTranspose(3, 2, 2, padding=padding),
        "apart": layers.Conv3DTranspose(3, (3, 2, 4), (2, 1, 3), padding=padding),
        "odd": layers.Conv3DTranspose(3, 3, 2, padding=padding, output_padding=1),
        "enlarged": layers.UpSampling3D((2, 1, 3)),
    }
    counts = check(model_of(stack, (*VOLUME, 4)), tmp_path, noise(2, *VOLUME, 4) - 0.5)
    assert counts["CONV_3D_TRANSPOSE"] == 3


def test_unet_of_volumes(tmp_path) -> None:
    x = keras.Input((8, 12, 10, 1), name="x")
    skips, y = [], x
    for filters in (3, 5):
        y = layers.Conv3D(filters, 3, padding="same", activation="relu")(y)
        skips.append(layers.BatchNormalization()(y))
        y = layers.MaxPooling3D((2, 2, 1))(skips[-1])
    y = layers.Conv3D(4, 3, padding="same", activation="relu")(y)
    y = layers.Concatenate()([layers.UpSampling3D((2, 2, 1))(y), skips[1]])
    y = layers.Conv3DTranspose(4, (2, 2, 1), (2, 2, 1))(y)
    y = layers.Conv3D(2, 1, activation="softmax", name="y")(layers.Concatenate()([y, skips[0]]))
    model = distinctive(keras.Model(x, y))
    volume = noise(1, 8, 12, 10, 1)
    path = write(model, tmp_path, "tflite", images=None)
    assert_same(path, {"x": volume}, {"y": model(volume)}, of_range=1e-5)


@pytest.mark.parametrize("padding", ["SAME", "VALID"])
def test_patches(padding, tmp_path) -> None:
    def patches(x):
        kinds = {"next": (2, 3, 1), "far": (1, 1, 2), "both": (2, 2, 2)}
        found = {
            name: tf.image.extract_patches(
                x, [1, 3, 2, 1], [1, down, across, 1], [1, rate, rate, 1], padding
            )
            for name, (down, across, rate) in kinds.items()
        }
        found["keras"] = ops.image.extract_patches(x, (3, 4), padding=padding.lower())
        found["over"] = ops.image.extract_patches(x, 3, 1, padding=padding.lower())
        return found

    x = keras.Input((9, 8, 2), name="x")
    check(keras.Model(x, Function(patches)(x)), tmp_path, noise(2, 9, 8, 2))


def test_patches_of_volumes(tmp_path) -> None:
    def patches(x):
        sizes, strides = [1, 3, 2, 2, 1], [1, 2, 1, 2, 1]
        return {
            "same": tf.raw_ops.ExtractVolumePatches(
                input=x, ksizes=sizes, strides=strides, padding="SAME"
            ),
            "valid": tf.extract_volume_patches(x, sizes, strides, "VALID"),
            "keras": ops.image.extract_patches(x, (2, 3, 2)),
        }

    x = keras.Input((*VOLUME, 2), name="x")
    check(keras.Model(x, Function(patches)(x)), tmp_path, noise(2, *VOLUME, 2))


@pytest.mark.parametrize("batched", [False, True])
@pytest.mark.parametrize("padding", ["SAME", "VALID"])
def test_places_of_maxima(padding, batched, tmp_path) -> None:
    """Numbers without rounding, of a few levels: many windows hold their maximum twice."""

    def pools(x):
        found = {}
        for size, stride in ((2, 2), (3, 2), (2, 3), ((3, 1), (1, 2))):
            pooled = tf.nn.max_pool_with_argmax(
                x, size, stride, padding, include_batch_in_index=batched
            )
            name = f"k{size}_s{stride}".replace(", ", "").strip("()")
            found[f"{name}_values"], found[f"{name}_places"] = pooled
        return {name.replace("(", "").replace(")", ""): value for name, value in found.items()}

    x = keras.Input((7, 6, 2), batch_size=2, name="x")
    model = keras.Model(x, Function(pools)(x))
    image = np.round(noise(2, 7, 6, 2) * 3) - 2
    path = write(model, tmp_path, "tflite", batch_size=2, images=[image[0]])
    actual = runtimes.load(path)({"x": image})
    for name, wanted in model(image).items():
        dtype = "int64" if name.endswith("places") else "float32"
        assert_close(actual[name], np.asarray(wanted), of_range=0, dtype=dtype)


def by_scatter(values, places, shape):
    flat = tf.scatter_nd(tf.reshape(places, (-1, 1)), tf.reshape(values, (-1,)), [np.prod(shape)])
    return tf.reshape(flat, shape)


def by_keras(values, places, shape):
    flat = ops.scatter(
        ops.reshape(places, (-1, 1)), ops.reshape(values, (-1,)), (int(np.prod(shape)),)
    )
    return ops.reshape(flat, shape)


def by_sums(values, places, shape):
    flat = tf.math.unsorted_segment_sum(
        tf.reshape(values, (-1,)), tf.reshape(places, (-1,)), int(np.prod(shape))
    )
    return tf.reshape(flat, shape)


@pytest.mark.parametrize("unpool", [by_scatter, by_keras, by_sums])
def test_unpooling(unpool, tmp_path) -> None:
    def around(x):
        values, places = tf.nn.max_pool_with_argmax(x, 2, 2, "SAME", include_batch_in_index=True)
        return unpool(values * 2, places, tuple(x.shape))

    x = keras.Input((8, 6, 3), batch_size=2, name="x")
    model = keras.Model(x, {"y": Function(around)(x)})
    check(model, tmp_path, noise(2, 8, 6, 3) - 0.5)


def test_convolutional_lstm(tmp_path) -> None:
    stack = {
        "last": layers.ConvLSTM2D(3, 3, padding="same"),
        "all": layers.ConvLSTM2D(2, (3, 2), strides=(1, 2), return_sequences=True),
        "both": layers.Bidirectional(layers.ConvLSTM2D(2, 3, padding="same")),
    }
    check(model_of(stack, (3, 7, 6, 2)), tmp_path, noise(2, 3, 7, 6, 2) - 0.5)


def test_the_operators_are_put_back(tmp_path) -> None:
    """Afterwards, and meanwhile in other threads, TensorFlow has its own."""
    seen = []

    def meanwhile():
        graph = tf.function(lambda x: tf.nn.max_pool3d(x, 2, 2, "SAME"))
        concrete = graph.get_concrete_function(tf.TensorSpec((1, 4, 4, 4, 1)))
        seen.append({operation.type for operation in concrete.graph.get_operations()})

    def pool(x):
        thread = threading.Thread(target=meanwhile)
        thread.start()
        thread.join()
        return tf.nn.max_pool3d(x, 2, 2, "SAME")

    x = keras.Input((4, 4, 4, 1), name="x")
    counts = check(keras.Model(x, {"y": Function(pool)(x)}), tmp_path, noise(1, 4, 4, 4, 1))
    meanwhile()
    assert counts["MAX_POOL_2D"] == 2
    assert len(seen) > 1
    assert all("MaxPool3D" in kinds for kinds in seen)
