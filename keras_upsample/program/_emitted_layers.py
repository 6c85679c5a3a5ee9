"""Layers that only lowering makes: a resize in one given form, a blur by itself, interleaving."""

from typing import Any

import keras


@keras.saving.register_keras_serializable(package="keras_upsample")
class FormedResize2D(keras.layers.Layer):
    """A resizing layer in the form that was chosen for it, whatever the target's own preference.

    y = layer(x), in the form of the interpolation that `keras_upsample.ops.resize_forms` names.

    Args:
        layer: a resizing layer of `keras_upsample.layers` without weights.
        interpolation, form: as for `resize_forms`.
    """

    def __init__(self, layer: Any, interpolation: str, form: str, **kwargs: Any) -> None:
        super().__init__(**kwargs)
        self.layer, self.interpolation, self.form = layer, interpolation, form

    def build(self, input_shape: Any) -> None:
        if not self.layer.built:
            self.layer.build(input_shape)
        self.built = True

    def call(self, inputs: Any) -> Any:
        from ..ops import resize_forms

        with resize_forms({self.interpolation: (self.form,)}):
            return self.layer(inputs)

    def compute_output_spec(self, inputs: Any) -> Any:
        return self.layer.compute_output_spec(inputs)

    def get_config(self) -> dict[str, Any]:
        layer = keras.saving.serialize_keras_object(self.layer)
        own = {"layer": layer, "interpolation": self.interpolation, "form": self.form}
        return {**super().get_config(), **own}

    @classmethod
    def from_config(cls, config: dict[str, Any]) -> "FormedResize2D":
        layer = keras.saving.deserialize_keras_object(config.pop("layer"))
        return cls(layer, **config)


@keras.saving.register_keras_serializable(package="keras_upsample")
class CheckerboardBlur2D(keras.layers.Layer):
    """`keras_upsample.ops.checkerboard_blur` of channels-last images.

    Args:
        scale: the period, in pixels.
    """

    def __init__(self, scale: int, **kwargs: Any) -> None:
        super().__init__(**kwargs)
        self.scale = scale

    def build(self, input_shape: Any) -> None:
        self.built = True

    def call(self, inputs: Any) -> Any:
        from ..ops import checkerboard_blur

        return checkerboard_blur(inputs, self.scale, data_format="channels_last")

    def compute_output_spec(self, inputs: Any) -> Any:
        return keras.KerasTensor(inputs.shape, dtype=self.compute_dtype)

    def get_config(self) -> dict[str, Any]:
        return {**super().get_config(), "scale": self.scale}


@keras.saving.register_keras_serializable(package="keras_upsample")
class Interleave2D(keras.layers.Layer):
    """`keras_upsample.ops._shuffle.interleave` of channels-last maps.

    Args:
        scale: rows and columns of a block.
    """

    def __init__(self, scale: tuple[int, int], **kwargs: Any) -> None:
        super().__init__(**kwargs)
        self.scale = (scale[0], scale[1])

    def build(self, input_shape: Any) -> None:
        self.built = True

    def call(self, inputs: Any) -> Any:
        from ..ops._shuffle import interleave

        return interleave(keras.tree.flatten(inputs), self.scale)

    def compute_output_spec(self, inputs: Any) -> Any:
        maps = keras.tree.flatten(inputs)
        n, *sizes, c = maps[0].shape
        large = [None if m is None else s * m for m, s in zip(sizes, self.scale, strict=True)]
        filters = c * len(maps) // (self.scale[0] * self.scale[1])
        return keras.KerasTensor((n, *large, filters), dtype=self.compute_dtype)

    def get_config(self) -> dict[str, Any]:
        return {**super().get_config(), "scale": self.scale}
