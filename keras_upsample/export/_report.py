"""The export report: the files that were written, and how each compared with the model."""

import json
from collections.abc import Mapping
from dataclasses import asdict, dataclass, field
from pathlib import Path
from typing import Any

from .._text import finite, table_lines
from ..edge._report import CheckReport
from ..examples._shown import Shown
from ..program._applied import FOR_ANY, LIKE_THIS
from ..program._failures import LEFT_OUT
from ..targets import Gate
from ._compare import Difference

# Why a profile was taken -> what another choice gives.
_OTHERWISE = {
    LIKE_THIS: 'profile="portable" (--profile portable) takes the same forms on every machine',
    FOR_ANY: 'profile="table" (--profile table) gives fewer operators, often a smaller file',
}


@dataclass(frozen=True)
class Verification:
    """Comparison of one artefact with its model in one runtime.

    Attributes:
        runtime: name and version of the runtime.
        differences: one `Difference` for each case that the artefact's input shapes allow.
        decides: whether a failure in this runtime keeps the artefact from being written; a failure
            in any other runtime is only a warning.
        error: why the runtime returned no outputs; empty if it did.
        declared: gate of this runtime, if it is not the artefact's, see `Target.declared`.
    """

    runtime: str
    differences: tuple[Difference, ...]
    decides: bool = True
    error: str = ""
    declared: Gate | None = None

    @property
    def passed(self) -> bool:
        """Whether the runtime ran the artefact and every case passed the gate."""
        return not self.error and not any(d.failure for d in self.differences)

    @property
    def max_error(self) -> float:
        """Largest |artefact - model| over all cases, as a share of the output's range."""
        return max((d.max_error for d in self.differences), default=float("inf"))

    @property
    def snr_db(self) -> float:
        """Lowest signal-to-noise ratio over all cases, in dB."""
        return min((d.snr_db for d in self.differences), default=float("-inf"))

    @property
    def equal_argmax(self) -> float | None:
        """Lowest share of pixels with an equal argmax over all cases; `None` without channels."""
        shares = [d.equal_argmax for d in self.differences if d.equal_argmax is not None]
        return min(shares) if shares else None

    @property
    def within(self) -> float:
        """Lowest share of an output's elements within the gate's `max_error`, over all cases."""
        return min((d.within for d in self.differences), default=0.0)

    @property
    def warning(self) -> str:
        """One line on a failure that did not keep the artefact from being written; else empty."""
        if self.passed or self.decides:
            return ""
        failed = [d for d in self.differences if d.failure]
        why = self.error or f"on {failed[0].case}, {failed[0].failure}"
        if self.declared is not None and not self.error:
            return f"{self.runtime}: {why}. Ask the runtime for float32"
        return f"{self.runtime}, for which the file is not, has other answers: {why}"

    def __str__(self) -> str:
        if self.error:
            return f"{self.runtime}: FAILED, {self.error}"
        verdict = "passed" if self.passed else "FAILED"
        within = "" if self.within == 1 else f", {self.within:.2%} of the elements within the gate"
        argmax = "" if self.equal_argmax is None else f", argmax equal {self.equal_argmax:.3%}"
        error = f"largest error {self.max_error:.1e} of range"
        lines = [f"{self.runtime}: {verdict}, {error}{within}{argmax}"]
        lines += [f"  {d.case}: {d.failure}" for d in self.differences if d.failure]
        return "\n".join(lines)


@dataclass(frozen=True)
class Latency:
    """Wall-clock time of one call on the first image, in milliseconds, in interleaved rounds."""

    rounds: int
    threads: int
    artefact_min: float
    artefact_median: float
    model_min: float
    model_median: float


@dataclass(frozen=True)
class ArtefactReport:
    """One artefact that was written, with the results of its verification.

    Attributes:
        target: name of the target in `TARGETS`.
        path: path of the file or directory.
        file_size: size in bytes: the sum over all files of a directory, or over an ONNX file and
            its data files.
        inputs: input name -> shape, `None` = any size.
        verifications: results in the runtime that the artefact is for, then in the others that
            are installed.
        operators: operator -> how often it occurs in the graph that the runtime loads.
        latency: latency of the artefact and of the Keras model, on the same input in one process.
        delegate_partitions: number of pieces into which XNNPACK cuts the graph, 1 is best; for
            LiteRT only.
        lowering: the rewrites that were made, and those that were not made with the reason.
        notice: why the model could not be lowered; empty if it could.
        taken: facts about the input's values that were read from the model's graph.
        assumed: facts about the input's values that are given nowhere, and what was assumed.
        check: where each operator of a file for an accelerator runs; None if that is unknown.
        not_checked: why it is unknown, e.g. `"not compiled: Vela is not installed"`; empty for
            other files.
        gate: accuracy that verification demanded; None in reports that other code made.
        default_gate: accuracy that it demands of this model and target by default.
        shown: the values that calibrated the ranges, and those that the artefact was verified on.
        data_files: names of the data files next to an ONNX file that is too large for one file.
        sha256: path from the report's folder -> SHA-256, for each file of the artefact.
    """

    target: str
    path: str
    file_size: int
    inputs: dict[str, tuple[int | None, ...]]
    verifications: tuple[Verification, ...]
    operators: dict[str, int]
    latency: Latency
    delegate_partitions: int | None = None
    lowering: tuple[str, ...] = ()
    notice: str = ""
    check: CheckReport | None = None
    not_checked: str = ""
    taken: tuple[str, ...] = ()
    assumed: tuple[str, ...] = ()
    gate: Gate | None = None
    default_gate: Gate | None = None
    shown: tuple[Shown, ...] = ()
    data_files: tuple[str, ...] = ()
    sha256: Mapping[str, str] = field(default_factory=dict)

    @property
    def profile(self) -> str:
        """By which profile, that nobody named, the forms were chosen; empty if by none."""
        for line in self.lowering:
            for why, otherwise in _OTHERWISE.items():
                _, found, profile = line.partition(f"{why}: ")
                if found:
                    return f"forms by the profile {profile}. {otherwise}"
        return ""

    @property
    def warnings(self) -> tuple[str, ...]:
        """Problems that did not keep the file from being written, one line each."""
        lines = [v.warning for v in self.verifications if v.warning]
        if self.gate != self.default_gate:
            lines.append(f"verified with {self.gate}, by default {self.default_gate}")
        lines += [line for line in self.lowering if LEFT_OUT in line]
        lines += dict.fromkeys(values.warning for values in self.shown if values.warning)
        return tuple(lines)

    def __str__(self) -> str:
        return str(ExportReport("", (self,)))


