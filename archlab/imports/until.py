"""Results wanted instead of a file's own: what some of its layers or modules give."""

from __future__ import annotations

from dataclasses import replace

from archlab.diagnostics.codes import Code
from archlab.diagnostics.problem import single_problem
from archlab.diagnostics.suggest import did_you_mean
from archlab.graph import OutputForm
from archlab.imports.flat import Flat
from archlab.imports.prune import pruned

RAW = "raw"


def with_results(flat: Flat, until: str | None) -> Flat:
    """A flat network that ends in what is wanted, without what is behind; itself where that is its own results.

    Args:
        flat: it.
        until: paths of layers or of modules, with commas between; a module gives what its last layer gives.

    Raises:
        ConfigError: if it has no such layers or modules.
    """
    if until is None:
        return flat
    if until == RAW:
        hint = "name the layers or modules whose outputs are wanted: --until head.cls,head.reg"
        raise single_problem(f"what a file's head decodes is not known; {hint}", Code.WRONG_VALUE)
    values = _values(flat)
    paths = list(dict.fromkeys(path.strip() for path in until.split(",") if path.strip()))
    for path in paths:
        if path not in values:
            hint = did_you_mean(path, values) or f"; it has {', '.join(list(values)[:4])} and others"
            raise single_problem(f"the file has no layer or module '{path}'{hint}", Code.UNKNOWN_NAME)
    outputs = [(path.replace(".", "_"), values[path]) for path in paths]
    form: OutputForm = "single" if len(outputs) == 1 else "dict"
    return pruned(replace(flat, outputs=outputs, output_form=form), {})


def _values(flat: Flat) -> dict[str, int]:
    """What each layer gives, and each module: the last layer in it."""
    found: dict[str, int] = {}
    for value, item in enumerate(flat.items, len(flat.inputs)):
        for path in [scope.path for scope in item.scopes if scope.path] + [item.path]:
            found[path] = value
    return found
