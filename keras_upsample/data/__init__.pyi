from ._batches import batches
from ._catalogue import DATASETS
from ._fetch import cache_folder, cached, fetch
from ._folder import folder
from ._labelled import SPLITS, LabelledImages, labelled_images, normalize
from ._pets import oxford_iiit_pet
from ._photographs import PHOTOGRAPHS, photograph

__all__ = [
    "DATASETS",
    "PHOTOGRAPHS",
    "SPLITS",
    "LabelledImages",
    "batches",
    "cache_folder",
    "cached",
    "fetch",
    "folder",
    "labelled_images",
    "normalize",
    "oxford_iiit_pet",
    "photograph",
]
