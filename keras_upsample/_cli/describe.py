"""The facts that `keras-upsample info` prints about a model or a file."""

from collections.abc import Iterator
from dataclasses import asdict
from pathlib import Path
from typing import Any

from ..errors import ArtefactError, first_line
from ..metadata import Metadata, as_lines, of, read
from .options import ModelChoice


def facts_of_choice(choice: ModelChoice, size: int, layers: bool) -> dict[str, Any]:
    """Facts of a model or a file, as plain values.

    Args:
        choice: the user's choice. A `.tflite`, `.onnx` or `.xml` file or a SavedModel is loaded in
            its runtime, anything else by Keras.
        size: height and width in pixels, for the multiply-adds.
        layers: whether to list every layer.

    Raises:
        ArtefactError, UserError: it can't be loaded.
    """
    from ..runtimes._load import is_artefact

    path = Path(choice.model)
    if is_artefact(path):
        return _of_file(path, choice.trust)
    from .models import load_choice

    return of_model(load_choice(choice), size, layers)


def _of_file(path: Path, trust: bool) -> dict[str, Any]:
    from ..files._digest import parts_of
    from ..runtimes import load

    runner = load(path, trust=trust)
    metadata = read(path)
    facts = _name_tensors(path.name, metadata, runner.inputs, runner.outputs)
    return {
        **facts,
        "notes": _notes(runner, path.name, metadata),
        "layout": runner.layout if runner.layout_known else "",
        "runtime": runner.runtime,
        "bytes": sum(file.stat().st_size for file in parts_of(path)),
        "operators": runner.operator_counts(),
    }


def _notes(runner: Any, name: str, metadata: Metadata | None) -> list[str]:
    """Facts that `predict` would read from the graph, or assume."""
    from ..predict._networks import of_runner

    if not runner.outputs:
        return []
    try:
        network = of_runner(runner, name, metadata, runner.outputs[0].name)
    except ValueError:  # it takes no pictures, or contradicts its metadata
        return []
    notes = [*network.taken, *network.assumed]
    if network.activation and metadata is None:
        notes.append(f"{runner.outputs[0].name!r} ends with {network.activation}.")
    return notes


def of_model(model: Any, size: int, layers: bool) -> dict[str, Any]:
    from ..export._known import known
    from ..program._program import program_of
    from ..program._signature import signature_of
    from ..zoo import multiply_adds
    from ..zoo._skips import skips_of

    signature = signature_of(model)
    try:
        metadata = known(program_of(model, signature)).metadata
    except ValueError:  # the metadata contradicts the graph: it is shown as it is
        metadata = of(model)
    outputs = [_Tensor(t.name, t.shape, t.dtype) for t in getattr(model, "outputs", None) or ()]
    facts = _name_tensors(model.name, metadata, signature.inputs, outputs)
    facts["parameters"] = model.count_params()
    spec = signature.inputs[0]
    if len(signature.inputs) == 1 and len(spec.shape) == 4:
        shape = tuple(n or size for n in spec.shape[1:])
        try:
            facts["multiply_adds"] = {"count": multiply_adds(model, shape), "at": list(shape)}
        except Exception as error:  # of the layers, whose configurations a file holds
            facts["notes"] = [f"it can't be run at {_shape(shape)}: {first_line(error)}"]
    if skips := skips_of(model):
        facts["skips"] = [asdict(skip) for skip in skips]
    if layers:
        lines: list[str] = []
        model.summary(print_fn=lambda line, **_: lines.append(line))
        facts["layers"] = lines
    return facts


class _Tensor:
    def __init__(self, name: str, shape: Any, dtype: Any) -> None:
        self.name, self.shape, self.dtype = name, shape, dtype


def _name_tensors(
    name: str, metadata: Metadata | None, inputs: Any, outputs: Any
) -> dict[str, Any]:
    def listed(tensors: Any) -> list[dict[str, Any]]:
        return [{"name": t.name, "shape": list(t.shape), "dtype": str(t.dtype)} for t in tensors]

    return {
        "model": name,
        "inputs": listed(inputs),
        "outputs": listed(outputs),
        "metadata": None if metadata is None else _with_writer(metadata),
    }


def _with_writer(metadata: Metadata) -> dict[str, Any]:
    named = {name: getattr(metadata, name) for name in ("written_by", "verified_in")}
    return {**metadata.to_dict(), **{name: value for name, value in named.items() if value}}


def lines_of(facts: dict[str, Any]) -> Iterator[str]:
    """The facts as lines of text."""
    yield _line("model", facts["model"])
    for tensor in facts["inputs"]:
        yield _line("input", f"{tensor['name']} {_shape(tensor['shape'])} {tensor['dtype']}")
    file = "bytes" in facts
    for tensor in facts["outputs"]:
        name = f"{tensor['name']} " if file else ""
        yield _line("output", f"{name}{_shape(tensor['shape'])} {tensor['dtype']}")
    if facts["metadata"] is None:
        yield _line("metadata", "none")
    else:
        yield from as_lines(_read_back(facts["metadata"]))
    for text in facts.get("notes", ()):
        yield _line("note", text)
    if file:
        if facts["layout"]:
            yield _line("layout", facts["layout"])
        yield _line("size", f"{facts['bytes'] / 1e6:.2f} MB")
        yield _line("operators", f"{sum(facts['operators'].values())} for {facts['runtime']}")
    if "parameters" in facts:
        yield _line("parameters", f"{facts['parameters']:,}")
    if "multiply_adds" in facts:
        cost = facts["multiply_adds"]
        yield _line("multiply-adds", f"{cost['count']:,} at {_shape(cost['at'])}")
    for skip in facts.get("skips", ()):
        readers = ", ".join(skip["readers"])
        where = f"stride {skip['stride']}, {skip['channels']} channels"
        yield _line("skip", f"{where}: {skip['layer']} -> {readers}")
    yield from facts.get("layers", ())


def _read_back(plain: dict[str, Any]) -> Metadata:
    try:
        return Metadata.from_dict(plain)
    except ValueError as error:
        raise ArtefactError(f"The metadata can't be shown: {error}") from error


def _line(label: str, text: object) -> str:
    return f"{label:<14} {text}"


def _shape(shape: Any) -> str:
    return "x".join("?" if n is None else str(n) for n in shape)
