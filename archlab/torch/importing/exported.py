"""An exported program (`.pt2`) as a flat network: its operators in order, with the modules that they were called in.

Sizes are those that the file tells; nothing is run but the counting of multiply-accumulates of what archlab does not
know. A module in which samples and other dimensions are put together (windows) becomes one opaque item, as when the
model itself is watched.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field, replace
from pathlib import Path
from types import SimpleNamespace
from typing import Any, NamedTuple

import torch
from torch import Tensor, nn

from archlab.config.expand.inputs import ONLY
from archlab.diagnostics.codes import Code
from archlab.diagnostics.problem import ConfigError, single_problem
from archlab.graph import OutputForm
from archlab.imports.flat import Flat, Scope
from archlab.imports.prune import pruned
from archlab.imports.targets import ImportOptions
from archlab.imports.text import plain_name
from archlab.imports.unsaid import UnsaidError
from archlab.layers import find_layer
from archlab.layers.shape import Shape, shape_text
from archlab.torch.archive import Program, read_program
from archlab.torch.importing.aten import say
from archlab.torch.importing.opaque import Unknown, Work, add_opaque, keeps_samples
from archlab.torch.importing.recorder import Recorder, tensors_in

MOST_DEPTH = 40
"""Of modules in one another."""
_MALFORMED = (ArithmeticError, AttributeError, IndexError, KeyError, TypeError, ValueError, RuntimeError)
_COUNTED = frozenset(
    {
        *("linear", "matmul", "mm", "bmm", "addmm", "baddbmm", "convolution", "scaled_dot_product_attention"),
        *(f"conv{kind}{rank}d" for kind in ("", "_transpose") for rank in (1, 2, 3)),
        *("einsum", "tensordot", "inner", "dot", "vdot", "mv", "addmv", "addbmm", "chain_matmul", "linalg_multi_dot"),
        *("lstm", "gru", "rnn_tanh", "rnn_relu", "lstm_cell", "gru_cell", "rnn_tanh_cell", "rnn_relu_cell"),
        *("bilinear", "conv_tbc", "linalg_matrix_power"),
    }
)
"""Operators that multiply and accumulate, which are run without memory to count that."""
_LINEAR = frozenset(
    {"linear", "addmm", "convolution", "bilinear"}
    | {f"conv{kind}{rank}d" for kind in ("", "_transpose") for rank in (1, 2, 3)}
)
"""Those whose outputs are activations."""


def read_exported(path: Path, options: ImportOptions) -> Flat:
    """An exported program as a flat network.

    Args:
        path: of the file.
        options: `input`, which must be what the file was exported for.

    Raises:
        ConfigError: if it cannot be read, or was exported for another input.
    """
    program = read_program(path)
    try:
        return _flat(program, path, options)
    except ConfigError:
        raise
    except _MALFORMED:
        raise single_problem(f"{path} holds no exported program: its graph is damaged", Code.UNREADABLE) from None


def _flat(program: Program, path: Path, options: ImportOptions) -> Flat:
    whole: frozenset[str] = frozenset()
    for _ in range(MOST_DEPTH):
        reading = _Reading(program, whole)
        _refuse_other_input(path, reading.shapes, options)
        reading.run()
        if not reading.failed:
            break
        whole |= reading.failed
    else:
        raise single_problem(f"{path}: its modules are nested too deep", Code.TOO_DEEP)
    recorder, outputs = reading.recorder, reading.outputs()
    form: OutputForm = "single" if len(outputs) == 1 else "tuple"
    remarks = [f"opaque: {place}: {reason}" for place, reason in recorder.reasons.items()]
    version = f" (torch {program.version})" if program.version.isprintable() and program.version else ""
    name = plain_name(path.stem) or "network"
    flat = Flat(name, f"{path.name}{version}", reading.shapes, recorder.items, outputs, form, remarks)
    return pruned(flat, reading.params)


def _refuse_other_input(path: Path, shapes: Mapping[str, Shape], options: ImportOptions) -> None:
    given = options.input
    if given is None:
        return
    wanted = dict(given) if isinstance(given, Mapping) else {next(iter(shapes)): tuple(given)}
    for name, shape in wanted.items():
        if shapes.get(name) != tuple(shape):
            own = ", ".join(
                [f"{one}={shape_text(size)}" if one != ONLY else shape_text(size) for one, size in shapes.items()]
            )
            raise single_problem(f"{path} was exported for {own}; export it again for another size", Code.BAD_INPUT)


class Call(NamedTuple):
    """One operator.

    Attributes:
        op: its word, `conv2d`.
        kind: its full name, `torch.conv2d`.
        named: its arguments by name, tensors among them.
        places: how many of them are given by place.
        results: what it gives.
        scopes: the modules that it was called in.
    """

    op: str
    kind: str
    named: Mapping[str, Any]
    places: int
    results: Sequence[Tensor]
    scopes: Sequence[Scope]


@dataclass
class Group:
    """The calls of a module that becomes one opaque item.

    Attributes:
        scope: the module.
        around: the modules around it.
        last: the number of its last node.
        sources: values that enter.
        own: its parameters and buffers.
        made: tensors that are made in it.
        work: what is computed; None where that is not known.
    """

    scope: Scope
    around: tuple[Scope, ...]
    last: int
    sources: list[int] = field(default_factory=list)
    own: dict[str, Tensor] = field(default_factory=dict)
    made: list[Tensor] = field(default_factory=list)
    work: Work | None = field(default_factory=Work)


class _State(nn.Module):
    """A model that is its tensors alone."""

    def __init__(self, params: Mapping[str, Tensor], buffers: Mapping[str, Tensor]) -> None:
        super().__init__()
        self.all_params, self.all_buffers = params, buffers

    def named_parameters(self, *_: Any, **__: Any) -> Any:
        """Parameters by name."""
        return iter(self.all_params.items())

    def named_buffers(self, *_: Any, **__: Any) -> Any:
        """Buffers by name."""
        return iter(self.all_buffers.items())


class _Watched(Recorder):
    """A recorder that can be told the path of the next item."""

    leaf: str | None = None

    def path_here(self, word: str) -> str:
        """The module's own path where the operator is all there is in it."""
        return self.leaf if self.leaf is not None else super().path_here(word)


