"""A flat network to a config, with the proof that they are one."""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from typing import NamedTuple

from archlab.config.expand.network import expand
from archlab.config.syntax.files import bounded_text
from archlab.config.tree.document import Document
from archlab.config.tree.targets import read_document
from archlab.diagnostics.codes import Code
from archlab.diagnostics.place import Source
from archlab.diagnostics.problem import ConfigError, Problems, single_problem
from archlab.graph import Graph
from archlab.graph.fingerprint import fingerprint, identities
from archlab.imports.flat import Flat
from archlab.imports.recover.block import UnwritableError
from archlab.imports.recover.document import written_text
from archlab.imports.recover.forms import Form
from archlab.imports.recover.identities import without_identities
from archlab.imports.recover.network import Restraint, write_network
from archlab.imports.recover.params import file_params
from archlab.imports.recover.tandem import with_units, with_windows
from archlab.imports.text import Listed, flat_config, read_listed

_ATTEMPTS = 12
_LONG = 10
"""Items of a list of layers in which is looked for what comes several times."""
_WORTH = 0.85
"""The share of lines at which units are worth it that no module of the source is."""


@dataclass(frozen=True, slots=True)
class Recovered:
    """A config of a flat network.

    Attributes:
        text: YAML.
        fallbacks: what could not be written as a block or in short, in plain words.
        names: paths of the config's layers to numbers of the flat network's items.
        fingerprint: of both graphs.
    """

    text: str
    fallbacks: tuple[str, ...]
    names: Mapping[str, int]
    fingerprint: str


def listed_config(flat: Flat) -> Recovered:
    """A flat network as a config of a line for each layer.

    Raises:
        ConfigError: if the language refuses the network, or it is too large for a config.
    """
    listed = flat_config(flat)
    proof = _proof(listed, flat)
    _refuse_too_large(listed.text, flat, "written a line for each layer")
    return Recovered(listed.text, (), _names(proof.graph, proof, flat, listed), proof.mark)


def recovered_config(flat: Flat) -> Recovered:
    """A flat network as a short config whose graph is the same.

    Raises:
        ConfigError: if the language refuses the network itself, or it is too large for a config.
    """
    listed = flat_config(flat)
    proof = _proof(listed, flat)
    short = with_units(without_identities(_with_shapes(flat, proof.graph, listed)))
    attempt, fallbacks = _proved(short, proof)
    if attempt is not None and len(attempt.forms) > _LONG:
        windows = with_windows(short, attempt.forms)
        other, further = _proved(windows, proof) if windows is not None else (None, [])
        if other is not None and other.text.count("\n") < _WORTH * attempt.text.count("\n"):
            attempt, fallbacks = other, further
    if attempt is None or attempt.graph is None:
        _refuse_too_large(listed.text, flat, "written as a config")
        fallbacks.append("the whole network, layer by layer")
        return Recovered(listed.text, tuple(fallbacks), _names(proof.graph, proof, flat, listed), proof.mark)
    return Recovered(attempt.text, tuple(fallbacks), _names(attempt.graph, proof, flat, listed), proof.mark)


class _Proof(NamedTuple):
    """The graph that is wanted.

    Attributes:
        graph: of the flat list.
        ids: identities of its nodes.
        mark: its fingerprint.
    """

    graph: Graph
    ids: list[str]
    mark: str


def _proof(listed: Listed, flat: Flat) -> _Proof:
    graph = _expanded(*read_listed(listed, flat))
    return _Proof(graph, identities(graph), fingerprint(graph))


def _with_shapes(flat: Flat, graph: Graph, listed: Listed) -> Flat:
    """A flat network with the shapes that the language finds, which say what each dimension holds."""
    shapes = {listed.paths.get(node.path.partition(".")[0]): node.shape for node in graph.nodes}
    items = [replace(item, shape=shapes.get(item.path, item.shape)) for item in flat.items]
    return replace(flat, items=items)


def _proved(flat: Flat, proof: _Proof) -> tuple[_Attempt | None, list[str]]:
    """A text of the wanted graph, and what had to be written more plainly for that; None where there is none."""
    restraint, fallbacks = Restraint(), list[str]()
    for _ in range(_ATTEMPTS):
        attempt = _attempt(flat, restraint, proof.graph)
        if attempt.graph is not None:
            if fingerprint(attempt.graph) == proof.mark:
                return attempt, fallbacks
            attempt = attempt._replace(line=_first_other(attempt.graph, set(proof.ids)))
        if attempt.is_too_large or not _restrain(restraint, fallbacks, _part_at(attempt), attempt.why):
            break
    return None, fallbacks


