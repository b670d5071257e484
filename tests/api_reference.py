"""docs/api.md from the docstrings: every public name of `archlab`, and what the methods give.

Ours, as docs/layers.md is, and no plugin of the site's: the page is read on GitHub too, a test says whether it is true,
and nothing more is to be kept up to date.
"""

from __future__ import annotations

import inspect
import re
from collections.abc import Callable, Iterator
from importlib import import_module
from textwrap import dedent, fill
from typing import Any

import archlab

FUNCTIONS = ("load", "loads", "from_module", "compare", "build", "verify", "view")
RESULTS = {
    "Memory": "archlab.api.memory",
    "Fit": "archlab.analysis.memory.fit",
    "Bounds": "archlab.api.timing",
    "Field": "archlab.api.receptive_field",
    "Projection": "archlab.api.projective_field",
    "Explained": "archlab.api.explained",
    "Changes": "archlab.api.changes",
    "Checked": "archlab.api.check",
    "Sweep": "archlab.api.designs",
    "Best": "archlab.api.designs",
    "Diagram": "archlab.api.diagram",
    "Picture": "archlab.report.plot.picture",
    "Verification": "archlab.torch.verify",
    "Totals": "archlab.analysis.result",
    "MemoryReport": "archlab.analysis.result",
    "LayerReport": "archlab.analysis.result",
    "ReceptiveField": "archlab.analysis.receptive_field.fields",
    "AxisField": "archlab.analysis.receptive_field.axis_field",
}
"""What functions and methods give, and where that is."""
DATA = {"Totals", "MemoryReport", "LayerReport", "ReceptiveField", "AxisField", "Fit"}
"""Of these the values are told, not the methods by which archlab works with them."""
OPTIONS = {
    "ConditionOptions": "archlab.analysis.conditions",
    "Within": "archlab.api.designs",
    "LookOptions": "archlab.report.plot.look",
    "PanelOptions": "archlab.report.plot.look",
}
"""Keyword arguments that several methods take."""
MEANINGS = {"ConditionOptions": "Conditions", "LookOptions": "Look", "PanelOptions": "PanelLook"}
"""Whose docstring says what they mean."""
SECTIONS = ("Args", "Attributes", "Returns", "Raises", "Yields")
WIDTH = 100
HEAD = """# The Python reference

Every public name of `archlab`, and what its methods give, from their docstrings.
[From Python](python.md) shows how they go together. Names that are not here may change at any time.
"""


def api_reference() -> str:
    """The page."""
    parts = [HEAD, "## Functions\n"]
    parts += [_function(f"archlab.{name}", getattr(archlab, name)) for name in FUNCTIONS]
    parts.append("## Networks and their numbers\n")
    parts += [_class(getattr(archlab, name)) for name in ("Network", "Analysis", "Comparison")]
    parts.append("## What methods give\n")
    parts += [_class(_found(name, home)) for name, home in RESULTS.items()]
    parts.append("## Keyword arguments\n\nWhat stands behind `**` above: any of these may be given.\n")
    parts += [_options(name, home) for name, home in OPTIONS.items()]
    parts.append("## Problems\n")
    parts += [_class(archlab.ConfigError), _class(archlab.Problem)]
    return "\n".join(parts)


def _found(name: str, home: str) -> Any:
    return getattr(import_module(home), name)


def _class(cls: type) -> str:
    parts = [f"### `{cls.__name__}`\n", _text(inspect.getdoc(cls) or "")]
    members = [(name, member) for name, member in _members(cls) if _is_told(cls, member)]
    parts += [_function(f"{cls.__name__}.{name}", member) for name, member in members]
    return "\n".join(parts)


def _members(cls: type) -> Iterator[tuple[str, Any]]:
    """Public methods and properties, those of archlab's own base classes too, in the order of the text."""
    seen: set[str] = set()
    for base in cls.__mro__:
        if not base.__module__.startswith("archlab"):
            continue
        for name, member in vars(base).items():
            is_told = isinstance(member, property | classmethod | staticmethod) or inspect.isfunction(member)
            if not name.startswith("_") and name not in seen and is_told and not _is_generated(member):
                seen.add(name)
                yield name, member


def _is_told(cls: type, member: Any) -> bool:
    return isinstance(member, property) or cls.__name__ not in DATA


def _is_generated(member: Any) -> bool:
    return inspect.isfunction(member) and not member.__doc__


