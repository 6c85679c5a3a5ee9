"""A Keras model or a loaded file as a function from one image to one tensor."""

from collections.abc import Callable
from dataclasses import dataclass, replace
from typing import Any

import numpy as np

from ..errors import ArtefactError, first_line
from ..introspection._facts import Door
from ..introspection._file import facts_of_runner
from ..metadata import Input, Metadata, Output, Scaling
from ..runtimes import Runner
from ..runtimes._forks import check_fork
from ._identity import of_model
from ._stride import LIKELY_STRIDE, stride_of
from ._valid import Margin


@dataclass(frozen=True)
class Network:
    """A network with the facts that tiling needs, independent of its runtime.

    Attributes:
        run: (H, W, C) float32 -> (H', W', K) float32, or integers for class numbers.
        name: name for messages.
        channels: number of input channels, None for any number.
        channel_names: names of the input channels in order, if the metadata has them.
        whole: whether it takes whole pictures, resized to its size.
        size: height and width of the input, None for any.
        depth: depth of a volume; None for any.
        volume: whether the input is (D, H, W, C).
        output: known facts of the output.
        stride: returns the stride: tiles must begin at multiples of it. It is called only if there
            are tiles.
        scaling: how a picture's values become the network's values; None if unknown.
        task: task of the network, "" if unknown.
        activation: the last activation in the graph, "" for none.
        graph_known: whether the graph was read.
        dtype: dtype of the input.
        graph_range: range of values that the graph expects, None if it does not show one.
        because: the operators that show this range.
        taken: lines on facts that were read from the graph.
        assumed: lines on facts that are unknown and were assumed.
        margin: pixels that the output loses because convolutions have no padding; None for none.
        identity: returns a digest of the network's content; None if its content can't be read.
    """

    run: Callable[[np.ndarray], np.ndarray]
    name: str
    channels: int | None
    size: tuple[int | None, int | None]
    output: Output = Output()  # noqa: RUF009  # frozen
    stride: Callable[[], int] = lambda: LIKELY_STRIDE
    scaling: Scaling | None = None
    task: str = ""
    activation: str = ""
    graph_known: bool = False
    dtype: str = "float32"
    graph_range: tuple[float, float] | None = None
    because: str = ""
    taken: tuple[str, ...] = ()
    assumed: tuple[str, ...] = ()
    margin: Margin | None = None
    identity: Callable[[], str] | None = None
    volume: bool = False
    depth: int | None = None
    channel_names: tuple[str, ...] = ()
    whole: bool = False


def of_keras(model: Any, output: str | None = None) -> Network:
    """A Keras model as a compiled function in inference mode, computing in float32.

    Args:
        model: the model.
        output: name of the output to use, if there are several.

    Raises:
        RuntimeError: Keras runs on another backend than TensorFlow.
        ValueError: the model's input is not one image, or it has several outputs and none was
            chosen.
        ArtefactError: its layers can't be called.
    """
    import keras

    if keras.backend.backend() != "tensorflow":
        raise RuntimeError(
            "Prediction with a Keras model needs Keras on its TensorFlow backend. Received: "
            f"{keras.backend.backend()!r}. Set the environment variable KERAS_BACKEND, or export "
            "the model and predict with the file."
        )
    from ..export._known import known
    from ..formats._stock_layers import replace_stock_layers
    from ..program._inference import inference_function, set_precision
    from ..program._private import layers_of_their_class, private_copy
    from ..program._program import program_of
    from ..program._signature import signature_of

    signature = signature_of(model)
    shape = _only_image(
        model.name, [(spec.name, spec.shape, spec.dtype) for spec in signature.inputs]
    )
    own = private_copy(model)
    set_precision(own)
    replace_stock_layers(layers_of_their_class(own))
    infer = inference_function(own, signature)
    try:
        outputs = tuple(infer.get_concrete_function().structured_outputs)
    except Exception as error:  # of the layers: the model may be a file's, or of the user's own
        raise ArtefactError(f"{model.name!r} can't be run: {first_line(error)}") from error
    found = known(program_of(model, signature))
    chosen = _chosen_output(model.name, outputs, output)
    batch, *depth, height, width, channels = shape
    dtype = np.dtype(signature.inputs[0].dtype)
    facts, index = _facts_of(found.metadata, chosen, outputs)
    activations = found.graph.activations
    door = found.graph.doors[0] if found.graph.doors else Door()

    def run(image: np.ndarray) -> np.ndarray:
        check_fork()
        values = infer(_batch_of(image, batch, dtype))[chosen].numpy()[0]
        return with_channels(values, image.shape[0], image.shape[1])

    return Network(
        run,
        model.name,
        channels,
        (height, width),
        facts,
        lambda: stride_of(model, channels or 3),
        found.metadata.input.scaling,
        found.metadata.task,
        activations[index] if index < len(activations) else "",
        bool(activations),
        signature.inputs[0].dtype,
        door.value_range,
        door.because,
        found.taken,
        found.assumed,
        identity=lambda: of_model(model),  # anew each time: it may be trained further
        volume=bool(depth),
        depth=depth[0] if depth else None,
        channel_names=found.metadata.input.channels,
        whole=found.metadata.input.whole,
    )


