"""`archlab lsp` as an editor uses it: a client over its standard streams."""

from __future__ import annotations

import sys
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from archlab.config.format import format_config
from archlab.config.tree.presets import preset_folder
from archlab.diagnostics.place import Source
from tests.editor.client import Client

pytest.importorskip("pygls", reason="the extra 'editor' is not installed")
EVERYWHERE = {"start": {"line": 0, "character": 0}, "end": {"line": 9999, "character": 0}}
RESNET = (preset_folder() / "resnet.yaml").read_text()
BAD = """\
archlab: 1
input: [3, 32, 32]
blocks:
  b:
    layers:
      - {type: conv2d, kernal_size: 3, out_channels: 8}
layers:
  - {name: "a", use: b}  # 😀
  - {type: dropuot}
"""


@pytest.fixture(scope="module")
def client(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Client]:
    folder = tmp_path_factory.mktemp("lsp")
    client = Client(
        [sys.executable, "-m", "archlab", "lsp"], folder, {"archlab": {"hints": ["shape", "params", "macs"]}}
    )
    yield client
    client.close()


def opened(client: Client, folder: Path, name: str, text: str) -> str:
    path = folder / name
    path.write_text(text, encoding="utf-8")
    return client.open(path, text)


def of(client: Client, method: str, uri: str, **more: Any) -> Any:
    return client.ask(f"textDocument/{method}", {"textDocument": {"uri": uri}, **more})


def changed(client: Client, uri: str, text: str, version: int = 2) -> None:
    document = {"uri": uri, "version": version}
    client.tell("textDocument/didChange", {"textDocument": document, "contentChanges": [{"text": text}]})


def test_numbers_follow_each_text_and_the_chosen_variant(client: Client, tmp_path: Path) -> None:
    uri = opened(client, tmp_path, "net.yaml", RESNET)
    title = of(client, "codeLens", uri)[0]["command"]["title"]
    assert title == "resnet: 25.56 M params · 4.089 G MACs · peak 107.5 MiB · field 427 · 175 layers"
    stem = next(line for line, text in enumerate(RESNET.split("\n")) if "name: conv1" in text)
    hints = {hint["position"]["line"]: hint["label"] for hint in of(client, "inlayHint", uri, range=EVERYWHERE)}
    assert hints[stem] == "64x112x112 · 9.408 k params · 118.0 M MACs"
    only = of(client, "inlayHint", uri, range={**EVERYWHERE, "end": {"line": stem, "character": 0}})
    assert max(hint["position"]["line"] for hint in only) == stem
    changed(client, uri, RESNET.replace("out_channels: 64, kernel_size: 7", "out_channels: 32, kernel_size: 7"))
    hints = {hint["position"]["line"]: hint["label"] for hint in of(client, "inlayHint", uri, range=EVERYWHERE)}
    assert hints[stem] == "32x112x112 · 4.704 k params · 59.01 M MACs"
    changed(client, uri, RESNET, 3)
    show = [lens["command"] for lens in of(client, "codeLens", uri) if lens["command"]["command"]]
    resnet18 = next(command for command in show if command["arguments"][1] == "resnet18")
    client.ask("workspace/executeCommand", {"command": resnet18["command"], "arguments": resnet18["arguments"]})
    assert of(client, "codeLens", uri)[0]["command"]["title"].startswith("resnet18: 11.69 M params")
    assert client.diagnostics(uri) == []


def test_problems_are_those_of_validate(client: Client, tmp_path: Path) -> None:
    uri = opened(client, tmp_path, "bad.yaml", BAD)
    first, second = client.diagnostics(uri)
    message, step = first["message"].split("\n")
    assert message == "conv2d has no option 'kernal_size'; did you mean 'kernel_size'?"
    assert step == "in block 'b', used by a at line 8"
    assert first["range"] == {"start": {"line": 5, "character": 23}, "end": {"line": 5, "character": 34}}
    assert first["code"] == "unknown-option"
    assert first["codeDescription"]["href"].endswith("docs/problems.md#unknown-option")
    assert [part["location"]["range"]["start"]["line"] for part in first["relatedInformation"]] == [7]
    assert second["message"].startswith("there is no layer type 'dropuot'")
    actions = of(client, "codeAction", uri, range=EVERYWHERE, context={"diagnostics": []})
    assert [action["title"] for action in actions] == ["Change to kernel_size", "Change to dropout"]
    (edit,) = actions[0]["edit"]["changes"][uri]
    assert edit == {"range": first["range"], "newText": "kernel_size"}
    changed(client, uri, BAD.replace("kernal", "kernel").replace("dropuot", "dropout"))
    assert client.next_diagnostics(uri) == []


def test_design_rules_are_warnings(client: Client, tmp_path: Path) -> None:
    text = "archlab: 1\ninput: [3, 32, 32]\nlayers:\n  - {type: conv2d, out_channels: 8, kernel_size: 2, stride: 4}\n"
    found = client.diagnostics(opened(client, tmp_path, "lint.yaml", text))
    assert {problem["severity"] for problem in found} == {2}
    assert {problem["code"] for problem in found} == {"skipped-positions"}
    assert all("docs/lint.md#" in problem["codeDescription"]["href"] for problem in found)


def test_columns_are_counted_as_the_client_does(client: Client, tmp_path: Path) -> None:
    """UTF-16: a letter beyond the first plane is two units."""
    text = 'archlab: 1\ninput: [3, 8, 8]\nlayers:\n  - {type: conv2d, out_channels: 8, "😀😀": 1, kernel_size: 3}\n'
    uri = opened(client, tmp_path, "units.yaml", text)
    (found,) = client.diagnostics(uri)
    own = text.split("\n")[3]
    start = own.index('"')
    assert [found["range"][end]["character"] for end in ("start", "end")] == [start, start + 6]
    start = own.index("kernel_size") + 2
    listed = client.at("textDocument/completion", uri, 3, start + 4)
    assert "padding" in {item["label"] for item in listed["items"]}
    word = listed["items"][0]["textEdit"]["range"]
    assert [word[end]["character"] for end in ("start", "end")] == [start, start + len("kernel_size")]


