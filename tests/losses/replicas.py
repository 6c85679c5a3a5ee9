"""Prints how two replicas differ from one device: `python replicas.py`, in a process of its own.

TensorFlow can only be given virtual devices before it has used any.
"""

import json
import sys
import tempfile
from pathlib import Path

import keras
import numpy as np
import tensorflow as tf

from keras_upsample import losses
from keras_upsample.training import fit

CPUS = tf.config.list_physical_devices("CPU")
tf.config.set_logical_device_configuration(CPUS[0], [tf.config.LogicalDeviceConfiguration()] * 2)
RNG = np.random.default_rng(5)
IMAGES = RNG.random((4, 6, 5, 2), "float32")
LABELS = RNG.integers(0, 3, (4, 6, 5))
LABELS[0, :4] = 255  # replicas have different numbers of pixels that count
LABELS[2] = 1
WEIGHTS = RNG.uniform(0, 2, LABELS.shape).astype("float32")


def build(loss):
    keras.utils.set_random_seed(1)
    model = keras.Sequential([keras.Input((6, 5, 2)), keras.layers.Conv2D(3, 3, padding="same")])
    model.compile(keras.optimizers.SGD(1.0), loss, jit_compile=False)
    return model


def step(loss, strategy, weights):
    """The loss of the whole batch, and by how much the weights moved."""
    with strategy.scope():
        model = build(loss)
    before = [np.array(w) for w in model.get_weights()]
    data = (IMAGES, LABELS) if weights is None else (IMAGES, LABELS, weights)
    history = model.fit(tf.data.Dataset.from_tensor_slices(data).batch(4), verbose=0).history
    moved = [b - np.array(w) for b, w in zip(before, model.get_weights(), strict=True)]
    return history["loss"][0], np.concatenate([m.ravel() for m in moved])


def stream(start):
    def batches():
        number = start
        while True:
            rng = np.random.default_rng(number)
            yield rng.random((4, 6, 5, 2), "float32"), rng.integers(0, 3, (4, 6, 5), "int32")
            number += 1

    signature = (tf.TensorSpec((4, 6, 5, 2)), tf.TensorSpec((4, 6, 5), "int32"))
    return tf.data.Dataset.from_generator(batches, output_signature=signature)


def trained(strategy, folder):
    """`training.fit`, stopped after one of two epochs and resumed."""

    def make():
        keras.utils.set_random_seed(1)
        model = keras.Sequential(
            [
                keras.Input((6, 5, 2)),
                keras.layers.Conv2D(3, 3, padding="same"),
                keras.layers.Dropout(1e-6),  # its seed is a state of every replica, too
            ]
        )
        model.compile(keras.optimizers.SGD(1.0), losses.CrossEntropyAndDice(), jit_compile=False)
        return model

    options = {"steps": 4, "steps_per_epoch": 2, "verbose": 0}
    with strategy.scope():
        fit(make, stream, folder, stop_after=2, **options)
        model = fit(make, stream, folder, resume=True, **options)
    done = int(keras.ops.convert_to_numpy(model.optimizer.iterations))
    return done, np.concatenate([np.array(w).ravel() for w in model.get_weights()])


def main():
    one = tf.distribute.OneDeviceStrategy("CPU:0")
    two = tf.distribute.MirroredStrategy(["CPU:0", "CPU:1"])
    result = {"replicas": two.num_replicas_in_sync}
    weightings = {"none": None, "image": WEIGHTS[:, 0, 0], "pixel": WEIGHTS}
    for name in losses.__all__:
        for kind, weights in weightings.items():
            if name != "CrossEntropyAndDice" and kind != "pixel":
                continue
            loss = getattr(losses, name)()
            (a, moved), (b, also) = step(loss, one, weights), step(loss, two, weights)
            result[f"{name} {kind}"] = {
                "loss": [a, b],
                "gradient": float(np.abs(moved).max()),
                "difference": float(np.abs(moved - also).max()),
            }
    with tempfile.TemporaryDirectory() as folder:
        (steps, weights), (_, others) = (
            trained(strategy, Path(folder) / name)
            for name, strategy in (("two", two), ("one", one))
        )
    result["fit"] = {"steps": steps, "difference": float(np.abs(weights - others).max())}
    json.dump(result, sys.stdout)


if __name__ == "__main__":
    main()
