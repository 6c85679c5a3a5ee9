"""Keras models that carry `Metadata` in their configuration, so that it is saved with them."""

from typing import Any

import keras

from ._assets import take_from_assets
from ._facts import Metadata

_KEY = "metadata"


def _functional_class() -> Any:
    """The class of functional models, which has no public name in Keras."""
    x = keras.Input((1,))
    return type(keras.Model(x, x))


class _Describing:
    """What both classes below add to Keras' own: one entry of the configuration."""

    metadata: Metadata | None = None

    def get_config(self) -> dict[str, Any]:
        config = super().get_config()  # type: ignore[misc]
        if self.metadata is not None:
            config[_KEY] = self.metadata.to_dict()
        return config

    @classmethod
    def from_config(cls, config: dict[str, Any], custom_objects: Any = None) -> Any:
        config = dict(config)
        plain = config.pop(_KEY, None)
        model = super().from_config(config, custom_objects=custom_objects)  # type: ignore[misc]
        if plain is not None:
            model.metadata = Metadata.from_dict(plain)
        return model

    @property
    def class_names(self) -> list[str] | None:
        """Class names of the first output, or None."""
        names = self.metadata.class_names if self.metadata is not None else ()
        return list(names) or None

    @class_names.setter
    def class_names(self, names: Any) -> None:
        self.metadata = (self.metadata or Metadata()).with_class_names(names)

    @property
    def preprocessing(self) -> str:
        """Required preprocessing of the input, in words."""
        return self.metadata.preprocessing if self.metadata is not None else ""

    @preprocessing.setter
    def preprocessing(self, words: str) -> None:
        from dataclasses import replace

        self.metadata = replace(self.metadata or Metadata(), preprocessing=str(words))

    @property
    def preset(self) -> str:
        """Name of the zoo's preset, "" for other models."""
        return self.metadata.preset if self.metadata is not None else ""


@keras.saving.register_keras_serializable(package="keras_upsample")
class DescribedModel(_Describing, _functional_class()):  # type: ignore[misc]
    """A functional model with `metadata`."""


@keras.saving.register_keras_serializable(package="keras_upsample")
class DescribedSequential(_Describing, keras.Sequential):
    """A sequential model with `metadata`."""


CLASSES = {DescribedModel.__mro__[2]: DescribedModel, keras.Sequential: DescribedSequential}
"""Keras' own class -> ours."""

# An .h5 file names a class without its package.
keras.saving.get_custom_objects().update({kind.__name__: kind for kind in CLASSES.values()})

take_from_assets()
