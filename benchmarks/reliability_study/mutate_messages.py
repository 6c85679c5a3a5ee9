"""Damaged ONNX files, SavedModels, and Keras' archives."""

import io
import json
import random
import zipfile
from functools import partial
from typing import Any

from reliability_study.mutate import bytes_of, message, plain, several


def onnx(content: bytes, rng: random.Random) -> bytes:
    from onnx import ModelProto

    return _of_messages(ModelProto, content, rng)


def saved_model(content: bytes, rng: random.Random) -> bytes:
    """`saved_model.pb`."""
    from tensorflow.core.protobuf.saved_model_pb2 import SavedModel

    return _of_messages(SavedModel, content, rng)


def _of_messages(kind: Any, content: bytes, rng: random.Random) -> bytes:
    """Fields of a message of this kind changed, or a fifth of the time bytes of its file."""

    def fields(content: bytes) -> bytes:
        changed = kind.FromString(content)
        message(changed, rng)
        return bytes(changed.SerializeToString())

    return several(rng, content, [(8, fields), (2, partial(bytes_of, rng=rng))])


def keras(content: bytes, rng: random.Random) -> bytes:
    """A `.keras` archive: its members damaged, and their CRC true."""
    return several(rng, content, [(9, partial(_members, rng=rng)), (1, partial(bytes_of, rng=rng))])


def _members(content: bytes, rng: random.Random) -> bytes:
    with zipfile.ZipFile(io.BytesIO(content)) as archive:
        files = {name: archive.read(name) for name in archive.namelist()}
    name = rng.choices(sorted(files), [8 if n == "config.json" else 2 for n in sorted(files)])[0]
    choice = rng.random()
    if choice < 0.05:
        del files[name]
    elif name.endswith(".json") and choice < 0.9:
        files[name] = json.dumps(plain(json.loads(files[name]), rng)).encode("utf-8", "replace")
    else:
        files[name] = bytes_of(files[name], rng)
    out = io.BytesIO()
    with zipfile.ZipFile(out, "w") as archive:
        for name, data in files.items():
            archive.writestr(name, data)
    return out.getvalue()


def h5(content: bytes, rng: random.Random) -> bytes:
    """An HDF5 file: bytes anywhere, most of them in its structure; or the model's configuration."""
    return several(rng, content, [(1, partial(_config, rng=rng)), (1, partial(bytes_of, rng=rng))])


def _config(content: bytes, rng: random.Random) -> bytes:
    import h5py

    held = io.BytesIO(content)
    with h5py.File(held, "r+") as file:
        config = json.loads(file.attrs["model_config"])
        file.attrs["model_config"] = json.dumps(plain(config, rng)).encode("utf-8", "replace")
    return held.getvalue()
