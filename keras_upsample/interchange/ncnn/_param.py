"""ncnn's `.param` file: the layers of a net, as text."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

from ...errors import ArtefactError

_MAGIC = "7767517"
_ARRAY = -23300  # key -23300 - k: parameter k, as an array with its length in front
_MOST = 1 << 16  # layers, blobs of one layer, elements of one array

Number = int | float


class NcnnError(Exception):
    """What a file holds that is not read, or damaged; its text says which and where."""


@dataclass(frozen=True)
class NcnnLayer:
    """One layer.

    Attributes:
        kind: type of the layer, e.g. "Convolution".
        name: its name.
        inputs, outputs: names of blobs.
        parameters: number of the parameter -> its value, or values.
    """

    kind: str
    name: str
    inputs: tuple[str, ...]
    outputs: tuple[str, ...]
    parameters: Mapping[int, Number | tuple[Number, ...]]

    def number(self, key: int, default: Number = 0) -> Number:
        """A parameter of one number."""
        value = self.parameters.get(key, default)
        if isinstance(value, tuple):
            raise NcnnError(f"parameter {key} is an array; a number is expected")
        return value

    def whole(self, key: int, default: int = 0) -> int:
        """A parameter of one whole number."""
        value = self.number(key, default)
        if value != int(value):
            raise NcnnError(f"parameter {key} is {value}; a whole number is expected")
        return int(value)

    def array(self, key: int) -> tuple[Number, ...]:
        """A parameter of several numbers; () if it is absent."""
        value = self.parameters.get(key, ())
        return value if isinstance(value, tuple) else (value,)


def parse(text: str) -> list[NcnnLayer]:
    """The layers of a `.param` file, each behind those that it reads.

    Raises:
        ArtefactError: it is no such file, or is damaged; the message names the line.
    """
    lines = [line for line in text.splitlines() if line.strip()]
    if not lines or lines[0].strip() != _MAGIC:
        raise ArtefactError(
            f"it is no `.param` file of ncnn: its first line is not {_MAGIC}. Binary ones "
            "(`.param.bin`) are not read; pass the text."
        )
    if len(lines) < 2:
        raise ArtefactError("it ends behind its first line: the file was cut.")
    try:
        layer_count, _ = map(int, lines[1].split())
    except ValueError as error:
        raise ArtefactError(
            f"its second line must be the numbers of layers and blobs. Received: {lines[1]!r}."
        ) from error
    if layer_count != len(lines) - 2:
        raise ArtefactError(
            f"it announces {layer_count} layers and has {len(lines) - 2}: the file was cut or "
            "edited."
        )
    layers, known = [], set[str]()
    for place, line in enumerate(lines[2:], start=3):
        try:
            layer = _layer(line.split())
            _check(layer, known)
        except NcnnError as error:
            raise ArtefactError(f"line {place} can't be read: {error}.") from error
        known.update(layer.outputs)
        layers.append(layer)
    return layers


def _check(layer: NcnnLayer, known: set[str]) -> None:
    for blob in layer.inputs:
        if blob not in known:
            raise NcnnError(f"no layer before it gives its input {blob!r}")
    for blob in layer.outputs:
        if blob in known:
            raise NcnnError(f"another layer gives {blob!r} already")


def _layer(words: Sequence[str]) -> NcnnLayer:
    if len(words) < 4:
        raise NcnnError("it has fewer than 4 words")
    kind, name = words[:2]
    ins, outs = _count(words[2]), _count(words[3])
    blobs, rest = words[4 : 4 + ins + outs], words[4 + ins + outs :]
    if len(blobs) < ins + outs:
        raise NcnnError(f"it names {len(blobs)} of its {ins + outs} blobs")
    parameters = dict(map(_parameter, rest))
    return NcnnLayer(kind, name, tuple(blobs[:ins]), tuple(blobs[ins:]), parameters)


def _count(word: str) -> int:
    if not word.isascii() or not word.isdigit() or int(word) > _MOST:
        raise NcnnError(f"{word!r} is no number of blobs")
    return int(word)


def _parameter(word: str) -> tuple[int, Number | tuple[Number, ...]]:
    key, separator, value = word.partition("=")
    try:
        number = int(key)
        if not separator:
            raise ValueError
        if number > _ARRAY:
            return number, _number(value)
        count, *values = value.split(",")
        if int(count) != len(values) or len(values) > _MOST:
            raise ValueError
        return _ARRAY - number, tuple(map(_number, values))
    except (ValueError, OverflowError) as error:
        raise NcnnError(f"{word!r} is no parameter") from error


def _number(word: str) -> Number:
    """As ncnn reads it: a float has a point or an exponent."""
    value = float(word) if any(c in word for c in ".eE") else int(word)
    if not abs(value) < 1e30:  # neither NaN nor infinity either
        raise ValueError
    return value
