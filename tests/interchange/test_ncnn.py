"""Nets of ncnn: layers against ncnn and plain NumPy, open sizes, damaged files."""

import struct

import keras
import numpy as np
import pytest
from ncnn_files import conv, plain, tagged, write_net

import keras_upsample as ku
from keras_upsample.errors import ArtefactError, VerificationError
from keras_upsample.interchange import _from_ncnn
from keras_upsample.interchange.ncnn._run import run

from_ncnn = ku.interchange.from_ncnn
LEAKY = "9=2 -23310=1,0.1"


def one(line, weights=b"", shape=(9, 7, 3)):
    return [line], weights, shape


def after_conv(lines, weights=b"", more="4=1", filters=4):
    """Layers behind a convolution to `a`."""
    first, kernel = conv("c", "x", "a", filters, 3, more=more)
    return [first, *lines], kernel + weights, (8, 12, 3)


def pooled(lines, weights=b""):
    """Layers behind `a`, its copy `b`, and its mean `g`, one number a channel."""
    split = ["Split s 1 2 a a1 b", "Pooling p 1 1 a1 g 0=1 4=1"]
    return after_conv([*split, *lines], weights)


CASES = {
    "convolution": one(*conv("c", "x", "y", 5, 3)),
    "half": one(*conv("c", "x", "y", 5, 3, half=True)),
    "half, odd count": one("Convolution c 1 1 x y 0=1 1=1 6=3", tagged(1, 3, 1, 1, half=True)),
    "strides, pads": one(*conv("c", "x", "y", 4, 3, 3, "3=2 13=3 4=1 14=2 15=0 16=1")),
    "rows and columns": one(
        "Convolution c 1 1 x y 0=2 1=3 11=2 2=2 12=1 4=1 14=0 6=36", tagged(2, 3, 2, 3)
    ),
    "same": one(*conv("c", "x", "y", 4, 3, 3, "4=-233")),
    "same, strides": one(*conv("c", "x", "y", 4, 3, 3, "4=-233 3=2"), (8, 12, 3)),
    "same lower": one(*conv("c", "x", "y", 4, 3, 3, "4=-234 3=2"), (8, 12, 3)),
    **{
        f"activation {more}": one(*conv("c", "x", "y", 4, 3, more=more))
        for more in (
            "9=1",
            LEAKY,
            "9=3 -23310=2,0.0,6.0",
            "9=4",
            "9=5",
            "9=6 -23310=2,0.166666667,0.5",
        )
    },
    "depthwise": one(
        "ConvolutionDepthWise c 1 1 x y 0=6 1=3 4=1 5=1 6=54 7=3", tagged(6, 1, 3, 3) + plain(6)
    ),
    "groups": after_conv(
        ["ConvolutionDepthWise d 1 1 a y 0=6 1=3 4=1 5=1 6=108 7=2"], tagged(6, 2, 3, 3) + plain(6)
    ),
    **{
        f"deconvolution {geometry}": one(
            f"Deconvolution d 1 1 x y 0=4 1={size} {geometry} 5=1 6={12 * size * size} {LEAKY}",
            tagged(4, 3, size, size) + plain(4),
        )
        for size, geometry in ((2, "3=2"), (4, "3=2 4=3"), (4, "3=2 4=1"), (3, "3=2 4=1 18=1 19=1"))
    },
    "inner product": after_conv(
        ["Pooling p 1 1 a g 0=1 4=1", "InnerProduct i 1 1 g y 0=5 1=1 2=20 9=4"],
        tagged(5, 4) + plain(5),
    ),
    "inner product of a map": one("InnerProduct i 1 1 x y 0=2 2=378", tagged(2, 189, half=True)),
    "batch norm": one(
        "BatchNorm b 1 1 x y 0=3 1=0.001", plain(3) + plain(3) + plain(3, low=0.5) + plain(3)
    ),
    "prelu": after_conv(["PReLU p 1 1 a y 0=4"], plain(4)),
    "prelu of one slope": after_conv(["PReLU p 1 1 a y 0=1"], plain(1)),
    **{
        f"{kind} {more}": after_conv([f"{kind} r 1 1 a y {more}"])
        for kind, more in (
            ("ReLU", ""),
            ("ReLU", "0=0.2"),
            ("Sigmoid", ""),
            ("TanH", ""),
            ("Swish", ""),
            ("Mish", ""),
            ("HardSwish", "0=0.16666667 1=0.5"),
            ("Clip", "0=0.0 1=0.5"),
            ("ELU", "0=0.7"),
            ("UnaryOp", "0=0"),
            ("UnaryOp", "0=7"),
            ("Noop", ""),
            ("PixelShuffle", "0=2"),
            ("PixelShuffle", "0=2 1=1"),
            ("Pooling", "0=1 1=2 2=2 5=1"),
            ("Pooling", "0=0 1=2 2=2"),
            ("Pooling", "0=0 4=1"),
            ("Crop", "0=1 1=2 3=-233 4=-233 5=-233 6=3 7=1"),
            ("Crop", "0=1 1=2 3=5 4=99 5=4"),
            ("Crop", "-23309=2,2,1 -23310=2,-1,-3 -23311=2,-2,-1"),
            ("Crop", "-23309=1,-5 -23310=1,11 -23311=1,2"),
            ("Padding", "0=1 1=2 2=0 3=3 4=0 5=0.5"),
            ("Padding", "0=1 1=2 2=0 3=3 4=0"),
            ("Padding", "0=1 1=2 2=0 3=3 4=1"),
            ("Padding", "0=1 1=2 2=0 3=3 4=2"),
            ("Interp", "0=1 1=2.0 2=3.0"),
            ("Interp", "0=1 3=16 4=24"),
            ("Interp", "0=2 1=2.0 2=2.0"),
            ("Interp", "0=2 1=2.0 2=2.0 6=1"),
            ("Interp", "0=2 3=5 4=17"),
            ("Interp", "0=3 1=2.0 2=2.0"),
            ("Interp", "0=3 1=0.5 2=0.5"),
            ("Interp", "0=3 1=0.75 2=0.75"),
            ("Interp", "0=2 1=1.5 2=1.5"),
            ("Interp", "0=2 1=0.25 2=0.25"),
            ("BinaryOp", "0=2 1=1 2=0.5"),
            ("BinaryOp", "0=7 1=1 2=0.5"),
        )
    },
    **{
        f"binary {code}": after_conv(
            ["Split s 1 2 a a1 a2", "Sigmoid g 1 1 a1 b", f"BinaryOp b 2 1 a2 b y 0={code}"]
        )
        for code in (0, 1, 2, 3, 4, 5, 7)
    },
    "binary by channel": pooled(["BinaryOp m 2 1 b g y 0=2"]),
    "binary by channel, turned": pooled(["BinaryOp m 2 1 g b y 0=1"]),
    "scale by channel": pooled(["Scale m 2 1 b g y 0=-233"]),
    "scale": after_conv(["Scale m 1 1 a y 0=4 1=1"], plain(4) + plain(4)),
    "constant": after_conv(["MemoryData k 0 1 k 0=1 1=1 2=4", "BinaryOp m 2 1 a k y"], plain(4)),
    "weighted sum": after_conv(
        ["Split s 1 2 a a1 a2", "TanH t 1 1 a1 b", "Eltwise e 2 1 b a2 y 0=1 -23301=2,0.2,1.0"]
    ),
    "product, largest": after_conv(
        [
            "Split s 1 4 a a1 a2 a3 a4",
            "Eltwise e 2 1 a1 a2 p 0=0",
            "Eltwise f 3 1 p a3 a4 y 0=2",
        ]
    ),
    "concat": after_conv(
        ["Split s 1 3 a a1 a2 a3", "TanH t 1 1 a1 b", "Concat k 3 1 a2 b a3 y 0=0"]
    ),
    "crop like": after_conv(
        [
            "Split s 1 2 a a1 a2",
            "Crop c1 1 1 a1 b 0=2 1=1 3=-233 4=-233 5=-233 6=2 7=1",
            "Crop c2 2 1 a2 b y 0=2 1=1",
        ]
    ),
}


