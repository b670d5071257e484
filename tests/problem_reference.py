"""docs/problems.md from the codes and the bad configs: what each code means, an example, and what archlab prints."""

from __future__ import annotations

import re
from collections.abc import Iterator
from contextlib import chdir, redirect_stderr, redirect_stdout
from io import StringIO
from pathlib import Path
from tempfile import TemporaryDirectory

from archlab.cli.main import main
from archlab.diagnostics.codes import Code

FOLDER = Path(__file__).with_name("bad_configs")
HEAD = """# Problems

Every problem ends in a code in brackets.
Here is what each code means, with an example and what archlab prints for it.

Made from the codes and the bad configs of the tests: `pytest tests/test_problem_reference.py --rewrite`.
"""
SMALL = "input: [3, 8, 8]\nlayers: [{type: conv2d, out_channels: 4, kernel_size: 3}]\n"
COMMANDS: dict[Code, tuple[str, str]] = {
    Code.UNREADABLE: ("", "analyze nothing.yaml"),
    Code.UNWRITABLE: (SMALL, "build net.yaml -o nowhere/net.pt"),
    Code.FILE: (SMALL, "new net"),
    Code.FORMAT: ("input: [3, 8, 8]\nlayers: [&a {type: relu}]\n", "fmt net.yaml"),
    Code.OUTPUT_IS_INPUT: (SMALL, "expand net.yaml -o net.yaml"),
    Code.UNKNOWN: ("", "time resnet18 --device a1000"),
    Code.UNKNOWN_VARIANT: ("", "analyze resnet@resnet19"),
    Code.BATCH: (
        "input: [3, 1, 1]\nlayers: [{type: batch_norm2d, track_running_stats: false}]\n",
        "verify net.yaml",
    ),
    Code.NO_GRADIENT: (
        "input: [1, 8, 8]\nlayers: [{type: zero_pad2d, padding: 4}]\n",
        "receptive-field net.yaml --effective --unit 0,0",
    ),
    Code.WRONG_WEIGHTS: (SMALL, "build net.yaml -o net.pt --weights other.pt"),
    Code.WEIGHTS_CHECK: (SMALL, "build net.yaml -o net.pt --weights same.pt --weights-check output.pt"),
    Code.UNSUPPORTED: (
        (
            "input: [4, 8, 8]\nlayers:\n  - type: conv_transpose2d\n    out_channels: 4\n    kernel_size: 3\n"
            "    stride: 2\n    dilation: 3\n    output_padding: 2\n"
        ),
        "build net.yaml -o net.onnx",
    ),
}
"""Codes that no config alone shows: a file net.yaml, and a command."""


def problem_reference() -> str:
    """The page."""
    return "\n".join([HEAD, *(_section(code) for code in Code)])


def _section(code: Code) -> str:
    example = _from_command(*COMMANDS[code]) if code in COMMANDS else _from_corpus(code)
    return f"## {code}\n\n{code.meaning}\n\n{example}"


def _from_corpus(code: Code) -> str:
    """The shortest bad config that has this problem alone."""
    texts = {path: path.with_suffix(".out").read_text() for path in FOLDER.glob("*.yaml")}
    alone = [path for path, text in texts.items() if set(_codes(text)) == {code}]
    path = min(alone, key=lambda path: (_cost(path.read_text() + texts[path]), path.name))
    return _blocks(path.read_text(), f"archlab validate {path.name}", texts[path])


def _codes(text: str) -> list[str]:
    return re.findall(r"  \[([a-z-]+)\]$", text, re.MULTILINE)


def _cost(text: str) -> int:
    return len(text) + 10 * max(map(len, text.splitlines()))


def _from_command(config: str, command: str) -> str:
    with TemporaryDirectory() as folder, chdir(folder):
        if config:
            Path("net.yaml").write_text(config)
        for name in re.findall(r"\w+\.pt\b", command):
            _write_tensors(name)
        printed = StringIO()
        with redirect_stdout(printed), redirect_stderr(printed):
            main(command.split())
    return _blocks(config, f"archlab {command}", printed.getvalue())


def _write_tensors(name: str) -> None:
    import torch

    if name == "other.pt":
        torch.save({"conv1.weight": torch.zeros(4, 3, 5, 5), "conv1.bias": torch.zeros(4)}, name)
    elif name == "same.pt":
        torch.save({"conv1.weight": torch.zeros(4, 3, 3, 3), "conv1.bias": torch.zeros(4)}, name)
    elif name == "output.pt":
        torch.save({"input": torch.ones(1, 3, 8, 8), "output": torch.ones(1, 4, 6, 6)}, name)


def _blocks(config: str, command: str, printed: str) -> str:
    return "\n".join(_lines(config, command, printed))


def _lines(config: str, command: str, printed: str) -> Iterator[str]:
    if config:
        yield from ("```yaml", config.rstrip(), "```", "")
    yield from ("```console", f"$ {command}", printed.rstrip(), "```", "")