def test_completion_and_what_a_layer_is(client: Client, tmp_path: Path) -> None:
    text = "archlab: 1\ninput: [3, 8, 8]\nlayers:\n  - {type: conv"
    uri = opened(client, tmp_path, "half.yaml", text)
    items = client.at("textDocument/completion", uri, 3, 15)["items"]
    conv = next(item for item in items if item["label"] == "conv2d")
    assert "documentation" not in conv
    told = client.ask("completionItem/resolve", conv)
    assert "onvolution" in told["documentation"]["value"]


def test_hover_definition_references_and_rename(client: Client, tmp_path: Path) -> None:
    uri = opened(client, tmp_path, "names.yaml", RESNET)
    lines = RESNET.split("\n")
    stem = next(line for line, text in enumerate(lines) if "name: conv1" in text)
    shown = client.at("textDocument/hover", uri, stem, 20)["contents"]["value"]
    assert "**9,408** params, **118,013,952** MACs" in shown
    assert "### parameters" in shown
    option = client.at("textDocument/hover", uri, stem, lines[stem].index("kernel_size") + 2)["contents"]["value"]
    assert option.startswith("**kernel_size**")
    layer1 = next(line for line, text in enumerate(lines) if "name: layer1" in text)
    at = lines[layer1].index("$block") + 2
    block = next(line for line, text in enumerate(lines) if text.startswith("  block:"))
    assert client.at("textDocument/definition", uri, layer1, at)["range"]["start"] == {"line": block, "character": 2}
    position = {"position": {"line": block, "character": 4}}
    uses = of(client, "references", uri, **position, context={"includeDeclaration": False})
    assert len(uses) == RESNET.count("$block,") + RESNET.count("block: basic,")
    assert of(client, "prepareRename", uri, **position)["start"] == {"line": block, "character": 2}
    edits = of(client, "rename", uri, **position, newName="unit")["changes"][uri]
    assert len(edits) == len(uses) + 1
    assert client.error("textDocument/rename", {"textDocument": {"uri": uri}, **position, "newName": "d1"}) == (
        "'d1' is something else already where 'block' is used"
    )


def test_outline_folding_and_format(client: Client, tmp_path: Path) -> None:
    items = "    - {type: relu}\n    - {kernel_size: 1, type: conv2d, out_channels: 2}\n"
    text = f"archlab: 1\ninput: [3,8,8]\nlayers:\n{items}"
    uri = opened(client, tmp_path, "shape.yaml", text)
    names = [(symbol["name"], len(symbol["children"])) for symbol in of(client, "documentSymbol", uri)]
    assert names == [("archlab", 0), ("input", 0), ("layers", 2)]
    assert of(client, "foldingRange", uri) == [{"startLine": 2, "endLine": 4}]
    (edit,) = of(client, "formatting", uri, options={"tabSize": 2, "insertSpaces": True})
    assert edit["newText"] == format_config(Source("x", text))
    assert edit["newText"] != text


def test_a_text_that_extends_an_open_one_follows_it(client: Client, tmp_path: Path) -> None:
    base_text = "archlab: 1\ninput: [1, 8, 8]\nlayers:\n  - {type: conv2d, out_channels: 4, kernel_size: 3}\n"
    base = opened(client, tmp_path, "base.yaml", base_text)
    own = opened(client, tmp_path, "own.yaml", "extends: base.yaml\n")
    assert "40 params" in of(client, "codeLens", own)[0]["command"]["title"]
    changed(client, base, base_text.replace("kernel_size: 3", "kernel_size: 5"))
    assert "104 params" in of(client, "codeLens", own)[0]["command"]["title"]
    client.tell("textDocument/didClose", {"textDocument": {"uri": base}})
    assert "40 params" in of(client, "codeLens", own)[0]["command"]["title"]
    leads = client.at("textDocument/definition", own, 0, 12)
    assert leads["uri"] == base


def test_which_numbers_is_also_an_option(tmp_path: Path) -> None:
    client = Client([sys.executable, "-m", "archlab", "lsp", "--hints", "params"], tmp_path, {})
    text = "archlab: 1\ninput: [3, 8, 8]\nlayers:\n  - {type: conv2d, out_channels: 4, kernel_size: 3}\n"
    uri = opened(client, tmp_path, "net.yaml", text)
    assert [hint["label"] for hint in of(client, "inlayHint", uri, range=EVERYWHERE)] == ["112 params"]
    assert client.end() == 0
    client.close()


def test_other_yaml_is_left_alone(client: Client, tmp_path: Path) -> None:
    uri = opened(client, tmp_path, "compose.yaml", "services:\n  web: {image: x, image: y}\n")
    assert client.diagnostics(uri) == []
    assert of(client, "inlayHint", uri, range=EVERYWHERE) == []
    assert of(client, "codeLens", uri) == []
    assert client.at("textDocument/completion", uri, 1, 4) is None


def test_a_flood_of_edits_ends_with_the_last(client: Client, tmp_path: Path) -> None:
    uri = opened(client, tmp_path, "flood.yaml", RESNET)
    for number in range(60):
        changed(client, uri, RESNET[: len(RESNET) - number * 7], number + 2)
    changed(client, uri, "archlab: 1\ninput: [3, 8, 8]\nlayers: [{type: relu}]\n", 100)
    assert "0 params" in of(client, "codeLens", uri)[0]["command"]["title"]
    assert client.next_diagnostics(uri) == []
