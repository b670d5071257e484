"""Biases that the norm behind them takes away again."""

from __future__ import annotations

from collections.abc import Iterator

from archlab.diagnostics.codes import RuleName
from archlab.lint.rule import Finding, Rule, Subject, at

REMOVING = ("batch_norm", "instance_norm")
"""Norms that subtract each channel's own mean, and a bias with it; group and layer norms mix channels."""


def _find(subject: Subject) -> Iterator[Finding]:
    graph = subject.graph
    for node, readers in zip(graph.nodes, subject.readers, strict=True):
        if node.layer.role != "weighted" or len(readers) != 1 or node.index in subject.results:
            continue
        norm = readers[0].node
        biases = [tensor for tensor in node.layer.tensors(graph.input_shapes(node)) if tensor.name == "bias"]
        if biases and norm.layer.type.startswith(REMOVING):
            count = sum([bias.elements for bias in biases])
            yield at(
                node,
                f"'{norm.path}' behind it subtracts each channel's mean, and its {count:,} biases with it; write bias: "
                "false, or the norm as an option of this layer",
            )


RULE = Rule(
    RuleName("bias-before-norm", "A layer has a bias that the norm behind it subtracts again."),
    "The bias has no effect and no gradient; the norm's own shift stands in for it.",
    "Ioffe and Szegedy 2015, Batch Normalization, section 3.2",
    """\
input: [3, 16, 16]
layers:
  - {type: conv2d, out_channels: 8, kernel_size: 3}
  - {type: batch_norm2d}
""",
    """\
input: [3, 16, 16]
layers:
  - {type: conv2d, out_channels: 8, kernel_size: 3, bias: false}
  - {type: batch_norm2d}
""",
    _find,
)
