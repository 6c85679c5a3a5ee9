from ._colours import PALETTE, class_colours
from ._figures import compare, overlay
from ._overlay import as_rgb, overlay_image

__all__ = ["PALETTE", "as_rgb", "class_colours", "compare", "overlay", "overlay_image"]
