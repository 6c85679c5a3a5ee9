from . import data, errors, export, initializers, layers, ops, runtimes, zoo

__version__: str
__all__ = ["data", "errors", "export", "initializers", "layers", "ops", "runtimes", "zoo"]
