"""PyTorch: the only package that imports torch, fvcore or torchvision.

`source` writes PyTorch code as text and needs none of them.
"""