class _Attempt(NamedTuple):
    """A text, and what became of it.

    Attributes:
        text: of a config; empty where none could be written.
        blocks: names of its blocks to the classes that they were made of.
        graph: of the text; None where the language refuses it.
        line: where it does.
        why: in plain words.
        is_too_large: whether for its size; written more plainly it would be larger still.
        forms: its list of layers.
    """

    text: str
    blocks: Mapping[str, str]
    graph: Graph | None
    line: int = -1
    why: str = "another graph"
    is_too_large: bool = False
    forms: Sequence[Form] = ()


def _attempt(flat: Flat, restraint: Restraint, wanted: Graph) -> _Attempt:
    text, blocks = "", dict[str, str]()
    try:
        written = write_network(flat, restraint)
        blocks = {part.block.name: part.kind for part in written.blocks}
        text = written_text(flat, written, file_params(written, wanted.nodes[wanted.outputs[0][1]].shape))
        return _Attempt(text, blocks, _graph(text, flat), forms=written.forms)
    except UnwritableError:
        return _Attempt(text, blocks, None, why="its wiring has no name in the language")
    except ConfigError as error:
        problem = error.problems[0]
        line = problem.place.line if problem.place is not None else -1
        return _Attempt(text, blocks, None, line, problem.message, problem.code is Code.TOO_LARGE)


def _graph(text: str, flat: Flat) -> Graph:
    """The graph of a text as it is read from a file."""
    return _expanded(*read_document(Source(f"<{flat.origin}>", bounded_text(text, flat.origin)), flat.name))


def _expanded(document: Document, problems: Problems) -> Graph:
    problems.raise_if_any()
    return expand(document, None, {}, problems)


def _refuse_too_large(text: str, flat: Flat, how: str) -> None:
    """Refuse a text that could not be read from a file.

    Raises:
        ConfigError: naming the bound.
    """
    try:
        read_document(Source(flat.origin, bounded_text(text, flat.origin)), flat.name)
    except ConfigError as error:
        message = f"{flat.origin}, {how}, is too large to be read again: {error.problems[0].message}"
        raise single_problem(f"{message}; other commands take the network itself", Code.TOO_LARGE) from None


def _first_other(graph: Graph, wanted: set[str]) -> int:
    """The line of the first layer that is none of the wanted ones."""
    for node, identity in zip(graph.nodes, identities(graph), strict=True):
        if identity not in wanted and node.place is not None:
            return node.place.line
    return -1


def _part_at(attempt: _Attempt) -> str:
    """The class whose block a line is in; empty for the network's list of layers."""
    line, kinds, current = attempt.line, attempt.blocks, ""
    lines = attempt.text.split("\n")
    used = re.search(r"\buse: (\w+)", lines[line]) if 0 <= line < len(lines) else None
    if used is not None:
        return kinds.get(used[1], "")
    for number, content in enumerate(lines):
        if content and not content.startswith((" ", "#")):
            current = ""
        elif content.startswith("  ") and content[2:3] not in (" ", "-", "") and content.endswith(":"):
            current = kinds.get(content.strip()[:-1], "")
        if number == line:
            return current
    return ""


def _restrain(restraint: Restraint, fallbacks: list[str], kind: str, why: str) -> bool:
    """Be plainer about a class; False where it cannot be any plainer."""
    for stage in (restraint.literal, restraint.plain, restraint.inline if kind else set[str]()):
        if kind not in stage:
            if stage is restraint.literal:
                stage.add(kind)
                return True
            stage.add(kind)
            what = kind or "the list of layers"
            how = "without residuals, branches and repeats" if stage is restraint.plain else "written where it is used"
            if kind or stage is restraint.plain:
                fallbacks.append(f"{what}: {how} ({why})")
                return True
    return False


def _names(graph: Graph, proof: _Proof, flat: Flat, listed: Listed) -> dict[str, int]:
    """Paths of a graph's layers to the items that they stand for; of what an item expands to, the path above it."""
    numbers = {path: number for number, path in enumerate(item.path for item in flat.items)}
    heads = {name: numbers[path] for name, path in listed.paths.items()}
    items: dict[str, tuple[int, str]] = {}
    for node, identity in zip(proof.graph.nodes, proof.ids, strict=True):
        head, dot, below = node.path.partition(".")
        if head in heads:
            items.setdefault(identity, (heads[head], dot + below))
    found: dict[str, int] = {}
    for node, identity in zip(graph.nodes, identities(graph), strict=True):
        if identity in items and node.inputs:
            number, below = items[identity]
            found[node.path.removesuffix(below)] = number
    return found
