"""What is converted for a target: the form of the model, its signature, the calibration."""

from collections.abc import Callable, Collection, Mapping
from dataclasses import dataclass, field, replace
from typing import Any

from ..formats._feeds import Feeds
from ..lowering._failures import noted
from ..lowering._lower import Lowered, lowered
from ..lowering._rewrite import KEEP
from ..lowering._rewriting import Applied
from ..ops._lacking import COMPARISONS, GATHERS
from ..program._flatten import NotAGraphError
from ..program._signature import Signature
from ..quantization._equalise import equalised
from ..quantization._lines import lines_as_images
from ..quantization._round import rounded
from ..quantization._sharpness import sharpened
from ..quantization._windows import windowed
from ..targets import Target
from ._calibration import Calibration, calibration
from ._images import Images


@dataclass(frozen=True)
class Prepared:
    """A model before its conversion.

    Attributes:
        low: the form to convert, and what was done.
        signature: of it.
        feeds: for calibration; None where nothing is calibrated.
        exact: the form before its weights were rounded; that of `low` where they were not.
        sources: where the feeds come from, by input.
    """

    low: Lowered
    signature: Signature
    feeds: Feeds | None
    exact: Any
    sources: Mapping[str, str] = field(default_factory=dict)


def prepared(
    model: Any,
    signature: Signature,
    target: Target,
    images: Images,
    *,
    lower: bool,
    tune: bool | float = False,
    representative_data: Any = None,
    weight_bits: int | None = None,
    keep_float: Collection[str] = (),
    any_values: bool = False,
    progress: Callable[[str], None] = lambda step: None,
) -> Prepared:
    """Calibrate, lower, equalise and round, as far as the target and the options ask for it.

    Args:
        model, signature: the user's.
        target: where it goes.
        images: on what the file will be verified.
        lower, tune, representative_data, weight_bits, keep_float: see `to_tflite` and `to_onnx`.
        any_values: see `calibration`.
        progress: called before each step.
    """
    learnt: Calibration | None = None
    if target.calibrated:
        progress("calibrate")
        learnt = calibration(model, signature, representative_data, images, any_values=any_values)
    feeds, sources = (learnt.feeds, learnt.sources) if learnt else (None, {})
    if not lower:
        return Prepared(Lowered(model), signature, feeds, model, sources)
    ready = formed(
        model,
        signature,
        target,
        feeds,
        tune=tune,
        weight_bits=weight_bits,
        keep_float=keep_float,
        progress=progress,
    )
    return replace(ready, sources=sources)


def formed(
    model: Any,
    signature: Signature,
    target: Target,
    feeds: Feeds | None,
    *,
    tune: bool | float = False,
    weight_bits: int | None = None,
    keep_float: Collection[str] = (),
    progress: Callable[[str], None] = lambda step: None,
) -> Prepared:
    """Lowered; equalised and rounded where there are feeds to learn from."""
    progress("lower")
    rows = Lowered(model)
    if feeds is not None:
        rows, signature = _adapted(
            rows, signature, _LINES, lambda form: lines_as_images(form, signature)
        )
    low, own = lowered(rows.model, signature, target, tune=tune, progress=progress)
    if not low.notice:  # which says what a note of the lines would
        low = replace(low, applied=(*rows.applied, *low.applied))
    if feeds is None or low.notice:
        return Prepared(low, own, feeds, low.model)
    if GATHERS in target.lacks:
        low, own = _adapted(low, own, _WINDOWS, lambda form: windowed(form, own, feeds))
    progress("equalise")
    low, own = _adapted(
        low,
        own,
        _EQUALISATION,
        lambda form: equalised(form, own, feeds, shared_steps=target.shared_steps),
    )
    steps = target.activation_steps
    if COMPARISONS in target.lacks:
        low, own = _adapted(low, own, _MAXIMA, lambda form: sharpened(form, own, feeds, steps))
    exact = low.model
    progress("round")
    grid = target.grid(weight_bits)
    low, own = _adapted(
        low,
        own,
        _ROUNDING,
        lambda form: rounded(form, own, feeds, grid, steps=steps, spared=keep_float),
    )
    return Prepared(low, own, feeds, exact)


_LINES = Applied(
    "lines",
    (),
    "as images of one row",
    "bias and activation are rounded with the convolution, not before and behind it",
)
_WINDOWS = Applied(
    "windows",
    (),
    "points read by windows as large as images ask for",
    "products and sums of maps in place of gathers",
)
_MAXIMA = Applied(
    "maxima",
    (),
    "places of maxima by sums and products",
    "no comparisons of integers, which devices lack and converters do not calibrate",
)
_EQUALISATION = Applied(
    "equalisation",
    (),
    "channels scaled against each other",
    "channels of small range keep more of the steps of a rounded tensor",
)
_ROUNDING = Applied(
    "rounding",
    (),
    "weights rounded one after another",
    "what one loses on the images, those behind it make good",
)


def _adapted(
    low: Lowered,
    signature: Signature,
    entry: Applied,
    change: Callable[[Any], tuple[Any, Signature, tuple[str, ...]]],
) -> tuple[Lowered, Signature]:
    """The model changed as one step does it; a step that can't leaves it as it is, with a note."""
    try:
        model, own, layers = change(low.model)
    except Exception as error:
        reason = str(error) if isinstance(error, NotAGraphError) else noted(error)
        entry = replace(entry, layers=(low.model.name,), form=KEEP, gain=reason)
        return replace(low, applied=(*low.applied, entry)), signature
    if not layers:
        return low, signature
    entry = replace(entry, layers=layers)
    return replace(low, model=model, applied=(*low.applied, entry)), own
