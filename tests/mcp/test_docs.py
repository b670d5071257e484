"""What docs/mcp.md shows: answers are parts of the real ones, setups are JSON, and the repair goes as it says."""

from __future__ import annotations

import asyncio
import json
import re
from itertools import pairwise
from pathlib import Path
from typing import Any

import pytest

from archlab.mcp.folder import Folder
from archlab.mcp.tools import TOOLS
from archlab.mcp.worker import answered
from tests.mcp.repair import repair

ROOT = Path(__file__).parents[2]
PAGE = (ROOT / "docs" / "mcp.md").read_text()
BLOCKS = [json.loads(text) for text in re.findall(r"^```json\n(.*?)^```", PAGE, re.MULTILINE | re.DOTALL)]
EXAMPLES = [(call, answer) for call, answer in pairwise(BLOCKS) if "tool" in call]


def is_part(shown: Any, real: Any) -> bool:
    """Whether all that is shown is there; lists are shown whole."""
    if isinstance(shown, dict):
        return isinstance(real, dict) and all(key in real and is_part(value, real[key]) for key, value in shown.items())
    if isinstance(shown, list):
        return len(shown) == len(real) and all(map(is_part, shown, real))
    return bool(shown == real)


@pytest.mark.parametrize(("call", "answer"), EXAMPLES, ids=[call["tool"] for call, _ in EXAMPLES])
def test_each_answer_is_a_part_of_the_real_one(call: dict[str, Any], answer: Any) -> None:
    real = answered(Folder(ROOT), call["tool"], call["arguments"])[1]
    assert is_part(answer, json.loads(json.dumps(real))), json.dumps(real)


def test_there_is_an_example_of_each_tool_and_a_setup_for_each_client() -> None:
    assert [call["tool"] for call, _ in EXAMPLES] == list(TOOLS)
    assert [tool for tool in TOOLS if f"| `{tool}` |" not in PAGE] == []
    setups = [block.get("mcpServers", block.get("servers")) for block in BLOCKS]
    assert [setup["archlab"]["command"] for setup in setups if setup is not None] == ["archlab"] * 4


def test_the_repair_goes_as_it_is_told() -> None:
    async def ask(tool: str, arguments: dict[str, Any]) -> dict[str, Any]:
        return answered(Folder(ROOT), tool, arguments)[1]

    (wanted,) = re.findall(r"^```yaml\n(.*?)^```", PAGE, re.MULTILINE | re.DOTALL)
    text = wanted.replace("type: conv2d, out_channels", "type: nn.Conv2d, filters")
    text = text.replace("kernel_size", "kernal_size").replace("  - {type: flatten}\n", "")
    mended, done = asyncio.run(repair(text, ask))
    assert mended == wanted
    assert len(done) == 4
