from . import (
    data,
    edge,
    errors,
    export,
    initializers,
    layers,
    lowering,
    metadata,
    metrics,
    ops,
    predict,
    runtimes,
    viz,
    zoo,
)

__version__: str
__all__ = [
    "data",
    "edge",
    "errors",
    "export",
    "initializers",
    "layers",
    "lowering",
    "metadata",
    "metrics",
    "ops",
    "predict",
    "runtimes",
    "viz",
    "zoo",
]
