"""Export targets: formats, precisions, devices and gates, as one table.

Lowering, quantisation and export import this package; it imports none of them.
"""

import lazy_loader as _lazy

__getattr__, __dir__, __all__ = _lazy.attach_stub(__name__, __file__)
