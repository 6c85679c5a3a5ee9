from ._load import available, load
from ._runner import Runner, TensorInfo

__all__ = ["Runner", "TensorInfo", "available", "load"]
