"""The accuracy gate that a user sets in place of a target's own."""

from collections.abc import Mapping
from numbers import Real
from typing import Any

from ..errors import did_you_mean
from ..targets import TARGETS, Gate, Target

GateArgument = Gate | float | Mapping[str, Gate | float] | None


def gate_for(target: Target, asked: GateArgument) -> Gate:
    """The gate of an artefact: the one that the user asked for, else the target's own.

    A number has the unit of the target's own gate. For float files it is the largest error as a
    share of the output's range, and must be below 1. For 8-bit files it is the signal-to-noise
    ratio in dB, and must be above 1. So a number in the wrong unit is refused: an error of 30 times
    the range, or a ratio of 0.01 dB, would let every file pass.

    Args:
        target: target of the artefact.
        asked: a `Gate`, a number, a dict of these by target, or None.

    Raises:
        TypeError, ValueError: `asked` is none of these, or out of range.
    """
    if isinstance(asked, Mapping):
        for name in asked:
            if name not in TARGETS:
                raise ValueError(
                    f"`gate` may have the names of targets, {', '.join(map(repr, TARGETS))}. "
                    f"Received: {name!r}.{did_you_mean(str(name), TARGETS)}"
                )
        asked = asked.get(target.name)
    if asked is None:
        return target.gate
    if isinstance(asked, Gate):
        return asked
    if isinstance(asked, bool) or not isinstance(asked, Real):
        raise TypeError(
            "`gate` must be a Gate, a number, a dict of these by target, or None. "
            f"Received: {asked!r}."
        )
    number = float(asked)
    if target.gate.max_error is not None:
        if not 0 < number < 1:
            raise ValueError(
                f"`gate` of target {target.name!r} is the largest error as a share of the output's "
                f"range, above 0 and below 1 (default {target.gate.max_error:g}). "
                f"Received: {asked!r}."
            )
        return Gate(max_error=number)
    if not 1 < number < 1000:
        raise ValueError(
            f"`gate` of target {target.name!r} is the least signal-to-noise ratio in dB, above 1 "
            f"(default {target.gate.min_snr_db:g}). Received: {asked!r}."
        )
    return Gate(min_snr_db=number)


def gates_of_options(options: list[str] | None) -> Any:
    """Parse `["tflite_int8=25", "onnx=1e-4"]`, or `["25"]` for all targets, for `gate_for`.

    Raises:
        ValueError: not a number, or the same target twice.
    """
    if not options:
        return None
    found: dict[str, float] = {}
    for option in options:
        name, _, number = option.rpartition("=")
        try:
            value = float(number)
        except ValueError:
            raise ValueError(
                "--gate must be NUMBER or TARGET=NUMBER: a share of the range for float files, dB "
                f"for integer files. Received: {option!r}."
            ) from None
        if name in found:
            raise ValueError(f"--gate says {name or 'all targets'!r} twice.")
        found[name] = value
    if "" in found and len(found) > 1:
        raise ValueError("--gate is one NUMBER for all targets, or TARGET=NUMBER for each.")
    return found.get("", found)
