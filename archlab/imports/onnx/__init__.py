"""ONNX files to flat networks, without PyTorch and without running anything.

file.py       a file to a model, bounded
source.py     a model's graph as nodes, functions inlined
fold.py       arithmetic of shapes
infer.py      shapes, by ONNX's own inference
propagate.py  what is known of every value before anything is written: sizes, constants, weights
patterns/     several operators that are one layer
rules/        operators that are layers
names.py      paths and modules, as the exporter wrote them
net.py        the items as they grow, and what is known of nodes that are no layer
weights.py    tensors of a file by the names that items give them
read.py       all of it in order
"""
