"""Files that were looked for, and waiting for a change: replaced in one step, gone for a moment, written for long."""

from __future__ import annotations

import os
import time
from collections.abc import Callable
from pathlib import Path

import pytest

import archlab
from archlab.diagnostics.problem import ConfigError
from archlab.files import states
from archlab.files.states import MOST_SETTLING, sought_files, state_of, states_now, wait_for_change

CONFIG = "input: [3, 8, 8]\nlayers:\n  - {name: a, type: relu}\n"


@pytest.fixture
def sleeps(monkeypatch: pytest.MonkeyPatch) -> Callable[..., list[float]]:
    """What happens in each sleep, one after the other; their lengths are returned."""

    def script(*happens: Callable[[], object]) -> list[float]:
        slept: list[float] = []

        def sleep(seconds: float) -> None:
            assert len(slept) < 200, "it waits without end"
            slept.append(seconds)
            if len(slept) <= len(happens):
                happens[len(slept) - 1]()

        monkeypatch.setattr(time, "sleep", sleep)
        return slept

    return script


def nothing() -> None:
    pass


def test_what_is_looked_for_is_taken_down_whether_it_is_there_or_not(tmp_path: Path) -> None:
    net, base = tmp_path / "net.yaml", tmp_path / "base.yaml"
    net.write_text("extends: base.yaml\n")
    with sought_files() as sought, pytest.raises(ConfigError):
        archlab.load(net)
    assert sought == {net: state_of(net), base: None}
    base.write_text(CONFIG)
    with sought_files() as sought:
        archlab.load(net)
    assert sought == {net: state_of(net), base: state_of(base)}
    archlab.load(net)  # outside, nothing is taken down
    assert len(sought) == 2


def test_a_link_that_leads_to_another_file_is_a_change(tmp_path: Path) -> None:
    for name in ("one.yaml", "two.yaml"):
        (tmp_path / name).write_text(CONFIG)
    (tmp_path / "base.yaml").symlink_to("one.yaml")
    (tmp_path / "net.yaml").write_text("extends: base.yaml\n")
    with sought_files() as sought:
        archlab.load(tmp_path / "net.yaml")
    (tmp_path / "new").symlink_to("two.yaml")
    (tmp_path / "new").replace(tmp_path / "base.yaml")
    assert states_now(sought) != sought


def test_a_file_in_its_place_is_another_even_with_the_same_size_and_time(
    tmp_path: Path, sleeps: Callable[..., list[float]]
) -> None:
    file, other = tmp_path / "net.yaml", tmp_path / "other"
    file.write_text("one")
    other.write_text("two")
    status = file.stat()
    os.utime(other, ns=(status.st_atime_ns, status.st_mtime_ns))
    before = {file: state_of(file)}
    slept = sleeps(nothing, nothing, lambda: other.replace(file))
    wait_for_change(before)
    assert slept == [states.POLL, states.POLL, states.POLL, states.SETTLE]


def test_a_file_that_is_gone_for_a_moment_is_waited_for(tmp_path: Path, sleeps: Callable[..., list[float]]) -> None:
    file = tmp_path / "net.yaml"
    file.write_text("one")
    before = {file: state_of(file)}
    slept = sleeps(file.unlink, lambda: file.write_text("three"))
    wait_for_change(before)
    assert slept == [states.POLL, states.GONE, states.SETTLE]
    assert file.read_text() == "three"


def test_what_is_as_it_was_once_it_rests_is_no_change(tmp_path: Path, sleeps: Callable[..., list[float]]) -> None:
    file, aside = tmp_path / "net.yaml", tmp_path / "aside"
    file.write_text("one")
    before = {file: state_of(file)}
    slept = sleeps(
        lambda: file.rename(aside), lambda: aside.rename(file), nothing, nothing, lambda: file.write_text("three")
    )
    wait_for_change(before)
    assert slept == [states.POLL, states.GONE, states.SETTLE, states.POLL, states.POLL, states.SETTLE]


def test_a_file_that_does_not_rest_is_read_all_the_same(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    file = tmp_path / "net.yaml"
    file.write_text("")
    before = {file: state_of(file)}
    slept: list[float] = []

    def sleep(seconds: float) -> None:
        assert len(slept) <= MOST_SETTLING
        slept.append(seconds)
        with file.open("a") as opened:
            opened.write("x")

    monkeypatch.setattr(time, "sleep", sleep)
    wait_for_change(before)
    assert len(slept) == 1 + MOST_SETTLING
