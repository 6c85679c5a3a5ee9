"""Scaling inside the file: 8-bit pixels in, and pictures out as 8-bit pixels."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from typing import Any

import numpy as np

from ..metadata import Metadata, Output, Scaling
from ..program._signature import Signature
from ..program._stateless import State
from ..quantization._feeds import Feeds
from ..targets import Target

PLACES = ("outside", "inside")
"""Where pixels are scaled: by whoever runs the file, or by the file."""

MOST = 255.0


@dataclass(frozen=True)
class Affine:
    """y = scale · x + offset; one number, or one a channel."""

    scale: tuple[float, ...]
    offset: tuple[float, ...]

    @property
    def shifts(self) -> bool:
        """Whether it does more than to multiply."""
        return any(self.offset)

    def of(self, values: np.ndarray) -> np.ndarray:
        """Applied to an array whose channels are last, in float64."""
        return np.asarray(values, "float64") * np.array(self.scale) + np.array(self.offset)

    def undone(self, values: np.ndarray) -> np.ndarray:
        """The inverse."""
        return (np.asarray(values, "float64") - np.array(self.offset)) / np.array(self.scale)

    def __str__(self) -> str:
        scale, offset = (" ".join(f"{n:.6g}" for n in v) for v in (self.scale, self.offset))
        return f"({scale}) pixel + ({offset})" if self.shifts else f"({scale}) pixel"


@dataclass(frozen=True)
class Inside:
    """What a file does itself.

    Attributes:
        inputs: name of an input -> how its pixels, 0 to 255, become what the network takes.
        outputs: name of an output that is a picture -> how its values become 0 to 255.
    """

    inputs: Mapping[str, Affine]
    outputs: Mapping[str, Affine]

    def notes(self) -> tuple[str, ...]:
        """Lines for the report."""
        taken = [f"scaling inside: {name!r} is {how}" for name, how in self.inputs.items()]
        given = [f"scaling inside: {name!r} is rounded to 0 to 255" for name in self.outputs]
        return (*taken, *given)

    def signature(self, signature: Signature, *, integers: bool) -> "InsideSignature":
        """The file's own signature.

        Args:
            signature: of the model.
            integers: whether a converter makes integers of the inputs, 0 to 255, so that they are
                traced as floats.
        """
        specs = self.shown(signature).inputs
        if integers:
            dtypes = {spec.name: spec.dtype for spec in signature.inputs}
            specs = tuple(replace(spec, dtype=dtypes[spec.name]) for spec in specs)
        return InsideSignature(
            specs, signature.structure, signature.keywords, plan=self, integers=integers
        )

    def shown(self, signature: Signature) -> Signature:
        """The model's signature with pixels for its pictures."""
        return replace(
            signature,
            inputs=tuple(
                replace(spec, dtype="uint8", scaling=Scaling(), value_range=(0, MOST))
                if spec.name in self.inputs
                else spec
                for spec in signature.inputs
            ),
        )

    def scaled(self, feeds: Mapping[str, np.ndarray]) -> dict[str, np.ndarray]:
        """Pixels -> what the model takes, by NumPy."""
        return {
            name: self.inputs[name].of(value).astype("float32") if name in self.inputs else value
            for name, value in feeds.items()
        }

    def answers(self, outputs: Mapping[str, np.ndarray]) -> dict[str, np.ndarray]:
        """What the model gives -> what the file gives, before pictures are rounded, by NumPy."""
        return {
            name: self.outputs[name].of(value).clip(0, MOST).astype(value.dtype)
            if name in self.outputs
            else value
            for name, value in outputs.items()
        }

    def calibration(self, feeds: Feeds, *, integers: bool) -> Feeds:
        """Images as the network takes them -> pixels; where integers are to be learnt, the first
        image gets a black and a white pixel, so that the range of the input is whole."""
        result = [
            {
                name: self.inputs[name].undone(value).round().clip(0, MOST).astype("uint8")
                if name in self.inputs
                else value
                for name, value in feed.items()
            }
            for feed in feeds
        ]
        if not integers:
            return result
        for feed in result:
            feed |= {name: feed[name].astype("float32") for name in self.inputs}
        for name in self.inputs if result else ():
            pixels = result[0][name].reshape(-1, result[0][name].shape[-1])
            pixels[0], pixels[-1] = 0, MOST
        return result

    def facts(self, metadata: Metadata) -> Metadata:
        """The metadata of the file."""
        inputs = tuple(
            replace(item, dtype="uint8", scaling=Scaling("stored"), value_range=(0, MOST))
            if item.name in self.inputs
            else item
            for item in metadata.inputs
        )
        outputs = tuple(
            replace(item, value_range=(0, MOST)) if item.name in self.outputs else item
            for item in metadata.outputs
        )
        words = "uint8 pixels, 0 to 255, as they are"
        return replace(metadata, inputs=inputs, outputs=outputs, preprocessing=words)


