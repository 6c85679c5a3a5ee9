"""Damaged ONNX files: a model that computes what the file does, or an error of ours."""

from collections import Counter

import numpy as np
import pytest
from damage import damaged, small_net

from keras_upsample import interchange
from keras_upsample.errors import ArtefactError, VerificationError


def read_all(folder, seeds):
    path, other = small_net(folder), folder / "damaged.onnx"
    assert interchange.from_onnx(path).count_params() > 0
    counts = Counter()
    for seed in seeds:
        other.write_bytes(damaged(path, np.random.default_rng(seed)))
        try:
            interchange.from_onnx(other)
            counts["read"] += 1
        except (ArtefactError, VerificationError) as error:
            assert str(error)
            counts["refused"] += 1
    return counts


def test_damage(tmp_path):
    counts = read_all(tmp_path, range(25))
    assert counts["read"] > 3 and counts["refused"] > 10, counts


@pytest.mark.slow
def test_more_damage(tmp_path):
    read_all(tmp_path, range(25, 500))


def test_an_input_without_length_is_refused(tmp_path):
    import onnx

    path = small_net(tmp_path)
    model = onnx.load(path)
    model.graph.input[0].type.tensor_type.shape.dim[2].dim_value = 0
    onnx.save(model, path)
    with pytest.raises(ArtefactError, match="the input 'x' has an axis of length 0"):
        interchange.from_onnx(path)
