"""The profile of TFLite files for any machine: of times on x86 and instruction counts on ARM.

python benchmarks/portable_profile.py count --minutes 60   # into the tuning cache
python benchmarks/portable_profile.py write                # results/arm_blocks.json, the profile

`count` goes through blocks of block_profiles.py, converts each of their forms, and counts the
instructions of one inference on 64-bit ARM (arm_instructions.py) in place of timing it. The counts
do not depend on the machine or what else it does. A default TFLite file may also be run on a
phone's GPU: so only forms are taken that LiteRT's GPU accelerator computes rightly (`RULES`,
`REFUSED`); of the others the target's table decides. `write` joins the counts with the package's
profile of times of TFLite files: a form gains the less of what it gains in time and in
instructions,

    g = min(log(t₀ / t), log(n₀ / n)),

t₀ and n₀ of the block as it stands; n from the counted blocks of the nearest sizes. So a form is
taken for other machines only where it needs less time on this kind of x86 processor and no more
instructions on ARM.
"""

import argparse
import json
import math
from concurrent.futures import Future, ThreadPoolExecutor, wait
from dataclasses import replace
from importlib.metadata import version
from pathlib import Path
from typing import Any

import arm_instructions
from block_profiles import FOLDER, ROOT, measure, proposal_of, write_file

RULES = ("minimal_filtering", "concatenation")
REFUSED = frozenset({"4x4 by 6x6"})
"""Forms with tensors of more than four dimensions."""
REFUSED_COST = 10.0
"""Of a refused form, in place of its time: it is never the fastest."""
COUNTS = ROOT / "benchmarks" / "results" / "arm_blocks.json"


class OnArm:
    """A meter of `keras_upsample.lowering`: instructions stand for seconds.

    A file is counted while the next form of its block is converted.
    """

    conditions = (f"litert{version('ai-edge-litert')}", f"instructions on {arm_instructions.CPU}")

    def __init__(self) -> None:
        self._counting = ThreadPoolExecutor()

    def opened(self, path: Path) -> Future[int]:
        return self._counting.submit(arm_instructions.instructions, path)

    def seconds(self, opened: dict[str, Future[int]], limit: float) -> dict[str, float]:
        wait(opened.values())  # the files are deleted behind
        return {
            form: math.inf if n.exception() else float(n.result()) for form, n in opened.items()
        }


def main() -> None:
    """Command line."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("what", choices=("count", "write"))
    parser.add_argument("--minutes", type=float, default=60.0, help="of count (60)")
    parser.add_argument("--spacing", type=float, default=0.9, help="octaves between blocks")
    options = parser.parse_args()
    from keras_upsample.targets import TARGETS

    if options.what == "count":
        arm_instructions.prepare()
        before = json.loads(COUNTS.read_text()) if COUNTS.exists() else ()
        tflite = TARGETS["tflite"]
        target = replace(tflite, never_forms=tflite.never_forms | REFUSED)
        measure(target, OnArm(), options.minutes, options.spacing, before, rules=RULES)
    else:
        keep_counts()
        print(write())


def keep_counts() -> None:
    """Those of the tuning cache, with the ones that are kept already."""
    from keras_upsample.lowering._tuning_cache import TuningCache
    from keras_upsample.targets import TARGETS

    kept = json.loads(COUNTS.read_text()) if COUNTS.exists() else {}
    cache = TuningCache(TARGETS["tflite"], OnArm.conditions)
    kept |= {
        key: {form: int(n) for form, n in cache[key].items() if math.isfinite(n)} for key in cache
    }
    COUNTS.write_text(json.dumps(kept, indent=0, sort_keys=True) + "\n")


def write() -> Path:
    """The profile, from the counts and the package's only profile of times."""
    (times,) = (p for p in FOLDER.glob("tflite_*.json"))
    content = json.loads(times.read_text())
    about = content["about"]
    counted = json.loads(COUNTS.read_text())
    joined = {
        "target": "tflite",
        "runtime": f"{about['runtime']}; times on {times.stem}, instructions on 64-bit ARM",
        "instructions": [],
        "threads": about["threads"],
        "date": about["date"],
    }
    blocks = dict(_joined(content["blocks"], about, counted))
    path = FOLDER / "portable_tflite.json"
    write_file(path, joined, blocks)
    return path


def _joined(blocks: dict[str, dict[str, float]], about: Any, counted: dict[str, Any]) -> Any:
    """Blocks of which instructions are known for every form, with shares of the block's cost."""
    from keras_upsample.lowering._profile import profile_of
    from keras_upsample.program._applied import KEEP

    on_arm = profile_of("arm", about, counted)
    for key, times in blocks.items():
        refused = dict.fromkeys(times.keys() & REFUSED, REFUSED_COST)
        proposal = proposal_of(key, times.keys() - REFUSED)
        if proposal.rule not in RULES or not all(map(math.isfinite, times.values())):
            continue
        known = on_arm.estimates(proposal)
        if known.keys() == proposal.forms.keys():
            gains = {f: min(math.log(times[KEEP] / times[f]), known[f].gain) for f in known}
            costs = {form: float(f"{math.exp(-gain):.4g}") for form, gain in gains.items()}
            yield key, {KEEP: 1.0, **costs, **refused}


if __name__ == "__main__":
    main()
