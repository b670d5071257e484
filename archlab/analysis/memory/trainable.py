"""Whether PyTorch runs a network's training step at all, and with which batches."""

from __future__ import annotations

from collections.abc import Callable
from functools import partial
from typing import NamedTuple

from archlab.analysis.facts import Facts
from archlab.analysis.memory.program import Call, Program, training_program
from archlab.analysis.settings import TRAINED_DTYPES, Settings
from archlab.diagnostics.problem import single_problem
from archlab.graph import Graph


class Refusal(NamedTuple):
    """Why a run is refused.

    Attributes:
        reason: what is wrong, and what to write instead.
        layer: path of the layer that is refused; None where it is the network as a whole.
        batch: the smallest batch that would do; None where none would.
    """

    reason: str
    layer: str | None = None
    batch: int | None = None


def training_refusal(
    graph: Graph, facts: list[Facts], settings: Settings, written: Callable[[], Program] | None = None
) -> Refusal | None:
    """Why PyTorch refuses a training step; None where it does not.

    Args:
        graph: the network.
        facts: of its nodes.
        settings: dtype and batch.
        written: gives its calls in a training step, where they may be at hand.
    """
    if settings.dtype not in TRAINED_DTYPES:
        return Refusal(f"{settings.dtype} cannot be trained; choose a floating-point dtype")
    if not any(fact.params for fact in facts):
        return Refusal(f"{graph.name} has no parameters, so that there is nothing to train")
    return layer_refusal(graph, settings.batch, training=True) or _overwritten(
        graph, written or partial(training_program, graph, settings)
    )


def layer_refusal(graph: Graph, batch: int, *, training: bool) -> Refusal | None:
    """The first layer that PyTorch refuses to run with a batch, in training or eval mode."""
    first: Refusal | None = None
    least: int | None = 1
    for node in graph.layers:
        found = node.layer.refuses(graph.input_shapes(node), batch, training=training)
        if found is None:
            continue
        if first is None:
            first = Refusal(f"'{node.path}' ({node.layer.type}) {found.reason}", node.path)
        least = None if least is None or found.batch is None else max(least, found.batch)
    if first is None:
        return None
    run = "train" if training else "run"
    remedy = "" if least is None else f"; use --batch {least}"
    return first._replace(reason=f"PyTorch refuses to {run} it: {first.reason}{remedy}", batch=least)


def _overwritten(graph: Graph, written: Callable[[], Program]) -> Refusal | None:
    """An in-place layer that writes over what a backward pass needs."""
    if not any(node.layer.overwrites for node in graph.nodes):
        return None
    calls = written().calls
    owner: list[int] = []
    keeper: dict[int, Call] = {}
    for call in calls:
        owner.append(call.index if call.holding == "new" else owner[call.inputs[0]])
        node = graph.nodes[call.node]
        if call.holding == "inplace" and node.layer.overwrites:
            kept = keeper.get(owner[call.index])
            reason = None if kept is None else f"the output of '{graph.nodes[kept.node].path}'"
            if call.needs_gradient and not node.layer.is_reversible:
                reason = "its input, whose sign its output does not have"
            if reason is not None:
                return Refusal(
                    f"PyTorch refuses to train it: '{node.path}' writes over {reason}, which the backward pass needs; "
                    "remove 'inplace: true'",
                    node.path,
                )
        if call.needs_gradient:
            needed = [calls[source].needs_gradient for source in call.inputs]
            kept_inputs = [call.inputs[n] for n in call.training.inputs if call.keeps(n, needed)]
            for index in (*kept_inputs, *([call.index] if call.training.output else [])):
                keeper.setdefault(owner[index], call)
    return None


def require_run(graph: Graph, batch: int) -> None:
    """Refuse a batch with which PyTorch runs no forward pass in eval mode.

    Raises:
        ConfigError: saying which layer, and with which batch it would.
    """
    found = layer_refusal(graph, batch, training=False)
    if found is not None:
        raise single_problem(found.reason, "batch")
