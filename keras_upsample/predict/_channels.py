"""Convert the channels of an image to those that a model takes."""

from collections.abc import Callable, Sequence
from dataclasses import replace
from typing import TYPE_CHECKING

import numpy as np

from ..images._nodata import with_nodata
from ..images._sources import ImageError, Source

if TYPE_CHECKING:
    from ._predictor import Predictor

_COLOURS = ("red", "green", "blue")


def order_of(names: Sequence[str]) -> tuple[int, ...] | None:
    """For each channel of a model, e.g. of blue, green and red, its number in an RGB picture.

    None for red, green and blue in this order, and for channels of other names.
    """
    plain = [name.strip().lower() for name in names]
    if sorted(plain) != sorted(_COLOURS) or tuple(plain) == _COLOURS:
        return None
    return tuple(map(_COLOURS.index, plain))


def prepared_source(
    source: Source,
    predictor: "Predictor",
    channels: Sequence[int] | None = None,
    nodata: float | str | None = None,
) -> Source:
    """The image with the nodata value that the user names, and the channels that the model takes.

    Raises:
        ImageError: they do not fit the image or the model.
    """
    named = with_nodata(source, nodata)
    return fit_channels(named, predictor.network.channels, channels, predictor.order)


def fit_channels(
    source: Source,
    wanted: int | None,
    chosen: Sequence[int] | None = None,
    order: Sequence[int] | None = None,
) -> Source:
    """Convert an image to the channels that the model takes.

    Grey is repeated for RGB, an alpha channel is left out, and RGB becomes grey if its three
    channels are equal. There is no other conversion.

    Args:
        source: the image.
        wanted: number of channels that the model takes; None for any number.
        chosen: numbers of the image's channels to use, in this order; applied first.
        order: order in which the model takes red, green and blue, used if `chosen` is not given.

    Raises:
        ImageError: the image has other channels than the model takes.
    """
    given = source.shape[2]
    if source.alpha and source.opaque is None and not _opacity_is_taken(given, wanted, chosen):
        source = replace(source, opaque=_opaque(source))
    if chosen is None and order is not None and given - bool(source.alpha) == len(order):
        chosen = order
    if chosen is not None:
        if not chosen or not all(0 <= channel < given for channel in chosen):
            raise ImageError(
                f"`channels` must be of 0 to {given - 1}, for the image has {given}. Received: "
                f"{tuple(chosen)!r}."
            )
        picked = list(chosen)
        source = _change_channels(source, len(picked), lambda band: band[..., picked])
        given = len(picked)
    if wanted is None or wanted == given:
        return source
    if source.alpha:
        given -= 1
        if wanted == given:
            return _change_channels(source, wanted, lambda band: band[..., :wanted])
    if wanted == 3 and given == 1:
        return _change_channels(source, 3, lambda band: np.repeat(band[..., :1], 3, axis=2))
    if wanted == 1 and given == 3:
        return _change_channels(source, 1, _grey)
    have = f"{given} channel" + "s" * (given != 1)
    raise ImageError(
        f"The image has {have}, the model takes {wanted}. Choose among the image's with "
        "`channels` (--channels 0,1), or convert the image."
    )


def _opacity_is_taken(given: int, wanted: int | None, chosen: Sequence[int] | None) -> bool:
    """Whether the model takes the opacity as one of its channels."""
    return given - 1 in chosen if chosen is not None else wanted in (None, given)


def _opaque(source: Source) -> Callable[[int, int], np.ndarray]:
    """What lies under a fully transparent pixel is whatever the program that wrote it left."""
    return lambda top, bottom: source.read(top, bottom)[..., -1] != 0


def _change_channels(
    source: Source, channels: int, change: Callable[[np.ndarray], np.ndarray]
) -> Source:
    height, width, _ = source.shape
    return replace(
        source,
        shape=(height, width, channels),
        alpha=False,
        read=lambda top, bottom: change(source.read(top, bottom)),
    )


def _grey(band: np.ndarray) -> np.ndarray:
    first = band[..., :1]
    if not (band[..., 1:3] == first).all():
        raise ImageError(
            "The image has colours, the model takes 1 channel. Choose one with `channels` "
            "(--channels 1), or convert the image to grey."
        )
    return first
