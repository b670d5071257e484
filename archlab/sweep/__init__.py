"""Spaces of designs: every design of one with its figures, the best of them, and exact fronts."""
