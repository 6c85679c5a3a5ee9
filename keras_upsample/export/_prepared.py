"""What is converted for a target: the form of the model, its signature, the calibration."""

from collections.abc import Callable
from dataclasses import dataclass, replace
from typing import Any

from ..lowering._equalise import equalised
from ..lowering._lower import Applied, Lowered, lowered
from ._calibration import Feeds, calibration_feeds
from ._images import Images
from ._signature import Signature
from .targets import Target


@dataclass(frozen=True)
class Prepared:
    """A model before its conversion.

    Attributes:
        low: the form to convert, and what was done.
        signature: of it.
        feeds: for calibration; None where nothing is calibrated.
    """

    low: Lowered
    signature: Signature
    feeds: Feeds | None


def prepared(
    model: Any,
    signature: Signature,
    target: Target,
    images: Images,
    *,
    lower: bool,
    tune: bool | float = False,
    representative_data: Any = None,
    progress: Callable[[str], None] = lambda step: None,
) -> Prepared:
    """Calibrate, lower and equalise, as far as the target and the options ask for it.

    Args:
        model, signature: the user's.
        target: where it goes.
        images: on what the file will be verified.
        lower, tune, representative_data: see `to_tflite`.
        progress: called before each step.
    """
    feeds = None
    if target.calibrated:
        progress("calibrate")
        feeds = calibration_feeds(model, signature.fixed(), representative_data, images)
    if not lower:
        return Prepared(Lowered(model), signature, feeds)
    low, own = formed(model, signature, target, feeds, tune=tune, progress=progress)
    return Prepared(low, own, feeds)


def formed(
    model: Any,
    signature: Signature,
    target: Target,
    feeds: Feeds | None,
    *,
    tune: bool | float = False,
    progress: Callable[[str], None] = lambda step: None,
) -> tuple[Lowered, Signature]:
    """Lowered, and equalised where there are feeds to learn ranges from."""
    progress("lower")
    low, own = lowered(model, signature, target, tune=tune, progress=progress)
    if feeds is None or low.notice:
        return low, own
    progress("equalise")
    return _equalised(low, own, feeds)


def _equalised(low: Lowered, signature: Signature, feeds: Feeds) -> tuple[Lowered, Signature]:
    try:
        model, own, layers = equalised(low.model, signature, feeds)
    except Exception:  # a layer of the user's own that can't be called symbolically: as it is
        return low, signature
    if not layers:
        return low, signature
    gain = "channels of small range keep more of the steps of a rounded tensor"
    entry = Applied("equalisation", layers, "channels scaled against each other", gain)
    return replace(low, model=model, applied=(*low.applied, entry)), own
