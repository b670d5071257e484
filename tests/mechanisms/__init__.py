"""Mechanisms of the language, one short config each, beside the same network written by hand in PyTorch."""
