"""The modules of a source as a tree of calls, each a run of neighbouring items."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field

from archlab.imports.flat import Flat, Item, Scope


@dataclass(eq=False, slots=True)
class Region:
    """One call of a module.

    Attributes:
        scope: the module, its class and which call of it this is.
        children: items, by number, and calls inside, in order.
    """

    scope: Scope
    children: list[Region | int] = field(default_factory=list)

    @property
    def items(self) -> range:
        """The numbers of all items in it."""
        first, last = self.children[0], self.children[-1]
        start = first if isinstance(first, int) else first.items.start
        stop = last + 1 if isinstance(last, int) else last.items.stop
        return range(start, stop)

    @property
    def inside(self) -> Iterator[Region]:
        """The calls in it, those of the innermost modules first."""
        for child in self.children:
            if isinstance(child, Region):
                yield from child.inside
                yield child


def tree_of(flat: Flat) -> Region:
    """The call of the whole, with all calls in it. A call that others interrupt is several."""
    root = Region(Scope("", flat.name))
    running: list[Region] = [root]
    for number, item in enumerate(flat.items):
        scopes = _below_root(item)
        depth = 0
        while depth < min(len(scopes), len(running) - 1) and running[depth + 1].scope == scopes[depth]:
            depth += 1
        del running[depth + 1 :]
        for scope in scopes[depth:]:
            region = Region(scope)
            running[-1].children.append(region)
            running.append(region)
        running[-1].children.append(number)
    return root


def _below_root(item: Item) -> Sequence[Scope]:
    return item.scopes[1:] if item.scopes and not item.scopes[0].path else item.scopes