@pytest.mark.parametrize("name", CASES)
def test_a_layer_computes_what_ncnn_computes(name, tmp_path):
    lines, weights, shape = CASES[name]
    param, bin = write_net(tmp_path, lines, weights)
    model = from_ncnn(param, bin, input_shape=shape, verify=False)
    images = np.random.default_rng(1).normal(0.3, 0.6, (2, *shape)).astype("float32")
    found = np.asarray(model(images))
    for image, ours in zip(images, found, strict=True):
        (wanted,) = run(param, bin, image).values()
        assert ours.shape == wanted.shape
        np.testing.assert_allclose(ours, wanted, atol=2e-5 * max(1.0, np.abs(wanted).max()))


def unet(half=True):
    """Two resolutions, a gate by channel, crops like and between, float16."""
    lines, weights = [], b""
    for line, content in (
        conv("c1", "x", "a", 6, 3, 3, LEAKY, half),
        ("Split s1 1 2 a a1 a2", b""),
        conv("c2", "a1", "b", 8, 6, 2, "3=2 9=1", half),
        ("Split s2 1 2 b b1 b2", b""),
        ("Pooling p 1 1 b1 g 0=1 4=1", b""),
        ("InnerProduct i 1 1 g h 0=8 1=1 2=64 9=4", tagged(8, 8, half=half) + plain(8)),
        ("BinaryOp m 2 1 b2 h d 0=2", b""),
        conv("c3", "d", "e", 8, 8, 3, LEAKY, half),
        ("Deconvolution u 1 1 e f 0=6 1=2 3=2 5=1 6=192", tagged(6, 8, 2, 2, half=half) + plain(6)),
        ("Split s3 1 2 f f1 f2", b""),
        ("Crop k 2 1 a2 f1 q 0=2 1=2", b""),
        ("Eltwise r 2 1 q f2 t 0=1", b""),
        conv("c4", "t", "y", 3, 6, 3, "", half),
    ):
        lines.append(line)
        weights += content
    return lines, weights


