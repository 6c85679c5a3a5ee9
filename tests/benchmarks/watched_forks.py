"""How `forked.run_function` tells the end of a fork: watched_forks.py FOLDER."""

import os
import subprocess
import sys
import time
from pathlib import Path

sys.path.insert(0, str(Path(__file__).parents[2] / "benchmarks"))
from reliability_study import forked

FOLDER = Path(sys.argv[1])


def leaves_a_child() -> None:
    subprocess.Popen([sys.executable, "-c", "import time; time.sleep(60)"])


said = forked.run_function(lambda: print("here"), FOLDER)
assert (said.status, said.output) == (0, "here\n")
assert forked.run_function(lambda: [][0], FOLDER).traceback
assert forked.run_function(lambda: sys.exit(7), FOLDER).status == 7
assert forked.run_function(os.abort, FOLDER).status == -6
limits = forked.Limits(seconds=0.2)
slow = forked.run_function(lambda: time.sleep(60), FOLDER, limits=limits)
assert slow.stopped == "after 0 s" and slow.seconds < 30
assert forked.run_function(lambda: time.sleep(60), FOLDER, strike=lambda *_: 15).status == -15
assert len(forked.run_function(leaves_a_child, FOLDER).orphans) == 1
print("watched")
