"""`Metadata`, which is also found under `keras_upsample.export`."""

from ..metadata import Metadata

__all__ = ["Metadata"]
