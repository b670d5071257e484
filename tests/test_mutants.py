"""The mutation tester: what it changes, what it leaves alone, and that it tells killed mutants from survivors."""

from __future__ import annotations

import ast
import subprocess
import sys
from pathlib import Path

from tests.mutants import KNOWN, known_equivalents, named
from tests.mutations import mutants

SOURCE = '''
"""At most 3."""

__slots__ = ("a", 1)
Number = int | None


def area(height: "tuple[int, 2]", width: int = 4) -> int:
    """2 + 2."""
    assert height > 0
    if height < 1 or not width:
        raise ValueError("at least 1")
    return max(height, 1) * width
'''

CHANGES = [
    ("4 -> 5", 8),
    ("4 -> 3", 8),
    ("height < 1 or not width -> height < 1 and (not width)", 11),
    ("height < 1 -> height <= 1", 11),
    ("1 -> 2", 11),
    ("1 -> 0", 11),
    ("not width -> width", 11),
    ("raise ValueError('at least 1') -> pass", 12),
    ("return max(height, 1) * width -> return None", 13),
    ("max(height, 1) * width -> max(height, 1) + width", 13),
    ("max(height, 1) -> min(height, 1)", 13),
    ("1 -> 2", 13),
    ("1 -> 0", 13),
]


def test_what_is_changed() -> None:
    found = list(mutants("module.py", SOURCE))
    assert sorted((mutant.change, mutant.line) for mutant in found) == sorted(CHANGES)
    assert len({mutant.key for mutant in found}) == len(found)
    faultless = ast.unparse(ast.parse(SOURCE))
    texts = [mutant.source() for mutant in found]
    assert len({faultless, *texts}) == len(found) + 1  # each differs, and leaves the source as it was for the next
    assert all(len(set(text.splitlines()) - set(faultless.splitlines())) == 1 for text in texts)


def test_every_known_equivalent_is_a_mutant_and_has_a_reason() -> None:
    known = known_equivalents()
    assert {mutant.key for mutant in named(known)} == set(known)
    assert all(reason.endswith(".") for reason in known.values())
    keys = [line for line in KNOWN.read_text().splitlines() if line.startswith("archlab/")]
    assert sorted(keys) == sorted(known)  # each stands there once


TRIED = """
import sys
from pathlib import Path
from tests import mutants
from tests.mutations import mutants as all_of

root = Path(sys.argv[1])
mutants.NEAR = {"layers": ("tests",)}
path = "archlab/layers/area.py"
chosen = list(all_of(path, (root / path).read_text()))
for mutant, fate in mutants.fates(root, chosen, near_only=False):
    print(fate, mutant.change)
"""


def test_killed_and_survived(tmp_path: Path) -> None:
    package = tmp_path / "archlab" / "layers"
    package.mkdir(parents=True)
    for folder in (package, package.parent):
        (folder / "__init__.py").touch()
    (package / "area.py").write_text("SIDES = 4\n\ndef area(a: int) -> int:\n    return a * a\n\nx = SIDES > 3\n")
    (tmp_path / "tests").mkdir()
    (tmp_path / "tests" / "test_area.py").write_text(
        "from archlab.layers import area\n\ndef test_it() -> None:\n    assert area.area(3) == 9 and area.x\n"
    )
    done = subprocess.run(
        [sys.executable, "-c", TRIED, str(tmp_path)],
        capture_output=True,
        text=True,
        check=True,
        cwd=Path(__file__).parent.parent,
    )
    assert done.stdout.splitlines() == [
        "survived 4 -> 5",
        "killed 4 -> 3",
        "killed return a * a -> return None",
        "killed a * a -> a + a",
        "survived SIDES > 3 -> SIDES >= 3",
        "killed 3 -> 4",
        "survived 3 -> 2",
    ]
