"""What hints say, done: each edit takes its problem away."""

from __future__ import annotations

from pathlib import Path

import pytest

from archlab.api.validate import validate
from archlab.diagnostics.place import Source
from archlab.diagnostics.problem import Problem
from archlab.editor.actions import Action, actions
from archlab.editor.diagnose import diagnoses
from archlab.editor.snapshot import Snapshot

BAD = Path(__file__).parents[1] / "bad_configs"
FEWEST = 75
"""Edits that the corpus of bad configs has been offered so far, so that they do not vanish unseen."""


def problems_of(snapshot: Snapshot) -> list[Problem]:
    *_, last = diagnoses(snapshot)
    return last


def done(text: str, action: Action) -> str:
    lines = text.split("\n")
    place = action.place
    before, after = lines[place.line][: place.column], lines[place.end_line][place.end_column :]
    return "\n".join([*lines[: place.line], before + action.text + after, *lines[place.end_line + 1 :]])


def test_every_edit_takes_its_problem_away() -> None:
    offered = 0
    for path in sorted(BAD.glob("*.yaml")):
        text = path.read_text(encoding="utf-8", errors="replace")
        snapshot = Snapshot.of(path, text)
        before = problems_of(snapshot)
        for problem in before:
            for action in actions(problem, snapshot):
                offered += 1
                left = problems_of(Snapshot.of(path, done(text, action)))
                assert _count(left, problem) < _count(before, problem), (path.name, action.title, left)
    assert offered >= FEWEST, offered


@pytest.mark.parametrize("wrong", ["", "  - {type: linear, out_features: 0}\n"])
def test_the_network_that_is_shown_is_expanded_once(wrong: str, monkeypatch: pytest.MonkeyPatch) -> None:
    """For its numbers; what was wrong with it is then said of the same expansion."""
    text = f"input: [3, 8, 8]\nlayers:\n  - {{type: relu}}\n{wrong}"
    path = Path("/nowhere/x.yaml")
    expected = validate(str(path), source=Source(str(path), text)).problems
    monkeypatch.setattr("archlab.api.validate.expand", lambda *_, **__: pytest.fail("expanded once more"))
    found = problems_of(Snapshot.of(path, text))
    assert [problem.message for problem in found] == [problem.message for problem in expected]
    assert bool(found) == bool(wrong)


def _count(problems: list[Problem], like: Problem) -> int:
    return sum(problem.message == like.message for problem in problems)


def test_kinds_of_edits() -> None:
    text = """\
input: [3, 32, 32]
layers:
  - {name: a, type: conv2d, out_channels: 8, kernal_size: 3}
  - {type: residual, body: [{type: conv2d, out_channels: 16, kernel_size: 1}]}
  - {type: self_attention, num_heads: 2}
"""
    snapshot = Snapshot.of(Path("/nowhere/x.yaml"), text)
    first = [action.title for problem in problems_of(snapshot) for action in actions(problem, snapshot)]
    assert first == ["Change to kernel_size"]
    text = text.replace("kernal", "kernel")
    snapshot = Snapshot.of(Path("/nowhere/x.yaml"), text)
    (action,) = [action for problem in problems_of(snapshot) for action in actions(problem, snapshot)]
    assert action.title == "Write shortcut: project"
    text = done(text, action)
    assert "kernel_size: 1}], shortcut: project}" in text
    snapshot = Snapshot.of(Path("/nowhere/x.yaml"), text)
    (action,) = [action for problem in problems_of(snapshot) for action in actions(problem, snapshot)]
    assert action.title == "Put {type: channels_last} in front"
    text = done(text, action)
    assert "  - {type: channels_last}\n  - {type: self_attention" in text
    assert problems_of(Snapshot.of(Path("/nowhere/x.yaml"), text)) == []
