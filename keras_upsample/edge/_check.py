"""Check of a TFLite file for a device: where each operator runs, why, and the remedy."""

from dataclasses import replace
from pathlib import Path

from ..targets import DEVICES as DEVICES
from ..targets import Device, device_named
from ._file import FileFacts, OperatorFacts, read
from ._report import ACCELERATOR, CPU, CheckReport, Placement
from ._rules import RULES, known_to_be_wrong

_REMEDIES = {
    "DEPTH_TO_SPACE": "export with this target: shuffles become transposed convolutions",
    "TRANSPOSE_CONV": 'a kernel of 2x2 and stride 2, or upsample="nearest" or "bilinear"',
    "RESIZE_BILINEAR": "export with this target: it becomes products with matrices",
    "DEQUANTIZE": "export with integer_io=True",
    "QUANTIZE": "export with integer_io=True",
}


def check(path: str | Path, target: str) -> CheckReport:
    """Find out where each operator of a TFLite file would run on a device.

    Args:
        path: any `.tflite` file.
        target: a name of `DEVICES`: `"ethos_u85_256"`, ... (Arm's Vela compiles the file),
            `"edge_tpu"` (documented rules are applied), `"litert_gpu"` (LiteRT's GPU accelerator
            runs the file, and its answer is compared with the processor's; where it can't run, by
            rules), `"tflm"` (TFLM's interpreter runs the file).

    Returns:
        The report; `print` it for a table. `passed` is True if no operator stays on the CPU and the
        file as a whole has no problem.

    Raises:
        ArtefactError: the file is missing, damaged, or of another kind.
        ModuleNotFoundError: the target's compiler or interpreter is not installed.
        ValueError: an unknown target.

    Example:
        >>> print(check("build/unet_int8.tflite", "ethos_u85_256"))  # doctest: +SKIP
    """
    device = device_named(target)
    facts = read(path)
    if device.how == "vela":
        return _compile(Path(path), facts, device)
    if device.how == "tflm":
        return _run(Path(path), facts, device)
    if device.how == "gpu":
        from ..runtimes._load import absence

        reason = absence(device.name)
        if not reason:
            from ._litert_gpu import run_on_accelerator

            return run_on_accelerator(Path(path), facts, device)
        found = _by_rule(Path(path), facts, device)
        return replace(found, notes=(*found.notes, f"not run: {reason}"))
    return _by_rule(Path(path), facts, device)


def require_tool(device: Device) -> None:
    """Raise unless the compiler or interpreter that checks files for a device is installed.

    Raises:
        ModuleNotFoundError: it is not.
    """
    if device.how == "vela":
        from ._vela import require_vela

        require_vela()
    elif device.how == "tflm":
        from ._tflm import require_tflm

        require_tflm()


def _compile(path: Path, facts: FileFacts, device: Device) -> CheckReport:
    from ._vela import compile_file

    found = compile_file(path, device.accelerator)
    rest = found.kinds.copy()
    placements = []
    for operator in facts.operators:
        names = {tensor.name for tensor in operator.outputs}
        if names & found.left:
            rest[operator.name] -= 1
            why = next((found.reasons[n] for n in names if n in found.reasons), "")
            reason = why or "Vela keeps it on the CPU and gives no reason"
            placements.append(_left(operator, reason))
        else:
            placements.append(Placement(operator.name, operator.layer, ACCELERATOR))
    # Operators that Vela renamed or added.
    placements += [
        Placement(kind, "", CPU, "Vela leaves it on the CPU", _REMEDIES.get(kind, ""))
        for kind, count in rest.items()
        for _ in range(count)
    ]
    notes = (
        f"estimate of one inference: {found.milliseconds:.2f} ms, without what stays on the CPU; "
        f"{found.sram:.0f} KiB of SRAM, {found.flash:.0f} KiB beside ({found.settings})",
    )
    return CheckReport(device.name, f"Vela {found.vela}", tuple(placements), notes=notes)


def _left(operator: OperatorFacts, reason: str) -> Placement:
    return Placement(operator.name, operator.layer, CPU, reason, _REMEDIES.get(operator.name, ""))


def _by_rule(path: Path, facts: FileFacts, device: Device) -> CheckReport:
    placements, notes = [], []
    for operator in facts.operators:
        placement = Placement(operator.name, operator.layer, ACCELERATOR)
        for rule in RULES.get(device.name, ()):
            found = rule.finds(operator)
            if not found:
                continue
            if rule.certain:
                reason = f"{found} [{rule.source}]"
                placement = replace(placement, place=CPU, reason=reason, remedy=rule.remedy)
                break
            notes.append(
                f"warning: {operator.name} of {operator.where}: {found}; users saw this refused "
                f"[{rule.source}]. Try {rule.remedy}."
            )
        placements.append(placement)
    if device.all_after_first:
        placements = _behind_the_first(placements)
    problems = list(dict.fromkeys(known_to_be_wrong(facts.operators, device.name)))
    if device.one_subgraph and facts.subgraphs > 1:
        problems.append(f"{facts.subgraphs} subgraphs; the compiler takes one")
    if device.memory and facts.parameters > device.memory:
        notes.append(
            f"warning: {facts.parameters / 1e6:.1f} MB of parameters; what exceeds about "
            f"{device.memory / 1e6:.0f} MB is fetched at every inference"
        )
    if device.compile:
        notes.append(f"to be sure: {device.compile.format(file=path.name)}")
    how = "by rule, not compiled"
    return CheckReport(device.name, how, tuple(placements), tuple(problems), tuple(notes))


def _behind_the_first(placements: list[Placement]) -> list[Placement]:
    result, broken = [], ""
    for placement in placements:
        if broken and placement.place == ACCELERATOR:
            placement = replace(placement, place=CPU, reason=f"it runs behind {broken}")
        elif placement.place != ACCELERATOR and not broken:
            broken = placement.operator
        result.append(placement)
    return result


def _run(path: Path, facts: FileFacts, device: Device) -> CheckReport:
    from ..errors import ArtefactError
    from ._tflm import smallest_arena

    places = tuple(Placement(op.name, op.layer, ACCELERATOR) for op in facts.operators)
    how = "run in its interpreter"
    try:
        found = smallest_arena(path)
    except ArtefactError as error:
        why = str(error).partition("does not run in TFLM: ")[2] or str(error)
        missing = tuple(
            replace(p, place=CPU, reason="TFLM has no such operator")
            if why == f"it has no {p.operator}"
            else p
            for p in places
        )
        return CheckReport(device.name, how, missing, (why,))
    notes = (
        f"arena: {found.arena} bytes, flash: {found.flash} bytes",
        f"operators to register: {', '.join(found.operators)}",
    )
    return CheckReport(device.name, how, places, notes=notes)
