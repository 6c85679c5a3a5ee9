"""What an artefact says about itself."""

from dataclasses import dataclass
from typing import Any


@dataclass(frozen=True)
class Metadata:
    """Facts that travel inside the artefact where its format has a place for them (ONNX).

    Attributes:
        name: the model's name.
        version: the model's version, the user's to choose.
        class_names: one per output channel, in order.
        preprocessing: what the input must look like, e.g. `"float32 RGB in [0, 1]"`.
    """

    name: str = ""
    version: str = "1"
    class_names: tuple[str, ...] = ()
    preprocessing: str = ""

    @classmethod
    def of(cls, model: Any) -> "Metadata":
        """From the model's own attributes `name`, `class_names`, `preprocessing`, where set."""
        return cls(
            name=str(getattr(model, "name", "") or "model"),
            class_names=tuple(str(name) for name in getattr(model, "class_names", ()) or ()),
            preprocessing=str(getattr(model, "preprocessing", "") or ""),
        )

    def as_strings(self) -> dict[str, str]:
        """String pairs, empty facts left out."""
        pairs = {
            "model_name": self.name,
            "version": self.version,
            "class_names": "\n".join(self.class_names),
            "preprocessing": self.preprocessing,
        }
        return {key: value for key, value in pairs.items() if value}
