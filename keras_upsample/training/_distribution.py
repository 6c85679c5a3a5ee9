"""Training on several devices of one machine: each takes a part of every batch.

TensorFlow: `tf.distribute.MirroredStrategy`. JAX: `keras.distribution.DataParallel`. Batch
normalization and Dice see the part of their own device under TensorFlow; on JAX the step is that of
one device.
"""

from collections.abc import Iterator, Sequence
from contextlib import contextmanager


@contextmanager
def distributed(devices: str | Sequence[str] | None, batch_size: int) -> Iterator[None]:
    """Inside, models are made, trained and loaded on these devices.

    Args:
        devices: `"all"` for every GPU (every device of JAX), names such as `["GPU:0", "GPU:1"]`, or
            None for Keras' own choice of one.
        batch_size: crops in a step, which the devices share.

    Raises:
        ValueError: fewer than two devices, one that is not there, or a batch that can't be shared.
    """
    names = device_names(devices, batch_size)
    if names is None:
        yield
        return
    with _scope(names):
        yield


def device_names(devices: str | Sequence[str] | None, batch_size: int) -> list[str] | None:
    """The devices that share a batch, or None for Keras' own choice of one; see `distributed`."""
    import keras

    if devices is None:
        return None
    backend = keras.backend.backend()
    if backend == "torch":
        raise ValueError(
            "`devices` are for TensorFlow and JAX. Keras runs on PyTorch: leave it out."
        )
    every = _of_tensorflow() if backend == "tensorflow" else keras.distribution.list_devices()
    most = [name for name in every if name.startswith("GPU") or backend == "jax"]
    names = _chosen(devices, most, every)
    if batch_size % len(names):
        raise ValueError(
            f"The {len(names)} devices share a batch of {batch_size}, which can't be divided. Use "
            f"a batch_size of {max(1, batch_size // len(names)) * len(names)}."
        )
    return names


def _chosen(devices: str | Sequence[str], there: Sequence[str], every: Sequence[str]) -> list[str]:
    """The names of at least two devices.

    Args:
        devices: see `distributed`.
        there: the devices that "all" stands for.
        every: all that may be named.
    """
    names = list(there) if devices == "all" else [devices] if isinstance(devices, str) else devices
    known = {name.lower(): name for name in every}  # JAX writes "cpu:0", TensorFlow "CPU:0"
    if missing := [name for name in names if name.lower() not in known]:
        raise ValueError(
            f"`devices` must be of {', '.join(every)}. Received: {', '.join(missing)}."
        )
    names = [known[name.lower()] for name in names]
    if len(set(names)) != len(names) or len(names) < 2:
        raise ValueError(
            f"`devices` must be two or more, each once. Received: {', '.join(names) or 'none'}"
            f"{', for all GPUs of this machine' * (devices == 'all')}. Leave it out to train on "
            "one."
        )
    return names


def _of_tensorflow() -> list[str]:
    """`CPU:0`, `GPU:0`, ..."""
    import tensorflow as tf

    return [":".join(device.name.split(":")[-2:]) for device in tf.config.list_logical_devices()]


@contextmanager
def _scope(names: Sequence[str]) -> Iterator[None]:
    import keras

    if keras.backend.backend() == "tensorflow":
        import tensorflow as tf

        with tf.distribute.MirroredStrategy(list(names)).scope():
            yield
        return
    with keras.distribution.DataParallel(devices=list(names)).scope():
        yield
