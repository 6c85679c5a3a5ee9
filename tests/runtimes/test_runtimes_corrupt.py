"""Damaged files end in one error or load; they never take the process down."""

import json
import subprocess
import sys
import textwrap

import pytest

SCRIPT = """
    import faulthandler, json, sys
    from pathlib import Path
    import numpy as np
    from keras_upsample import runtimes
    from keras_upsample.errors import ArtefactError

    faulthandler.enable()
    path = Path(sys.argv[1])
    whole, damaged = path.read_bytes(), path.with_name("damaged" + path.suffix)
    rng = np.random.default_rng(0)
    variants = [whole[: len(whole) * k // 20] for k in range(20)]
    for _ in range(12):
        position, bit = rng.integers(len(whole)), rng.integers(8)
        changed = bytearray(whole)
        changed[position] ^= 1 << bit
        variants.append(bytes(changed))
    for _ in range(12):
        changed = bytearray(whole)
        changed[rng.integers(len(whole))] = rng.integers(256)
        variants.append(bytes(changed))
    counts = {"refused": 0, "loaded": 0, "failed to run": 0}
    for index, content in enumerate(variants):
        damaged.write_bytes(content)
        print("variant", index, file=sys.stderr, flush=True)
        try:
            runner = runtimes.load(damaged)
        except ArtefactError:
            counts["refused"] += 1
            continue
        counts["loaded"] += 1
    print(json.dumps(counts))
"""


@pytest.mark.parametrize("kind", ["tflite", "onnx"])
def test_damaged_files(kind, artefacts, tmp_path):
    path = tmp_path / f"m.{kind}"
    path.write_bytes(artefacts[0][kind].read_bytes())
    result = subprocess.run(
        [sys.executable, "-c", textwrap.dedent(SCRIPT), str(path)], capture_output=True, text=True
    )
    assert result.returncode == 0, result.stderr[-1500:]
    counts = json.loads(result.stdout.splitlines()[-1])  # ONNX Runtime prints there too
    assert counts["refused"] >= 15
    assert counts["loaded"] >= 5
    assert counts["refused"] + counts["loaded"] == 44
