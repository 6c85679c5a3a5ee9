"""`from_torch`: a PyTorch module as a native Keras model."""

import warnings
from typing import Any

from .._text import printable
from ..errors import ArtefactError
from ..files._scratch import scratch
from ._torch_module import evaluating, example_input, output_of, plain_module
from ._torch_verify import verify as compare


def from_torch(module: Any, example: Any, *, name: str | None = None, verify: bool = True) -> Any:
    """Read a PyTorch module as a Keras model of native layers, channels last, ready to be trained.

    One of PyTorch's own exporters writes the graph, the one by TorchScript or, where that or
    the reader fails, the one by `torch.export` (dynamo), with a warning. The layers are called
    after the modules: `encoder.layer1.0.conv1` becomes `encoder_layer1_0_conv1`. Batch
    normalization stays a layer. Parameters become trainable weights, frozen ones too; buffers and
    numbers in the code become weights that are not trained.

    The module is used in evaluation mode and left as it was: the mode of each submodule, weights,
    gradients, and PyTorch's random state.

    Args:
        module: a `torch.nn.Module` of float32 on the CPU, of one input and one output.
        example: an input (N, channels, height, width): a tensor, an array, or its shape. The model
            has its height and width; the batch is open.
        name: of the model. Default: the name of the module's class.
        verify: whether to compare the model with the module itself, on the example and on two
            images of noise.

    Returns:
        The model. It takes images (N, H, W, C) and gives maps (N, H', W', C').

    Raises:
        ModuleNotFoundError: PyTorch is not installed: `pip install 'keras-upsample[torch]'`.
        TypeError: `module` or `example` is something else.
        ValueError: weights of half precision or on a GPU, several outputs, or an example that the
            module does not take.
        ArtefactError: the module can't be exported, or has an operator that is not read; the
            message names the operator and the module in which it is.
        VerificationError: the model computes other values than the module, by more than 5e-5 of
            their range.

    Example:
        >>> model = ku.interchange.from_torch(net, (1, 3, 256, 256))  # doctest: +SKIP
    """
    module = plain_module(module)
    given = example_input(example)
    with evaluating(module):
        wanted = output_of(module, given)
        model = _read(module, given[:1], name or type(module).__name__)
        if verify:
            compare(model, module, given, wanted)
    return model


def _read(module: Any, one: Any, name: str) -> Any:
    """By the first exporter that succeeds."""
    from ._torch_export import EXPORTERS

    failures: dict[str, ArtefactError] = {}
    for exporter, export in EXPORTERS.items():
        try:
            model = _by(export, module, one, name)
        except ArtefactError as error:
            failures[exporter] = error
            continue
        for earlier, failure in failures.items():
            warnings.warn(
                f"PyTorch's {exporter} exporter was taken. By the {earlier} exporter, {failure}",
                stacklevel=3,
            )
        return model
    reasons = " ".join(f"By the {key} exporter, {error}" for key, error in failures.items())
    raise ArtefactError(f"`{type(module).__name__}` can't be read. {reasons}")


def _by(export: Any, module: Any, one: Any, name: str) -> Any:
    import onnx

    from ._context import layer_name
    from ._from_onnx import from_onnx
    from ._torch_export import Origins

    proto = export(module, one)
    origins = Origins(proto, module)
    with scratch() as folder:
        path = folder / "module.onnx"
        onnx.save(proto, str(path))
        try:
            model = from_onnx(path, name=layer_name(name, {}), verify=False, trust=True)
        except ArtefactError as error:
            text = str(error).removeprefix(f"`{printable(path)}`: ")
            raise ArtefactError(origins.named(text)) from error
    _freeze_constants(model, origins.constant)
    if origins.shared:
        warnings.warn(
            f"{', '.join(origins.shared)}: used in several places of the module. Each place has "
            "a weight of its own in the model, so that training separates them.",
            stacklevel=5,
        )
    return model


def _freeze_constants(model: Any, nodes: set[str]) -> None:
    """What is no parameter of the module is not trained."""
    import keras

    from ._layers import RepeatedConstant, WithConstant

    constants = (WithConstant, RepeatedConstant, keras.layers.GroupNormalization)
    for layer in model.layers:
        if isinstance(layer, constants) and layer.name.partition("_constant")[0] in nodes:
            layer.trainable = False
