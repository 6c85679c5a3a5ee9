from ._benchmark import Benchmark, Timing, benchmark
from ._load import available, load
from ._runner import Runner, TensorInfo

__all__ = ["Benchmark", "Runner", "TensorInfo", "Timing", "available", "benchmark", "load"]
