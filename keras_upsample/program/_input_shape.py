"""Shapes of inputs: what the user may say about them, and how open sizes are closed."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from typing import Any

from ..metadata._scaling import UNIT, Scaling

Shape = tuple[int | None, ...]
ShapeArgument = Sequence[int | None] | Mapping[str, Sequence[int | None]] | None

DEFAULT_SIZE = 256
"""Pixels given to a height or width that the model leaves open and the target wants fixed."""
OTHER_SIZES = (288, 240, 224, 320, 336, 420)
"""The same where the model refuses that size: multiples of 9, 3, 5 and 7 and of powers of 2."""


@dataclass(frozen=True)
class InputSpec:
    """One input of a model.

    Attributes:
        name: of the input.
        shape: with the batch first, None where any size.
        dtype: its name.
        scaling: how a picture's values become those that the input takes.
        value_range: least and largest value that it is made for; None where nothing says so.
        usual: sizes to take where `shape` leaves them open, batch first; () or None: the defaults.
        trial: pixels to take for an open height or width in place of `DEFAULT_SIZE`, which the
            model refuses; 0: it does not.
    """

    name: str
    shape: Shape
    dtype: str
    scaling: Scaling = UNIT
    value_range: tuple[float, float] | None = None
    usual: Shape = ()
    trial: int = 0


def is_size(value: Any) -> bool:
    return isinstance(value, int) and not isinstance(value, bool) and value >= 1


def check_kind(input_shape: Any) -> None:
    shapes = input_shape.values() if isinstance(input_shape, Mapping) else [input_shape]
    for shape in shapes:
        if shape is not None and not isinstance(shape, list | tuple):
            raise ValueError(
                "`input_shape` must be a tuple without the batch, e.g. (256, 256, 3), or a dict of "
                f"tuples by input name. Received: {input_shape!r}."
            )


def narrow(specs: tuple[InputSpec, ...], input_shape: ShapeArgument) -> tuple[InputSpec, ...]:
    if input_shape is None:
        return specs
    names = [spec.name for spec in specs]
    if isinstance(input_shape, Mapping):
        shapes = dict(input_shape)
        unknown = [name for name in shapes if name not in names]
        if unknown:
            raise ValueError(f"`input_shape` names {unknown!r}, but the inputs are {names!r}.")
    elif len(specs) == 1:
        shapes = {names[0]: input_shape}
    else:
        raise ValueError(
            f"The model has {len(specs)} inputs, {names!r}: `input_shape` must be a dict of shapes "
            f"by name. Received: {input_shape!r}."
        )
    return tuple(
        replace(spec, shape=(spec.shape[0], *_fit(spec, tuple(shapes[spec.name]))))
        if spec.name in shapes
        else spec
        for spec in specs
    )


def _fit(spec: InputSpec, shape: Shape) -> Shape:
    own = spec.shape[1:]
    if len(shape) != len(own):
        raise ValueError(
            f"`input_shape` for {spec.name!r} must have {len(own)} dimensions, without the batch, "
            f"like the model's own {own}. Received: {shape}."
        )
    for want, got in zip(own, shape, strict=True):
        if got is not None and not is_size(got):
            raise ValueError(f"`input_shape` must hold integers >= 1 or None. Received: {shape}.")
        if want is not None and got is not None and want != got:
            raise ValueError(
                f"`input_shape` for {spec.name!r} must fit the model's own {own}. "
                f"Received: {shape}."
            )
    return tuple(got if got is not None else want for want, got in zip(own, shape, strict=True))


def pixel_axes(spec: InputSpec) -> tuple[int, int]:
    """Axes of height and width of an image: the number of channels is never open."""
    return (1, 2) if spec.shape[3] is not None else (2, 3)


def fix_sizes(spec: InputSpec, batch_size: int) -> InputSpec:
    shape = [a or b for a, b in zip(spec.shape, spec.usual or spec.shape, strict=True)]
    shape[0] = shape[0] or batch_size
    if len(shape) == 4:  # an image: height and width may take the default
        for axis in pixel_axes(spec):
            shape[axis] = shape[axis] or spec.trial or DEFAULT_SIZE
    if None in shape:
        raise ValueError(
            f"The input {spec.name!r} has the shape {spec.shape} (batch first), and this target "
            "needs fixed sizes. Pass `input_shape`, without the batch."
        )
    return replace(spec, shape=tuple(shape))


_TRIAL_SIZES = {3: (64,), 5: (16, 32, 32)}
"""Rank -> sizes at which a model of open sizes is tried: steps; frames or slices, rows and columns.
Networks with poolings take multiples of 16 alone. Images have `DEFAULT_SIZE`."""


def close_sizes(spec: InputSpec, sizes: Sequence[int] = (), batch_size: int = 1) -> InputSpec:
    """The spec at one of the sizes that its model takes, for a trial run.

    Args:
        spec: of any rank.
        sizes: for the axes between the batch and the channels; default such as networks with
            poolings take.

    Raises:
        ValueError: the number of channels is open, or an axis of an input that is no signal.
    """
    shape = list(spec.shape)
    shape[0] = shape[0] or batch_size
    first = 2 if shape[-1] is None and shape[1] is not None else 1  # behind the channels
    for axis, size in enumerate(sizes or _TRIAL_SIZES.get(len(shape), ()), first):
        shape[axis] = shape[axis] or size
    return fix_sizes(replace(spec, shape=tuple(shape)), batch_size)
