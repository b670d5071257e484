"""PyTorch models to flat networks: one forward pass, watched."""
