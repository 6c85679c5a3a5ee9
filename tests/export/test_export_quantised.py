"""Files of integer arithmetic and of half precision: values, weights, calibration, errors."""

import warnings

import keras
import numpy as np
import pytest
from keras import layers

from keras_upsample import data, export, runtimes, zoo
from keras_upsample.errors import VerificationError
from keras_upsample.export._prepare import prepare
from keras_upsample.formats._convert import convert
from keras_upsample.layers import TransposedConv2D
from keras_upsample.program._program import program_of
from keras_upsample.program._signature import signature_of
from keras_upsample.quantization._calibration import calibration_feeds
from keras_upsample.targets import TARGETS

SIZE = (32, 40, 3)


def pictures(count: int = 8, size: tuple[int, int] = SIZE[:2]) -> list[np.ndarray]:
    return [data.photograph(name, size) for name in list(data.PHOTOGRAPHS)[:count]]


def net(filters: int = 8) -> keras.Model:
    """Like a trained one in that its scores use their range: three colours told apart."""
    keras.utils.set_random_seed(2)
    image = keras.Input(SIZE, name="image")
    x = layers.Conv2D(filters, 3, padding="same", activation="relu", name="first")(image)
    x = layers.MaxPooling2D(2)(x)
    x = layers.Conv2D(filters, 3, padding="same", activation="relu", name="second")(x)
    x = layers.UpSampling2D(2, interpolation="bilinear")(x)
    return keras.Model(image, layers.Conv2D(3, 1, name="scores")(x))


WRITERS = [
    ("tflite", "int8", 30),
    ("tflite", "int16x8", 40),
    ("onnx", "int8", 30),
    ("onnx", "float16", 50),
]


def write(model, folder, kind, precision, **options):
    writer = getattr(export, f"to_{kind}")
    return writer(model, folder / f"m.{kind}", precision=precision, **options)


@pytest.mark.parametrize(("kind", "precision", "decibels"), WRITERS)
def test_values(kind, precision, decibels, tmp_path):
    model, shown = net(), pictures()[:2]
    report = write(model, tmp_path, kind, precision, images=shown)
    runner = runtimes.load(report.path)
    for image in shown:
        x = image[None].astype("float32") / 255
        wanted = np.asarray(model(x), "float64")
        (given,) = runner({runner.inputs[0].name: x}).values()
        assert given.dtype == np.float32
        noise = np.mean((given - wanted) ** 2)
        assert 10 * np.log10(wanted.var() / noise) > decibels


def test_sixteen_bits_have_room_for_images_brighter_than_those_of_the_calibration(tmp_path):
    """Eight have not: there the same images are cut off inside the network."""
    bright = pictures()
    dim = [image.astype("float32") * (0.55 / 255) for image in bright]
    options = {"images": bright[:2], "representative_data": dim}
    write(net(), tmp_path, "tflite", "int16x8", **options)
    with pytest.raises(VerificationError, match="at least 30 dB are needed"):
        write(net(), tmp_path, "tflite", "int8", **options)


@pytest.mark.parametrize("integer_io", [False, True])
@pytest.mark.parametrize("precision", ["int8", "int16x8"])
def test_all_arithmetic_is_integer(precision, integer_io, tmp_path):
    report = write(net(), tmp_path, "tflite", precision, integer_io=integer_io)
    from ai_edge_litert.interpreter import Interpreter

    interpreter = Interpreter(model_path=report.path)
    kinds = {
        np.dtype(d["dtype"]).name
        for d in [*interpreter.get_input_details(), *interpreter.get_output_details()]
    }
    integer = {"int8": "int8", "int16x8": "int16"}[precision]
    assert kinds == {integer if integer_io else "float32"}
    assert ("DEQUANTIZE" in report.operators) == (not integer_io)
    inner = {
        np.dtype(d["dtype"]).name
        for d in interpreter.get_tensor_details()
        if d["shape"].size == 4 and d["index"] not in _ends(interpreter)
    }
    assert inner <= {"int8", "int16"}


def _ends(interpreter):
    details = [*interpreter.get_input_details(), *interpreter.get_output_details()]
    return {d["index"] for d in details}


