"""`archlab schema` in a real editor's server: yaml-language-server completes, explains and marks.

It is a program of Node.js; `ARCHLAB_YAML_LANGUAGE_SERVER` may say where it is.
"""

from __future__ import annotations

import json
import os
import shutil
from collections.abc import Iterator
from pathlib import Path

import pytest

from archlab.api.validate import validate
from archlab.config.schema import config_schema
from archlab.config.tree.figures import FIGURES, example
from archlab.config.tree.presets import preset_files
from archlab.layers import find_layer, layer_types
from tests.editor.client import Client

SERVER = os.environ.get("ARCHLAB_YAML_LANGUAGE_SERVER") or shutil.which("yaml-language-server")
if SERVER is None:
    pytest.skip("yaml-language-server is not installed", allow_module_level=True)

BAD = Path(__file__).parents[1] / "bad_configs"


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    place = tmp_path_factory.mktemp("editor")
    (place / "archlab.schema.json").write_text(json.dumps(config_schema()))
    return place


@pytest.fixture(scope="module")
def client(folder: Path) -> Iterator[Client]:
    assert SERVER is not None
    settings = {
        "yaml": {
            "validate": True,
            "hover": True,
            "completion": True,
            "schemas": {(folder / "archlab.schema.json").as_uri(): "*.yaml"},
            "schemaStore": {"enable": False},
        }
    }
    client = Client([SERVER, "--stdio"], folder, settings)
    yield client
    client.close()


def marks(client: Client, folder: Path, name: str, text: str) -> list[dict[str, object]]:
    return client.diagnostics(client.open(folder / name, text))


@pytest.mark.parametrize("path", preset_files(), ids=lambda path: path.stem)
def test_shipped_configs_have_no_marks(client: Client, folder: Path, path: Path) -> None:
    assert marks(client, folder, path.name, path.read_text(encoding="utf-8")) == []


def test_it_completes_layer_types(client: Client, folder: Path) -> None:
    text = "archlab: 1\nname: a\ninput: [3, 8, 8]\nlayers:\n  - type: "
    uri = client.open(folder / "types.yaml", text)
    found = client.at("textDocument/completion", uri, 4, 10)
    labels = {item["label"] for item in found["items"]}
    assert {*layer_types(), "residual", "branches"} <= labels


def test_it_completes_figures_and_limits(client: Client, folder: Path) -> None:
    start = "archlab: 1\nname: a\ninput: [3, 8, 8]\nlayers: [{type: relu}]\nexpect:\n  "
    uri = client.open(folder / "figures.yaml", start)
    labels = {item["label"] for item in client.at("textDocument/completion", uri, 5, 2)["items"]}
    assert set(FIGURES) <= labels
    for figure in FIGURES:
        uri = client.open(folder / f"limit_{figure}.yaml", f"{start}{figure}: ")
        offered = client.at("textDocument/completion", uri, 5, len(figure) + 4)["items"]
        assert example(figure) in {item["label"].strip("\"'") for item in offered}


def test_it_completes_options(client: Client, folder: Path) -> None:
    text = "archlab: 1\nname: a\ninput: [3, 8, 8]\nlayers:\n  - type: conv2d\n    "
    uri = client.open(folder / "options.yaml", text)
    found = client.at("textDocument/completion", uri, 5, 4)
    labels = {item["label"] for item in found["items"]}
    cls = find_layer("conv2d")
    assert cls is not None
    assert {*cls.model_fields, "norm", "activation", "repeat"} <= labels


@pytest.mark.parametrize("option", ["out_channels", "kernel_size", "stride", "padding", "groups"])
def test_it_explains_options(client: Client, folder: Path, option: str) -> None:
    cls = find_layer("conv2d")
    assert cls is not None
    item = f"  - {{type: conv2d, out_channels: 4, kernel_size: 3, {option}: 1}}"
    if option in ("out_channels", "kernel_size"):
        item = "  - {type: conv2d, out_channels: 4, kernel_size: 3}"
    uri = client.open(folder / f"hover_{option}.yaml", f"archlab: 1\nname: a\ninput: [3, 8, 8]\nlayers:\n{item}\n")
    found = client.at("textDocument/hover", uri, 4, item.rindex(option) + 2)
    description = (cls.model_fields[option].description or "").split(":")[0]
    assert description in str(found["contents"]).replace("\\", "")


NEEDS_MORE = {
    "block_inputs_too_many",
    "block_without_inputs_with",
    "extends_a_value_that_fails",  # in the file that it extends
    "float_for_channels",  # 12.0 is an integer in JSON Schema
    "init_of_a_vector",
    "unknown_block_param",
    "lists_in_expressions",
    "repetitions",
    "repetitions_of_a_broken_item",
    "share_captured_input",
    "share_inputs",
    "backbone_params",
    "channel_attention_of_even_size",
    "weight_of_one_axis",
}
"""Mistakes that show only where blocks and layers are known, or that JSON's numbers do not have."""


def bad_configs() -> list[Path]:
    """Those whose mistake a schema can know: wrong keys, types and values, not names, shapes or expressions."""
    wanted = ("[unknown-option]", "[unknown-layer]", "[wrong-value]", "[wrong-type]")
    outputs = {path: path.with_suffix(".out").read_text() for path in sorted(BAD.glob("*.yaml"))}
    return [path for path, text in outputs.items() if any(word in text for word in wanted)]


@pytest.mark.parametrize("path", bad_configs(), ids=lambda path: path.stem)
def test_marks_are_where_validate_has_problems(client: Client, folder: Path, path: Path) -> None:
    """On the line that validate names."""
    lines = {problem.place.line for problem in validate(str(path)).problems if problem.place is not None}
    found = marks(client, folder, path.name, path.read_text(encoding="utf-8"))
    if path.stem in NEEDS_MORE:
        assert found == []
    else:
        assert lines & {line for mark in found for line in _lines(mark)}


def _lines(mark: dict[str, object]) -> range:
    place = mark["range"]
    assert isinstance(place, dict)
    return range(place["start"]["line"], place["end"]["line"] + 1)