def of_runner(
    runner: Runner, name: str, metadata: Metadata | None = None, output: str | None = None
) -> Network:
    """A loaded artefact of any layout as a `Network`.

    Args:
        runner: the artefact.
        name: name for messages.
        metadata: metadata of the file, None if it has none.
        output: name of the output to use, if there are several.

    Raises:
        ValueError: its input is not one image, or it has several outputs and none was chosen.
    """
    shape = _only_image(name, [(info.name, info.shape, str(info.dtype)) for info in runner.inputs])
    names = tuple(info.name for info in runner.outputs)
    chosen = _chosen_output(name, names, output)
    if not getattr(runner, "layout_known", True):
        raise ValueError(
            f"{name!r} takes {shape}, which may have its channels first or last. Say it by "
            "`layout` (--layout): nhwc or nchw."
        )
    planar = runner.layout == "nchw"
    if planar and len(shape) == 5:
        raise ValueError(
            f"{name!r} takes volumes {shape} with the channels first. Export it with them last."
        )
    batch, *depth, height, width, channels = (
        shape[i] for i in ((0, 2, 3, 1) if planar else range(len(shape)))
    )
    given = runner.inputs[0]
    said = metadata or Metadata()
    facts, index = _facts_of(said, chosen, names)
    door, activations = facts_of_runner(runner, channels, 1 if planar else len(shape) - 1)
    item = replace(said.input, name=given.name)
    scaling, taken, assumed = _scaling(item, str(given.dtype), door.value_range, door.because)

    def run(image: np.ndarray) -> np.ndarray:
        feed = _batch_of(image, batch, given.dtype)
        if planar:
            feed = np.ascontiguousarray(feed.transpose(0, 3, 1, 2))
        result = runner({given.name: feed})[chosen][0]
        if planar:
            result = _channels_last(result, image.shape[0], image.shape[1])
        return with_channels(result, image.shape[0], image.shape[1])

    return Network(
        run,
        name,
        channels,
        (height, width),
        facts,
        scaling=scaling,
        task=said.task if index == 0 else "",
        activation=activations.get(chosen, ""),
        graph_known=chosen in activations,
        dtype=str(given.dtype),
        graph_range=door.value_range,
        because=door.because,
        taken=taken,
        assumed=assumed,
        volume=bool(depth),
        depth=depth[0] if depth else None,
        channel_names=said.input.channels,
        whole=said.input.whole,
    )


def _facts_of(metadata: Metadata, chosen: str, names: tuple[str, ...]) -> tuple[Output, int]:
    """The metadata of one output, and its position among the outputs."""
    index = names.index(chosen)
    by_name = {item.name: item for item in metadata.outputs if item.name}
    if chosen in by_name:
        listed = [item.name for item in metadata.outputs]
        return by_name[chosen], listed.index(chosen)
    if len(metadata.outputs) == 1 and len(names) == 1:
        return replace(metadata.outputs[0], name=chosen), 0
    if index < len(metadata.outputs) and not metadata.outputs[index].name:
        return replace(metadata.outputs[index], name=chosen), index
    return Output(chosen), index


def _scaling(
    item: Input, dtype: str, graph_range: tuple[float, float] | None, because: str
) -> tuple[Scaling | None, tuple[str, ...], tuple[str, ...]]:
    """The scaling of a file, and lines on where it was found."""
    from ..export._known import judge_input

    taken: list[str] = []
    assumed: list[str] = []
    result = judge_input(replace(item, dtype=dtype), "", graph_range, because, taken, assumed)
    return result.scaling, tuple(taken), tuple(assumed)


def _channels_last(values: np.ndarray, height: int, width: int) -> np.ndarray:
    """(K, H', W') -> (H', W', K); (K, H · W), whose pixels lie row by row, -> (H · W, K)."""
    if values.ndim == 3:
        return values.transpose(1, 2, 0)
    flat = values.ndim == 2 and values.shape[1] == height * width and values.shape[0] != height
    return values.T if flat else values


def with_channels(values: np.ndarray, height: int, width: int) -> np.ndarray:
    """Reshape an output for an image of this size to (H', W', K).

    A class map (H', W') gets an axis of one channel. A net that ends with
    `Reshape((H · W, classes))` gives (H · W, K), whose pixels lie row by row.
    """
    if values.ndim != 2:
        return values
    if values.shape[0] == height * width and values.shape[0] != height:
        return values.reshape(height, width, values.shape[1])
    return values[..., None]


def _batch_of(image: np.ndarray, batch: int | None, dtype: np.dtype) -> np.ndarray:
    """(H, W, C) -> (1, H, W, C), or as many copies as a file of a fixed batch insists on."""
    if dtype.kind in "iu":
        ends = np.iinfo(dtype)
        image = np.rint(image).clip(ends.min, ends.max)
    return np.repeat(image[None].astype(dtype, copy=False), batch or 1, axis=0)


def _only_image(
    name: str, inputs: list[tuple[str, tuple[int | None, ...], str]]
) -> tuple[int | None, ...]:
    """The shape of the only input."""
    kinds = ("float", "uint8", "uint16")
    if (
        len(inputs) != 1
        or len(inputs[0][1]) not in (4, 5)
        or not any(kind in inputs[0][2] for kind in kinds)
    ):
        listed = ", ".join(f"{label} {shape} {dtype}" for label, shape, dtype in inputs)
        raise ValueError(
            f"{name!r} can't be shown pictures: prediction is for models with one input of "
            "floats, uint8 or uint16 and 4 axes (batch, height, width, channels), or 5 for volumes "
            f"(batch, depth, height, width, channels). It takes: {listed}."
        )
    return inputs[0][1]


def _chosen_output(name: str, outputs: tuple[str, ...], chosen: str | None) -> str:
    """The output to use.

    Raises:
        ValueError: there are several and none was chosen, or none has this name.
    """
    if chosen is None and len(outputs) == 1:
        return outputs[0]
    if chosen in outputs:
        return str(chosen)
    count = f"{len(outputs)} outputs" if len(outputs) > 1 else "the output"
    received = f"Received: {chosen!r}. " if chosen is not None else ""
    raise ValueError(
        f"{name!r} has {count} {', '.join(outputs)}. {received}Choose one by `output` (--output "
        "NAME)."
    )
