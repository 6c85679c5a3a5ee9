from ._lower import Applied, Lowered, lower

__all__ = ["Applied", "Lowered", "lower"]
