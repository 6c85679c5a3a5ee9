from ._boundary_iou import BoundaryIoU
from ._checkerboard import checkerboard_energy
from ._overlap import boundary_iou, mean_iou
from ._psnr import psnr

__all__ = ["BoundaryIoU", "boundary_iou", "checkerboard_energy", "mean_iou", "psnr"]