@dataclass(frozen=True)
class InsideSignature(Signature):
    """A signature that scales on the way in and out."""

    plan: Inside = Inside({}, {})
    integers: bool = False

    def call(self, model: Any, tensors: Sequence[Any], state: State = ()) -> dict[str, Any]:
        """The file's outputs by name."""
        given = [
            _network_values(tensor, self.plan.inputs[spec.name], self.integers)
            if spec.name in self.plan.inputs
            else tensor
            for spec, tensor in zip(self.inputs, tensors, strict=True)
        ]
        results = super().call(model, given, state)
        return {
            name: _pixels(value, self.plan.outputs[name], self.integers)
            if name in self.plan.outputs
            else value
            for name, value in results.items()
        }


def _network_values(pixels: Any, affine: Affine, integers: bool) -> Any:
    import tensorflow as tf

    values = tf.cast(pixels, tf.float32)
    if integers and affine.shifts:
        # One operator, whose integer weights are exact: each channel has a scale of its own.
        channels = values.shape[-1]
        kernel = np.broadcast_to(np.array(affine.scale, "float32"), (channels,))
        values = tf.nn.depthwise_conv2d(
            values, kernel.reshape(1, 1, channels, 1), [1, 1, 1, 1], "VALID"
        )
        bias = np.broadcast_to(np.array(affine.offset, "float32"), (channels,))
        return tf.nn.bias_add(values, np.ascontiguousarray(bias))
    values = values * np.array(affine.scale, "float32")
    return values + np.array(affine.offset, "float32") if affine.shifts else values


def _pixels(values: Any, affine: Affine, integers: bool) -> Any:
    import tensorflow as tf

    values = tf.cast(values, tf.float32) * np.array(affine.scale, "float32")
    if affine.shifts:
        values = values + np.array(affine.offset, "float32")
    values = tf.clip_by_value(values, 0.0, MOST)
    return values if integers else tf.cast(values + 0.5, tf.uint8)


def plan_scaling(
    signature: Signature,
    metadata: Metadata,
    output_names: Sequence[str],
    place: str,
    targets: Sequence[Target],
) -> Inside | None:
    """What a file shall do itself; None where scaling stays outside.

    Args:
        signature: of the model.
        metadata: of the model.
        output_names: of the model, in its order.
        place: one of `PLACES`.
        targets: of the files.

    Raises:
        ValueError: no such place; a target that takes no 8-bit pixels; the scaling of a picture is
            not known, or can't be put into a file.
    """
    if place not in PLACES:
        raise ValueError(
            f"`scaling` must be {' or '.join(map(repr, PLACES))}. Received: {place!r}."
        )
    if place == "outside":
        return None
    refusing = [target.name for target in targets if not target.takes_pixels]
    if refusing:
        raise ValueError(
            f'`scaling="inside"` is not for {refusing[0]}: TFLite\'s converter has no 8-bit input '
            'for files of 16-bit activations. Leave scaling="outside", or take another precision.'
        )
    facts = {item.name: item for item in metadata.inputs}
    inputs = {
        spec.name: _affine(spec.name, facts[spec.name].scaling if spec.name in facts else None)
        for spec in signature.inputs
        if len(spec.shape) == 4 and spec.dtype == "float32"
    }
    if not inputs:
        raise ValueError(
            '`scaling="inside"` is for models with an input of float pictures (N, H, W, C). '
            f"Received: {', '.join(f'{s.name} {s.shape} {s.dtype}' for s in signature.inputs)}."
        )
    for spec in signature.inputs:
        if spec.name in inputs:
            _check_channels(spec.name, inputs[spec.name], spec.shape[-1])
    pictures = {o.name: o for o in metadata.outputs if o.kind == "picture"}
    if len(metadata.outputs) == 1 and metadata.output.kind == "picture":
        (name,) = output_names or ("output",)  # of a model whose outputs have no names
        pictures = {name: metadata.output}
    return Inside(inputs, {name: _to_pixels(name, output) for name, output in pictures.items()})


def _affine(name: str, scaling: Scaling | None) -> Affine:
    if scaling is None:
        raise ValueError(
            f'`scaling="inside"` needs to know how pixels become values of {name!r}, and nothing '
            "says so. Attach metadata with a `scaling` (keras_upsample.metadata)."
        )
    if scaling.base == "percentiles":
        raise ValueError(
            f'`scaling="inside"`: {name!r} is scaled by percentiles of the whole picture, which '
            "no file can compute that is shown one tile of it, and TFLite has no operator for. "
            'Leave scaling="outside": the file says in its metadata what to do.'
        )
    unit = MOST if scaling.base == "full_range" else 1.0
    return Affine(tuple(s / unit for s in scaling.scale), scaling.offset)


def _check_channels(name: str, affine: Affine, channels: int | None) -> None:
    count = max(len(affine.scale), len(affine.offset))
    if count not in (1, channels):
        raise ValueError(
            f"The scaling of {name!r} is for {count} channels, and it takes {channels}. Correct "
            "the metadata."
        )


def _to_pixels(name: str, output: Output) -> Affine:
    if output.value_range is None:
        raise ValueError(
            f'`scaling="inside"` turns the picture {name!r} into pixels of 0 to 255 and needs to '
            "know its least and largest value. Attach metadata with a `value_range` of the output "
            "(keras_upsample.metadata)."
        )
    low, high = output.value_range
    scale = MOST / (high - low)
    return Affine((scale,), (-low * scale + 0.0,))
