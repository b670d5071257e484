"""Layers that look around where there is nothing left to be seen."""

from __future__ import annotations

from collections.abc import Iterator

from archlab.analysis.receptive_field.productivity import Productivity, border_layer
from archlab.diagnostics.codes import RuleName
from archlab.layers.shape import map_size
from archlab.lint.rule import Finding, Rule, Subject, at


def _find(subject: Subject) -> Iterator[Finding]:
    analysis, judged = subject.analysis, _judged(subject)
    border = border_layer(judged)
    if border is None:
        return
    behind = [index for index, word in judged.items() if word == "unproductive"]
    params = sum([analysis.layers[index - 1].params for index in behind])
    macs = sum([analysis.layers[index - 1].macs for index in behind])
    where = "1 layer looks" if len(behind) == 1 else f"from here on {len(behind):,} layers look"
    params_share, macs_share = _share(params, analysis.total.params), _share(macs, analysis.total.macs)
    yield at(
        analysis.graph.nodes[border],
        f"what enters it sees the whole input along every path (border layer): {where} around in vain, with "
        f"{params_share} of the params and {macs_share} of the MACs; use a larger input, fewer layers, or less "
        "downsampling in front",
    )


def _judged(subject: Subject) -> dict[int, Productivity]:
    """Of the layers that look around and lead to results without positions alone.

    Those with modules of their own only: one that runs once more on a small map learns from the large one.
    """
    graph = subject.graph
    size = map_size(graph.input_shape)
    if size is None or max(size) == 1:
        return {}
    leads_to_map = [node.index in subject.results and len(node.shape) > 1 for node in graph.nodes]
    for node in reversed(graph.layers):
        if leads_to_map[node.index]:
            for source in node.inputs:
                leads_to_map[source] = True
    left_out = graph.repeats()
    judged = subject.analysis.productivity
    return {index: word for index, word in judged.items() if not leads_to_map[index] and index not in left_out}


def _share(part: int, total: int) -> str:
    return f"{part / total:.1%}" if total else "none"


RULE = Rule(
    RuleName("beyond-input", "A layer looks around although its inputs see the whole image already."),
    "Such layers were found to add little or nothing to the accuracy; their work is better spent elsewhere. That was "
    "shown of classifiers: layers that lead to a map, and inputs of one position, are left out.",
    "Richter et al. 2021, Should You Go Deeper? Optimizing Convolutional Neural Network Architectures without "
    "Training by Receptive Field Analysis",
    """\
input: [3, 8, 8]
layers:
  - {type: conv2d, repeat: 5, out_channels: 8, kernel_size: 3, padding: 1}
  - {type: adaptive_avg_pool2d, output_size: 1}
  - {type: flatten}
""",
    """\
input: [3, 16, 16]
layers:
  - {type: conv2d, repeat: 5, out_channels: 8, kernel_size: 3, padding: 1}
  - {type: adaptive_avg_pool2d, output_size: 1}
  - {type: flatten}
""",
    _find,
)
