"""What a reader of an imported ONNX file must know, in plain sentences."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Mapping
from typing import TYPE_CHECKING

from archlab.diagnostics.place import printable
from archlab.diagnostics.words import counted
from archlab.imports.onnx.net import Net
from archlab.imports.onnx.propagate import Facts

if TYPE_CHECKING:
    import onnx

MOST_LISTED = 12


def remarks_of(
    model: onnx.ModelProto, net: Net, left: tuple[Mapping[str, int], int], entries: Iterable[str]
) -> list[str]:
    """The remarks.

    Args:
        model: the file's.
        net: its items.
        left: operators that are left out, by how often, and the elements of their tensors.
        entries: names of its inputs.
    """
    found = [
        *_opaque(net),
        *_left(*left),
        *_folded(model, net.facts),
        *_written_once(net),
        *_quantised(net.facts),
        *_ignored(model, entries),
    ]
    return [printable(text) for text in found]


def _opaque(net: Net) -> list[str]:
    """What is no layer, by type, each with how often and why its first is none."""
    items = [item for item in net.items if item.path in net.reasons]
    counts = Counter(item.type for item in items)
    first = {item.type: net.reasons[item.path] for item in reversed(items)}
    found = [f"opaque: {kind} ({count}): {first[kind]}" for kind, count in counts.most_common(MOST_LISTED)]
    rest = sum(counts.values()) - sum(count for _, count in counts.most_common(MOST_LISTED))
    return [*found, *([f"opaque: {counted(rest, 'further node')}"] if rest else [])]


def _left(left: Mapping[str, int], params: int) -> list[str]:
    if not left:
        return []
    held = f", with {params:,} params" if params else ""
    reason = "since they put samples and other dimensions together or their sizes depend on data"
    return [f"left out at the end, {reason}: {listed_counts(left)}{held}; the results are what enters them"]


def listed_counts(counts: Mapping[str, int]) -> str:
    """Words with how often, the most frequent first: `Gather (3), NonMaxSuppression (1)`."""
    ordered = sorted(counts.items(), key=lambda one: (-one[1], one[0]))[:MOST_LISTED]
    names = ", ".join([f"{printable(word)[:60]} ({count})" for word, count in ordered])
    return names + (", ..." if len(counts) > MOST_LISTED else "")


def _folded(model: onnx.ModelProto, facts: Facts) -> list[str]:
    """Whether batch norms were folded into convolutions, as far as the file tells."""
    convs = [node for node in facts.nodes if node.op in ("Conv", "ConvTranspose")]
    noted = [
        node for node in convs if "FuseBatchNormIntoConv" in node.notes.get("pkg.onnxscript.rewriter.rule_name", "")
    ]
    if noted:
        into = counted(len(noted), "convolution")
        return [f"batch norm was folded into {into} when it was exported: its params are in theirs"]
    computed = [node for node in convs if len(node.inputs) > 2 and node.inputs[1].startswith("onnx::Conv")]
    if model.producer_name == "pytorch" and computed:
        of = counted(len(computed), "convolution")
        folding = "as where batch norm is folded into them; the params are then fewer than the model's"
        return [f"the weights of {of} were computed when it was exported, {folding}"]
    if len(convs) < 2 or any(node.op.endswith("Normalization") for node in facts.nodes):
        return []
    if model.producer_name != "pytorch" and all(len(node.inputs) > 2 for node in convs):
        return ["there is no batch norm in the file: if the model has any, it was folded when it was exported"]
    return []


def _written_once(net: Net) -> list[str]:
    """Tensors that layers have in common without sharing their weights."""
    names = Counter([name for item in net.items if item.share is None for name in item.tensors.values()])
    again = [count for count in names.values() if count > 1]
    if not again:
        return []
    are = f"{counted(len(again), 'vector')} of one number {'is' if len(again) == 1 else 'are'}"
    return [f"{are} written once, as exporters do with equal tensors, and counted at each of {sum(again)} places"]


def _quantised(facts: Facts) -> list[str]:
    count = sum(node.op in ("QuantizeLinear", "DynamicQuantizeLinear") for node in facts.nodes)
    return [f"it is quantized in {counted(count, 'place')}"] if count else []


def _ignored(model: onnx.ModelProto, entries: Iterable[str]) -> list[str]:
    held = {one.name for one in model.graph.initializer} | set(entries)
    names = [one.name[:40] for one in model.graph.input if one.name not in held]
    return [f"inputs that are no samples are left out: {', '.join(names[:8])}"] if names else []
