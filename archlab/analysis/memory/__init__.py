"""Storages of a forward pass and of a training step, as they come and go."""
