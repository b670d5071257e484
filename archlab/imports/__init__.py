"""Networks that were not written for archlab: as a flat list of its layers, and from there as a config.

Each reader (of modules, ONNX, Darknet, ...) gives a `Flat`; `text` and `recover` write it as a config, which is read
like any other. So nothing that is imported goes past the checks of the language.
"""
