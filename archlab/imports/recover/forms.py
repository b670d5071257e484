"""What a config is made of, as found in one call of a module: layers, uses of blocks, residuals, branches, repeats."""

from __future__ import annotations

from collections.abc import Hashable, Sequence
from dataclasses import dataclass, field
from typing import Any

from archlab.imports.recover.regions import Region

Options = dict[str, Any]


@dataclass(eq=False, slots=True)
class Form:
    """An item of a list of layers.

    Attributes:
        inputs: values that enter, by number.
        values: values that others may read, the one for the line below first.
        start: the first item of the flat list that it stands for.
        stop: the one behind the last.
    """

    inputs: tuple[int, ...]
    values: tuple[int, ...]
    start: int
    stop: int

    @property
    def value(self) -> int:
        """What the line below reads."""
        return self.values[0]

    @property
    def key(self) -> Hashable:
        """Equal for forms that differ in options and wiring only."""
        raise NotImplementedError


@dataclass(eq=False, slots=True)
class Chain:
    """A list of layers.

    Attributes:
        source: the value that its first line reads.
        forms: the items.
    """

    source: int
    forms: list[Form]

    @property
    def value(self) -> int:
        """What it gives."""
        return self.forms[-1].value if self.forms else self.source

    @property
    def key(self) -> Hashable:
        """Equal for lists whose items differ in options and wiring only."""
        return tuple([form.key for form in self.forms])


@dataclass(eq=False, slots=True)
class LayerForm(Form):
    """A layer, with the norm and activation written on it.

    Attributes:
        type: its type.
        options: its options; `norm` and `activation` are a type or a mapping.
        share: the value whose layer this is once more.
    """

    type: str = ""
    options: Options = field(default_factory=dict)
    share: int | None = None

    @property
    def key(self) -> Hashable:
        """Its type."""
        return self.type, self.share is not None


@dataclass(eq=False, slots=True)
class UseForm(Form):
    """A use of a block.

    Attributes:
        region: the call that it stands for.
        block: the block's number; None while it is not known.
        arguments: of its params.
        number: which use of the block it is, from 0.
    """

    region: Region | None = None
    block: int | None = None
    arguments: Options = field(default_factory=dict)
    number: int = 0

    @property
    def key(self) -> Hashable:
        """Its block."""
        return "use", self.block


@dataclass(eq=False, slots=True)
class ResidualForm(Form):
    """A residual.

    Attributes:
        body: its layers.
        shortcut: its layers, none for the identity; None where nothing is added.
        is_shortcut_first: whether these come before the body's.
        options: norm and activation.
    """

    body: Chain = field(default_factory=lambda: Chain(0, []))
    shortcut: Chain | None = None
    is_shortcut_first: bool = False
    options: Options = field(default_factory=dict)

    @property
    def key(self) -> Hashable:
        """Its body and shortcut."""
        shortcut = None if self.shortcut is None else self.shortcut.key
        return "residual", self.body.key, shortcut, self.is_shortcut_first, tuple(self.options)


@dataclass(eq=False, slots=True)
class BranchesForm(Form):
    """Branches.

    Attributes:
        paths: from one value, or from shares of it.
        merge: the join.
        split: the channels of each, where they are shared out; None where each reads all.
    """

    paths: list[Chain] = field(default_factory=list)
    merge: str = "concat"
    split: tuple[int, ...] | None = None

    @property
    def key(self) -> Hashable:
        """Its join and paths."""
        return "branches", self.merge, self.split is None, tuple([path.key for path in self.paths])


@dataclass(eq=False, slots=True)
class RepeatForm(Form):
    """An item several times, one behind the other.

    Attributes:
        forms: each time.
        is_dense: whether each reads the source and all repetitions before it, joined.
    """

    forms: Sequence[Form] = ()
    is_dense: bool = False

    @property
    def key(self) -> Hashable:
        """That of what is repeated."""
        return ("dense", self.forms[0].key) if self.is_dense else self.forms[0].key


def contents(form: Form, base: int = 0) -> Hashable:
    """All that a form says, wiring among its parts included; equal for equal ones anywhere.

    Args:
        form: it.
        base: the value from which others are counted.
    """
    wiring = tuple([value - base for value in form.inputs])
    if isinstance(form, LayerForm):
        return wiring, form.type, repr(form.options), form.share
    if isinstance(form, UseForm):
        return wiring, "use", form.block, repr(form.arguments)
    if isinstance(form, ResidualForm):
        skip = None if form.shortcut is None else _chain_contents(form.shortcut, base)
        return wiring, _chain_contents(form.body, base), skip, form.is_shortcut_first, repr(form.options)
    if isinstance(form, BranchesForm):
        return wiring, form.merge, form.split, tuple([_chain_contents(path, base) for path in form.paths])
    assert isinstance(form, RepeatForm)
    return wiring, form.is_dense, tuple([contents(one, base) for one in form.forms])


def _chain_contents(chain: Chain, base: int) -> Hashable:
    return chain.source - base, tuple([contents(form, base) for form in chain.forms])
