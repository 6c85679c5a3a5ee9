"""Push model files to Hugging Face or Kaggle, and pull them, by the hubs' own clients.

`push` uploads the files that you name, with a README.md that is made of their metadata. `pull`
writes the files of a repository to a folder, each compared with the hash that the hub states. No
file is loaded.
"""

from .._lazy_names import attach as _attach

__getattr__, __dir__, __all__ = _attach(__name__, __file__)
