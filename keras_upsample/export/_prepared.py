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
        feeds: for calibration, by the names of the signature; None where nothing is calibrated.
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
    """Lower, calibrate and equalise, as far as the target and the options ask for it.

    Args:
        model, signature: the user's.
        target: where it goes.
        images: on what the file will be verified.
        lower, tune, representative_data: see `to_tflite`.
        progress: called before each step.
    """
    low, own = Lowered(model), signature
    if lower:
        progress("lower")
        low, own = lowered(model, signature, target, tune=tune, progress=progress)
    if not target.calibrated:
        return Prepared(low, own, None)
    progress("calibrate")
    plain = signature.fixed()
    feeds = calibration_feeds(model, plain, representative_data, images)
    names = {a.name: b.name for a, b in zip(plain.inputs, own.inputs, strict=True)}
    feeds = [{names[name]: value for name, value in feed.items()} for feed in feeds]
    if lower and not low.notice:
        progress("equalise")
        low, own = _equalised(low, own, feeds)
    return Prepared(low, own, feeds)


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