def test_an_int8_file_holds_the_trained_weights(tmp_path):
    model = net()
    rng = np.random.default_rng(1)
    kernel = rng.normal(size=model.get_layer("second").kernel.shape).astype("float32")
    model.get_layer("second").kernel.assign(kernel)
    report = write(model, tmp_path, "tflite", "int8", lower=False)  # not equalised
    from ai_edge_litert.interpreter import Interpreter

    interpreter = Interpreter(model_path=report.path)
    interpreter.allocate_tensors()
    wanted = kernel.transpose(3, 0, 1, 2)
    found = []
    for detail in interpreter.get_tensor_details():
        scales = detail["quantization_parameters"]["scales"]
        if tuple(detail["shape"]) != wanted.shape or len(scales) != len(wanted):
            continue
        stored = interpreter.get_tensor(detail["index"]).astype("float64")
        found.append(np.abs(stored * scales[:, None, None, None] - wanted))
        limit = scales[:, None, None, None] * 0.501
    assert len(found) == 1
    assert (found[0] <= limit).all()


def test_presets_keep_their_scores(tmp_path):
    """Trained weights, on a photograph that no calibration saw."""
    model = zoo.espcn(weights="photos_x2")
    for kind in ("tflite", "onnx"):
        report = write(model, tmp_path, kind, "int8", input_shape=(64, 72, 3))
        assert report.verifications[0].snr_db > 30


@pytest.mark.parametrize("kind", ["tflite", "onnx"])
def test_what_representative_data_may_be(kind, tmp_path):
    from PIL import Image

    many = pictures(9)
    (tmp_path / "pictures").mkdir()
    for index, picture in enumerate(many):
        Image.fromarray(picture).save(tmp_path / "pictures" / f"{index}.png")
    contents = set()
    for given in (
        many,
        np.stack(many),
        tmp_path / "pictures",
        str(tmp_path / "pictures"),
        (picture for picture in many),
        lambda: iter(many),
        [{"image": picture / np.float32(255)} for picture in many],
    ):
        report = write(net(), tmp_path, kind, "int8", representative_data=given)
        runner = runtimes.load(report.path)
        (scores,) = runner({runner.inputs[0].name: many[0][None] / np.float32(255)}).values()
        contents.add(scores.tobytes())
    assert len(contents) == 1


def test_several_inputs(tmp_path):
    a, b = keras.Input((8, 8, 3), name="a"), keras.Input((4,), name="b")
    y = layers.Conv2D(4, 3, padding="same")(a) + layers.Reshape((1, 1, 4))(layers.Dense(4)(b))
    model = keras.Model([a, b], y)
    rng = np.random.default_rng(0)
    items = [
        {"a": rng.random((8, 8, 3), "float32"), "b": rng.random(4, "float32")} for _ in range(9)
    ]
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        report = write(model, tmp_path, "tflite", "int8", representative_data=items)
    assert report.verifications[0].snr_db > 30
    feeds = calibration_feeds(model, signature_of(model).fixed(), None, None)
    shapes = {tuple((name, value.shape) for name, value in feed.items()) for feed in feeds}
    assert len(feeds) >= 8
    assert shapes == {(("a", (1, 8, 8, 3)), ("b", (1, 4)))}
    with pytest.raises(ValueError, match=r"an array for each input, \['a', 'b'\].*\['a'\]"):
        write(model, tmp_path, "tflite", "int8", representative_data=[{"a": 1}] * 8)


@pytest.mark.parametrize(
    ("given", "message"),
    [
        (lambda: pictures(7), "at least 8 images. Received: 7"),
        (list, "at least 8 images. Received: 0"),
        (lambda: 5, "must be an array .* Received: int"),
        (lambda: [p[..., :2] for p in pictures()], r"images \(H, W, 3\) .* \(32, 40, 2\)"),
        (lambda: [p.astype("float32") for p in pictures()], "reaches 25.* reach 0.9"),
        (lambda: [p / np.float32(1e4) for p in pictures()], "Scale both as the model"),
        (lambda: "no/such/folder", "does not exist"),
    ],
)
def test_wrong_representative_data(given, message, tmp_path):
    for kind in ("tflite", "onnx"):
        with pytest.raises(ValueError, match=message):
            write(net(), tmp_path, kind, "int8", representative_data=given())
    assert list(tmp_path.iterdir()) == []


def test_noise_is_warned_of(tmp_path):
    rng = np.random.default_rng(0)
    noise = [rng.integers(0, 256, SIZE).astype("uint8") for _ in range(8)]
    with pytest.warns(UserWarning, match="looks like noise"):
        write(net(), tmp_path, "tflite", "int8", representative_data=noise)
    with warnings.catch_warnings():
        warnings.simplefilter("error", UserWarning)
        write(net(), tmp_path, "tflite", "int8", representative_data=pictures())


