"""Scalars behind affine layers, which the TFLite converter adds to a bias or makes one of."""

from itertools import cycle, product

import keras
import numpy as np
import pytest
from exporting import noise, write
from keras import layers, ops

from keras_upsample import export, runtimes
from keras_upsample.formats._tflite_bias import with_full_biases

SHAPE = (6, 5, 4)
FEW = [noise(*SHAPE, seed=seed) * 4 - 2 for seed in range(9)]
DECIBELS = {"float32": 100, "float16": 45, "dynamic": 30, "int8": 30, "int16x8": 40}
SCALARS = {
    "hard_sigmoid": layers.Activation("hard_sigmoid"),
    "plus": lambda t: t + 0.3,
    "minus": lambda t: t - 0.3,
    "from": lambda t: 0.3 - t,
    "times": lambda t: t * 2.0,
    "times_minus": lambda t: t * 2.0 - 1.0,
    "over": lambda t: t / 3.0,
    "relu6": lambda t: ops.relu6(t + 3.0) / 6.0,
    "relu": lambda t: ops.relu(t + 0.3),
    "swish": layers.Activation("swish"),
    "hard_swish": layers.Activation("hard_swish"),
    "rescaling": layers.Rescaling(2.0, -1.0),
    "maximum": lambda t: ops.maximum(t, 0.25),
    "vector_plus": lambda t: t * np.float32([1, 2, -1, 3]) + 0.3,
    "turned": lambda t: ops.transpose(ops.transpose(t, (0, 3, 1, 2)) + 0.3, (0, 2, 3, 1)),
    "flat": lambda t: layers.Reshape(t.shape[1:])(layers.Reshape((-1, 4))(t) + 0.3),
    "convolved": lambda t: layers.Conv2D(2, 3, bias_initializer="uniform")(t + 0.3),
    "split": lambda t: ops.split(t + 0.3, 4, axis=-1)[2],
}  # fmt: skip
LAYERS = {
    "transposed": lambda **k: layers.Conv2DTranspose(4, 4, 2, "same", **k),
    "transposed_valid": lambda **k: layers.Conv2DTranspose(4, 3, 2, **k),
    "convolution": lambda **k: layers.Conv2D(4, 3, padding="same", **k),
    "depthwise": lambda **k: layers.DepthwiseConv2D(3, padding="same", **k),
    "dense": lambda **k: layers.Dense(4, **k),
}
BIASES = {
    "none": {"use_bias": False},
    "zeros": {},
    "uniform": {"bias_initializer": "random_normal"},
}


def net(layer, scalars=SCALARS):
    """An output for each scalar behind the layer, with kinds of bias in turn."""
    keras.utils.set_random_seed(4)
    image, kinds = keras.Input(SHAPE, name="image"), cycle(BIASES.values())
    outputs = {scalar: SCALARS[scalar](LAYERS[layer](**next(kinds))(image)) for scalar in scalars}
    return keras.Model(image, outputs)


def decibels(wanted, given):
    wanted = np.asarray(wanted, "float64")
    assert given.shape == wanted.shape
    return 10 * np.log10(wanted.var() / max(float(np.mean((given - wanted) ** 2)), 1e-30))


def biases(content):
    """Elements of the bias, and channels, of each transposed convolution."""
    from ai_edge_litert import schema_py_generated as schema

    model = schema.Model.GetRootAs(content, 0)
    graph = model.Subgraphs(0)
    for i in range(graph.OperatorsLength()):
        operator = graph.Operators(i)
        code = model.OperatorCodes(operator.OpcodeIndex()).BuiltinCode()
        if code == schema.BuiltinOperator.TRANSPOSE_CONV and operator.InputsLength() > 3:
            bias, kernel = (graph.Tensors(operator.Inputs(k)).ShapeAsNumpy() for k in (3, 1))
            yield tuple(bias), kernel[0]


SLOW = {(name, kind) for name in LAYERS for kind in DECIBELS if "transposed" not in name} - {
    (name, kind) for name in ("convolution", "dense") for kind in ("int8", "int16x8")
}


@pytest.mark.parametrize(
    ("layer", "precision"),
    [
        pytest.param(*case, marks=[pytest.mark.slow] if case in SLOW else [])
        for case in product(LAYERS, DECIBELS)
    ],
)
def test_scalars(layer, precision, tmp_path):
    scalars = [s for s in SCALARS if precision != "int16x8" or s != "hard_swish"]
    model = net(layer, scalars)
    options = {"representative_data": FEW} if precision.startswith("int") else {}
    options["lower"] = not layer.startswith("transposed")  # lowered it is a convolution
    path = write(model, tmp_path, "tflite", precision=precision, images=FEW[8:], **options)
    image = FEW[8][None]
    given, wanted = runtimes.load(path)({"image": image}), model(image)
    noisy = {name: decibels(wanted[name], given[name]) for name in wanted}
    assert {name: n for name, n in noisy.items() if n < DECIBELS[precision]} == {}
    found = list(biases(path.read_bytes()))
    assert len(found) > 10 if layer.startswith("transposed") else not found
    assert all(bias == (channels,) for bias, channels in found)


@pytest.mark.parametrize("layer", LAYERS)
def test_equal_biases_at_different_scales(layer, tmp_path):
    """The converter keeps equal constants once, and each reader has a scale of its own."""
    keras.utils.set_random_seed(4)
    image = keras.Input(SHAPE, name="image")
    options = {"bias_initializer": keras.initializers.Constant(0.7)}
    weak, strong = (LAYERS[layer](**options)(image * scale) for scale in (0.1, 40.0))
    twice = LAYERS[layer](**options)
    model = keras.Model(image, {"weak": weak, "strong": strong, "twice": twice(twice(image) * 30)})
    path = write(
        model,
        tmp_path,
        "tflite",
        precision="int16x8",
        lower=False,
        images=FEW[8:],
        representative_data=FEW,
    )
    image = FEW[8][None]
    given, wanted = runtimes.load(path)({"image": image}), model(image)
    assert min(decibels(wanted[name], given[name]) for name in wanted) > 40


@pytest.mark.parametrize("layer", ["transposed", "transposed_valid"])
def test_other_runtimes(layer, tmp_path):
    """TensorFlow Lite Micro and compilers read as many elements of a bias as there are channels."""
    scalars = ("hard_sigmoid", "plus", "times_minus")
    model, image = net(layer, scalars), FEW[8][None]
    made = export.export(model, tmp_path, ["tflm", "edge_tpu"], FEW[8:], representative_data=FEW)
    assert not made.failures
    wanted = model(image)
    for artefact in made.artefacts:
        given = runtimes.load(artefact.path)({"image": image})
        assert min(decibels(wanted[name], given[name]) for name in wanted) > 30


def test_a_file_without_a_short_bias_stays_as_it_is(tmp_path):
    keras.utils.set_random_seed(4)
    image = keras.Input(SHAPE, name="image")
    path = write(keras.Model(image, LAYERS["transposed"]()(image)), tmp_path, "tflite")
    content = path.read_bytes()
    assert with_full_biases(content) is content
