"""Verification of a file against its model, in the file's own runtime."""

from collections.abc import Sequence
from dataclasses import replace
from pathlib import Path
from time import perf_counter
from typing import TYPE_CHECKING, Any

import numpy as np

from ..errors import ArtefactError, ExportError, VerificationError, first_line
from ..examples._cases import Images
from ..formats._inside import plan_scaling
from ..metadata import read
from ..program._applied import Applied
from ..program._signature import Signature, signature_to_run
from ..runtimes import available, load
from ..runtimes._layout import from_layout
from ..targets import TARGETS, Gate
from ._compare import Difference, difference
from ._known import output_names, program_with_meaning
from ._pixel_reference import reference_of
from ._reference import CaseFor, Reference
from ._report import Latency, Verification
from ._source import as_model

if TYPE_CHECKING:
    from ..runtimes import Runner

_LATENCY_ROUNDS = (3, 20)
_LATENCY_SECONDS = 2.0


def verify(
    model: Any,
    artefact_path: str | Path,
    images: Images = None,
    *,
    gate: Gate | None = None,
    runtime: str | None = None,
    trust: bool = False,
) -> Verification:
    """Compare an existing artefact with the model that it should compute.

    A file that takes 8-bit pixels (`scaling="inside"`) is run on the pixels, and the model on the
    same pixels after its scaling.

    Args:
        model: the Keras model.
        artefact_path: a SavedModel directory, a `.tflite`, `.onnx` or `.xml` (OpenVINO) file.
        images: an array `(N, H, W, C)`, a list of arrays or files, or a folder of pictures.
            Default: photographs, resampled to the artefact's size. Random noise with a fixed seed,
            an odd size and a batch of 2 are added if the artefact accepts them.
        gate: accuracy to demand. Default: the gate of float32 artefacts (see
            `where_rounding_decides` for models with `MaxPoolingWithIndices2D`).
        runtime: a name of `keras_upsample.runtimes.available()`. Default: the runtime for this
            kind of file.
        trust: as for `keras_upsample.runtimes.load`.

    Returns:
        The differences between artefact and model, one for each case.

    Raises:
        VerificationError: a case fails the gate; the message names it.
        ArtefactError: the file can't be run.
        ValueError: the artefact was not made from this model, or `images` do not fit.

    Example:
        >>> print(verify(model, "build/unet.onnx"))  # doctest: +SKIP
        ONNX Runtime 1.32.0: passed, largest error 1.2e-06 of range, argmax equal 100.000%
    """
    runner = load(artefact_path, runtime=runtime, trust=trust)
    model = as_model(model)
    program = program_with_meaning(model, signature_to_run(model))
    signature = program.signature
    place = "inside" if _takes_pixels(Path(artefact_path), runner, signature) else "outside"
    plan = plan_scaling(signature, program.metadata, output_names(model), place, ())
    reference = reference_of(program, images, plan)
    result = compare(reference, runner, gate or reference.gate(TARGETS["saved_model"].gate))
    require(result, artefact_path)
    return result


def _takes_pixels(path: Path, runner: "Runner", signature: Signature) -> bool:
    """Whether the file takes 8-bit pixels and scales them, while the model takes floats."""
    floats = {spec.name for spec in signature.inputs if spec.dtype == "float32"}
    dtypes = {info.name: str(info.dtype) for info in runner.inputs}
    # A TFLite file's scaled integers are floats to its runner.
    facts = read(path)
    dtypes |= {item.name: item.dtype for item in facts.inputs} if facts is not None else {}
    return any(dtypes.get(name) == "uint8" for name in floats)


def compare(
    reference: Reference, runner: "Runner", gate: Gate, *, real: bool = False
) -> Verification:
    """Run the model and the artefact on every case that the artefact accepts, and compare.

    Args:
        reference: the model's outputs.
        runner: the artefact.
        gate: accuracy that is demanded.
        real: whether to use only the cases that are images, without noise.
    """
    differences = []
    for item in reference.cases_for(runner, real=real):
        try:
            outputs = from_layout(runner(item.feeds), runner.layout)
        except Exception as error:  # every runtime has its own kinds
            raise ExportError(
                f"{runner.runtime} fails on {item.case.label}: {first_line(error)}"
            ) from error
        expected = dict(item.expected)
        names = _match_names(runner, list(expected))
        outputs = {names[name]: value for name, value in outputs.items()}
        found = difference(
            item.case.label,
            outputs,
            expected,
            gate,
            ordered=runner.ordered,
            whole=reference.whole,
            probabilities=reference.probabilities,
            scores=reference.scores(item.case) if gate.max_error is None else {},
        )
        if found.failure and gate.max_error is not None:
            found = _against_exact(reference, item, outputs, gate, runner.ordered) or found
        differences.append(found)
    return Verification(runner.runtime, _with_best(differences, gate))


