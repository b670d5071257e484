"""Whether PyTorch runs a network's training step at all, and with which batches."""

from __future__ import annotations

from collections.abc import Callable
from functools import partial
from typing import NamedTuple

from archlab.analysis.conditions import TRAINED_DTYPES, Conditions
from archlab.analysis.facts import Facts
from archlab.analysis.memory.program import Call, Program, training_program
from archlab.diagnostics.codes import Code
from archlab.diagnostics.problem import single_problem
from archlab.diagnostics.spelling import argument
from archlab.graph import Graph
from archlab.layers.runtime import Runtime


class Refusal(NamedTuple):
    """Why a run is refused.

    Attributes:
        wrong: what is wrong, and what to write instead in the config.
        layer: path of the layer that is refused; None where it is the network as a whole.
        batch: the smallest batch that would do; None where none would.
    """

    wrong: str
    layer: str | None = None
    batch: int | None = None

    @property
    def reason(self) -> str:
        """What is wrong, and what to do instead, in the words of who asks for it now: analyses are kept."""
        return self.wrong if self.batch is None else f"{self.wrong}; use {argument('batch', self.batch)}"


def training_refusal(
    graph: Graph, facts: list[Facts], conditions: Conditions, written: Callable[[], Program] | None = None
) -> Refusal | None:
    """Why PyTorch refuses a training step; None where it does not.

    Args:
        graph: the network.
        facts: of its nodes.
        conditions: dtype and batch.
        written: gives its calls in a training step, where they may be at hand.
    """
    if graph.deployment is not None:
        return Refusal("a deployed network is not trained")
    if conditions.dtype not in TRAINED_DTYPES:
        return Refusal(f"{conditions.dtype} cannot be trained; choose a floating-point dtype")
    if not any(fact.params or "params" in fact.unknown for fact in facts):
        return Refusal(f"{graph.name} has no parameters, so that there is nothing to train")
    run = [fact.runtime for fact in facts]
    return layer_refusal(graph, conditions.batch, training=True, known=run) or _overwritten(
        graph, run, written or partial(training_program, graph, facts, conditions)
    )


def layer_refusal(graph: Graph, batch: int, *, training: bool, known: list[Runtime] | None = None) -> Refusal | None:
    """The first layer that PyTorch refuses to run with a batch, in training or eval mode.

    Args:
        graph: the network.
        batch: number of samples.
        training: whether in training mode.
        known: how its nodes run, where that is at hand.
    """
    run = graph.runtimes if known is None else known
    first: Refusal | None = None
    least: int | None = 1
    for node, runtime in zip(graph.nodes, run, strict=True):
        found = runtime.refused(batch, training=training) if runtime.refusals else None
        if found is None:
            continue
        if first is None:
            first = Refusal(f"'{node.path}' ({node.layer.type}) {found.reason}", node.path)
        least = None if least is None or found.batch is None else max(least, found.batch)
    if first is None:
        return None
    word = "train" if training else "run"
    return first._replace(wrong=f"PyTorch refuses to {word} it: {first.wrong}", batch=least)


def _overwritten(graph: Graph, run: list[Runtime], written: Callable[[], Program]) -> Refusal | None:
    """An in-place layer that writes over what a backward pass needs."""
    if not any(runtime.overwrites for runtime in run):
        return None
    calls = written().calls
    owner: list[int] = []
    keeper: dict[int, Call] = {}
    for call in calls:
        owner.append(call.index if call.holding == "new" else owner[call.inputs[0]])
        node, runtime = graph.nodes[call.node], run[call.node]
        if call.holding == "inplace" and runtime.overwrites:
            kept = keeper.get(owner[call.index])
            reason = None if kept is None else f"the output of '{graph.nodes[kept.node].path}'"
            if call.needs_gradient and not runtime.is_reversible:
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
        raise single_problem(found.reason, Code.BATCH)
