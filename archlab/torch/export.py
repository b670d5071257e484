"""`torch.export` with a dynamic batch."""

from __future__ import annotations

import torch
from torch import fx

from archlab.graph import Graph


def export(model: fx.GraphModule, graph: Graph) -> torch.export.ExportedProgram:
    """The exported program of a built model in eval mode, for any batch.

    Args:
        model: as `build` made it; left in eval mode.
        graph: what it was built from.
    """
    model.eval()
    # Two samples, since torch.export takes a size of one as a constant.
    example = torch.zeros(2, *graph.input_shape)
    batch = torch.export.Dim("batch", min=1)
    return torch.export.export(model, (example,), dynamic_shapes={"input": {0: batch}})