def beside(
    reference: Reference,
    path: Path,
    runtime: str,
    gate: Gate,
    *,
    real: bool = False,
    declared: bool = False,
) -> Verification:
    """`compare` in a runtime that the artefact is not for; a failure there is only a warning.

    Such a runtime is used because it happens to be installed. The artefact is not at fault if that
    runtime can't read it or adds numbers in another order.

    Args:
        reference: the model's outputs.
        path: path of the artefact.
        runtime: name of the runtime.
        gate: accuracy that is demanded.
        real: as for `compare`.
        declared: whether the gate is the runtime's own.
    """
    own = gate if declared else None
    try:
        # One after the other, so that no more than two copies of the weights are in memory.
        found = compare(reference, load(path, runtime=runtime, trust=True), gate, real=real)
    except (ArtefactError, ExportError, ValueError) as error:
        why = str(error).replace(str(path), path.name)
        return Verification(runtime, (), decides=False, error=why, declared=own)
    return replace(found, decides=False, declared=own)


def _match_names(runner: "Runner", expected: list[str]) -> dict[str, str]:
    """Map the file's output names to the model's.

    A file of another exporter may have other names ("output_0"), and in ONNX an output can't have
    the name of an input. An output whose name the model lacks is matched by its position.
    """
    names = [info.name for info in runner.outputs]
    given = {name: name for name in names}
    if len(names) == len(expected):
        for name, own in zip(names, expected, strict=True):
            if name not in expected and own not in names:
                given[name] = own
    return given


def _with_best(differences: list[Difference], gate: Gate) -> tuple[Difference, ...]:
    """The differences; the best one fails if even that falls short of the gate's `best_within`."""
    if gate.min_within == 1 or not differences:
        return tuple(differences)
    best = max(differences, key=lambda found: found.within)
    if best.failure or best.within >= gate.best_within:
        return tuple(differences)
    failure = (
        f"{best.within:.1%} of the elements are within {gate.max_error:.0e} of the range, and in "
        f"no case more; {gate.best_within:.0%} must be in one"
    )
    return tuple(replace(d, failure=failure) if d is best else d for d in differences)


def _against_exact(
    reference: Reference,
    item: CaseFor,
    outputs: dict[str, np.ndarray],
    gate: Gate,
    ordered: bool,
) -> Difference | None:
    """The difference from the model in float64, if the artefact passes the same gate there.

    Sums over a large image, e.g. in group normalisation, have a larger rounding error in the
    float32 Keras model than the gate allows. The artefact is not at fault for that.
    """
    exact = reference.exact(item.case)
    if exact is None:
        return None
    found = difference(
        item.case.label,
        outputs,
        exact,
        gate,
        ordered=ordered,
        whole=reference.whole,
        probabilities=reference.probabilities,
    )
    return None if found.failure else replace(found, against="the model in float64")


def require(verification: Verification, path: str | Path, notes: Sequence[Applied] = ()) -> None:
    """Raise unless the verification passed.

    Args:
        verification: of the file.
        path: the file's, for the message.
        notes: on its forms; the message names what they compute otherwise than the model.

    Raises:
        VerificationError: it names the first case that failed.
    """
    if verification.passed:
        return
    failed = [d for d in verification.differences if d.failure]
    losses = (f" In the form of {each.layers[0]!r}, {each.loss}." for each in notes if each.loss)
    error = VerificationError(
        f"{str(path)!r} in {verification.runtime} does not compute what the model computes "
        f"({len(failed)} of {len(verification.differences)} cases). "
        f"On {failed[0].case}: {failed[0].failure}." + "".join(losses)
    )
    error.verification = verification
    raise error


def other_runtimes(names: tuple[str, ...]) -> list[str]:
    """The runtimes of `names` that are installed."""
    here = available()
    return [name for name in names if here[name]]


def measure(reference: Reference, runner: "Runner") -> Latency:
    """Time the artefact and the model alternately on the first case, in one process."""
    from ..runtimes._runner import cpu_threads

    item = reference.cases_for(runner)[0]
    least, most = _LATENCY_ROUNDS
    artefact: list[float] = []
    model: list[float] = []
    end = perf_counter() + _LATENCY_SECONDS
    while len(artefact) < least or (len(artefact) < most and perf_counter() < end):
        start = perf_counter()
        runner(item.feeds)
        middle = perf_counter()
        reference.run(item.case)
        artefact.append(1e3 * (middle - start))
        model.append(1e3 * (perf_counter() - middle))
    return Latency(
        len(artefact),
        cpu_threads(),
        min(artefact),
        float(np.median(artefact)),
        min(model),
        float(np.median(model)),
    )
