"""The configuration of a model that Keras 2 wrote -> the one that Keras 3 reads, as data.

Nothing of the file is run. What changed between the two:

* arguments that are gone (`groups` of a DepthwiseConv2D) and meant nothing at their default;
* classes and modules under other names (`Functional` of `tf_keras.src.engine.functional`);
* a mixed policy, which was an object and is a name;
* `hard_sigmoid`, which was clip(0.2 x + 0.5, 0, 1) and is clip(x/6 + 0.5, 0, 1);
* calls of a model in a model, which were counted from 1;
* TensorFlow functions on tensors (`x / 127.5`, `tf.image.resize`), which were layers.
"""

from collections.abc import Callable
from typing import Any

from ._keras2_functions import as_function_layer, is_function
from ._others._keras import FUNCTIONAL_MODULE
from .errors import ArtefactError

_ANY = object()

_GONE: dict[str, Any] = {
    "groups": 1,
    "time_major": False,
    "ragged": False,
    "noise_shape": None,
    "virtual_batch_size": None,
    "renorm": False,
    **dict.fromkeys(
        (
            "experimental_autocast", "function_type", "fused", "implementation", "input_length",
            "key_shape", "module", "output_shape_module", "output_shape_type", "query_shape",
            "renorm_clipping", "renorm_momentum", "rng_type", "softmax_robust_masking", "trainable",
            "value_shape", "vocabulary_size",
        ),
        _ANY,
    ),
}  # fmt: skip
"""Arguments that some layer of Keras 3 has not -> the value at which they say nothing."""

_GONE_FOR = {
    "DepthwiseConv1D": ("filters", "kernel_initializer", "kernel_regularizer", "kernel_constraint"),
    "DepthwiseConv2D": ("filters", "kernel_initializer", "kernel_regularizer", "kernel_constraint"),
    "SeparableConv1D": ("kernel_initializer", "kernel_regularizer", "kernel_constraint"),
    "SeparableConv2D": ("kernel_initializer", "kernel_regularizer", "kernel_constraint"),
}
"""Arguments that the class inherited and never used."""

_RENAMED_CLASSES = {
    "Model": "Functional",
    "BatchNormalizationV1": "BatchNormalization",
    "BatchNormalizationV2": "BatchNormalization",
    "SyncBatchNormalization": "BatchNormalization",
    "ThresholdedReLU": "ReLU",
}
_RENAMED = {("LeakyReLU", "alpha"): "negative_slope", ("ReLU", "theta"): "threshold"}
_RENAMED_VALUES = {("distribution", "normal"): "truncated_normal"}
_POLICIES = ("Policy", "PolicyV1")
_MODELS = ("Functional", "Sequential")
_OURS = "keras_upsample>hard_sigmoid_of_keras_2"
_PACKAGES = ("keras.", "tf_keras.", "tensorflow.")


def translate(config: dict[str, Any], version: str) -> dict[str, Any]:
    """A model's configuration as Keras 3 reads it; what it reads already stays as it is.

    Args:
        config: of a model: `class_name`, `config` and so on.
        version: of the Keras that wrote it, "" if unknown.

    Raises:
        ArtefactError: it asks for something that Keras 3 does not have.
    """
    return _object(config, _is_old(version))


def _is_old(version: str) -> bool:
    return version.split(".")[0] in ("1", "2")


def _object(plain: Any, old: bool) -> Any:
    """A serialised layer or model, and everything in it."""
    if isinstance(plain, list):
        return [_object(item, old) for item in plain]
    if not isinstance(plain, dict):
        return plain
    if "class_name" not in plain or not isinstance(plain.get("config"), dict):
        return {key: _object(value, old) for key, value in plain.items()}
    name = str(plain["class_name"]).removeprefix("experimental>").removeprefix("Addons>")
    if is_function(name):
        return as_function_layer(plain)
    result = dict(plain)
    known = _RENAMED_CLASSES.get(name, name)
    if name == "Model" and "layers" not in plain["config"]:
        known = name
    if known != plain["class_name"]:
        result["class_name"] = known
    if "module" in plain:
        result.update(_place(plain, known, old))
    config = {
        _RENAMED.get((known, key), key) if old else key: _argument(key, value, old)
        for key, value in plain["config"].items()
    }
    result["config"] = _without_gone(known, config, old)
    if known == "BatchNormalization":
        axis = config.get("axis")
        if isinstance(axis, list) and len(axis) == 1:
            result["config"]["axis"] = axis[0]
        if name == "SyncBatchNormalization":
            result["config"]["synchronized"] = True
    if known in _MODELS and old:
        _count_calls_from_0(result["config"])
    return result


