"""Blocks and layers as the text of a config, formatted as `archlab fmt` does."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from archlab.config.format import format_config
from archlab.diagnostics.place import Source
from archlab.imports.flat import Flat
from archlab.imports.recover.block import Block, Entry
from archlab.imports.recover.columns import GAP
from archlab.imports.recover.network import Written
from archlab.imports.text import comments, flow, inputs_of

_LISTS = ("body", "shortcut", "paths")
_SHORT = 100
"""Columns of a combinator that is still written in one line."""


def written_text(flat: Flat, written: Written, params: dict[str, Any]) -> str:
    """The config.

    Args:
        flat: the network.
        written: its blocks and layers.
        params: of the file.
    """
    lines = [*comments(flat), "archlab: 1", f"name: {flow(flat.name)}", f"input: {flow(inputs_of(flat))}"]
    if params:
        whole = f"params: {_flow(params)}"
        each = ["params:", *[f"  {key}: {_flow(value)}" for key, value in params.items()]]
        lines += [whole] if len(whole) <= _SHORT else each
    if written.blocks:
        lines.append("blocks:")
        for part in written.blocks:
            lines += _block(part.block)
    lines += ["layers:", *_list(written.layers.entries, 2)]
    if written.layers.outputs:
        lines.append(f"outputs: {_flow(_outputs(flat, written.layers.outputs))}")
    return format_config(Source(flat.name, "\n".join(lines) + "\n"))


def _outputs(flat: Flat, names: Sequence[str]) -> Any:
    if flat.output_form == "dict":
        return {label: name for (label, _), name in zip(flat.outputs, names, strict=True)}
    return list(names) if flat.output_form == "tuple" else names[0]


def _block(block: Block) -> list[str]:
    lines = [f"  {block.name}:"]
    if block.columns.params:
        lines.append(f"    params: {_params(block)}")
    if block.inputs:
        lines.append(f"    inputs: {_flow(block.inputs)}")
    lines += ["    layers:", *_list(block.entries, 6)]
    if block.outputs:
        lines.append(f"    outputs: {_flow(block.outputs)}")
    return lines


def _params(block: Block) -> str:
    parts = [
        f"{param.name}: " if param.default is GAP else f"{param.name}: {_flow(param.default)}"
        for param in sorted(block.columns.params, key=lambda param: param.default is not GAP)
    ]
    return "{" + ", ".join(parts) + "}"


def _list(entries: Sequence[Entry], indent: int) -> list[str]:
    lines: list[str] = []
    for entry in entries:
        lines += _item(entry, indent)
    return lines


def _item(entry: Entry, indent: int) -> list[str]:
    """An item: one line in braces, or a line for each key where lists of layers are in it."""
    said = cleaned(entry)
    dash = " " * indent + "- "
    whole = _flow(said)
    if not any(isinstance(said.get(key), list) for key in _LISTS) or len(dash + whole) <= _SHORT:
        return [dash + whole]
    lines: list[str] = []
    space = " " * (indent + 2)
    for key, value in said.items():
        if key in _LISTS and isinstance(value, list) and value:
            lines.append(f"{space}{key}:")
            lines += _paths(entry[key], indent + 4) if key == "paths" else _list(entry[key], indent + 4)
        else:
            lines.append(f"{space}{key}: {_flow(value)}")
    return [dash + lines[0].lstrip(), *lines[1:]]


def _paths(paths: Sequence[Sequence[Entry]], indent: int) -> list[str]:
    """Paths: none, one layer, or a list of several."""
    lines: list[str] = []
    dash = " " * indent + "- "
    for path in paths:
        if not path:
            lines.append(f"{dash}[]")
            continue
        inner = _list(path, indent if len(path) == 1 else indent + 2)
        lines += inner if len(path) == 1 else [dash + inner[0].lstrip(), *inner[1:]]
    return lines


def cleaned(entry: Entry) -> Entry:
    """An item without a name that it has not."""
    found: Entry = {}
    for key, value in entry.items():
        if key == "name" and value is None:
            continue
        if key == "paths":
            found[key] = [cleaned(path[0]) if len(path) == 1 else [cleaned(one) for one in path] for path in value]
        elif key in _LISTS and isinstance(value, list):
            found[key] = [cleaned(one) for one in value]
        else:
            found[key] = value
    return found


def _flow(value: Any) -> str:
    """YAML in one line, without quotes that are not needed and lines that are broken."""
    return flow(value)