@dataclass(frozen=True)
class ExportReport:
    """Report of an export: all artefacts of one model.

    Attributes:
        model: name of the model.
        artefacts: the artefacts that were written.
        failures: target -> why no artefact was written for it.
        versions: package -> version, of all packages that an export uses.
    """

    model: str
    artefacts: tuple[ArtefactReport, ...]
    failures: dict[str, str] = field(default_factory=dict)
    versions: dict[str, str] = field(default_factory=dict)

    def to_dict(self) -> dict[str, Any]:
        """The report as plain values, as in `report.json`."""
        return asdict(self)

    def save(self, path: str | Path) -> None:
        """Write the report as JSON to `path`; infinite values become null."""
        text = json.dumps(finite(self.to_dict()), indent=2)
        Path(path).write_text(text + "\n", encoding="utf-8")

    def _table(self) -> list[tuple[str, ...]]:
        """The header and the rows, with a column `device` if a file is for an accelerator."""
        devices = any(a.check or a.not_checked for a in self.artefacts)
        table: list[tuple[str, ...]] = [(*_HEADER, "device") if devices else _HEADER]
        for artefact in self.artefacts:
            first, *others = _rows(artefact)
            if devices:
                first = (*first, _on_device(artefact))
                others = [(*row, "") for row in others]
            table += [first, *others]
        return table

    def __str__(self) -> str:
        lines = table_lines(self._table())
        lines += [f"{a.target}: {a.notice}" for a in self.artefacts if a.notice]
        lines += [f"{a.target}: {line}" for a in self.artefacts for line in a.warnings]
        lines += [f"{a.target}: {a.profile}" for a in self.artefacts if a.profile]
        lines += [
            f"{a.target}: {Path(a.path).name} has its values in {name}, which must stay beside it"
            for a in self.artefacts
            for name in a.data_files
        ]
        lines += [a.check.verdict for a in self.artefacts if a.check]
        lines += [f"{a.target}: {a.not_checked}" for a in self.artefacts if a.not_checked]
        lines += dict.fromkeys(line for a in self.artefacts for line in (*a.taken, *a.assumed))
        lines += dict.fromkeys(str(values) for a in self.artefacts for values in a.shown)
        lines += [f"{target}: {why}" for target, why in self.failures.items()]
        return "\n".join(lines)

    def _repr_html_(self) -> str:
        from html import escape

        head, *body = [[escape(cell) for cell in row] for row in self._table()]
        table = "<tr>" + "".join(f"<th>{cell}</th>" for cell in head) + "</tr>"
        table += "".join(
            "<tr>" + "".join(f"<td>{cell}</td>" for cell in row) + "</tr>" for row in body
        )
        failures = "".join(f"<p>{escape(t)}: {escape(w)}</p>" for t, w in self.failures.items())
        return f"<table>{table}</table>{failures}"


_HEADER = (
    "target", "file", "MB", "verified in", "largest error", "argmax equal", "ms", "Keras ms",
    "operators",
)  # fmt: skip


def _rows(artefact: ArtefactReport) -> list[tuple[str, ...]]:
    rows: list[tuple[str, ...]] = []
    for index, verification in enumerate(artefact.verifications):
        share = verification.equal_argmax
        checked = (
            verification.runtime if verification.passed else f"{verification.runtime} (FAILED)",
            f"{verification.max_error:.1e}" if verification.differences else "-",
            "-" if share is None else f"{share:.3%}",
        )
        if index:
            rows.append(("", "", "", *checked, "", "", ""))
            continue
        rows.append(
            (
                artefact.target,
                Path(artefact.path).name,
                f"{artefact.file_size / 1e6:.1f}",
                *checked,
                f"{artefact.latency.artefact_median:.1f}",
                f"{artefact.latency.model_median:.1f}",
                str(sum(artefact.operators.values())),
            )
        )
    return rows


def _on_device(artefact: ArtefactReport) -> str:
    if artefact.check is None:
        return artefact.not_checked.partition(". ")[0]
    if artefact.check.passed:
        return "passed"
    if artefact.check.problems:
        return artefact.check.problems[0]
    return f"{len(artefact.check.left)} of {len(artefact.check.placements)} operators on the CPU"


def package_versions() -> dict[str, str]:
    """Versions of the installed packages that an export uses."""
    from importlib.metadata import PackageNotFoundError, version

    names = (
        "keras-upsample", "tensorflow", "keras", "numpy", "tf2onnx", "onnx", "onnxruntime",
        "ai-edge-litert", "openvino",
    )  # fmt: skip
    found = {}
    for name in names:
        try:
            found[name] = version(name)
        except PackageNotFoundError:
            continue
    return found
