"""What is printed of an axis of which it is not known how much is seen."""

from __future__ import annotations

import csv
import io
import json

import pytest

from archlab.api.load import loads
from archlab.diagnostics.problem import ConfigError
from tests.command import run

SIDE_BY_SIDE = """
input: [3, 12, 16]
layers:
  - {name: a, type: conv2d, out_channels: 4, kernel_size: 3, padding: 1}
  - {name: b, type: conv2d, out_channels: 4, kernel_size: 5, padding: 2}
  - {type: concat, dim: 3, with: [a]}
  - {type: conv2d, out_channels: 4, kernel_size: 3, padding: 1}
"""
"""Two maps side by side: which of them a column is of is not followed; rows are."""


@pytest.fixture
def path(tmp_path_factory: pytest.TempPathFactory) -> str:
    found = tmp_path_factory.mktemp("unknown") / "side.yaml"
    found.write_text(SIDE_BY_SIDE)
    return str(found)


def test_numbers_are_null_and_never_those_of_the_whole_axis(path: str, capsys: pytest.CaptureFixture[str]) -> None:
    field = json.loads(run(capsys, "analyze", path, "--format", "json")[1])["layers"][-1]["receptive_field"]
    assert field["unknown"]
    assert not field["global"]
    assert field["size"] == [9, None]
    assert field["sizes"] == [[9], []]
    for key in ("stride", "start", "padding", "centre", "coverage", "cut"):
        assert field[key][0] is not None
        assert field[key][1] is None, key
    row = list(csv.DictReader(io.StringIO(run(capsys, "analyze", path, "--format", "csv")[1])))[-1]
    assert (row["receptive_field_size_h"], row["receptive_field_size_w"]) == ("9", "")


def test_words(path: str, capsys: pytest.CaptureFixture[str]) -> None:
    text = run(capsys, "analyze", path)[1]
    assert "receptive field 9x?, stride 1x-, start -4, ? (at conv)" in text
    assert "9, ?" in run(capsys, "receptive-field", path)[1]


def test_tokens_are_no_map() -> None:
    tokens = (
        "input: [3, 8, 8]\nlayers: [{type: flatten, start_dim: 2}, {type: conv2d, out_channels: 2, kernel_size: 1}]"
    )
    with pytest.raises(ConfigError, match="its dimensions are not channels, then axes; undo the flatten"):
        loads(tokens)