def test_ranges_of_the_wrong_images_are_caught(tmp_path):
    dark = [picture // 12 for picture in pictures()]
    with pytest.raises(VerificationError, match="at least 30 dB are needed"):
        write(net(), tmp_path, "tflite", "int8", representative_data=dark)
    assert list(tmp_path.iterdir()) == []


def test_a_preset_is_calibrated_on_its_own_data(monkeypatch):
    asked = []

    def labelled_images(name, split):
        asked.append((name, split))
        rng = np.random.default_rng(0)
        images = [np.repeat(rng.random((20, 24, 1), "float32"), 4, axis=1)] * 3
        return data.LabelledImages(images, [np.zeros((20, 96), "uint8")] * 3, ("a", "b"), ("",) * 3)

    monkeypatch.setattr(data, "labelled_images", labelled_images)
    model = zoo.unet(weights="nuclei")
    signature = signature_of(model, (16, 16, 1)).fixed()
    feeds = calibration_feeds(model, signature, None, None)
    assert asked == [("nuclei", "train")]
    assert len(feeds) >= 8
    assert {feed["image"].shape for feed in feeds} == {(1, 16, 16, 1)}


def test_unknown_precisions(tmp_path):
    for kind, precision in (("tflite", "int4"), ("onnx", "dynamic")):
        with pytest.raises(ValueError, match=f"`precision` must be one of .* '{precision}'"):
            write(net(), tmp_path, kind, precision)


def test_errors_by_layer(tmp_path):
    """A layer whose output channels differ in range by a thousand loses most."""
    keras.utils.set_random_seed(0)
    image = keras.Input(SIZE, name="image")
    x = layers.Conv2D(8, 3, padding="same", activation="relu", name="good")(image)
    x = layers.Conv2D(8, 3, padding="same", activation="tanh", name="bad")(x)
    x = layers.MaxPooling2D(2, name="pool")(x)
    model = keras.Model(image, layers.Conv2D(3, 1, name="scores")(x))
    # tanh of large numbers is steep: the rounded input decides its sign
    model.get_layer("bad").kernel.assign(model.get_layer("bad").kernel * 300)
    report = export.quantization_errors(model)
    assert report.errors[0].operator == "CONV_2D"
    own = {e.layer: e.own for e in report.errors if e.operator == "CONV_2D"}
    assert set(own) == {"good", "bad", "scores"}
    assert np.isfinite(list(own.values())).all()  # the last one's too, whose result is named anew
    pool = next(e for e in report.errors if e.operator == "MAX_POOL_2D")
    assert pool.own == float("inf")
    assert report.worst[0].own == min(e.own for e in report.errors)
    assert "<- loses most" in str(report)
    total = report.errors[-1].total
    written = write(model, tmp_path, "onnx", "float16", images=pictures()[:1])
    assert written.verifications[0].snr_db > total  # what the file as a whole loses


def test_layers_stay_in_float(tmp_path):
    model = net()
    for kind, operator in (("tflite", "CONV_2D"), ("onnx", "Conv")):
        whole = write(model, tmp_path, kind, "int8")
        part = write(model, tmp_path, kind, "int8", keep_float=["second"])
        assert part.operators[operator] == whole.operators[operator] == 3
        assert part.file_size > whole.file_size
    from ai_edge_litert.interpreter import Interpreter

    write(model, tmp_path, "tflite", "int8", keep_float=["second"])
    interpreter = Interpreter(model_path=str(tmp_path / "m.tflite"))
    kinds = [
        np.dtype(detail["dtype"]).name
        for detail in interpreter.get_tensor_details()
        if tuple(detail["shape"]) == (8, 3, 3, 8)
    ]
    assert kinds == ["float32"]


@pytest.mark.parametrize("kind", ["tflite", "onnx"])
def test_wrong_layers_to_keep(kind, tmp_path):
    with pytest.raises(ValueError, match=r"first, .*second.* Received: 'third'"):
        write(net(), tmp_path, kind, "int8", keep_float=["second", "third"])
    with pytest.raises(TypeError, match="must be a list of names"):
        write(net(), tmp_path, kind, "int8", keep_float="second")
    with pytest.raises(ValueError, match='is for precision="int8"'):
        write(net(), tmp_path, kind, "float16", keep_float=["second"])
    assert list(tmp_path.iterdir()) == []
    with pytest.raises(ValueError, match="without `integer_io`"):
        write(net(), tmp_path, "tflite", "int8", keep_float=["second"], integer_io=True)


def weights_in(path):
    """The rounded kernels of a file as real numbers, each flat and sorted."""
    if str(path).endswith(".tflite"):
        from ai_edge_litert.interpreter import Interpreter

        interpreter = Interpreter(model_path=str(path))
        interpreter.allocate_tensors()
        kernels = []
        for detail in interpreter.get_tensor_details():
            scales = detail["quantization_parameters"]["scales"]
            if len(scales) > 1 and len(detail["shape"]) == 4:
                shape = [1, 1, 1, 1]
                shape[detail["quantization_parameters"]["quantized_dimension"]] = -1
                values = interpreter.get_tensor(detail["index"]).astype("float64")
                kernels.append(values * np.reshape(scales, shape))
        return [np.sort(kernel, axis=None) for kernel in kernels]
    import onnx
    from onnx import numpy_helper

    graph = onnx.load(str(path)).graph
    constants = {c.name: numpy_helper.to_array(c).astype("float64") for c in graph.initializer}
    kernels = []
    for node in graph.node:
        if node.op_type == "DequantizeLinear" and node.input[0] in constants:
            values, scale, zero = (constants[name] for name in node.input)
            if values.ndim == 4:
                shape = [1, 1, 1, 1]
                shape[next(a.i for a in node.attribute if a.name == "axis")] = -1
                kernels.append((values - zero.reshape(shape)) * scale.reshape(shape))
    return [np.sort(kernel, axis=None) for kernel in kernels]


@pytest.mark.parametrize(
    ("name", "bits"),
    [("tflite_int8", 8), ("tflite_int16x8", 8), ("onnx_int8", 7), ("onnx_int8", 8)],
)
def test_a_file_holds_the_weights_that_were_chosen(name, bits, tmp_path):
    """Else the quantiser rounds them anew, each to its nearest, and nothing is gained."""
    keras.utils.set_random_seed(2)
    image = keras.Input(SIZE, name="image")
    x = layers.Conv2D(8, 3, strides=2, padding="same", activation="relu", name="plain")(image)
    x = layers.DepthwiseConv2D(3, padding="same", activation="relu", name="depthwise")(x)
    x = TransposedConv2D(6, 2, activation="relu", name="transposed")(x)
    model = keras.Model(image, layers.Conv2D(3, 1, name="scores")(x))
    target, options = TARGETS[name], export.Options(weight_bits=bits)
    ready = prepare(program_of(model, signature_of(model).fixed()), target, None, options)
    path = tmp_path / f"m{target.suffix}"
    convert(ready.program, path, target, options, ready.feeds)
    stored = weights_in(path)
    before = {layer.name: layer for layer in ready.exact.model.layers}
    found = [layer for layer in ready.program.model.layers if hasattr(layer, "kernel")]
    assert {layer.name for layer in found} >= {"plain", "depthwise", "scores"}
    for layer in found:
        chosen = np.asarray(layer.kernel, "float64")
        assert np.abs(chosen - np.asarray(before[layer.name].kernel)).max() > 0
        chosen = np.sort(chosen, axis=None)
        gaps = [np.abs(s - chosen) for s in stored if s.size == chosen.size]
        gap = min(gaps, key=np.sum) * 127 / np.abs(chosen).max()
        if (name, bits) == ("onnx_int8", 8):
            # The largest of a channel lies half a step beyond the values, and is cut to the last;
            # in the order of all it may change places with another.
            assert (gap > 1e-3).sum() <= 2 * max(layer.kernel.shape[2:])
            assert gap.max() < 0.51
        else:
            assert gap.max() < 1e-3


@pytest.mark.parametrize("step", ["equalisation", "rounding"])
def test_what_is_done_to_weights_is_told_and_can_be_left_out(step, tmp_path):
    report = write(net(), tmp_path, "tflite", "int8")
    assert any(line.startswith(f"{step}: ") for line in report.lowering)
    assert write(net(), tmp_path, "tflite", "int8", lower=False).lowering == ()


def test_eight_bits_keep_more_than_seven(tmp_path):
    """Rounded one by one; together, weights of 7 bits compute nearly as well."""
    model = net()
    found = {}
    for bits in (7, 8):
        for lower in (False, True):
            report = write(model, tmp_path, "onnx", "int8", weight_bits=bits, lower=lower)
            found[bits, lower] = report.verifications[0].snr_db
    assert found[8, False] > found[7, False] + 2
    assert found[7, True] > found[8, False]
    assert found[7, True] > found[8, True] - 1
    with pytest.raises(ValueError, match=r"`weight_bits` must be 7 or 8\. Received: 4"):
        write(model, tmp_path, "onnx", "int8", weight_bits=4)
