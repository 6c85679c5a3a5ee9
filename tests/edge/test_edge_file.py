"""Files read without an interpreter: their facts, and damage."""

import numpy as np
import pytest
from edge_files import content, net, small
from keras import layers

from keras_upsample.edge import check
from keras_upsample.edge._file import layer_of, read
from keras_upsample.errors import ArtefactError


@pytest.fixture
def file(tmp_path):
    path = tmp_path / "small.tflite"
    path.write_bytes(small())
    return path


def test_facts(file):
    facts = read(file)
    names = [op.name for op in facts.operators]
    assert names == ["CONV_2D", "MAX_POOL_2D", "TRANSPOSE_CONV", "DEPTH_TO_SPACE", "CONV_2D"]
    assert [op.layer for op in facts.operators] == ["first", "pool", "up", "shuffle", "scores"]
    assert facts.subgraphs == 1
    assert facts.size == len(small())
    convolution, _, transposed, shuffle, _ = facts.operators
    assert [t.shape for t in facts.inputs] == [(1, 16, 16, 3)]
    assert {t.kind for op in facts.operators for t in op.outputs} == {"int8"}
    assert convolution.options["fusedActivationFunction"] == 1
    assert (transposed.options["strideH"], transposed.options["strideW"]) == (2, 2)
    assert shuffle.options["blockSize"] == 2
    assert shuffle.outputs[0].shape == (1, 32, 32, 2)
    kernel = next(t for t in convolution.inputs if t.constant and len(t.shape) == 4)
    assert kernel.size == 8 * 3 * 3 * 3
    # kernels in bytes, biases in 4 bytes, the size that the transposed convolution is told
    assert facts.parameters == sum(
        [8 * 27, 4 * 8, 8 * 4 * 8, 4 * 4, _bias_of(transposed), 2 * 2, 4 * 2]
    )


def _bias_of(operator):
    return sum(t.size for t in operator.inputs if t.constant and t.shape == (8,))


def test_layers_by_the_names_that_the_converter_gives():
    assert layer_of("unet_1/decoder_conv1_1/Relu;unet_1/decoder_conv1_1/BiasAdd") == "decoder_conv1"
    assert layer_of("serving_default_image:0") == ""
    assert layer_of("") == ""


def test_what_is_no_file(tmp_path):
    for name, text in (("a.tflite", b""), ("b.tflite", b"junk"), ("c.tflite", b"\0" * 400)):
        (tmp_path / name).write_bytes(text)
        with pytest.raises(ArtefactError, match="lacks the mark TFL3"):
            read(tmp_path / name)
    with pytest.raises(ArtefactError, match="does not exist"):
        read(tmp_path / "none.tflite")
    with pytest.raises(ArtefactError, match="is a directory"):
        read(tmp_path)


@pytest.mark.parametrize("target", ["edge_tpu", "litert_gpu"])
def test_truncated_files_give_one_error(target, tmp_path):
    whole, path = small(), tmp_path / "cut.tflite"
    for length in [*range(8, 64, 4), *range(64, len(whole), 97)]:
        path.write_bytes(whole[:length])
        try:
            check(path, target)
        except ArtefactError as error:
            assert "\n" not in str(error)


@pytest.mark.parametrize("seed", range(6))
def test_flipped_bits_give_one_error_or_a_report(seed, tmp_path):
    whole, path = small(), tmp_path / "flipped.tflite"
    rng = np.random.default_rng(seed)
    failed = 0
    for _ in range(150):
        damaged = bytearray(whole)
        for place in rng.integers(8, len(whole), rng.integers(1, 9)):
            damaged[place] ^= 1 << rng.integers(8)
        path.write_bytes(damaged)
        try:
            str(check(path, "edge_tpu"))
        except ArtefactError as error:
            failed += 1
            assert "\n" not in str(error)
    assert 0 < failed < 150  # weights may be anything, offsets not


def test_float_files_too(tmp_path):
    path = tmp_path / "float.tflite"
    path.write_bytes(content(net(layers.Conv2D(2, 3, name="only")), "tflite"))
    (operator,) = read(path).operators
    assert (operator.name, operator.layer, operator.outputs[0].kind) == (
        "CONV_2D",
        "only",
        "float32",
    )
