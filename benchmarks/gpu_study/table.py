"""The results as the tables of docs/gpu.md."""

from collections.abc import Iterable, Mapping
from typing import Any

Results = Mapping[str, Any]


def table(results: Results) -> str:
    """Markdown: the devices, times and errors of the layers, the files.

    Raises:
        ValueError: no part of the results comes from a GPU.
    """
    parts = results["parts"]
    devices = {name: row for name, part in parts.items() for row in _rows(part, "device")}
    if not any(device.get("on_gpu") for device in devices.values()):
        raise ValueError(
            "these results were not measured on a GPU, and the page shows no others. Run "
            "`python benchmarks/gpu.py --run FOLDER` on a machine with one."
        )
    lines = [_device_line(results["date"], name, row) for name, row in devices.items()]
    lines += [
        f"{name}: {part['failed'] or part['absent']}."
        for name, part in parts.items()
        if part["failed"] or part["absent"]
    ]
    sections = ["\n".join(f"- {line}" for line in lines)]
    for name, part in parts.items():
        device = devices.get(name, {})
        checks, times = _rows(part, "check"), _rows(part, "time")
        if checks:
            sections += [f"### Layers on {name}: errors", _checks(checks)]
        if times:
            sections += [f"### Layers on {name}: times", _times(times, device["bytes_a_second"])]
        if files := _rows(part, "file"):
            sections += [f"### Files on {name}", _files(files)]
    return "\n\n".join(sections)


def _rows(part: Results, kind: str) -> list[dict[str, Any]]:
    return [
        row for row in part["rows"] if row["kind"] == kind and (kind != "device" or "device" in row)
    ]


def _device_line(date: str, name: str, row: Results) -> str:
    versions = ", ".join(f"{package} {v}" for package, v in row["versions"].items())
    line = f"{name}: {row['device']}, {versions}, {date}"
    if "bytes_a_second" in row:
        line += f"; a copy moves {row['bytes_a_second'] / 1e9:.0f} GB a second"
    return line + "."


def _checks(rows: Iterable[Results]) -> str:
    head = ("layer", "size", "layout", "precision", "values", "gradients", "within the gates")
    body = []
    for row in rows:
        cells = [row["layer"], _size(row["size"]), row["data_format"], row["precision"]]
        if "error" in row:
            body.append([*cells, row["error"], "", "no"])
            continue
        cells += [_figure(row["value_error"]), _figure(row["gradient_error"])]
        body.append([*cells, "yes" if row["passed"] else "**no**"])
    return _markdown(head, body)


def _times(rows: list[dict[str, Any]], bandwidth: float) -> str:
    names = list(
        dict.fromkeys(n for row in rows for n in (*row.get("seconds", {}), *row.get("failed", {})))
    )
    head = ("layer", "size", "precision", "pass", "limit", *names)
    body = []
    for row in rows:
        cells = [row["layer"], _size(row["size"]), row["precision"], row["pass"]]
        if "error" in row:
            body.append([*cells, row["error"], *["" for _ in names]])
            continue
        cells.append(_microseconds(row["least_bytes"] / bandwidth))
        for name in names:
            pair = row["seconds"].get(name)
            cells.append(
                ("failed" if name in row["failed"] else "")
                if pair is None
                else " / ".join(map(_microseconds, pair))
            )
        body.append(cells)
    return _markdown(head, body)


def _files(rows: Iterable[Results]) -> str:
    head = ("model", "precision", "error", "within the gate", "ms", "left to the CPU")
    body = []
    for row in rows:
        cells = [row["model"], row["precision"]]
        if "error" in row:
            body.append([*cells, row["error"], "no", "", ""])
            continue
        left = ", ".join(f"{kind} {n}" for kind, n in row["on_cpu"].items()) or "nothing"
        times = " / ".join(f"{1e3 * s:.2f}" for s in row["seconds"])
        passed = "yes" if row["passed"] else "**no**"
        body.append([*cells, _figure(row["value_error"]), passed, times, left])
    return _markdown(head, body)


def _markdown(head: tuple[str, ...], body: list[list[str]]) -> str:
    lines = [head, ["---"] * len(head), *body]
    return "\n".join(
        "| " + " | ".join(cell.replace("|", "\\|") for cell in line) + " |" for line in lines
    )


def _size(size: Iterable[int]) -> str:
    return "x".join(map(str, size))


def _figure(value: float | None) -> str:
    return "" if value is None else f"{value:.1e}"


def _microseconds(seconds: float) -> str:
    return f"{1e6 * seconds:.0f}"
