"""Shared by all tests; must not import TensorFlow, for some run on JAX or PyTorch without it."""

import os

os.environ.setdefault("TF_CPP_MIN_LOG_LEVEL", "3")