def _place(plain: dict[str, Any], name: str, old: bool) -> dict[str, Any]:
    """The module and registered name of a class of Keras' own."""
    if not old:
        return {}
    module, registered = plain.get("module") or "", plain.get("registered_name")
    if not module.startswith(_PACKAGES) or (registered or "").count(">"):
        return {}
    if name == "Functional":
        return {"module": FUNCTIONAL_MODULE, "registered_name": "Functional"}
    if ".src." in module or not module.startswith("keras."):
        where = "keras" if name == "Sequential" else "keras.layers"
        return {"module": where, "registered_name": None}
    return {}


def _argument(key: str, value: Any, old: bool) -> Any:
    if key == "function" and isinstance(value, list) and len(value) == 3:
        code, defaults, closure = value  # of a Lambda; whether it may run is the loader's business
        return {
            "class_name": "__lambda__",
            "config": {"code": code, "defaults": defaults, "closure": closure},
        }
    if key == "dtype" and isinstance(value, dict) and value.get("class_name") in _POLICIES:
        return value.get("config", {}).get("name", "float32")
    if old and value == "hard_sigmoid" and key.endswith("activation"):
        return _function(_OURS)
    if old and key.endswith("_initializer") and isinstance(value, dict):
        return _initializer(value)
    return _object(value, old)


def _function(name: str) -> dict[str, Any]:
    kind = "function"
    return {"module": "builtins", "class_name": kind, "config": name, "registered_name": kind}


def _initializer(value: dict[str, Any]) -> dict[str, Any]:
    """Without the dtype that those of TensorFlow 1 had."""
    config = value.get("config")
    if not isinstance(config, dict):
        return value
    kept = {
        key: _RENAMED_VALUES.get((key, item), item) if isinstance(item, str) else item
        for key, item in config.items()
        if key != "dtype"
    }
    return {**value, "config": kept}


def _without_gone(name: str, config: dict[str, Any], old: bool) -> dict[str, Any]:
    accepted = _accept(name)
    if accepted is None:
        return config
    result = dict(config)
    for key in _GONE_FOR.get(name, ()) if old else ():
        if key not in accepted:
            result.pop(key, None)
    for key, silent in _GONE.items():
        if key not in result or key in accepted:
            continue
        if silent is not _ANY and result[key] != silent:
            raise ArtefactError(
                f"its layer {config.get('name')!r} ({name}) has {key}={result[key]!r}, which Keras "
                "3 does not have"
            )
        del result[key]
    return result


def _accept(name: str) -> set[str] | None:
    """The arguments of a class of Keras 3, None where it is no class of its own."""
    import inspect

    import keras

    found: Callable[..., Any] | None = getattr(keras.layers, name, None)
    if found is None:
        return None
    names: set[str] = set()
    for base in inspect.getmro(found):  # type: ignore[arg-type]
        if "__init__" not in vars(base):
            continue
        parameters = inspect.signature(vars(base)["__init__"]).parameters
        names |= set(parameters)
        if base is keras.layers.Layer or "kwargs" not in parameters:
            break  # it hands nothing on
    return names


def _count_calls_from_0(config: dict[str, Any]) -> None:
    """Keras 2 gave a model in a model that knew its input a call of its own, number 0.

    For the outputs Keras 3 takes that into account itself where the model is a Functional one.
    """
    layers = config.get("layers", [])
    names = {kind: _models_within(layers, kind) for kind in _MODELS}
    if not any(names.values()):
        return
    for layer in layers:
        inbound = layer.get("inbound_nodes", [])
        layer["inbound_nodes"] = _shift(inbound, names["Sequential"] | names["Functional"])
    for key in ("input_layers", "output_layers"):
        if key in config:
            config[key] = _shift(config[key], names["Sequential"])


def _models_within(layers: list[dict[str, Any]], kind: str) -> set[str]:
    return {
        layer.get("name", layer["config"].get("name"))
        for layer in layers
        if layer.get("class_name") == kind and _knows_its_input(layer["config"])
    }


def _knows_its_input(config: dict[str, Any]) -> bool:
    layers = config.get("layers") or [{}]
    return layers[0].get("class_name") == "InputLayer"


def _shift(nodes: Any, counted: set[str]) -> Any:
    """References [name, call, output] one call lower where the layer is in `counted`."""
    if isinstance(nodes, dict):
        return {key: _shift(value, counted) for key, value in nodes.items()}
    if not isinstance(nodes, list | tuple):
        return nodes
    if len(nodes) >= 3 and isinstance(nodes[0], str) and nodes[0] in counted:
        return [nodes[0], max(0, nodes[1] - 1), *(_shift(item, counted) for item in nodes[2:])]
    return [_shift(item, counted) for item in nodes]
