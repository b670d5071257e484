"""Composites that one forward pass shows: attention, windows, class tokens, position embeddings.

Rules for single functions see values whose samples lie in front. Attention folds samples, windows and heads into one
dimension and takes them apart again. Here such a tensor is *folded*: a value, and for each element of the tensor its
place in it, found by doing the same to a tensor of numbers. What is alike at all positions is done to the value; views
need no step; queries, keys and values are told by where their elements come from.
"""
