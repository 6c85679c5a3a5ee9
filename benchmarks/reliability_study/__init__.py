"""The rows of `benchmarks/reliability.py`."""