def test_open_sizes_are_followed(tmp_path):
    """Crops to another map's size are settled for every multiple of 2, odd multiples too."""
    param, bin = write_net(tmp_path, *unet())
    model = from_ncnn(param, bin, multiple=2)
    assert model.input_shape == (None, None, None, 3)
    for height, width in ((16, 20), (18, 14)):
        image = np.random.default_rng(2).random((height, width, 3), "float32")
        (wanted,) = run(param, bin, image).values()
        np.testing.assert_allclose(np.asarray(model(image[None]))[0], wanted, atol=1e-5)


def test_a_net_whose_crop_depends_on_the_size_asks_for_a_multiple(tmp_path):
    param, bin = write_net(tmp_path, *unet())
    with pytest.raises(ArtefactError, match=r"'k'.*whose difference depends.*Pass .* `multiple`"):
        from_ncnn(param, bin)
    assert from_ncnn(param, bin, input_shape=(17, 21, 3)).output_shape == (None, 8, 12, 3)


def test_half_floats_and_the_order_of_axes_by_hand(tmp_path):
    """Against NumPy: y[m] = Σ k[m, c, i, j] x[c, 2r + i, 2s + j] + b[m]."""
    kernel = np.arange(2 * 3 * 2 * 1).reshape(2, 3, 2, 1) / 8  # exact in float16
    bias = np.array([0.5, -1], "<f4")
    weights = struct.pack("<I", 0x01306B47) + kernel.astype("<f2").tobytes() + bias.tobytes()
    line = "Convolution c 1 1 x y 0=2 1=1 11=2 3=2 5=1 6=12"
    model = from_ncnn(*write_net(tmp_path, [line], weights))
    image = np.random.default_rng(3).random((1, 7, 5, 3), "float32")
    windows = np.stack([image[0, 0:5:2, ::2], image[0, 1:6:2, ::2]])  # (i, r, s, c)
    expected = np.einsum("mcij,irsc->rsm", kernel, windows) + bias
    np.testing.assert_allclose(np.asarray(model(image))[0], expected, atol=1e-5)


def test_a_model_can_be_saved_trained_and_exported(tmp_path):
    param, bin = write_net(tmp_path, *unet())
    model = from_ncnn(param, bin, multiple=2, name="gate")
    assert model.name == "gate" and len(model.trainable_weights) == 12
    model.save(tmp_path / "m.keras")
    again = keras.models.load_model(tmp_path / "m.keras")
    image = np.random.default_rng(4).random((1, 16, 16, 3), "float32")
    np.testing.assert_array_equal(np.asarray(again(image)), np.asarray(model(image)))
    before = [np.asarray(weight) for weight in model.trainable_weights]
    model.compile("sgd", "mse")
    model.fit(image, np.ones((1, 8, 8, 3), "float32"), verbose=0)
    changed = [
        np.abs(np.asarray(w) - b).max() > 0 for w, b in zip(model.weights, before, strict=True)
    ]
    assert all(changed)


