"""What a file holds that is not read."""


class UnreadError(Exception):
    """An operator in a form that is not read; its text says which form, and what would help."""


class OpenSizeError(UnreadError):
    """What is read at a known size of the image alone."""
