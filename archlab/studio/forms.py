"""What may be asked: a form for each method, which a request must fit before anything is done with it."""

from __future__ import annotations

from typing import Annotated, Any, Literal, TypeVar

from pydantic import AfterValidator, BaseModel, ConfigDict, Field, ValidationError

from archlab.config.syntax.limits import MAX_FILE_BYTES, MAX_INTEGER, MAX_PARAMS, MAX_STRING_LENGTH
from archlab.diagnostics.place import printable
from archlab.diagnostics.suggest import did_you_mean
from archlab.diagnostics.words import listed
from archlab.editor.parts import PARTS

MOST_LISTED = 64
"""Values of a param that is a list."""


class RequestError(Exception):
    """A request that cannot be answered, with the reason in plain words."""


def _plain(value: Any) -> Any:
    """A value that a param can have.

    Raises:
        ValueError: for any other.
    """
    if isinstance(value, list):
        if len(value) > MOST_LISTED or any(isinstance(part, list) for part in value):
            raise ValueError(f"a list has at most {MOST_LISTED} numbers, texts, or true and false")
        return [_plain(part) for part in value]
    if isinstance(value, str) and len(value) > MAX_STRING_LENGTH:
        raise ValueError(f"a text has at most {MAX_STRING_LENGTH:,} characters")
    if isinstance(value, bool | str):
        return value
    if isinstance(value, int | float) and -MAX_INTEGER <= value <= MAX_INTEGER:  # NaN is in no order
        return value
    raise ValueError("a value is a number, a text, true or false, or a list of them")


def _hint_part(name: str) -> str:
    if name not in PARTS:
        raise ValueError(f"there are {', '.join(PARTS)}")
    return name


Text = Annotated[str, Field(max_length=MAX_FILE_BYTES)]
Name = Annotated[str, Field(max_length=500)]
Position = Annotated[int, Field(ge=0, le=MAX_FILE_BYTES)]
Settings = Annotated[dict[Name, Annotated[Any, AfterValidator(_plain)]], Field(max_length=MAX_PARAMS)]


class Form(BaseModel):
    """A request: nothing besides what it names, and nothing of another kind."""

    model_config = ConfigDict(extra="forbid", strict=True, frozen=True)


class Nothing(Form):
    """No arguments."""


class Shown(Form):
    """A text, and which of its networks is meant."""

    text: Text
    variant: Name = ""
    set: Settings = {}


class Check(Shown):
    """All that is known of a text."""

    parts: tuple[Annotated[str, AfterValidator(_hint_part)], ...] = Field(PARTS, max_length=len(PARTS), strict=False)
    all_variants: bool = Field(default=False, alias="validate")
    rows_from: Annotated[int, Field(ge=0)] = 0
    depth: Annotated[int, Field(ge=1, le=100)] | None = None


class At(Shown):
    """A position of a text: a line, and a column in UTF-16 units."""

    line: Position
    column: Position


class Whole(Form):
    """A text alone."""

    text: Text


class Picture(Shown):
    """A drawing."""

    theme: Literal["light", "dark"] = "light"
    colour: Literal["params", "macs", "memory"] | None = None
    depth: Annotated[int, Field(ge=1, le=100)] | None = None


class OfLayer(Shown):
    """A layer, by its path; the one of the totals by default."""

    layer: Name | None = None
    theme: Literal["light", "dark"] = "light"


class Changed(Shown):
    """A text beside one that was kept."""

    kept: Shown


class Preset(Form):
    """A config to start from."""

    name: Name
    variant: Name = ""


class Download(Shown):
    """A file to take away."""

    kind: Literal["yaml", "py", "html", "md", "csv", "json", "report"]


Read = TypeVar("Read", bound=Form)


def read_form(form: type[Read], method: str, request: object) -> Read:
    """A request that fits its form.

    Raises:
        RequestError: if it does not, with what is wrong with it.
    """
    try:
        return form.model_validate(request)
    except ValidationError as error:
        raise RequestError(_told(form, method, error)) from None


def _told(form: type[Form], method: str, error: ValidationError) -> str:
    """The first thing that is wrong."""
    first = error.errors(include_url=False, include_input=False, include_context=False)[0]
    where = ".".join([printable(str(part))[:80] for part in first["loc"]])
    if first["type"] == "missing":
        return f"{method} needs '{where}'"
    if first["type"] == "extra_forbidden" and len(first["loc"]) == 1:
        known = [field.alias or name for name, field in form.model_fields.items()]
        return f"{method} has no '{where}'{did_you_mean(where, known) or f'; it has {listed(known)}'}"
    what = printable(first["msg"].removeprefix("Value error, "))[:300]
    return f"{method}: '{where}': {what}" if where else f"{method}: {what}"
