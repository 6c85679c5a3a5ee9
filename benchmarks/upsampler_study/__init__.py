"""The parts of `benchmarks/upsamplers.py`: every upsampling technique on the same work."""
