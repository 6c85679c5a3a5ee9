"""Training on two devices that a CPU stands for; prints JSON. Run by the tests, in a new process.

python on_devices.py tensorflow|jax FOLDER
"""

import dataclasses
import json
import os
import sys
from pathlib import Path

os.environ["KERAS_BACKEND"] = sys.argv[1]
os.environ["TF_CPP_MIN_LOG_LEVEL"] = "3"
os.environ["XLA_FLAGS"] = "--xla_force_host_platform_device_count=2"

import keras
import numpy as np
from toy_discs import FAST, MODEL, discs

from keras_upsample import data, losses, zoo
from keras_upsample.training import Recipe, distributed, fit, train

OUT = Path(sys.argv[2])


def flat(model) -> np.ndarray:
    return np.concatenate([np.ravel(weight) for weight in model.get_weights()])


def of_tensorflow() -> dict:
    import tensorflow as tf

    cpu = tf.config.list_physical_devices("CPU")[0]
    tf.config.set_logical_device_configuration(cpu, [tf.config.LogicalDeviceConfiguration()] * 2)
    recipe = Recipe.from_dict(
        {
            "model": MODEL,
            **FAST,
            "early_stopping": {"score": "mean_iou", "patience": 3},
            "data": {"train": {"set": "cells"}},
        }
    )
    images = {"train": discs(6), "validation": discs(2, 1)}
    options = {"data": images, "devices": ["CPU:0", "CPU:1"], "verbose": 0}
    whole = train(recipe, OUT / "whole", **options)
    train(recipe, OUT / "parts", stop_after=2, **options)
    parts = train(recipe, OUT / "parts", resume=True, **options)
    begin = zoo.unet((None, None, 1), classes=2, **{k: v for k, v in MODEL.items() if k != "name"})
    refused = {}
    for name, wanted in {
        "one": ["CPU:0"], "unknown": ["CPU:0", "GPU:7"], "all": "all", "twice": ["CPU:0"] * 2,
    }.items():  # fmt: skip
        try:
            train(recipe, OUT / name, data=images, devices=wanted, verbose=0)
        except ValueError as error:
            refused[name] = str(error)
    odd = dataclasses.replace(recipe, batch_size=3)
    try:
        train(odd, OUT / "odd", **options)
    except ValueError as error:
        refused["odd"] = str(error)
    kind = type(whole.model.weights[0].value).__name__
    return {
        "resumed": float(np.abs(flat(whole.model) - flat(parts.model)).max()),
        "moved": float(np.abs(flat(whole.model) - flat(begin)).max()),
        "epochs": [whole.epochs, parts.epochs],
        "scores": [whole.scores["validation"].scores["mean_iou"],
                   parts.scores["validation"].scores["mean_iou"]],
        "kind": kind,
        "refused": refused,
    }  # fmt: skip


def of_jax() -> dict:
    images = discs(6)

    def build():
        keras.utils.set_random_seed(3)
        model = zoo.unet((16, 16, 1), classes=2, filters=(4, 8))
        model.compile(keras.optimizers.SGD(0.1), losses.CrossEntropyAndDice())
        return model

    def stream(first):
        return data.batches(images, size=16, batch_size=4, seed=5, start=first)

    options = {"steps": 4, "steps_per_epoch": 2, "seed": 5, "verbose": 0}
    one = flat(fit(build, stream, OUT / "one", **options))
    with distributed("all", 4):
        two = flat(fit(build, stream, OUT / "two", **options))
        fit(build, stream, OUT / "parts", stop_after=2, **options)
        parts = flat(fit(build, stream, OUT / "parts", resume=True, **options))
    return {
        "devices": len(keras.distribution.list_devices()),
        "difference": float(np.abs(one - two).max()),
        "resumed": float(np.abs(two - parts).max()),
        "moved": float(np.abs(one - flat(build())).max()),
    }


print(json.dumps({"tensorflow": of_tensorflow, "jax": of_jax}[sys.argv[1]]()))
