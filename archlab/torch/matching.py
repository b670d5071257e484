"""Which module of a state dict goes to which of a network: by names where they say so, else in order.

A state dict tells names, shapes and an order. Two modules can be one only if they own the same kinds of tensors in the
same shapes; where several can, what their names share decides, most shared first. What names leave open is taken in
order. Dimensions of one at the end say nothing: a 1x1 convolution is a linear layer. A single tensor that no other side
has under its name (`gamma` of a layer scale, `skipinit_gain`) may be another single one of its shape. The order is told
to be certain

* where each is the only one of its shapes that is left;
* where numbers in the names of the state dict count it (`features.0`, `features.3`), and the network's names or its
  edges as well;
* for a norm that stands beside the layer that its counterpart stands beside.

Else other orders fit as well, and whoever asked is to be warned.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Iterable, Iterator, Sequence
from dataclasses import dataclass, field
from itertools import pairwise
from typing import Literal, NamedTuple

COUNTER = "num_batches_tracked"
"""Which old state dicts lack, and which nothing but a cumulative mean needs."""
_TENSOR_MEANING = {"gamma": "layer_scale", "scale": "layer_scale"}
"""Words of other code for the tensors of one thing."""
MOST_COMPARED = 300
"""Modules of one kind beyond which only equal names are looked for."""
EQUAL_NAMES = 1_000
"""Words that equal names share."""

How = Literal["name", "order", "doubt"]
Naming = Callable[[str], str]
Follows = Callable[[str, str], bool]
"""Whether a module of the network reads what another gives, directly or through others: both by name."""


class Slot(NamedTuple):
    """One tensor of a state dict."""

    name: str
    shape: tuple[int, ...]

    @property
    def word(self) -> str:
        """The last part of its name, which says what it is."""
        return self.name.rpartition(".")[2]

    @property
    def meaning(self) -> str:
        """What it is, for which other code has other words."""
        return _TENSOR_MEANING.get(self.word, self.word)

    @property
    def module(self) -> str:
        """The rest of its name."""
        return self.name.rpartition(".")[0]

    @property
    def extent(self) -> tuple[int, ...]:
        """Its shape without dimensions of one at the end: that of a linear layer for a 1x1 convolution."""
        size = len(self.shape)
        while size and self.shape[size - 1] == 1:
            size -= 1
        return self.shape[:size]

    def __str__(self) -> str:
        return f"{self.name} ({'x'.join(map(str, self.shape)) or 'a number'})"


@dataclass(slots=True)
class Module:
    """The tensors of one module, in order.

    Attributes:
        name: of the module, without what wraps the whole model.
        place: among the modules.
        slots: its tensors.
    """

    name: str
    place: int
    slots: list[Slot] = field(default_factory=list)

    @property
    def owned(self) -> tuple[str, ...]:
        """What it owns, in the order of words."""
        return tuple([slot.meaning for slot in self._sorted()])

    @property
    def shapes(self) -> tuple[tuple[int, ...], ...]:
        """Of what it owns, without dimensions of one at the end."""
        return tuple([slot.extent for slot in self._sorted()])

    def _sorted(self) -> list[Slot]:
        return sorted([slot for slot in self.slots if slot.word != COUNTER], key=lambda slot: slot.meaning)


Kinds = dict[tuple[tuple[str, ...], tuple[tuple[int, ...], ...]], list[Module]]
"""Modules by what they own and its shapes."""


class Pair(NamedTuple):
    """A module of the network, that of the state dict, and what says that they belong together."""

    mine: Module
    other: Module
    how: How


def match_modules(ours: Iterable[Slot], theirs: Iterable[Slot], follows: Follows) -> list[Pair]:
    """Modules of both sides that belong together.

    Args:
        ours: the network's tensors, in order.
        theirs: the state dict's.
        follows: what the network's edges say about the order.
    """
    mine, others = _modules(ours), _modules(theirs)
    _unwrap(mine, others)
    kinds, other_kinds = _kinds(mine), _kinds(others)
    naming = _numbered_alike(mine, others)
    pairs = [pair for kind in kinds for pair in _match_kind(kinds[kind], other_kinds.get(kind, []), naming, follows)]
    pairs += _match_single(kinds, other_kinds, pairs, follows)
    return _settle_norms([*pairs, *_align_rest(kinds, other_kinds, pairs)])


def _modules(slots: Iterable[Slot]) -> list[Module]:
    modules: dict[str, Module] = {}
    for slot in slots:
        modules.setdefault(slot.module, Module(slot.module, len(modules))).slots.append(slot)
    return list(modules.values())


def _unwrap(ours: list[Module], theirs: list[Module]) -> None:
    """Take off what all of the state dict's names begin with and the network's do not, as `module.` of DataParallel."""
    while theirs:
        first = theirs[0].name.partition(".")[0] + "."
        if not all(module.name.startswith(first) for module in theirs):
            return
        if any(module.name.startswith(first) for module in ours):
            return
        for module in theirs:
            module.name = module.name.removeprefix(first)


def _kinds(modules: list[Module]) -> Kinds:
    """The modules by what they own and its shapes."""
    found: Kinds = {}
    for module in modules:
        found.setdefault((module.owned, module.shapes), []).append(module)
    return found


# -- names ----------------------------------------------------------------------------------------------------------


def _numbered_alike(ours: list[Module], theirs: list[Module]) -> Naming:
    """Names without the numbers that the two sides do not mean alike: branch1 to branch4 beside branch0 to branch3."""
    mine, others = _numbers(ours), _numbers(theirs)
    unlike = {stem for stem in mine.keys() & others.keys() if mine[stem] - others[stem] and others[stem] - mine[stem]}
    if not unlike:
        return str

    def naming(name: str) -> str:
        return ".".join([f"{stem}#" if (stem := _stem(part)) in unlike else part for part in name.split(".")])

    return naming


def _numbers(modules: list[Module]) -> dict[str, set[str]]:
    """Words that have numbers behind them, with these."""
    found: dict[str, set[str]] = {}
    for part in {part for module in modules for part in module.name.split(".")}:
        stem = _stem(part)
        if stem and stem != part:
            found.setdefault(stem, set()).add(part)
    return found


def _stem(part: str) -> str:
    return part.rstrip("0123456789")


def _match_kind(ours: list[Module], theirs: list[Module], naming: Naming, follows: Follows) -> list[Pair]:
    """The pairs of one kind, all of them where both sides have as many."""
    pairs = _by_names(ours, theirs, naming, follows)
    if any(_differ_in_numbers(pair) for pair in pairs):
        # Both number what they have, but from another number on, or in other steps.
        return _by_names(ours, theirs, _without_numbers, follows)
    return pairs


def _by_names(ours: list[Module], theirs: list[Module], naming: Naming, follows: Follows) -> list[Pair]:
    """Those that share most words first; then those that share fewer; the rest where it is as large on both sides."""
    pairs: list[Pair] = []
    free = (dict(enumerate(ours)), dict(enumerate(theirs)))
    for edges in _levels(ours, theirs, naming):
        open_edges = [(i, j) for i, j in edges if i in free[0] and j in free[1]]
        for mine, others in _components(open_edges):
            if len(mine) == len(others):
                modules = [free[0].pop(i) for i in mine], [free[1].pop(j) for j in others]
                pairs += _zipped(*modules, "name" if len(mine) == 1 else _order(*modules, follows))
    if len(free[0]) == len(free[1]):
        modules = list(free[0].values()), list(free[1].values())
        pairs += _zipped(*modules, _order(*modules, follows))
    return pairs


def _levels(ours: list[Module], theirs: list[Module], naming: Naming) -> list[list[tuple[int, int]]]:
    """Pairs of places whose names share something, those that share most first."""
    mine, others = ([naming(module.name) for module in side] for side in (ours, theirs))
    places: dict[str, list[int]] = {}
    for j, name in enumerate(others):
        places.setdefault(name, []).append(j)
    by_worth = {EQUAL_NAMES: [(i, j) for i, name in enumerate(mine) for j in places.get(name, ())]}
    if max(len(ours), len(theirs)) <= MOST_COMPARED:
        other_words = [_words(name) for name in others]
        for i, name in enumerate(mine):
            words = _words(name)
            for j, other in enumerate(other_words):
                by_worth.setdefault(_shared(words, other), []).append((i, j))
    by_worth.pop(0, None)
    return [by_worth[worth] for worth in sorted(by_worth, reverse=True)]


def _components(edges: list[tuple[int, int]]) -> list[tuple[list[int], list[int]]]:
    """Places on both sides that hang together, each side in order."""
    readers: dict[int, list[int]] = {}
    read: dict[int, list[int]] = {}
    for i, j in edges:
        readers.setdefault(i, []).append(j)
        read.setdefault(j, []).append(i)
    found: list[tuple[list[int], list[int]]] = []
    seen: set[int] = set()
    for start in readers:
        if start in seen:
            continue
        mine, others, waiting = {start}, set[int](), [start]
        while waiting:
            for j in readers[waiting.pop()]:
                if j not in others:
                    others.add(j)
                    waiting += [i for i in read[j] if i not in mine]
                    mine.update(read[j])
        seen |= mine
        found.append((sorted(mine), sorted(others)))
    return found


def _zipped(ours: list[Module], theirs: list[Module], how: How) -> list[Pair]:
    return [Pair(mine, other, how) for mine, other in zip(ours, theirs, strict=True)]


def _order(ours: list[Module], theirs: list[Module], follows: Follows) -> How:
    """Whether the order of both sides is the only one."""
    if len(ours) == 1:
        return "order"
    known = _are_counted(theirs) and all(
        _counts_on(one.name, next_.name) or follows(one.name, next_.name) for one, next_ in pairwise(ours)
    )
    return "order" if known else "doubt"


def _are_counted(modules: list[Module]) -> bool:
    """Whether a number in the names says the order."""
    return all(_counts_on(one.name, next_.name) for one, next_ in pairwise(modules))


def _counts_on(name: str, following: str) -> bool:
    parts, others = (re.findall(r"\d+|\D+", text) for text in (name, following))
    for part, other in zip(parts, others, strict=False):
        if part != other:
            return part.isdigit() and other.isdigit() and int(part) < int(other)
    return False


def _differ_in_numbers(pair: Pair) -> bool:
    mine, other = pair.mine.name, pair.other.name
    return mine != other and _without_numbers(mine) == _without_numbers(other)


def _without_numbers(name: str) -> str:
    return re.sub(r"\d+", "#", name)


_ALIKE = {
    "shortcut": ("shortcut", "downsample", "skip", "skip_layer", "skip_conv", "projection", "identity_conv"),
    "se": ("se", "se_module", "se_layer", "se_block", "squeeze_excitation", "squeeze_excite"),
}
"""Words of other code for one thing."""
_MEANING = {word: meaning for meaning, words in _ALIKE.items() for word in words}
_NORM = re.compile(r"\A(?:bn|norm|batch_norm|batchnorm)(?=\d*\Z)")
_SAYS_NOTHING = ("conv", "norm", "linear", "fc")
"""What a layer is its shapes say already; a number behind it says which."""


def _words(name: str) -> tuple[str, ...]:
    """The words of a name that say which module it is; a bare number belongs to the word in front of it."""
    words: list[str] = []
    owner = ""
    for part in name.lower().split("."):
        if not part.isdigit():
            owner = _MEANING.get(part, _NORM.sub("norm", part))
            said = owner
        else:
            said = owner = f"{owner}.{part}" if owner else ""
        if said and said not in _SAYS_NOTHING:
            words.append(said)
    return tuple(words)


def _shared(words: Sequence[str], others: Sequence[str]) -> int:
    """How many words both have in the same order (the longest common subsequence)."""
    row = [0] * (len(others) + 1)
    for word in words:
        before = 0
        for j, other in enumerate(others, 1):
            before, row[j] = row[j], before + 1 if word == other else max(row[j], row[j - 1])
    return row[-1]


# -- order ----------------------------------------------------------------------------------------------------------


def _match_single(mine: Kinds, others: Kinds, done: list[Pair], follows: Follows) -> list[Pair]:
    """Those of one tensor that go by another name on the other side, where both have as many of its shape."""
    shapes: dict[tuple[tuple[int, ...], ...], tuple[list[Module], list[Module]]] = {}
    for side, module in _left(mine, others, done):
        if len(module.shapes) == 1:
            shapes.setdefault(module.shapes, ([], []))[side].append(module)
    return [
        pair
        for ours, theirs in shapes.values()
        if ours and len(ours) == len(theirs)
        for pair in _zipped(ours, theirs, _order(ours, theirs, follows))
    ]


def _align_rest(mine: Kinds, others: Kinds, done: list[Pair]) -> list[Pair]:
    """Where one side has more modules of a kind: as many pairs as possible, in order."""
    rest: dict[tuple[str, ...], tuple[list[Module], list[Module]]] = {}
    for side, module in _left(mine, others, done):
        rest.setdefault(module.owned, ([], []))[side].append(module)
    return [pair for ours, theirs in rest.values() for pair in _aligned(ours, theirs)]


def _left(mine: Kinds, others: Kinds, done: list[Pair]) -> Iterator[tuple[int, Module]]:
    """What no pair has yet, each side (0, 1) in order."""
    for side, kinds in enumerate((mine, others)):
        taken = {(pair.mine, pair.other)[side].name for pair in done}
        left = [module for modules in kinds.values() for module in modules if module.name not in taken]
        for module in sorted(left, key=lambda module: module.place):
            yield side, module


def _aligned(ours: list[Module], theirs: list[Module]) -> list[Pair]:
    """The alignment of two sequences (Needleman & Wunsch 1970) by their shapes."""
    best = [[0] * (len(theirs) + 1) for _ in range(len(ours) + 1)]  # of what begins at both places
    fits = [[mine.shapes == other.shapes for other in theirs] for mine in ours]
    for i in range(len(ours) - 1, -1, -1):
        for j in range(len(theirs) - 1, -1, -1):
            best[i][j] = max(best[i + 1][j], best[i][j + 1], best[i + 1][j + 1] + 1 if fits[i][j] else 0)
    pairs: list[Pair] = []
    i = j = 0
    while i < len(ours) and j < len(theirs):
        if fits[i][j] and best[i][j] == best[i + 1][j + 1] + 1:
            pairs.append(Pair(ours[i], theirs[j], "doubt"))
            i, j = i + 1, j + 1
        elif best[i][j] == best[i + 1][j]:
            i += 1
        else:
            j += 1
    return pairs


def _settle_norms(pairs: list[Pair]) -> list[Pair]:
    """The pairs, those of norms no longer in doubt whose neighbours belong together.

    A norm owns vectors only. It stands behind its layer, or in front of it.
    """
    settled = {pair.mine.place: pair.other.place for pair in pairs if pair.how != "doubt"}
    found: list[Pair] = []
    for pair in pairs:
        mine, other = pair.mine.place, pair.other.place
        is_norm = all(len(shape) == 1 for shape in pair.mine.shapes)
        beside = any(settled.get(mine + step, other) == other + step for step in (-1, 1))
        found.append(pair._replace(how="order") if pair.how == "doubt" and is_norm and beside else pair)
    return found