class _Reading:
    """One pass over a program.

    Attributes:
        recorder: its items.
        shapes: of its inputs, by name.
        params: elements of its parameters, by name.
        failed: modules that must become one item.
    """

    def __init__(self, program: Program, whole: frozenset[str]) -> None:
        self._program, self._whole = program, whole
        self._tensors: dict[str, Tensor] = {}
        learned, kept, inputs = self._inputs()
        self.params = {name: one.numel() for name, one in learned.items()}
        self.shapes = {name: tuple(tensor.shape[1:]) for name, tensor in inputs.items()}
        self.recorder = _Watched(_State(learned, kept), inputs)
        self._buffers, self._named = kept, learned | kept
        self.failed: frozenset[str] = frozenset()
        self._groups: dict[Scope, Group] = {}
        self._scopes = [_scopes(node) for node in program.nodes]
        self._lasts = {scope: number for number, scopes in enumerate(self._scopes) for scope in scopes}

    def _inputs(self) -> tuple[dict[str, Tensor], dict[str, Tensor], dict[str, Tensor]]:
        """Parameters, buffers and what enters, each by name."""
        learned: dict[str, Tensor] = {}
        kept: dict[str, Tensor] = {}
        entering: list[str] = []
        for spec in self._program.signature["input_specs"]:
            if "parameter" in spec:
                one = spec["parameter"]
                tensor = nn.Parameter(self._tensor(one["arg"]["name"]), requires_grad=False)
                self._tensors[one["arg"]["name"]] = learned[one["parameter_name"]] = tensor
            elif "buffer" in spec:
                kept[spec["buffer"]["buffer_name"]] = self._tensor(spec["buffer"]["arg"]["name"])
            elif "user_input" in spec and "as_tensor" in spec["user_input"]["arg"]:
                entering.append(spec["user_input"]["arg"]["as_tensor"]["name"])
        if not entering or any(self._tensor(name).dim() < 2 for name in entering):
            raise single_problem("the program takes no tensor with samples in front", Code.BAD_INPUT)
        names = [ONLY] if len(entering) == 1 else [plain_name(name) for name in entering]
        return learned, kept, {name: self._tensor(one) for name, one in zip(names, entering, strict=True)}

    def _tensor(self, name: str) -> Tensor:
        """The tensor that a name stands for, without memory."""
        if name not in self._tensors:
            sizes = [_size(dim) for dim in self._program.graph["tensor_values"][name]["sizes"]]
            self._tensors[name] = torch.empty(sizes, device="meta")
        return self._tensors[name]

    def run(self) -> None:
        """Say every node."""
        for number, node in enumerate(self._program.nodes):
            call = self._call(node, self._scopes[number])
            if call is None:
                continue
            inside = next((scope for scope in call.scopes if scope.path in self._whole), None)
            if inside is None:
                self._say(call)
                continue
            around = tuple(call.scopes[: call.scopes.index(inside)])
            group = self._groups.setdefault(inside, Group(inside, around, self._lasts[inside]))
            self._gather(group, call)
            if number == group.last:
                self._close(group, number)

    def _call(self, node: Mapping[str, Any], scopes: Sequence[Scope]) -> Call | None:
        """A node as a call; None where it gives no tensor, or nothing that enters goes into it."""
        results = [self._tensor(name) for one in node["outputs"] for name in _names(one)]
        named = {str(one["name"]): self._argument(one["arg"]) for one in node["inputs"]}
        places = sum(one.get("kind", 1) != 2 for one in node["inputs"])
        given = list(named.values())
        if not results or not self.recorder.values_in(given):
            for one in results if self.recorder.made_of(given) else ():
                self.recorder.derive(one, self.recorder.made_of(given))
            return None
        words = str(node["target"]).split(".")
        op = words[3] if words[:3] == ["torch", "ops", "aten"] and len(words) > 3 else ".".join(words[-2:])
        kind = f"torch.{op}" if words[2:3] == ["aten"] else str(node["target"])
        return Call(op, kind, named, places, results, scopes)

    def _argument(self, arg: Mapping[str, Any]) -> Any:
        (kind, value), *_ = arg.items()
        if kind == "as_tensor":
            return self._tensor(value["name"])
        if kind == "as_tensors":
            return [self._tensor(one["name"]) for one in value]
        if kind in ("as_optional_tensor", "as_optional_tensors"):
            several = [None if "as_none" in one else self._tensor(one["as_tensor"]["name"]) for one in _list(value)]
            return several if kind.endswith("s") else several[0]
        if kind in ("as_sym_int", "as_sym_ints"):
            sizes = [one.get("as_int", -1) for one in _list(value)]
            return sizes if kind.endswith("s") else sizes[0]
        return None if kind == "as_none" else value

    def _say(self, call: Call) -> None:
        recorder, before = self.recorder, len(self.recorder.items)
        self._enter(call.scopes)
        try:
            say(recorder, call.op, call.named, call.results, call.places)
            self._settle(call, before)
        except UnsaidError as error:
            recorder.drop(before)
            self._unknown(call, str(error))
        except _MALFORMED:
            recorder.drop(before)
            self._unknown(call, "its arguments are not those of that operator")

    def _settle(self, call: Call, before: int) -> None:
        """An operator that overwrites its input: a layer in place, and the input's tensor holds the result."""
        if not call.op.endswith("_") or call.op.startswith("__"):
            return
        first, items = next(iter(call.named.values())), self.recorder.items
        value = self.recorder.value(call.results[0])
        if isinstance(first, Tensor) and value is not None:
            self.recorder.bind(first, value)
        cls = find_layer(items[-1].type) if len(items) == before + 1 and items[-1].share is None else None
        if cls is not None and "inplace" in cls.model_fields:
            items[-1] = replace(items[-1], options={**items[-1].options, "inplace": True})

    def _enter(self, scopes: Sequence[Scope]) -> None:
        """From now on these modules run; the innermost is the item itself where it is one of PyTorch's own."""
        around, own = list(scopes), None
        if len(around) > 1 and around[-1].kind in _LEAVES:
            own = around.pop()
        counter = self._buffers.get(f"{scopes[-1].path}.num_batches_tracked") if scopes else None
        module: Any = SimpleNamespace(num_batches_tracked=counter)
        self.recorder.running = [(module, _short(scope)) for scope in around] or [(module, Scope("", ""))]
        self.recorder.leaf = None if own is None else own.path

    def _unknown(self, call: Call, reason: str) -> None:
        """An opaque item for an operator; for the module where samples are mixed."""
        recorder, given = self.recorder, list(call.named.values())
        values = recorder.values_in(given)
        if not keeps_samples(call.results, recorder.batch):
            self._fail(call.scopes, values, call.results)
            return
        path = recorder.path_here(call.op.strip("_").replace(".", "_"))
        held = {name for item in recorder.items for name in item.tensors.values()}
        own = {name: self._named[name] for name in sorted(recorder.made_of(given) - held)}
        add_opaque(recorder, Unknown(call.kind, path, reason, own, self._work(call)), values, call.results)

    def _fail(self, scopes: Sequence[Scope], values: Sequence[int], results: Sequence[Tensor]) -> None:
        """In the next pass the innermost module is one item; till then its results are taken for what enters."""
        self.failed |= {scopes[-1].path if scopes else ""}
        for one in results:
            self.recorder.bind(one, values[0])

    def _work(self, call: Call) -> Work | None:
        """What an operator computes for a sample, as PyTorch's own counter says."""
        if call.op not in _COUNTED:
            return Work() if call.kind.startswith("torch.") else None
        from torch.utils.flop_counter import FlopCounterMode

        values = list(call.named.items())
        args, kwargs = [value for _, value in values[: call.places]], dict(values[call.places :])
        operator = getattr(torch.ops.aten, call.op)
        try:
            with FlopCounterMode(display=False) as counter, torch.no_grad():
                operator(*args, **kwargs)
        except Exception:  # noqa: BLE001 - its arguments are a file's
            return None
        elements = call.results[0].numel() if call.op in _LINEAR else 0
        return Work(counter.get_total_flops() // 2 // self.recorder.batch, elements // self.recorder.batch)

    def _gather(self, group: Group, call: Call) -> None:
        """Add a call to a module that becomes one item."""
        made = {id(one) for one in group.made}
        for one in tensors_in(list(call.named.values())):
            value = self.recorder.value(one)
            for own in self.recorder.made_of(one):
                group.own[own.removeprefix(f"{group.scope.path}.")] = self._named[own]
            if value is not None and id(one) not in made and value not in group.sources:
                group.sources.append(value)
        work = self._work(call)
        both = (group.work, work)
        group.work = None if None in both else Work(*map(sum, zip(*both, strict=True)))  # type: ignore[arg-type]
        for result in call.results:
            group.made.append(result)
            self.recorder.bind(result, group.sources[0] if group.sources else 0)

    def _close(self, group: Group, number: int) -> None:
        """The item of a module: its results are what is read behind it."""
        recorder, behind = self.recorder, self._read_behind(number)
        results = [one for one in group.made if id(one) in behind]
        if not results or not group.sources:
            return
        if not keeps_samples(results, recorder.batch):
            self._fail(group.around, group.sources, results)
            return
        self._enter(())
        recorder.running = [(recorder.running[0][0], _short(scope)) for scope in group.around]
        reason = "samples and other dimensions are put together in it"
        unknown = Unknown(group.scope.kind, group.scope.path or "model", reason, group.own, group.work)
        add_opaque(recorder, unknown, group.sources, results)

    def _read_behind(self, number: int) -> set[int]:
        """The tensors that nodes behind one read, and the results."""
        names = [
            name for node in self._program.nodes[number + 1 :] for one in node["inputs"] for name in _names(one["arg"])
        ]
        names += [name for one in self._program.graph["outputs"] for name in _names(one)]
        return {id(self._tensors[name]) for name in names if name in self._tensors}

    def outputs(self) -> list[tuple[str, int]]:
        """Label and value of each result.

        Raises:
            ConfigError: if one does not come from what enters.
        """
        names: list[str] = []
        for spec in self._program.signature["output_specs"]:
            names += _names(spec["user_output"]["arg"]) if "user_output" in spec else []
        values = [self.recorder.value(self._tensor(name)) for name in names]
        found = [value for value in values if value is not None]
        if not found or len(found) < len(values):
            raise single_problem("a result of the program does not come from its input", Code.SHAPE)
        if len(found) == 1:
            return [("output", found[0])]
        return [(f"output{number}", value) for number, value in enumerate(found, 1)]


_LEAVES = frozenset(
    f"{cls.__module__}.{name}" for name, cls in vars(nn).items() if isinstance(cls, type) and issubclass(cls, nn.Module)
) - {f"torch.nn.modules.container.{name}" for name in ("Sequential", "ModuleList", "ModuleDict")}
"""PyTorch's own modules by their full names, but those that hold others."""


def _short(scope: Scope) -> Scope:
    """With the class alone, without its package."""
    return scope._replace(kind=scope.kind.rpartition(".")[2])


def _list(value: Any) -> list[Any]:
    return value if isinstance(value, list) else [value]


def _names(arg: Mapping[str, Any]) -> list[str]:
    """The names of tensors in an argument or a result."""
    (kind, value), *_ = arg.items()
    if kind == "as_tensor":
        return [value["name"]]
    if kind == "as_tensors":
        return [one["name"] for one in value]
    if kind in ("as_optional_tensor", "as_optional_tensors"):
        return [one["as_tensor"]["name"] for one in _list(value) if "as_tensor" in one]
    return []


def _size(dim: Mapping[str, Any]) -> int:
    """A size; of one that was left open that of the example."""
    found = dim["as_int"] if "as_int" in dim else dim["as_expr"]["hint"]["as_int"]
    if type(found) is not int:
        raise ValueError("no size")
    return found


def _scopes(node: Mapping[str, Any]) -> tuple[Scope, ...]:
    """The modules that a node was called in: `name,path,class` each, where `@1` behind a path is its second call."""
    found = []
    for entry in str(node.get("metadata", {}).get("nn_module_stack", "")).split(";")[:MOST_DEPTH]:
        parts = entry.split(",", maxsplit=2)
        if len(parts) == 3:
            path, _, call = parts[1].partition("@")
            found.append(Scope(path[:300], parts[2][:200], int(call) if call.isdecimal() else 0))
    return tuple(found)
