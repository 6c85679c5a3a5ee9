"""Plain values, as YAML has them, <-> frozen dataclasses, with an error that names the key."""

import dataclasses
from collections.abc import Mapping, Sequence
from typing import Any, TypeVar

from ..errors import did_you_mean

T = TypeVar("T")


def part(kind: type, *, many: bool = False, default: Any = None) -> Any:
    """A field that holds another dataclass, or a list of them."""
    return dataclasses.field(default=default, metadata={"kind": kind, "many": many})


def build(kind: type[T], plain: Any, where: str) -> T:
    """Make a dataclass of a mapping.

    Args:
        kind: the dataclass; its `__post_init__` checks the values.
        plain: the mapping.
        where: its place for messages, e.g. "recipe.yaml, `data.train`"; "recipe.yaml" for a file.

    Raises:
        ValueError: no mapping, an unknown or missing key, or a value that is refused.
    """
    fields = {item.name: item for item in dataclasses.fields(kind) if item.init}  # type: ignore[arg-type]
    if not isinstance(plain, Mapping):
        raise ValueError(
            f"{where} must be a mapping with keys of {', '.join(fields)}. Received: {plain!r}."
        )
    for key in plain:
        if key not in fields:
            raise ValueError(
                f"{where} has the unknown key `{key}`. Allowed: {', '.join(fields)}."
                f"{did_you_mean(key, fields)}"
            )
    values = {}
    for name, value in plain.items():
        inner, place = fields[name].metadata.get("kind"), _inside(where, name)
        if inner is None or value is None:
            values[name] = value
        elif fields[name].metadata["many"]:
            items = value if isinstance(value, list | tuple) else [value]
            values[name] = tuple(
                build(inner, item, f"{place[:-1]}[{number}]`") for number, item in enumerate(items)
            )
        else:
            values[name] = build(inner, value, place)
    try:
        return kind(**values)
    except TypeError as error:
        raise ValueError(f"{where}: {error}") from error
    except ValueError as error:
        raise ValueError(f"{where}: {error}") from error


def plain(value: Any) -> Any:
    """The inverse of `build`: keys whose value is None or empty are left out."""
    if dataclasses.is_dataclass(value):
        found = {item.name: plain(getattr(value, item.name)) for item in dataclasses.fields(value)}
        return {name: item for name, item in found.items() if item not in (None, "", [], {})}
    if isinstance(value, Mapping):
        return {str(name): plain(item) for name, item in value.items()}
    if isinstance(value, str) or not isinstance(value, Sequence):
        return value
    return [plain(item) for item in value]


def _inside(where: str, name: str) -> str:
    if where.endswith("`"):
        return f"{where[:-1]}.{name}`"
    return f"{where}, `{name}`"


def whole(name: str, value: Any, least: int = 1) -> int:
    """Return a whole number from `least` up, or raise `ValueError`."""
    if isinstance(value, bool) or not isinstance(value, int) or value < least:
        raise ValueError(f"`{name}` must be a whole number from {least} up. Received: {value!r}.")
    return value


def number(name: str, value: Any, least: float, below: float = float("inf")) -> float:
    """Return a number in [least, below), or raise. YAML reads `1e-3` as text; it is taken too."""
    try:
        found = float("nan") if isinstance(value, bool) else float(value)
    except (TypeError, ValueError):
        found = float("nan")
    if not least <= found < below:
        upper = "" if below == float("inf") else f" and below {below:g}"
        raise ValueError(
            f"`{name}` must be a number from {least:g} up{upper}. Received: {value!r}."
        )
    return found


def choice(name: str, value: Any, allowed: Sequence[str]) -> str:
    """Return one of the allowed words, or raise `ValueError`."""
    if value not in allowed:
        raise ValueError(
            f"`{name}` must be one of {', '.join(allowed)}. Received: {value!r}."
            f"{did_you_mean(value, allowed)}"
        )
    return str(value)


def words(name: str, value: Any) -> tuple[str, ...]:
    """Return texts as a tuple, or raise; a single text is a list of one."""
    items = [value] if isinstance(value, str) else value
    if not isinstance(items, list | tuple) or not all(isinstance(item, str) for item in items):
        raise ValueError(f"`{name}` must be a list of texts. Received: {value!r}.")
    return tuple(items)


def text(name: str, value: Any) -> str:
    """Return a text, or raise `ValueError`."""
    if not isinstance(value, str):
        raise ValueError(f"`{name}` must be a text. Received: {value!r}.")
    return value


def mapping(name: str, value: Any) -> dict[str, Any]:
    """Return a mapping with texts as keys, or raise `ValueError`."""
    if not isinstance(value, Mapping) or not all(isinstance(key, str) for key in value):
        raise ValueError(f"`{name}` must be a mapping of names to values. Received: {value!r}.")
    return dict(value)
