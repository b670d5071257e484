"""A config to start from: a commented blank, or a preset under another name."""

from __future__ import annotations

from pathlib import Path

from archlab.api.network import Network, expand_document
from archlab.config.syntax.naming import name_fault
from archlab.config.syntax.yaml_nodes import Mapping, Node, parse
from archlab.config.tree.document import Variant
from archlab.config.tree.targets import open_target
from archlab.diagnostics.codes import Code
from archlab.diagnostics.place import Place
from archlab.diagnostics.problem import Problems, single_problem

BLANK = "blank"


def starter_config(name: str, source: str) -> str:
    """The text of a new config.

    Args:
        name: of the network.
        source: `blank`, or what to start from: a preset or variant, whose values become the defaults.

    Raises:
        ConfigError: if there is no such preset, or the name cannot be one.
    """
    fault = name_fault(name)
    if fault is not None:
        raise single_problem(f"the name '{name}' {fault}", Code.BAD_NAME)
    if source == BLANK:
        return (Path(__file__).parent / "template.yaml").read_text(encoding="utf-8").replace("NAME", name)
    document, variant, problems = open_target(source)
    network = expand_document(document, variant, problems, params={})
    root = parse(document.source, Problems())
    assert isinstance(root, Mapping)
    return _header(source) + _Edit(document.source.text, root).to(name, variant, _expect(network))


def _header(source: str) -> str:
    return f"# From archlab's preset {source}.\n"


def _expect(network: Network) -> dict[str, int]:
    return network.analyze().total.figures()


class _Edit:
    """Replacements in a text, made from its end to its start."""

    def __init__(self, text: str, root: Mapping) -> None:
        self._lines = text.split("\n")
        self._root = root
        self._changes: list[tuple[int, int, int, int, str]] = []

    def to(self, name: str, variant: Variant | None, expect: dict[str, int]) -> str:
        """The text with another name, a variant's values as defaults, and no variants."""
        self._set("name", name)
        self._set("expect", "{" + ", ".join(f"{key}: {value}" for key, value in expect.items()) + "}")
        extended = self._root.entries.get("extends")
        if extended is not None:  # that file is not where the new one will be, and a preset is found anywhere
            self._replace(extended.place, Path(self._text(extended)).stem)
        if variant is not None:
            if variant.input is not None:
                self._set("input", self._text(variant.input))
            if variant.outputs is not None:
                self._set("outputs", self._text(variant.outputs))
            for param, value in variant.assignments.items():
                self._set_param(param, self._text(value.node))
        if "variants" in self._root.entries:
            self._remove("variants")
        for line, column, end_line, end_column, text in sorted(self._changes, reverse=True):
            head, tail = self._lines[line][:column], self._lines[end_line][end_column:]
            self._lines[line : end_line + 1] = (head + text + tail).split("\n")
        return "\n".join(self._lines)

    def _set(self, key: str, text: str) -> None:
        """Give a top-level key another value; a new key goes to the end."""
        if key in self._root.entries:
            self._replace(self._root.entries[key].place, text)
        else:
            last = len(self._lines) - 1
            self._changes.append((last, len(self._lines[last]), last, len(self._lines[last]), f"{key}: {text}\n"))

    def _set_param(self, param: str, text: str) -> None:
        """Give a param another value; one of what is extended is written behind the others."""
        params = self._root.entries.get("params")
        assert isinstance(params, Mapping)
        if param in params.entries:
            self._replace(params.entries[param].place, text)
            return
        last, first = [*params.entries.values()][-1].place, next(iter(params.keys.values()))
        is_inline = self._lines[params.place.line][params.place.column] == "{"
        line, column = last.end_line, last.end_column if is_inline else len(self._lines[last.end_line])
        between = ", " if is_inline else "\n" + " " * first.column
        self._changes.append((line, column, line, column, f"{between}{param}: {text}"))

    def _replace(self, place: Place, text: str) -> None:
        self._changes.append((place.line, place.column, place.end_line, place.end_column, text))

    def _remove(self, key: str) -> None:
        """Take a top-level key out, with its lines."""
        start = self._root.keys[key].line
        behind = [place.line for place in self._root.keys.values() if place.line > start]
        end = min(behind, default=len(self._lines))
        self._changes.append((start, 0, end, 0, ""))

    def _text(self, node: Node) -> str:
        """How a value is written."""
        place = node.place
        if place.line == place.end_line:
            return self._lines[place.line][place.column : place.end_column]
        first, last = self._lines[place.line][place.column :], self._lines[place.end_line][: place.end_column]
        return " ".join(part.strip() for part in (first, *self._lines[place.line + 1 : place.end_line], last))
