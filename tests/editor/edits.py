"""Random edits of configs, as someone types: after each one what an editor is shown is compared with a new analysis.

`python -m tests.editor.edits 10000` does many; the suite a few.
"""

from __future__ import annotations

import random
import sys
from pathlib import Path

from archlab.api.network import expand_document
from archlab.config.tree.items import Item, all_items
from archlab.config.tree.presets import preset_folder
from archlab.config.tree.targets import open_text
from archlab.diagnostics.place import Source
from archlab.diagnostics.problem import ConfigError
from archlab.editor.completion import complete
from archlab.editor.desk import Desk
from archlab.editor.hints import end_of, hints
from archlab.editor.hover import hover
from archlab.editor.lens import lenses
from archlab.editor.renaming import word_at
from archlab.editor.snapshot import Snapshot
from archlab.editor.symbols import folds, symbols
from archlab.editor.tree import tree_of

CONFIGS = ("alexnet", "resnet", "mobilenet_v2", "googlenet", "unet")
TYPED = (
    "x",
    "3",
    "{",
    "}",
    "[",
    "]",
    ":",
    ",",
    " ",
    "\n",
    "- ",
    "#",
    "'",
    '"',
    "$",
    "$(",
    ")",
    "&a",
    "*a",
    "é",
    "😀",
    "\t",
)
PATH = Path("/nowhere/net.yaml")


def edited(name: str, seed: int) -> str:
    """A preset's text after one to four edits: typed, taken away, doubled, exchanged, or another number."""
    random_ = random.Random(f"{name} {seed}")
    text = (preset_folder() / f"{name}.yaml").read_text()
    for _ in range(random_.randint(1, 4)):
        at = random_.randrange(len(text) + 1)
        match random_.randrange(6):
            case 0:
                text = text[:at] + random_.choice(TYPED) + text[at:]
            case 1:
                text = text[:at] + text[at + random_.randint(1, 12) :]
            case 2:
                text = _with_line(text, random_, times=2)
            case 3:
                text = _with_line(text, random_, times=0)
            case 4:
                text = text[:at]
            case _:
                text = _other_number(text, random_)
    return text


def _with_line(text: str, random_: random.Random, times: int) -> str:
    lines = text.split("\n")
    at = random_.randrange(len(lines))
    return "\n".join([*lines[:at], *lines[at : at + 1] * times, *lines[at + 1 :]])


def _other_number(text: str, random_: random.Random) -> str:
    places = [at for at, letter in enumerate(text) if letter.isdigit()]
    if not places:
        return text
    at = random_.choice(places)
    return text[:at] + random_.choice("0123456789") + text[at + 1 :]


def faults(text: str, before: str = "") -> list[str]:
    """What is wrong with what an editor is shown of a text.

    Args:
        text: as it is now.
        before: as it was.
    """
    desk = Desk()
    desk.put("net", PATH, before)
    desk.snapshot("net")
    desk.put("net", PATH, text)
    snapshot = desk.snapshot("net")
    if snapshot is None:
        return []
    found = _compared(snapshot, text)
    asked(snapshot, text)
    return found


def _compared(snapshot: Snapshot, text: str) -> list[str]:
    try:
        variant = "" if snapshot.variant is None else snapshot.variant.name
        document, chosen, problems = open_text(Source("net", text), "net", variant)
        analysis = expand_document(document, chosen, problems, params={}).analyze()
    except ConfigError as error:
        shown = sorted((problem.message, problem.code) for problem in snapshot.problems)
        told = sorted((problem.message, problem.code) for problem in error.problems)
        return [] if shown == told else [f"shown {shown}, not {told}"]
    if snapshot.analysis is None or snapshot.document is None or snapshot.document.layers is None:
        return [f"no analysis: {snapshot.problems}"]
    outermost = {id(item) for item in snapshot.document.layers.items}
    sums = [snapshot.numbers.between(v.start, v.stop) for v in snapshot.visits.found if id(v.item) in outermost]
    total = [sum(part) for part in zip(*sums, strict=True)]
    wanted = [analysis.total.params, analysis.total.macs]
    wrong = [] if total == wanted else [f"{total} is not {wanted}"]
    places = {(hint.line, hint.column) for hint in hints(snapshot)}
    used = {id(visit.item) for visit in snapshot.visits.found if visit.value is not None}
    lists = [snapshot.document.layers, *[block.layers for block in snapshot.document.blocks.values()]]
    for item in (item for layers in lists for item in all_items(layers)):
        own = isinstance(item, Item) and item.place.source is snapshot.source
        if own and id(item) in used and end_of(item.place) not in places:
            wrong.append(f"no hint at {item.place.text}")
    return wrong


def asked(snapshot: Snapshot, text: str) -> None:
    """Whatever an editor asks must have an answer."""
    hints(snapshot)
    lenses(snapshot)
    root = tree_of(snapshot.source)
    if root is not None:
        symbols(root)
        folds(root)
    random_ = random.Random(text)
    lines = snapshot.source.lines
    for _ in range(3):
        line = random_.randrange(len(lines))
        column = random_.randint(0, len(lines[line]))
        complete(text, line, column, PATH.parent, snapshot.document)
        hover(snapshot, line, column)
        word_at(snapshot, line, column)


def main(count: int, first: int = 0) -> int:
    """Many edits, one behind the other."""
    wrong = 0
    before = ""
    for seed in range(first, first + count):
        name = CONFIGS[seed % len(CONFIGS)]
        text = edited(name, seed)
        for fault in faults(text, before):
            wrong += 1
            print(f"{name} {seed}: {fault}", flush=True)
        before = text
    print(f"{count} edits, {wrong} faults")
    return int(wrong > 0)


if __name__ == "__main__":
    sys.exit(main(*[int(word) for word in sys.argv[1:]]))
