"""Outputs of blocks that nothing reads: what stays is what PyTorch's own dead code elimination leaves."""

from __future__ import annotations

import pytest
import torch
from torch import fx

from archlab.api.load import loads
from archlab.diagnostics.problem import ConfigError
from archlab.torch.build import build

HEAD = """
input: [4, 16, 16]
blocks:
  exchange:
    inputs: [fine, coarse]
    layers:
      - {name: down, type: conv2d, out_channels: 6, kernel_size: 3, stride: 2, padding: 1, norm: batch_norm2d}
      - {name: up, from: coarse, type: conv_transpose2d, out_channels: 4, kernel_size: 2, stride: 2}
      - {name: finer, type: add, with: [fine]}
      - {name: coarser, from: down, type: add, with: [coarse]}
    outputs: [finer, coarser]
  double:
    inputs: [fine, coarse]
    layers:
      - {name: a, use: exchange, with: [coarse]}
      - {name: b, use: exchange, with: [a.coarser]}
    outputs: [b.finer, b.coarser]
  again:
    inputs: [fine, coarse]
    layers:
      - {name: a, use: exchange, with: [coarse], repeat: 2}
    outputs: [a.finer, a.coarser]
  one:
    inputs: x
    layers:
      - {name: low, type: conv2d, out_channels: 6, kernel_size: 2, stride: 2}
      - {name: a, use: exchange, from: x, with: [low]}
layers:
  - {name: top, type: relu}
  - {name: bottom, type: conv2d, out_channels: 6, kernel_size: 2, stride: 2}
"""
USES = {
    "the second of the last repetition": (
        "{name: s, from: top, use: exchange, with: [bottom], repeat: 3}",
        "s",
        "s.coarser",
    ),
    "the first": ("{name: s, from: top, use: exchange, with: [bottom], repeat: 2}", "s.coarser", "s.finer"),
    "of a copy": (
        "{name: r, from: top, use: exchange, with: [bottom]}\n  - {name: s, use: exchange, with: [r.coarser]}",
        "s",
        "s.coarser",
    ),
    "of a block in a block": ("{name: s, from: top, use: double, with: [bottom]}", "s", "s.b.coarser"),
    "of a repeated block in a block": (
        "{name: s, from: top, use: double, with: [bottom], repeat: 3}",
        "s",
        "s.2.b.coarser",
    ),
    "of a repetition in a block": ("{name: s, from: top, use: again, with: [bottom]}", "s", "s.a.coarser"),
    "of a block in copies": ("{name: n, from: top, use: one, repeat: 3}", "n, low: bottom", "n.2.a.coarser"),
}


@pytest.mark.parametrize("case", USES)
def test_only_what_a_result_needs_stays(case: str) -> None:
    item, name, other = USES[case]
    pruned = build(loads(f"{HEAD}  - {item}\noutputs: {{out: {name}}}\n"))
    whole = build(loads(f"{HEAD}  - {item}\noutputs: {{out: {name}, other: {other}}}\n"))
    whole.load_state_dict(pruned.state_dict(), strict=False)
    (output,) = (node for node in whole.graph.nodes if node.op == "output")
    output.args = ({label: node for label, node in output.args[0].items() if label != "other"},)
    whole.graph.eliminate_dead_code()
    alive = fx.GraphModule(whole, whole.graph)
    assert list(alive.state_dict()) == list(pruned.state_dict())
    assert len(alive.state_dict()) < len(whole.state_dict())
    sample = torch.randn(2, 4, 16, 16)
    assert torch.equal(alive(sample)["out"], pruned(sample)["out"])


IN_VAIN = {
    "every output of a use": (
        "  - {name: s, from: top, use: exchange, with: [bottom]}\n  - {name: end, from: top, type: tanh}\n",
        "the output of 's.finer' is used by nothing",
    ),
    "a layer beside a use": (
        "  - {type: elu}\n  - {name: end, from: top, use: exchange, with: [bottom]}\n",
        "the output of 'elu' is used by nothing",
    ),
    "what enters for an unused output": (
        "  - {name: side, type: elu}\n  - {name: end, from: bottom, use: odd, with: [side]}\n",
        "the output of 'side' is used only for an output of a block that nothing reads; read that output too",
    ),
    "a layer between two uses": (
        """
  - {name: s, from: top, use: odd, with: [top]}
  - {name: side, from: bottom, type: elu}
  - {name: end, use: odd, from: s, with: [side]}
""",
        "the output of 'side' is used only for an output of a block that nothing reads; read that output too",
    ),
    "a layer in a block": (
        "  - {name: end, use: lost}\n",
        "the output of 'end.gelu' is used by nothing",
    ),
}


@pytest.mark.parametrize("case", IN_VAIN)
def test_what_is_written_in_vain_is_still_a_problem(case: str) -> None:
    lines, said = IN_VAIN[case]
    odd = "  odd: {inputs: [x, y], layers: [{name: a, type: tanh}, {name: b, from: y, type: elu}], outputs: [a, b]}\n"
    lost = "  lost: {layers: [{name: a, type: tanh}, {name: b, type: elu}, {type: gelu, from: a}], outputs: [a, b]}\n"
    head = HEAD.replace("blocks:\n", "blocks:\n" + odd + lost)
    with pytest.raises(ConfigError) as caught:
        loads(f"{head}{lines}outputs: end\n")
    assert [said in problem.message for problem in caught.value.problems] == [True], caught.value
