"""The cache folder."""

import os
import sys
from pathlib import Path


def cache_folder() -> Path:
    """Where fetched files are kept.

    The environment's KERAS_UPSAMPLE_CACHE, else `keras_upsample` in the user's folder for caches
    (XDG_CACHE_HOME, ~/.cache; LOCALAPPDATA on Windows).
    """
    if chosen := os.environ.get("KERAS_UPSAMPLE_CACHE"):
        return Path(chosen)
    base = os.environ.get("LOCALAPPDATA" if sys.platform == "win32" else "XDG_CACHE_HOME")
    return Path(base or Path.home() / ".cache") / "keras_upsample"
