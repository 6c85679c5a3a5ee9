from ._photographs import PHOTOGRAPHS, photograph

__all__ = ["PHOTOGRAPHS", "photograph"]
