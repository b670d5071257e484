"""Hints of messages by themselves, as programs use them; held against every message of the bad configs."""

from __future__ import annotations

import re
from pathlib import Path

import pytest

from archlab.diagnostics.hint import hint_of, meant_by

HEADS = [
    line
    for path in sorted((Path(__file__).parents[1] / "bad_configs").glob("*.out"))
    for line in path.read_text().splitlines()
    if re.search(r"  \[[a-z-]+\]$", line)
]


@pytest.mark.parametrize(
    ("message", "hint", "meant"),
    [
        ("conv2d has no option 'a'; did you mean 'b'?", "did you mean 'b'?", "b"),
        ("no layer 'x; y'", None, None),
        ("conv2d's kernel is no 'x; y' of today's; use another; or none", "use another; or none", None),
        ("the input is flat", None, None),
        ("the input is flat; put {type: flatten} in front of it", "put {type: flatten} in front of it", None),
    ],
)
def test_a_message_and_its_hint(message: str, hint: str | None, meant: str | None) -> None:
    assert (hint_of(message), meant_by(message)) == (hint, meant)


def test_every_word_that_a_bad_config_is_asked_for_is_found() -> None:
    asked = [line for line in HEADS if "did you mean" in line]
    assert len(asked) > 40
    for line in asked:
        meant = meant_by(line)
        assert meant
        assert f"did you mean '{meant}'" in (hint_of(line) or "")
