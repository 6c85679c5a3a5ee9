from . import data, errors, export, initializers, layers, metrics, ops, predict, runtimes, viz, zoo

__version__: str
__all__ = [
    "data",
    "errors",
    "export",
    "initializers",
    "layers",
    "metrics",
    "ops",
    "predict",
    "runtimes",
    "viz",
    "zoo",
]
