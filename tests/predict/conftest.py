"""One small network in every format."""

import pytest
from predicting import small_net

from keras_upsample.examples import _cases as _images
from keras_upsample.export import _artefact, _verify


@pytest.fixture(scope="session")
def artefacts(tmp_path_factory):
    """Format -> a small network in it; `"keras"` is the model itself."""
    from keras_upsample import export

    folder = tmp_path_factory.mktemp("artefacts")
    model = small_net()
    model.class_names = ("ground", "water", "sky")
    model.preprocessing = "float32, by percentiles"
    model.save(folder / "net.keras")
    with pytest.MonkeyPatch.context() as patch:  # less to verify on: that is tested elsewhere
        patch.setattr(_images, "_NAMES", ("coffee",))
        patch.setattr(_images, "ODD_SIZE", (21, 13))
        patch.setattr(_verify, "_LATENCY_ROUNDS", (1, 1))
        patch.setattr(_artefact, "other_runtimes", lambda names: [])
        export.to_onnx(model, folder / "net.onnx")
        export.to_onnx(model, folder / "nchw.onnx", layout="nchw")
        export.to_tflite(model, folder / "net.tflite", input_shape=(32, 24, 3))
        export.to_saved_model(model, folder / "saved")
    return {
        "keras": model,
        ".keras": folder / "net.keras",
        "onnx": folder / "net.onnx",
        "onnx nchw": folder / "nchw.onnx",
        "tflite": folder / "net.tflite",
        "SavedModel": folder / "saved",
    }
