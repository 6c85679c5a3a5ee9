"""What a graph says of a model's inputs and outputs, as values."""

from dataclasses import dataclass


@dataclass(frozen=True)
class Door:
    """What the preprocessing at an input says of it.

    Attributes:
        value_range: least and largest value that the input is made for; None where that is open.
        because: the operators that say so, in words.
    """

    value_range: tuple[float, float] | None = None
    because: str = ""


@dataclass(frozen=True)
class GraphFacts:
    """Of a whole model; empty where it can't be taken apart.

    Attributes:
        doors: one an input.
        activations: one an output: `"softmax"`, `"sigmoid"`, `"tanh"`, `"class_map"`, `"relu"`, or
            "" for none of these.
    """

    doors: tuple[Door, ...] = ()
    activations: tuple[str, ...] = ()


NOTHING = GraphFacts()
