"""What a user may expect of a command that meets a file from somebody else."""

from reliability_study.forked import Outcome

MOST_BYTES, MOST_SECONDS = 2 << 30, 30.0
EXPECTED = (0, 1, 2)
"""Exit statuses: done; done in part or failed, as said; a bad argument or file."""


def faults_of(outcome: Outcome) -> list[str]:
    """What went wrong, none of it for a file that was read or refused in one line."""
    found = []
    if outcome.traceback:
        found.append("traceback")
    if outcome.stopped:
        found.append(f"stopped {outcome.stopped}")
    elif outcome.status not in EXPECTED:
        found.append(f"ended with {outcome.status}")
    elif outcome.status and not (outcome.errors + outcome.output).strip():
        found.append("no line")
    if outcome.peak > MOST_BYTES:
        found.append("memory")
    if outcome.seconds > MOST_SECONDS and not outcome.stopped:
        # By the clock of a machine that does other things too, only with the processor's.
        found.append("time" if outcome.cpu > MOST_SECONDS else "")
    if outcome.orphans:
        found.append("orphans")
    return [fault for fault in found if fault]
