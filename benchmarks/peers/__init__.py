"""The shortest scripts that get params and MACs of a torchvision model from each peer.

Run as a script, each prints the two numbers for ResNet-50. `count` is what the in-process part times.
"""
