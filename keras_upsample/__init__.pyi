from . import data, errors, export, initializers, layers, metrics, ops, runtimes, zoo

__version__: str
__all__ = [
    "data",
    "errors",
    "export",
    "initializers",
    "layers",
    "metrics",
    "ops",
    "runtimes",
    "zoo",
]
