"""Makes `Metadata` available as `keras_upsample.export.Metadata` too."""

from ..metadata import Metadata

__all__ = ["Metadata"]
