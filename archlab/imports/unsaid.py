"""What a call cannot be said as."""


class UnsaidError(Exception):
    """There is no layer of archlab's that does what was called; the message says why."""
