"""Which profile a model is lowered by."""

import os
from pathlib import Path
from typing import TYPE_CHECKING

from ..errors import did_you_mean
from ..program._applied import FOR_ANY, LIKE_THIS
from ._profile import Profile, read_profile, shipped

if TYPE_CHECKING:
    from ..targets import Target

HOST, PORTABLE, TABLE = "host", "portable", "table"
_WORDS = (HOST, PORTABLE, TABLE)
VARIABLE = "KERAS_UPSAMPLE_PROFILE"
"""Of the environment: one of these words for exports that ask for no profile, so that builds on
different machines write the same files."""


def check_profile(name: str | None) -> None:
    """
    Raises:
        ValueError: there is no such profile.
    """
    if name not in (None, *_WORDS) and name not in shipped() and not _is_path(name):
        names = (*_WORDS, *shipped())
        raise ValueError(
            f"`profile` may be {', '.join(map(repr, names))}, or the path of a profile's file. "
            f"Received: {name!r}.{did_you_mean(str(name), names)}"
        )


def profile_for(
    target: "Target", asked: str | None, *, tuned: bool = False
) -> tuple[Profile | None, str]:
    """The profile to lower by, and in words why it is this one; None for the target's table.

    Args:
        target: the export target.
        asked: `"host"`, `"portable"`, a name or a path; None for what the variable says, or else
            the target's own habit.
        tuned: whether blocks are measured here, so that the host's profile goes first.

    Raises:
        ValueError: there is no such profile, or it is of another target.
    """
    check_profile(asked)
    asked = profile_of_tuning(asked) if tuned else asked or _of_environment() or target.profile
    if asked == HOST:
        return _of_this_machine(target)
    if asked == PORTABLE:
        found = shipped().get(f"portable_{target.name}")
        return found, f"{FOR_ANY}: {found}" if found else ""
    if asked == TABLE:
        return None, ""
    profile = shipped().get(asked) or read_profile(Path(asked))
    if profile.target != target.name:
        raise ValueError(
            f"The profile {profile.name!r} is of the target {profile.target!r}, not of "
            f"{target.name!r}."
        )
    return profile, f"as asked: {profile}"


def profile_of_tuning(asked: str | None) -> str:
    """The one where blocks are measured here: the host's, unless another one is asked for."""
    return asked or _of_environment() or HOST


def _of_environment() -> str | None:
    found = os.environ.get(VARIABLE)
    if found and found not in _WORDS:
        raise ValueError(
            f"The variable {VARIABLE} may be {', '.join(map(repr, _WORDS))}. Received: {found!r}."
        )
    return found or None


def _of_this_machine(target: "Target") -> tuple[Profile | None, str]:
    from ..runtimes._runner import cpu_threads
    from ._tuning_cache import instructions

    mine, threads = instructions(), cpu_threads()
    of_target = [each for each in shipped().values() if each.target == target.name]
    for profile in of_target:
        if profile.instructions == mine and profile.threads == threads:
            return profile, f"{LIKE_THIS}: {profile}"
    if not of_target:
        return None, ""
    kind = f"{', '.join(mine) or 'unknown instructions'}, {threads} threads"
    return None, f"no profile fits this machine ({kind}); `tune` measures on it"


def _is_path(name: str) -> bool:
    return Path(name).suffix == ".json" and Path(name).is_file()
