"""The version, read by the build and by `archlab --version`."""

__version__ = "0.1.0"