def _function(name: str, member: Any) -> str:
    if isinstance(member, property):
        kind = _type(member.fget.__annotations__.get("return", "")) if member.fget is not None else ""
        return f"#### `{name}`\n\n```py\n{name.rpartition('.')[2]}: {kind}\n```\n\n{_text(_doc(member.fget))}"
    function = member.__func__ if isinstance(member, classmethod | staticmethod) else member
    level = "###" if name.startswith("archlab.") else "####"
    code = _signature(name.rpartition(".")[2], function)
    return f"{level} `{name}`\n\n```py\n{code}\n```\n\n{_text(_doc(function))}"


def _doc(function: Any) -> str:
    return inspect.getdoc(function) or ""


def _signature(name: str, function: Callable[..., Any]) -> str:
    found = inspect.signature(function)
    arguments = [_parameter(one) for one in found.parameters.values() if one.name not in ("self", "cls")]
    kinds = [one.kind for one in found.parameters.values() if one.name not in ("self", "cls")]
    star = next((at for at, kind in enumerate(kinds) if kind is inspect.Parameter.KEYWORD_ONLY), None)
    if star is not None and inspect.Parameter.VAR_POSITIONAL not in kinds:
        arguments.insert(star, "*")
    slash = sum(kind is inspect.Parameter.POSITIONAL_ONLY for kind in kinds)
    if slash:
        arguments.insert(slash, "/")
    gives = f" -> {_type(found.return_annotation)}" if found.return_annotation is not found.empty else ""
    line = f"{name}({', '.join(arguments)}){gives}"
    if len(line) <= WIDTH - 10:
        return line
    return f"{name}(\n" + "".join(f"    {one},\n" for one in arguments) + f"){gives}"


def _parameter(one: inspect.Parameter) -> str:
    stars = {"VAR_POSITIONAL": "*", "VAR_KEYWORD": "**"}.get(one.kind.name, "")
    kind = f": {_type(one.annotation)}" if one.annotation is not one.empty else ""
    default = ""
    if one.default is not one.empty:
        default = f"{' = ' if kind else '='}{one.default!r}"
    return f"{stars}{one.name}{kind}{default}"


def _type(annotation: object) -> str:
    text = annotation if isinstance(annotation, str) else getattr(annotation, "__name__", str(annotation))
    return re.sub(r"Unpack\[(\w+)\]", r"\1", text)


def _text(doc: str) -> str:
    """A docstring as Markdown: its sentences, then what its sections name as lists."""
    lines: list[str] = []
    section, items = "", list[str]()
    paragraph: list[str] = []

    def close() -> None:
        if paragraph:
            lines.extend([fill(" ".join(paragraph), WIDTH, break_long_words=False, break_on_hyphens=False), ""])
            paragraph.clear()
        if items:
            lines.extend([f"{section}:\n", *[_item(item) for item in items], ""])
            items.clear()

    for line in dedent(doc).splitlines():
        if line.rstrip(":") in SECTIONS and line.endswith(":"):
            close()
            section = {"Args": "Arguments"}.get(line[:-1], line[:-1])
        elif section and line.startswith("    "):
            if line[4] != " " and (section in ("Arguments", "Attributes", "Raises") or not items):
                items.append(line.strip())
            else:
                items[-1] += f" {line.strip()}"
        elif line.strip():
            section = ""
            paragraph.append(line.strip())
        else:
            close()
    close()
    return "\n".join(lines)


def _item(text: str) -> str:
    name, colon, rest = text.partition(": ")
    is_named = bool(colon) and re.fullmatch(r"\*{0,2}[\w.]+", name) is not None
    words = f"`{name}`: {rest}" if is_named else text
    return fill(words, WIDTH, initial_indent="- ", subsequent_indent="  ", break_long_words=False,
                break_on_hyphens=False)  # fmt: skip


def _options(name: str, home: str) -> str:
    cls = _found(name, home)
    meaning = _found(MEANINGS[name], home) if name in MEANINGS else cls
    told = _attributes(inspect.getdoc(meaning) or "")
    lines = [f"### `{name}`\n"]
    for option, kind in cls.__annotations__.items():
        words = f"`{option}` (`{_type(getattr(kind, '__forward_arg__', kind))}`): {told[option]}"
        lines.append(fill(words, WIDTH, initial_indent="- ", subsequent_indent="  ", break_long_words=False,
                          break_on_hyphens=False))  # fmt: skip
    return "\n".join([*lines, ""])


def _attributes(doc: str) -> dict[str, str]:
    """What a docstring says of each attribute."""
    _, _, rest = doc.partition("Attributes:\n")
    found: dict[str, str] = {}
    for line in rest.splitlines():
        if not line.startswith("    "):
            break
        if line[4] != " ":
            name, _, words = line.strip().partition(": ")
            found[name] = words
        else:
            found[[*found][-1]] += f" {line.strip()}"
    return found
