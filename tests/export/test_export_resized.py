"""TFLite files whose input is resized by whoever runs them; docs/limits.md says which can be."""

import keras
import numpy as np
import pytest
from ai_edge_litert.interpreter import Interpreter
from compare import assert_close
from exporting import convolution, distinctive, noise, write
from keras import layers

UPSAMPLERS = {
    "transposed": lambda: layers.Conv2DTranspose(6, 2, 2),
    "overlapping": lambda: layers.Conv2DTranspose(6, 4, 2, "same"),
    "nearest": lambda: layers.UpSampling2D(2),
    "bilinear": lambda: layers.UpSampling2D(2, interpolation="bilinear"),
    "bicubic": lambda: layers.UpSampling2D(2, interpolation="bicubic"),
}


def net(upsampler: str) -> keras.Model:
    image = keras.Input((None, None, 3), name="image")
    skip = convolution(6, activation="relu")(image)
    x = UPSAMPLERS[upsampler]()(layers.MaxPooling2D()(skip))
    x = convolution(2, name="out")(layers.Concatenate()([x, skip]))
    return distinctive(keras.Model(image, x))


def answer(path, x: np.ndarray) -> np.ndarray:
    interpreter = Interpreter(str(path))
    detail = interpreter.get_input_details()[0]
    interpreter.resize_tensor_input(detail["index"], x.shape)
    interpreter.allocate_tensors()
    interpreter.set_tensor(detail["index"], x)
    interpreter.invoke()
    return interpreter.get_tensor(interpreter.get_output_details()[0]["index"])


@pytest.mark.parametrize("upsampler", ["transposed", "overlapping", "nearest"])
def test_other_sizes(upsampler: str, tmp_path) -> None:
    """The enlarged maps are of 17 x 25 and 24 x 31 pixels: odd ones."""
    model = net(upsampler)
    path = write(model, tmp_path, "tflite", input_shape=(32, 32, 3))
    for shape in [(1, 34, 50, 3), (2, 48, 62, 3), (1, 32, 32, 3)]:
        x = noise(*shape)
        assert_close(answer(path, x), np.asarray(model(x)), of_range=5e-6)


@pytest.mark.parametrize("upsampler", ["bilinear", "bicubic"])
def test_a_constant_size_is_refused_by_the_runtime(upsampler: str, tmp_path) -> None:
    path = write(net(upsampler), tmp_path, "tflite", input_shape=(32, 32, 3))
    with pytest.raises(RuntimeError):
        answer(path, noise(1, 34, 50, 3))


def test_the_batch_of_a_bilinear_file(tmp_path) -> None:
    model, x = net("bilinear"), noise(3, 32, 32, 3)
    path = write(model, tmp_path, "tflite", input_shape=(32, 32, 3))
    assert_close(answer(path, x), np.asarray(model(x)), of_range=5e-6)
