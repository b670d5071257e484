"""A sweep as a file: `sweep:` names the network, `vary:` what its params may be, the rest what is wanted.

sweep: resnet50
vary: {d3: 3..23, width_per_group: [32, 64], input: [96, 128]}
where: macs <= 300M and memory.inference_peak < 8 MiB
sort: macs
"""

from __future__ import annotations

from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from archlab.config.syntax.files import read_source
from archlab.config.syntax.quantity import QuantityError
from archlab.config.syntax.substitute import is_dynamic, substitute
from archlab.config.syntax.yaml_nodes import Mapping as MappingNode
from archlab.config.syntax.yaml_nodes import Node, Scalar, Sequence, kind, parse
from archlab.config.tree.figures import FigureLimit, parse_figure_limits
from archlab.diagnostics.codes import Code
from archlab.diagnostics.place import Place
from archlab.diagnostics.problem import Problems
from archlab.diagnostics.suggest import did_you_mean
from archlab.diagnostics.words import one_of

KEYS = ("sweep", "vary", "set", "where", "sort", "pareto", "maximize", "sample", "seed")


@dataclass(slots=True)
class Written:
    """What a sweep's file says, or the command line.

    Attributes:
        target: the network.
        vary: values by param.
        places: where they stand; empty for the command line.
        settings: values of further params.
        limits: that designs must be within.
        sort: figures and params to sort by, those that descend with `-` in front.
        pareto: the figures of a front.
        maximize: the figure of a fit.
        sample: how many designs to draw.
        seed: of the draw.
    """

    target: str
    vary: dict[str, Node] = field(default_factory=dict)
    places: dict[str, Place] = field(default_factory=dict)
    settings: dict[str, Any] = field(default_factory=dict)
    limits: list[FigureLimit] = field(default_factory=list)
    sort: list[str] = field(default_factory=list)
    pareto: list[str] = field(default_factory=list)
    maximize: str | None = None
    sample: int | None = None
    seed: int = 0


def read_written(target: str) -> Written | None:
    """What a file says; None for a target that is no such file.

    Raises:
        ConfigError: with every problem found.
    """
    path = Path(target)
    if path.suffix not in {".yaml", ".yml"} or not path.is_file():
        return None
    source = read_source(path, shown_as=target)
    if "sweep" not in source.text:
        return None
    problems = Problems()
    node = parse(source, problems)
    if not isinstance(node, MappingNode) or "sweep" not in node.entries or "archlab" in node.entries:
        return None
    problems.raise_if_any()
    written = _Reader(node, problems).read(path)
    problems.raise_if_any()
    return written


class _Reader:
    """Reads a file's keys."""

    def __init__(self, node: MappingNode, problems: Problems) -> None:
        self._node = node
        self._problems = problems

    def read(self, path: Path) -> Written:
        """All that it says."""
        for key in self._node.entries:
            if key not in KEYS:
                hint = did_you_mean(key, KEYS) or f"; it may have {one_of(KEYS)}"
                self._problems.add(f"a sweep has no '{key}'{hint}", Code.UNKNOWN_KEY, self._node.keys[key])
        written = Written(self._target(path))
        vary = self._mapping("vary")
        if vary is not None:
            written.vary = dict(vary.entries)
            written.places = {name: node.place for name, node in vary.entries.items()}
        settings = self._mapping("set")
        if settings is not None:
            written.settings = {name: self._plain(node) for name, node in settings.entries.items()}
        written.limits = self._limits()
        written.sort = self._words("sort")
        written.pareto = self._words("pareto")
        written.maximize = next(iter(self._words("maximize")), None)
        written.sample = self._whole("sample", 1)
        written.seed = self._whole("seed", 0) or 0
        return written

    def _target(self, path: Path) -> str:
        node = self._node.entries["sweep"]
        if not isinstance(node, Scalar) or not isinstance(node.value, str):
            message = f"'sweep' names a network: a preset, or the path of a config; not {kind(node)}"
            self._problems.add(message, Code.WRONG_TYPE, node.place)
            return ""
        beside = path.parent / node.value.partition("@")[0]
        is_beside = beside.suffix in {".yaml", ".yml"} and not Path(node.value).is_absolute()
        return str(path.parent / node.value) if is_beside else node.value

    def _mapping(self, key: str) -> MappingNode | None:
        node = self._node.entries.get(key)
        if node is None or isinstance(node, MappingNode):
            return node
        self._problems.add(f"'{key}' is a mapping of params to values, not {kind(node)}", Code.WRONG_TYPE, node.place)
        return None

    def _plain(self, node: Node) -> Any:
        if is_dynamic(node):
            self._problems.add("a plain value is wanted; an expression goes under 'vary'", Code.WRONG_VALUE, node.place)
            return None
        return substitute(node, {})

    def _limits(self) -> list[FigureLimit]:
        node = self._node.entries.get("where")
        nodes = node.items if isinstance(node, Sequence) else [] if node is None else [node]
        found: list[FigureLimit] = []
        for part in nodes:
            if not isinstance(part, Scalar) or not isinstance(part.value, str):
                message = f"'where' is limits such as 'macs <= 300M and params < 5M', not {kind(part)}"
                self._problems.add(message, Code.WRONG_TYPE, part.place)
                continue
            try:
                found += parse_figure_limits(part.value)
            except QuantityError as error:
                self._problems.add(f"where: {error}", Code.WRONG_VALUE, part.place)
        return found

    def _words(self, key: str) -> list[str]:
        node = self._node.entries.get(key)
        nodes = node.items if isinstance(node, Sequence) else [] if node is None else [node]
        found: list[str] = []
        for part in nodes:
            if isinstance(part, Scalar) and isinstance(part.value, str):
                found += [word.strip() for word in part.value.split(",")]
            else:
                self._problems.add(f"'{key}' names figures, not {kind(part)}", Code.WRONG_TYPE, part.place)
        return found

    def _whole(self, key: str, least: int) -> int | None:
        node = self._node.entries.get(key)
        if node is None:
            return None
        if not isinstance(node, Scalar) or type(node.value) is not int or node.value < least:
            message = f"'{key}' is a whole number of at least {least}"
            self._problems.add(message, Code.WRONG_VALUE, node.place)
            return None
        return node.value