@pytest.mark.parametrize(
    "lines, message",
    [
        (["Softmax s 1 1 x y 0=0"], r"Softmax at layer 's' can't be read: .*not read yet"),
        (["Convolution c 1 1 x y 0=2 1=1 6=6 8=101"], "parameter 8 with the value 101"),
        (["Convolution c 1 1 x y 0=2 1=1 6=7"], "it has 7 weights, where the shape"),
        (["Convolution c 1 1 x y 0=2 1=9 4=-1 6=486"], "negative pads"),
        (["Interp i 1 1 x y 0=1 1=0.5 2=0.5"], "nearest"),
        (["Interp i 1 1 x y 0=2 1=0.75 2=0.75"], "may not be divisible|depends on the image"),
        (["Concat k 1 1 x y 0=1"], "axis 1; channels are axis 0"),
        (["Crop k 1 1 x y 2=1"], "a crop of channels"),
        (["PixelShuffle k 1 1 x y 0=2"], "a factor 2 of mode 0 for 3 channels"),
        (["PReLU k 1 1 x y 0=2"], "2 slopes for 3 channels"),
        (["ReLU k 1 1 z y"], r"line 4 .*no layer before it gives its input 'z'"),
        (["ReLU k 1 1 x x"], r"line 4 .*another layer gives 'x'"),
        (["ReLU k 1 1 x y 0"], "'0' is no parameter"),
        (["ReLU k 1 1 x y 0=nan"], "'0=nan' is no parameter"),
        (["ReLU k 1 2 x y"], "it names 2 of its 3 blobs"),
        (["Input z 0 1 z", "ReLU k 1 1 x y"], "2 inputs"),
        (["Padding k 1 1 x y 0=99999"], "pads 99999; up to 8192 are read"),
        (["Deconvolution k 1 1 x y 0=1 1=1 3=99999 6=3"], "13 99999; up to 8192 are read"),
    ],
)
def test_refusals_name_the_layer_and_the_reason(lines, message, tmp_path):
    param, bin = write_net(tmp_path, lines, bytes(4000))
    with pytest.raises(ArtefactError, match=message):
        from_ncnn(param, bin, input_shape=(None, None, 3))


@pytest.mark.parametrize(
    "tag, message",
    [(0x000D4B38, "stored in 8 bits.*before it was quantized"), (1, "behind the tag 0x00000001")],
)
def test_quantized_weights_are_refused(tag, message, tmp_path):
    line, weights = conv("c", "x", "y", 4, 3)
    param, bin = write_net(tmp_path, [line], struct.pack("<I", tag) + weights[4:])
    with pytest.raises(ArtefactError, match=message):
        from_ncnn(param, bin)


def test_files_that_do_not_belong_together(tmp_path):
    line, weights = conv("c", "x", "y", 4, 3)
    for content, message in (
        (weights[:-4], "4 bytes before"),
        (weights + bytes(8), "8 bytes more"),
    ):
        param, bin = write_net(tmp_path, [line], content)
        with pytest.raises(ArtefactError, match=message):
            from_ncnn(param, bin)
    with pytest.raises(ArtefactError, match="first line is not 7767517"):
        from_ncnn(bin, bin)
    with pytest.raises(ArtefactError, match="No such file"):
        from_ncnn(tmp_path / "none.param", bin)


@pytest.mark.parametrize(
    "arguments, message",
    [
        ({"input_shape": (8, 8)}, r"must be \(height, width, channels\)"),
        ({"input_shape": (8, 8, None)}, r"must be \(height, width, channels\)"),
        ({"input_shape": (8, 8, 4)}, "whose image has 3 channels"),
        ({"multiple": 0}, "`multiple` must be a whole number from 1 up. Received: 0"),
    ],
)
def test_arguments(arguments, message, tmp_path):
    line, weights = conv("c", "x", "y", 4, 3)
    with pytest.raises(ValueError, match=message):
        from_ncnn(*write_net(tmp_path, [line], weights), **arguments)


def test_a_model_of_other_values_is_not_returned(tmp_path, monkeypatch):
    line, weights = conv("c", "x", "y", 4, 3)
    param, bin = write_net(tmp_path, [line], weights)
    wrong = {"y": run(param, bin, np.zeros((60, 60, 3), "float32"))["y"]}
    monkeypatch.setattr(_from_ncnn, "run", lambda *_: wrong)
    with pytest.raises(VerificationError, match="'y' differs from ncnn's by"):
        from_ncnn(param, bin)


@pytest.mark.parametrize("seed", range(4))
def test_damaged_files_give_an_error_of_ours(seed, tmp_path):
    """Bytes flipped, cut and put in: a model, or one error that names the file."""
    rng = np.random.default_rng(seed)
    lines, weights = unet()
    param, bin = write_net(tmp_path, lines, weights)
    text = param.read_bytes()
    for round_ in range(30):
        damaged = bytearray(text if round_ % 3 else weights)
        for _ in range(int(rng.integers(1, 4))):
            place = int(rng.integers(len(damaged)))
            kind = int(rng.integers(4))
            if kind == 0:
                del damaged[place:]
            elif kind == 1:
                del damaged[place : place + int(rng.integers(1, 9))]
            elif kind == 2:
                damaged[place : place + 1] = rng.choice(list(b"0123456789=,-. \nxae"), 2).tolist()
            else:
                damaged[place] = int(rng.integers(256))
            damaged = damaged or bytearray(b"\n")
        (param if round_ % 3 else bin).write_bytes(damaged)
        try:
            from_ncnn(param, bin, input_shape=(24, 24, 3), verify=False)
        except ArtefactError as error:
            assert str(param) in str(error)
        param.write_bytes(text)
        bin.write_bytes(weights)
