"""What importing the package costs and offers."""

import re
import subprocess
import sys

import pytest

import keras_upsample as ku

HEAVY = ("tensorflow", "keras", "jax", "torch", "onnx", "onnxruntime", "ai_edge_litert", "skimage")


def python(code: str) -> str:
    result = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True)
    assert result.returncode == 0, result.stderr[-2000:]
    return result.stdout.strip()


@pytest.mark.parametrize("module", ["keras_upsample", "keras_upsample.cli", "keras_upsample.zoo"])
def test_import_is_light(module: str) -> None:
    code = f"import sys, {module}; print(*[n for n in {HEAVY!r} if n in sys.modules])"
    assert python(code) == ""


def test_public_names() -> None:
    assert set(ku.__all__) == {
        "data", "edge", "errors", "export", "hub", "initializers",
        "interchange", "layers", "losses", "lowering",
        "metadata", "metrics", "ops", "predict", "runtimes", "targets", "training", "viz", "zoo",
    }  # fmt: skip
    for package in (
        ku.layers,
        ku.ops,
        ku.zoo,
        ku.export,
        ku.runtimes,
        ku.data,
        ku.metrics,
        ku.predict,
        ku.viz,
        ku.edge,
        ku.lowering,
        ku.losses,
        ku.targets,
        ku.training,
        ku.hub,
    ):
        assert package.__all__
        for name in package.__all__:
            assert getattr(package, name) is not None
            assert name in dir(package)
    with pytest.raises(AttributeError):
        ku.nothing  # noqa: B018


def test_a_saved_model_loads_where_nothing_of_ours_was_used_yet(tmp_path) -> None:
    path = tmp_path / "model.keras"
    ku.zoo.unet(filters=(4, 4), classes=2).save(path)
    print_name = f"print(keras.models.load_model({str(path)!r}).name)"
    assert python(f"import keras, keras_upsample; {print_name}") == "unet"
    # Every class that we register is in the module that does it for load_model.
    names = python(
        "import keras, keras_upsample; from keras.saving import get_custom_objects;"
        "print(*[n for n in get_custom_objects() if n.startswith('keras_upsample>')])"
    ).split()
    source = subprocess.run(
        ["grep", "-rhA1", "register_keras_serializable", ku.__path__[0], "--include=*.py"],
        capture_output=True,
        text=True,
    ).stdout
    classes = set(re.findall(r"^(?:class|def) (\w+)", source, re.MULTILINE))
    assert len(classes) >= 12
    assert {name.split(">")[1] for name in names} == classes


def test_first_line_of_a_tensorflow_graph_error_is_the_reason():
    import tensorflow as tf

    from keras_upsample.errors import first_line

    @tf.function
    def divided(x):
        return tf.debugging.check_numerics(x / 0.0, "the reason")

    with pytest.raises(tf.errors.InvalidArgumentError) as caught:
        divided(tf.constant(1.0))
    assert first_line(caught.value).startswith("the reason")
