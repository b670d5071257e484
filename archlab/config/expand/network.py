"""A document with its variant and settings to a checked `Graph`."""

from __future__ import annotations

from collections.abc import Mapping as MappingView
from functools import partial
from typing import Any

from archlab.config.expand.budget import Budget, OverBudgetError
from archlab.config.expand.elaborate import Elaborator
from archlab.config.expand.init import read_init
from archlab.config.expand.inputs import GivenInput, Inputs, read_inputs
from archlab.config.expand.names import LeftOutError, NameTable, Value
from archlab.config.expand.params import resolve_params
from archlab.config.expand.prune import prune
from archlab.config.expand.rounding import explain_unequal
from archlab.config.expand.visits import Visits
from archlab.config.syntax.expressions import UnknownValueError
from archlab.config.syntax.naming import MAX_NAME_LENGTH
from archlab.config.syntax.yaml_nodes import Mapping, Node, Scalar, Sequence, kind
from archlab.config.tree.document import Document, Params, Variant
from archlab.config.tree.items import is_wildcard
from archlab.diagnostics.codes import Code
from archlab.diagnostics.place import Place
from archlab.diagnostics.problem import BadItemError, ConfigError, Problem, Problems, TooManyProblemsError
from archlab.graph import Graph, OutputForm
from archlab.graph.checks import check_graph
from archlab.layers.shape import Shape

Outputs = list[tuple[str, int]]
STEPS_OF_A_LAYER = 8
"""Of an expansion: more than a network takes, so that what makes no layers counts too."""


def expand(
    document: Document,
    variant: Variant | None,
    settings: MappingView[str, Any],
    problems: Problems,
    input_shape: GivenInput | None = None,
    budget: Budget | None = None,
    visits: Visits | None = None,
) -> Graph:
    """The graph of a document.

    Args:
        document: the config.
        variant: one of its variants, or None for the defaults.
        settings: values for params from outside.
        problems: the collector, possibly with problems from reading.
        input_shape: instead of the config's `input`, or of some of its inputs by name.
        budget: what the expansion may spend; a new one by default.
        visits: takes down which layers came of which item, also of a network that is wrong.

    Raises:
        ConfigError: with every problem found.
    """
    try:
        graph = _expand(document, variant, settings, problems, input_shape, budget or Budget(), visits)
    except TooManyProblemsError:
        graph = None
    except OverBudgetError as error:
        raise ConfigError([*problems.found, error.problem]) from None
    problems.found = [_with_extending(problem, document) for problem in problems.found]
    problems.raise_if_any()
    assert graph is not None
    return graph


def _with_extending(problem: Problem, document: Document) -> Problem:
    """A problem in an extended file with a note of what extends it, which may be where it can be mended."""
    if problem.place is None or document.extends is None or problem.place.source is document.source:
        return problem
    extends = document.extends
    step = f"extended by {extends.source.name} at line {extends.line + 1}"
    return problem if step in problem.trail else problem._replace(trail=(*problem.trail, step))


def _expand(
    document: Document,
    variant: Variant | None,
    settings: MappingView[str, Any],
    problems: Problems,
    input_shape: GivenInput | None,
    budget: Budget,
    visits: Visits | None,
) -> Graph | None:
    params = resolve_params(document, variant, settings, problems)
    written = variant.input if variant is not None and variant.input is not None else document.input
    inputs = read_inputs(written, params, problems, input_shape)
    init = read_init(document.init, params, problems) if document.init is not None else {}
    if inputs is None or document.layers is None:
        return None
    elaborator = Elaborator(document, params, problems, budget)
    elaborator.visits = visits
    last, names = elaborator.run(inputs)
    if elaborator.emitter.unequal:
        attempt = partial(_attempt, document, params, inputs)
        explain_unequal(problems, elaborator.emitter.unequal[0], elaborator.nodes, attempt)
    wanted = variant.outputs if variant is not None and variant.outputs is not None else document.outputs
    inherited = document.outputs_inherited if wanted is document.outputs else None
    outputs = read_outputs(wanted, last, names, problems, inherited, budget)
    if problems.found or outputs is None:
        return None
    form, results = outputs
    name = variant.name if variant is not None else document.name
    nodes = elaborator.finished() if visits is None else visits.nodes
    graph = Graph(name, nodes, results, form, variant.name if variant else None, init)
    check_graph(graph, problems, prune(graph, elaborator.uses))
    return graph


