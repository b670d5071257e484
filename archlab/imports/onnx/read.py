"""An ONNX file as a flat network."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path
from typing import TYPE_CHECKING, NamedTuple

from archlab.config.expand.inputs import MOST_INPUTS, ONLY
from archlab.diagnostics.codes import Code
from archlab.diagnostics.place import printable
from archlab.diagnostics.problem import single_problem
from archlab.diagnostics.words import counted
from archlab.graph import OutputForm
from archlab.imports.flat import Flat
from archlab.imports.onnx.file import opset_of, read_model
from archlab.imports.onnx.net import Net, Part, owned
from archlab.imports.onnx.patterns import find_patterns
from archlab.imports.onnx.patterns.look import Fused
from archlab.imports.onnx.propagate import Facts, propagate
from archlab.imports.onnx.remarks import listed_counts, remarks_of
from archlab.imports.onnx.rules import RULES
from archlab.imports.onnx.rules.convolutions import BIASED
from archlab.imports.onnx.source import MALFORMED, Node, inlined
from archlab.imports.onnx.tensors import take_in_small
from archlab.imports.prune import pruned
from archlab.imports.targets import ImportOptions
from archlab.imports.text import plain_name
from archlab.imports.unsaid import UnsaidError
from archlab.layers.shape import Shape, shape_text

if TYPE_CHECKING:
    import onnx

BATCH = 5
"""Samples where a file leaves their number open: one that no size is likely to be beside."""


class Entry(NamedTuple):
    """What enters a graph.

    Attributes:
        source: its name in the file.
        name: as the network has it.
        shape: without the batch.
        batch: how many samples the file fixes; None where it leaves them open.
    """

    source: str
    name: str
    shape: Shape
    batch: int | None


def read_onnx(path: Path, options: ImportOptions) -> Flat:
    """An ONNX file as a flat network.

    Args:
        path: of the file.
        options: `input` for sizes that the file leaves open.

    Raises:
        ConfigError: if it cannot be read, or a size that it leaves open is not given.
        MissingRequirementError: without the package `onnx`.
    """
    model = inlined(read_model(path))
    take_in_small(model, path)
    entries, ignored = _entries(model.graph, options, path)
    fixed = entries[0].batch
    batches = [BATCH, 1] if fixed is None else [fixed]
    found: Reading | None = None
    for batch in batches:
        reading = _read(model, entries, ignored, batch)
        if found is None or reading.faults < found.faults:
            found = reading
        if not found.faults:
            break
    assert found is not None
    return _flat(model, path, entries, found)


class Reading(NamedTuple):
    """A graph that was read for a number of samples.

    Attributes:
        net: its items.
        facts: what is known of its values.
        outputs: its results: label and value.
        left: operators that are left out.
        left_params: elements of the tensors that are in them alone.
        faults: how many nodes are no layer.
    """

    net: Net
    facts: Facts
    outputs: list[tuple[str, int]]
    left: Mapping[str, int]
    left_params: int
    faults: int


def _entries(graph: onnx.GraphProto, options: ImportOptions, path: Path) -> tuple[list[Entry], list[str]]:
    """What enters a graph, and what enters it that is no part of the network: numbers beside it.

    Raises:
        ConfigError: if sizes are open that are not given, or those given are not the file's.
    """
    held = {one.name for one in graph.initializer}
    wanted = [one for one in graph.input if one.name not in held]
    firsts = [_first_size(one) for one in wanted if len(one.type.tensor_type.shape.dim) > 1]
    ignored = [one.name for one in wanted if _is_beside(one, firsts[0] if firsts else None)]
    several = [one for one in wanted if one.name not in ignored]
    if not 1 <= len(several) <= MOST_INPUTS:
        message = (
            f"{path} has {counted(len(several), 'input')} with samples and their sizes; 1 to {MOST_INPUTS} are read"
        )
        raise single_problem(message, Code.BAD_INPUT)
    names = _names([one.name for one in several])
    given = _given(options, names, path)
    return [_entry(one, name, given.get(name), path) for one, name in zip(several, names, strict=True)], ignored


def _first_size(info: onnx.ValueInfoProto) -> int | None:
    """Of an input's first dimension; None where it is open."""
    dim = info.type.tensor_type.shape.dim[0]
    return dim.dim_value if dim.HasField("dim_value") and dim.dim_value > 0 else None


def _is_beside(info: onnx.ValueInfoProto, batch: int | None) -> bool:
    """Whether an input has not the samples in front: a number, or a state whose first size is not the first input's."""
    return len(info.type.tensor_type.shape.dim) < 2 or _first_size(info) not in (None, batch)


def _names(sources: list[str]) -> list[str]:
    """What the network calls its inputs: the only one `input`, several by words as near to the file's as may be."""
    if len(sources) == 1:
        return [ONLY]
    names: list[str] = []
    for source in sources:
        word, number = plain_name(source), 2
        name = word
        while name in names or name == ONLY:
            name, number = f"{word}_{number}", number + 1
        names.append(name)
    return names


def _given(options: ImportOptions, names: list[str], path: Path) -> dict[str, Shape]:
    """Shapes from outside, by the network's names."""
    if options.input is None:
        return {}
    if not isinstance(options.input, Mapping):
        return {names[0]: tuple(options.input)}
    unknown = [name for name in options.input if name not in names]
    if unknown:
        raise single_problem(f"{path} has no input '{unknown[0]:.60}'; it has {', '.join(names)}", Code.BAD_INPUT)
    return {name: tuple(shape) for name, shape in options.input.items()}


