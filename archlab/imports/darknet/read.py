"""A `.cfg` file of Darknet's as a flat network."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path

from archlab.config.syntax.files import read_source
from archlab.diagnostics.codes import Code
from archlab.diagnostics.place import Source
from archlab.diagnostics.problem import ConfigError, Problem, single_problem
from archlab.diagnostics.suggest import did_you_mean
from archlab.graph import OutputForm
from archlab.imports.darknet.network import Network
from archlab.imports.darknet.section import Section, read_sections
from archlab.imports.darknet.sections import RULES, Rule, input_of
from archlab.imports.flat import Flat
from archlab.imports.prune import pruned
from archlab.imports.targets import ImportOptions
from archlab.layers.shape import Shape


def read_darknet(target: str, options: ImportOptions) -> Flat:
    """A file as a flat network; the maps that detection heads decode are its results.

    Args:
        target: its path.
        options: with the image's shape, if not the file's.

    Raises:
        ConfigError: if it cannot be read, or has what archlab cannot say; with the line.
    """
    source = read_source(Path(target))
    sections = read_sections(source)
    if not sections or sections[0].kind not in ("net", "network"):
        raise single_problem(f"{target} is no .cfg file of Darknet, which begins with [net]", Code.WRONG_VALUE)
    network = Network(_input(sections[0], options))
    for section in sections[1:]:
        _rule(section)(network, section)
        network.outputs.append(network.value)
    return _flat(source, network)


def _input(section: Section, options: ImportOptions) -> Shape:
    given = options.input
    if isinstance(given, Mapping):
        given = next(iter(given.values()), None)
    return input_of(section) if given is None else given


def _rule(section: Section) -> Rule:
    rule = RULES.get(section.kind)
    if rule is None:
        message = f"a section [{section.kind}] is not read{did_you_mean(section.kind, RULES)}"
        raise ConfigError([Problem(message, Code.UNKNOWN_LAYER, section.place)])
    return rule


def _flat(source: Source, network: Network) -> Flat:
    results = network.results or [("output", network.value)]
    name = Path(source.name).stem
    remarks = [*network.remarks, *_opaque_remarks(network)]
    if network.results:
        remarks.append("the results are the maps that the detection heads decode")
    form: OutputForm = "single" if len(results) == 1 else "tuple"
    flat = Flat(name, source.name, {"input": network.builder.shape(0)}, network.builder.items, results, form, remarks)
    return pruned(flat, {})


def _opaque_remarks(network: Network) -> list[str]:
    kinds = dict.fromkeys(item.type for item in network.builder.items if item.type.startswith("darknet."))
    return [f"opaque: {', '.join(kinds)}"] if kinds else []
