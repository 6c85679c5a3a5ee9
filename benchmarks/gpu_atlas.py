"""Single operators in GPU engines, beside the processor; writes docs/atlas.md.

python benchmarks/gpu_atlas.py            # all, some minutes
python benchmarks/gpu_atlas.py PAD ADD    # some operators; the rows of the others stay

The cases are those of tests/edge/gpu_operators.py. Each runs in a process of its own, by the
engines' WebGPU on Vulkan: a GPU's driver, or without one the software driver in Chromium's folder.
"""

import argparse
import os
import re
import sys
import tempfile
from collections import Counter
from collections.abc import Mapping, Sequence
from datetime import UTC, datetime
from pathlib import Path
from typing import TYPE_CHECKING

os.environ.setdefault("TF_CPP_MIN_LOG_LEVEL", "3")

ROOT = Path(__file__).parents[1]
sys.path.insert(0, str(ROOT / "tests" / "edge"))

if TYPE_CHECKING:
    from gpu_case import Case, Found

PAGE = ROOT / "docs" / "atlas.md"
TITLES = {
    "litert_gpu": "TFLite files in LiteRT's GPU accelerator",
    "onnxruntime_webgpu": "ONNX files in ONNX Runtime's WebGPU provider",
}
HEAD = "| operator | case | outcome | a form that is right | upstream |\n|---|---|---|---|---|"
TRACKERS = {
    "LiteRT": "google-ai-edge/LiteRT",
    "tensorflow": "tensorflow/tensorflow",
    "onnxruntime": "microsoft/onnxruntime",
}
TEXT = """# GPU engines, operator by operator

LiteRT's GPU accelerator and ONNX Runtime's WebGPU provider refuse some operators, and compute
others wrongly and report success. Each row below is a file of one operator (of a few where the row
says so), run once in the engine and once on the processor with the same random input. Tensors are
float32 unless the row names another type. The figure is the largest difference between the two
answers, as a share of the range of the processor's answer.

| outcome | meaning |
|---|---|
| right | the difference is at most 5e-5 |
| **silently wrong** | the difference is larger, and the engine reports no error |
| **wrong, the log shows a device error** | the device refused a shader, and numbers came back |
| **crashes** | the engine's process ends |
| refused | the engine does not take the operator, and says so |

`python benchmarks/gpu_atlas.py` writes this page. The cases are in `tests/edge/gpu_operators.py`,
and a test runs each of them, so that a version of an engine that computes otherwise is noticed. A
software driver proves the values in IEEE float32 that the engine's graph and shaders give. It
proves nothing about a GPU maker's compiler, half precision or speed.

`keras-upsample check FILE --target litert_gpu` runs a file in LiteRT's accelerator and names its
operators of the kinds that are wrong here. Without a driver it applies the same findings as rules
(`keras_upsample/edge/_gpu_rules.py`). The layers and the lowering of this package avoid the wrong
forms at a batch size of 1. The last column names reports in the engine's repository, with the state
in which they were found; an empty cell means that none was found.

{engines}
"""


def main() -> None:
    """Command line."""
    from gpu_operators import CASES

    from keras_upsample.runtimes._load import absence

    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("operator", nargs="*", help="default all; the rows of the others stay")
    names = parser.parse_args().operator
    if reason := " ".join(filter(None, map(absence, CASES))):
        sys.exit(f"Nothing was run: {reason}.")
    chosen = {
        engine: [case for case in cases if not names or case.operator in names]
        for engine, cases in CASES.items()
    }
    found = {engine: measured(cases, engine) for engine, cases in chosen.items()}
    for engine, cases in chosen.items():
        for case, result in zip(cases, found[engine], strict=True):
            if result.outcome != case.outcome:
                print(f"not as recorded: {case.name}: {case.outcome}", file=sys.stderr)
    PAGE.write_text(page(chosen, found))


def page(chosen: "Mapping[str, Sequence[Case]]", found: "Mapping[str, Sequence[Found]]") -> str:
    """The page, with the rows that it has of what was not run now."""
    from gpu_operators import CASES

    before = PAGE.read_text() if PAGE.exists() else ""
    sections = []
    for engine, cases in CASES.items():
        old = before.partition(f"## {TITLES[engine]}\n")[2].partition("\n## ")[0].splitlines()
        rows = {_case_of(line): line for line in old if line.startswith("| `")}
        rows |= {
            (case.operator, case.text): row(case, result)
            for case, result in zip(chosen[engine], found[engine], strict=True)
        }
        ran = found[engine][-1].engine if found[engine] else ""
        kept = [rows[key] for case in cases if (key := (case.operator, case.text)) in rows]
        sections.append(section(engine, ran or old[1].rpartition(", ")[0], kept))
    return TEXT.format(engines="\n\n".join(sections))


def _case_of(line: str) -> tuple[str, str]:
    operator, text = line.removeprefix("| ").split(" | ")[:2]
    return operator.strip("`"), text


def measured(cases: "Sequence[Case]", engine: str) -> "list[Found]":
    """Run and print."""
    from gpu_case import run

    found = []
    with tempfile.TemporaryDirectory() as folder:
        for case in cases:
            found.append(run(case, engine, Path(folder)))
            print(row(case, found[-1]), flush=True)
    return found


def section(engine: str, ran: str, rows: "Sequence[str]") -> str:
    """A heading, what ran where and when last, and the table."""
    from gpu_case import CRASH, FAULT, REFUSED, RIGHT, WRONG

    kinds = (RIGHT, WRONG, FAULT, CRASH, REFUSED)
    cells = [line.split(" | ")[2].strip("*") for line in rows]
    counts = Counter(next(kind for kind in kinds if cell.startswith(kind)) for cell in cells)
    told = "; ".join(f"{outcome}: {count}" for outcome, count in counts.most_common())
    nameless = " (it does not name its device)"
    device = nameless if " on " not in ran and not ran.endswith(nameless) else ""
    return "\n".join(
        [
            f"## {TITLES[engine]}",
            "",
            f"{ran}{device}, {datetime.now(UTC).date()}.",
            f"{len(rows)} cases. {told[0].upper()}{told[1:]}.",
            "",
            HEAD,
            *rows,
        ]
    )


def row(case: "Case", found: "Found") -> str:
    """A row of the table."""
    form = case.instead or ("" if found.outcome == "right" else "none known")
    cells = (f"`{case.operator}`", case.text, outcome(case, found), form, links(case.upstream))
    return f"| {' | '.join(cells)} |"


def outcome(case: "Case", found: "Found") -> str:
    """The outcome, its figure, and the engine's words."""
    words = case.words if case.words and case.words in found.words else found.words
    error = "" if found.error is None else f", {figure(found.error)}"
    strong = "" if found.outcome in ("right", "refused") else "**"
    text = f"{strong}{found.outcome}{strong}{error}"
    if words:
        text += f": {words}"
    if found.left:
        text += f"; on the processor: {', '.join(found.left)}"
    return text.replace("|", "\\|")


def figure(error: float) -> str:
    """Two digits."""
    if not error:
        return "exact"
    return f"{error:.2f}" if error > 0.1 else f"{error:.1e}"


def links(text: str) -> str:
    """Issues as links."""

    def link(match: re.Match[str]) -> str:
        tracker, number = match.groups()
        return f"[{match[0]}](https://github.com/{TRACKERS[tracker]}/issues/{number})"

    return re.sub(rf"({'|'.join(TRACKERS)})#(\d+)", link, text)


if __name__ == "__main__":
    main()
