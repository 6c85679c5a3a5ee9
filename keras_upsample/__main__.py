"""`python -m keras_upsample`."""

from .cli import main

main()
