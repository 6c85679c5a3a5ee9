"""Export targets: formats, precisions, devices and gates, as one table.

Lowering, quantisation and export import this package; it imports none of them.
"""

from .._lazy_names import attach as _attach

__getattr__, __dir__, __all__ = _attach(__name__, __file__)
