"""`archlab watch` as a process of its own: saves, files put in place, broken and missing ones, what it extends."""

from __future__ import annotations

import os
import select
import signal
import subprocess
import sys
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import pytest

from tests.command import run

END = "; Ctrl-C ends\n"
"""Behind each version."""
PATIENCE = 60
"""Seconds for what takes a tenth of one on an idle machine."""

NET = """name: net
input: [3, 8, 8]
params: {width: 4}
layers:
  - {name: first, type: conv2d, out_channels: $width, kernel_size: 3}
  - {name: second, type: conv2d, out_channels: 2, kernel_size: 1}
"""


class Watched:
    """The process, and the versions that it has written."""

    def __init__(self, process: subprocess.Popen[bytes], output: int) -> None:
        self.process = process
        self.output = output
        self.text = ""

    def version(self) -> str:
        """The next one."""
        end = time.monotonic() + PATIENCE
        while END not in self.text:
            assert time.monotonic() < end, self.text
            assert self.process.poll() is None, self.text
            assert self._read(), self.text
        found, _, self.text = self.text.partition(END)
        return found

    def rest(self) -> str:
        """What is written until the process ends."""
        while self._read():
            pass
        return self.text

    def _read(self) -> bool:
        """Whether there was more."""
        assert select.select([self.output], [], [], PATIENCE)[0], self.text
        try:
            found = os.read(self.output, 65_536)
        except OSError:  # a terminal whose other side is closed
            found = b""
        self.text += found.decode().replace("\r\n", "\n")
        return bool(found)


def _heed_interrupts() -> None:
    """As a shell starts programs in front; one behind it ignores Ctrl-C, and hands that down."""
    signal.signal(signal.SIGINT, signal.SIG_DFL)


@contextmanager
def watched(folder: Path, *arguments: str, terminal: bool = False) -> Iterator[Watched]:
    read, write = os.openpty() if terminal else os.pipe()
    command = [sys.executable, "-m", "archlab", "watch", *arguments]
    stdin = write if terminal else subprocess.DEVNULL
    with subprocess.Popen(
        command,
        cwd=folder,
        stdin=stdin,
        stdout=write,
        stderr=subprocess.STDOUT,
        preexec_fn=_heed_interrupts,  # noqa: PLW1509 - no other thread runs here
    ) as process:
        os.close(write)
        found = Watched(process, read)
        try:
            yield found
        finally:
            process.kill()
    os.close(found.output)


def test_versions_and_what_changed_between_them(tmp_path: Path) -> None:
    net, base = tmp_path / "net.yaml", tmp_path / "base.yaml"
    net.write_text(NET)
    with watched(tmp_path, "net.yaml", "--set", "width=5", "--input", "3x9x9", "--batch", "2") as process:
        first = process.version()
        assert "net: input 2x3x9x9" in first
        assert "params          152" in first  # 5 * (3 * 9 + 1) + 2 * (5 + 1)
        assert "since" not in first
        assert "watching net.yaml" in first

        net.write_text(NET.replace("kernel_size: 1", "kernel_size: 3"))  # in place
        saved = process.version()
        assert "since the last version:" in saved
        assert " params 152 232 +52.6%" in " ".join(saved.split())
        assert "~ second  (+80 params" in saved
        assert "kernel_size: 1x1 -> 3x3" in saved

        (tmp_path / ".net.yaml.swp").write_text(NET)  # as editors do
        (tmp_path / ".net.yaml.swp").replace(net)
        assert "kernel_size: 3x3 -> 1x1" in process.version()

        net.write_text(NET.replace("kernel_size: 3", "kernal_size: 3"))
        broken = process.version()
        assert broken.startswith(
            "\nnet.yaml:5:55: conv2d has no option 'kernal_size'; did you mean 'kernel_size'?  [unknown-option]\n"
        )
        assert "params  " not in broken

        net.unlink()
        assert process.version().startswith("\nthere is no file net.yaml  [unreadable]\n")

        net.write_text(NET.replace("type: conv2d, out_channels: 2", "type: conv2d, out_channels: 3"))
        back = process.version()
        assert "since net.yaml was last a network:" in back
        assert "out_channels: 2 -> 3" in back

        base.write_text(NET)
        net.write_text("extends: base.yaml\n")
        assert "watching net.yaml and 1 file that it extends" in process.version()
        base.write_text(NET.replace("name: second, type", "name: other, type"))
        renamed = process.version()
        assert "no layer differs" not in renamed
        assert "before and now are equal but for names" in renamed
        base.unlink()
        assert "there is no file base.yaml  [unreadable]" in process.version()
        base.write_text(NET)
        assert "since net.yaml was last a network:" in process.version()

        process.process.send_signal(signal.SIGINT)
        assert process.rest() == "\n"
        assert process.process.wait(PATIENCE) == 0


def test_figures_that_are_not_as_expected_are_told_of_the_network_as_it_is_written(tmp_path: Path) -> None:
    (tmp_path / "net.yaml").write_text(f"{NET}expect: {{params: 1}}\n")
    with watched(tmp_path, "net.yaml") as process:
        assert "net: expected params 1, but it is 122  [expect]" in process.version()
    with watched(tmp_path, "net.yaml", "--set", "width=5") as process:
        assert "[expect]" not in process.version()


@pytest.mark.skipif(not hasattr(os, "openpty"), reason="no pseudo-terminals")
def test_a_terminal_is_cleared_for_each_version_and_left_clean(tmp_path: Path) -> None:
    net = tmp_path / "net.yaml"
    net.write_text(NET)
    with watched(tmp_path, "net.yaml", terminal=True) as process:
        assert process.version().startswith("\x1b[H\x1b[2J")
        net.write_text(NET.replace("width: 4", "width: 6"))
        version = process.version()
        assert version.startswith("\x1b[H\x1b[2J")
        assert "since the last version:" in version
        process.process.send_signal(signal.SIGINT)
        assert process.rest() == "\x1b[0m\n"
        assert process.process.wait(PATIENCE) == 0
    with watched(tmp_path, "net.yaml", "--no-clear", terminal=True) as process:
        assert "\x1b[2J" not in process.version()


def test_it_ends_when_nobody_reads_any_more(tmp_path: Path) -> None:
    """As `archlab watch net.yaml | head`, or a program that started it and is gone."""
    (tmp_path / "net.yaml").write_text(NET)
    with watched(tmp_path, "net.yaml") as process:
        process.version()
        os.close(process.output)
        assert process.process.wait(PATIENCE) == 0
        process.output = os.open(os.devnull, os.O_RDONLY)


def test_columns_and_units_are_chosen_as_in_analyze(tmp_path: Path) -> None:
    (tmp_path / "net.yaml").write_text(NET)
    with watched(tmp_path, "net.yaml", "--columns", "params", "--units", "exact") as process:
        table = process.version().partition("params  ")[0]
        assert "layer" in table
        assert "112" in table
        assert "MACs" not in table


def test_what_is_no_config_cannot_be_watched(capsys: pytest.CaptureFixture[str]) -> None:
    status, out, err = run(capsys, "watch", "resnet51")
    assert (status, out) == (1, "")
    assert err.startswith("there is no preset 'resnet51'; did you mean 'resnet50'")
    assert run(capsys, "watch", "-")[::2] == (1, "watch looks at a file; stdin is read once  [wrong-value]\n")
    status, out, err = run(capsys, "watch", "timm:resnet50d")
    assert (status, out) == (1, "")
    assert err.startswith(
        "watch looks at a config, and timm:resnet50d is none; archlab import timm:resnet50d -o net.yaml"
    )