def _attempt(document: Document, params: Params, inputs: Inputs, input_shape: Shape) -> tuple[Problems, int]:
    """The problems of the layers for another input, and the work of it: layers that were made, or steps for them."""
    problems = Problems()
    elaborator = Elaborator(document, params, problems, Budget())
    try:
        first = next(iter(inputs))
        elaborator.run({**inputs, first: inputs[first]._replace(shape=input_shape)})
    except ConfigError as error:
        problems.found = error.problems
    except OverBudgetError as error:
        problems.found.append(error.problem)
    except TooManyProblemsError:
        pass
    return problems, max(len(elaborator.nodes), elaborator.budget.spent // STEPS_OF_A_LAYER)


def read_outputs(
    node: Node | None, last: Value, names: NameTable, problems: Problems, inherited: Place | None, budget: Budget
) -> tuple[OutputForm, Outputs] | None:
    """What the network gives; None with a problem where that names nothing.

    Args:
        node: `outputs` as written; None for the last value.
        last: the last value.
        names: those of the top level.
        problems: the collector.
        inherited: where the extending file can mend what another says.
        budget: what may be spent.
    """
    if node is None or (isinstance(node, Scalar) and node.value is None):
        return None if last is None else ("single", [("output", last.index)])
    found: list[tuple[str, Value]] = []
    try:
        for label, reference in _references(node):
            found += _named(label, reference, names, budget, is_list=isinstance(node, Sequence))
    except UnknownValueError:  # of an item that another problem is about
        return None
    except BadItemError as error:
        message, place = error.message, error.place
        if isinstance(error, LeftOutError):
            is_plain = inherited or not error.is_conditional
            message = error.reason if is_plain else f"{error.reason}; a variant can carry 'outputs' of its own"
        if inherited is not None and place is not None:
            message = f"'outputs' of {place.source.name} does not fit these layers: {message}"
            message, place = f"{message}; write 'outputs' here too (outputs: null for the last layer)", inherited
        problems.add(message, error.code, place)
        return None
    form: OutputForm = "dict" if isinstance(node, Mapping) else "tuple" if isinstance(node, Sequence) else "single"
    return form, [(label, value.index) for label, value in found if value is not None]


def _named(
    label: str, reference: Scalar, names: NameTable, budget: Budget, *, is_list: bool
) -> list[tuple[str, Value]]:
    """The values that a reference of `outputs` names: one, or in a list those of all repetitions."""
    if not is_wildcard(reference):
        return [(label, names.find(reference, frozenset()))]
    if not is_list:
        message = f"an output is one value; for all repetitions write a list: outputs: [{reference.text[:80]}]"
        raise BadItemError(message, Code.WRONG_VALUE, reference.place)
    found = names.find_all(reference, frozenset())
    budget.spend(len(found), reference.place)
    head, _, tail = reference.text.partition(".*")
    return [(f"{head}.{number}{tail}", value) for number, value in enumerate(found)]


def _references(node: Node) -> list[tuple[str, Scalar]]:
    """Label and name of each output: `name`, `[p3, p4]` or `{out: head, aux: aux_head}`."""
    if isinstance(node, Mapping):
        pairs: list[tuple[str | None, Node]] = list(node.entries.items())
    else:
        pairs = [(None, item) for item in (node.items if isinstance(node, Sequence) else [node])]
    if not pairs:
        raise BadItemError("'outputs' is empty; name at least one item, or leave it out", Code.MISSING, node.place)
    references: list[tuple[str, Scalar]] = []
    for label, item in pairs:
        if not isinstance(item, Scalar) or not isinstance(item.value, str):
            raise BadItemError(f"'outputs' names items, not {kind(item)}", Code.WRONG_TYPE, item.place)
        if label is not None and not (label.isprintable() and 0 < len(label) <= MAX_NAME_LENGTH):
            message = f"the name of an output must be 1 to {MAX_NAME_LENGTH} printable characters"
            raise BadItemError(message, Code.BAD_NAME, item.place)
        references.append((item.text if label is None else label, item))
    return references