def _entry(info: onnx.ValueInfoProto, name: str, given: Shape | None, path: Path) -> Entry:
    dims = info.type.tensor_type.shape.dim
    sizes = [dim.dim_value if dim.HasField("dim_value") and dim.dim_value > 0 else None for dim in dims]
    batch, *rest = sizes
    if given is not None and (
        len(given) != len(rest) or any(size not in (None, own) for size, own in zip(rest, given, strict=True))
    ):
        raise single_problem(
            f"{path} takes {_open(rest, dims)} as '{info.name:.60}', and {shape_text(given)} is given", Code.BAD_INPUT
        )
    shape = given or tuple([size for size in rest if size is not None])
    if len(shape) != len(rest):
        example = "x".join([str(size or 224) for size in rest])
        option = f"--input {example}" if name == ONLY else f"--input {name}={example}"
        raise single_problem(
            f"{path} leaves sizes of its input '{info.name:.60}' open: {_open(rest, dims)}; give them: {option}",
            Code.BAD_INPUT,
        )
    return Entry(info.name, name, shape, batch)


def _open(sizes: list[int | None], dims: object) -> str:
    """Sizes with the file's names for those that are open: `3 x height x width`."""
    words = [dim.dim_param[:30] or "?" for dim in list(dims)[1:]]  # type: ignore[call-overload]
    return " x ".join([str(size) if size is not None else word for size, word in zip(sizes, words, strict=True)])


def _read(model: onnx.ModelProto, entries: list[Entry], ignored: list[str], batch: int) -> Reading:
    sizes = {entry.source: (batch, *entry.shape) for entry in entries}
    facts = propagate(model, model.graph, sizes, ignored)
    shapes = {entry.name: entry.shape for entry in entries}
    patterns, inside = find_patterns(facts)
    net = Net(facts, shapes, batch, opset_of(model), inside)
    for node in facts.nodes:
        if id(node) in inside and id(node) not in patterns:
            continue
        _say(net, node, patterns.get(id(node)))
    return _reading(net, facts, {entry.source: entry.name for entry in entries})


def _say(net: Net, node: Node, fused: Fused | None) -> None:
    """Add what a node is."""
    net.at(node)
    if fused is not None:
        before = len(net.items)
        try:
            _say_fused(net, node, fused)
        except UnsaidError:
            net.restore(before)
            for one in sorted(fused.inside, key=net.place):
                _say(net, one, None)
            _say(net, node, None)
        return
    rule = RULES.get(node.op)
    if rule is None or not node.outputs:
        net.opaque(node, f"there is no layer for {node.op}")
        return
    before = len(net.items)
    try:
        rule(net, node)
    except UnsaidError as error:
        net.restore(before)
        net.opaque(node, f"{node.op}: {error}")
    except MALFORMED:
        net.restore(before)
        net.opaque(node, f"{node.op}: its inputs or attributes are not those of that operator")


def _say_fused(net: Net, node: Node, fused: Fused) -> None:
    tensors = {own: owned(net.facts.value(name), sizes) for own, (name, sizes) in fused.tensors.items()}
    if fused.base is not None:
        whole = Node(
            fused.base.op, fused.base.name, fused.base.inputs, node.outputs, fused.base.attributes, fused.base.notes
        )
        net.stand_in(whole, fused.base)
        if tensors:
            BIASED[fused.base.op](net, whole, tensors["bias"])
        else:
            RULES[fused.base.op](net, whole)
        return
    value = net.number(fused.input)
    if value is None:
        raise UnsaidError("it takes what does not come from an input")
    first = next(iter(fused.tensors.values()), None)
    net.at(node, None if first is None else net.facts.value(first[0]))
    net.put(node, fused.type, fused.options, (value,), tensors)


def _reading(net: Net, facts: Facts, names: Mapping[str, str]) -> Reading:
    """The results: of a part that never ends, what enters it."""
    outputs: list[tuple[str, int]] = []
    endless: list[Part] = []
    for name in facts.results:
        value, part = net.number(name), net.part_of(name)
        if value is not None:
            outputs.append((name, value))
        elif part is not None:
            outputs += [(names.get(name, name), source) for source in part.sources if source >= net.first]
            endless.append(part)
    left, params = net.left(endless)
    if not outputs:
        reason = f"the sizes of what {listed_counts(left)} give are not known" if left else "none comes from its input"
        raise single_problem(f"no result of the file can be said: {reason}", Code.SHAPE)
    if endless:
        outputs = [(label, value) for value, label in sorted({value: label for label, value in outputs}.items())]
    return Reading(net, facts, outputs, left, params, len(net.reasons) + sum(left.values()))


def _flat(model: onnx.ModelProto, path: Path, entries: list[Entry], reading: Reading) -> Flat:
    net = reading.net
    inputs = {entry.name: entry.shape for entry in entries}
    producer = printable(f"{model.producer_name} {model.producer_version}".strip())[:60]
    origin = (
        f"{path.name} ({producer}, opset {opset_of(model)})" if producer else f"{path.name} (opset {opset_of(model)})"
    )
    form: OutputForm = "single" if len(reading.outputs) == 1 else "tuple"
    name = plain_name(path.stem) or "network"
    remarks = remarks_of(model, net, (reading.left, reading.left_params), [entry.source for entry in entries])
    outputs = [("output", reading.outputs[0][1])] if form == "single" else reading.outputs
    flat = Flat(name, origin, inputs, net.items, outputs, form, remarks)
    return pruned(flat, {})
