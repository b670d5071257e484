"""The view of a network in a notebook, its Python side; `test_jupyterlab.py` has it in a browser."""

from __future__ import annotations

import json
import subprocess
import sys
from importlib.util import find_spec
from pathlib import Path
from typing import TYPE_CHECKING, Any

import pytest

import archlab
from archlab.diagnostics.requirements import MissingRequirementError
from archlab.studio import built
from archlab.studio.answer import METHODS
from archlab.studio.built import NOTEBOOK, PAGE
from tests.studio.page import BROKEN, CONFIG

if TYPE_CHECKING:
    from archlab.studio.widget import View

IS_INSTALLED = find_spec("anywidget") is not None
IS_BUILT = (PAGE / NOTEBOOK).is_file()
shown = pytest.mark.skipif(
    not (IS_INSTALLED and IS_BUILT), reason="anywidget is not installed, or the page is not built: npm run build"
)


FIGURES = ("params", "buffers", "macs", "flops", "activations")


class Kernel:
    """A view, and what it sends."""

    def __init__(self, view: View, monkeypatch: pytest.MonkeyPatch) -> None:
        self.view = view
        self.sent: list[Any] = []
        monkeypatch.setattr(view, "send", self.sent.append)

    def get(self, content: object) -> list[Any]:
        """What is sent back when a message comes, as a notebook's front end sends it."""
        self.sent.clear()
        self.view._handle_msg({"content": {"data": {"method": "custom", "content": content}}, "buffers": []})
        return [*self.sent]

    def ask(self, method: str, **request: Any) -> dict[str, Any]:
        [found] = self.get({"id": "x-1", "method": method, "request": json.dumps(request)})
        assert found["id"] == "x-1"
        return dict(json.loads(found["answer"]))


def numbers(network: archlab.Network) -> Any:
    return network.analyze().to_dict()["total"]


def set_from_page(view: View, **state: Any) -> None:
    """What the front end sends when someone has typed."""
    view._handle_msg({"content": {"data": {"method": "update", "state": state}}, "buffers": []})


@shown
def test_its_numbers_are_those_of_the_network(monkeypatch: pytest.MonkeyPatch) -> None:
    network = archlab.load("resnet50")
    kernel = Kernel(archlab.view(network), monkeypatch)
    found = kernel.ask("check", text=kernel.view.text, variant=kernel.view.variant, set=kernel.view.settings)
    totals = {row["key"]: row["value"] for row in found["totals"]}
    total = network.analyze().total
    assert (totals["params"], totals["macs"]) == (total.params, total.macs) == (25_557_032, 4_089_184_256)
    assert totals["memory.inference_peak"] == total.memory.inference_peak
    assert numbers(kernel.view.network) == numbers(network)


@shown
@pytest.mark.parametrize("method", [*METHODS, "save", "nonsense"])
def test_every_method_is_the_studios(method: str, monkeypatch: pytest.MonkeyPatch) -> None:
    from archlab.studio.asking import ask

    kernel = Kernel(archlab.view(CONFIG), monkeypatch)
    requests: list[dict[str, Any]] = [{}, {"text": CONFIG, "variant": "wide"}, {"text": CONFIG, "line": 3, "column": 2}]
    for request in requests:
        found, wanted = kernel.ask(method, **request), json.loads(ask(method, json.dumps(request)))
        assert {**found, "timing": None} == {**wanted, "timing": None}


@shown
@pytest.mark.parametrize(
    ("method", "request_", "words"),
    [
        (None, "{}", "as texts"),
        ("check", {"text": ""}, "as texts"),
        ("check", "{", "no JSON"),
        ("check", "[]", "check: "),
        ("check", "[" * 100_000, "no JSON"),
        ("check", '{"text": 1}', "'text'"),
        ("check", " " * 8_000_001, "at most 8,000,000 characters"),
        ("__class__", "{}", "there is no method"),
    ],
)
def test_a_bad_message_is_told_so(method: Any, request_: Any, words: str, monkeypatch: pytest.MonkeyPatch) -> None:
    kernel = Kernel(archlab.view(CONFIG), monkeypatch)
    [found] = kernel.get({"id": "x-1", "method": method, "request": request_})
    assert words in json.loads(found["answer"])["error"]


@shown
@pytest.mark.parametrize(
    "content", [None, [], "text", {}, {"id": 1, "method": "hello", "request": "{}"}, {"id": "x" * 101}]
)
def test_a_message_that_nobody_waits_for_is_left(content: object, monkeypatch: pytest.MonkeyPatch) -> None:
    assert Kernel(archlab.view(CONFIG), monkeypatch).get(content) == []


@shown
def test_what_is_typed_is_here() -> None:
    view = archlab.view(CONFIG)
    before = view.network.analyze().total.params
    set_from_page(view, text=CONFIG.replace("out_features: 10", "out_features: 20"), settings={"width": 16})
    assert "out_features: 20" in view.text
    assert view.network.analyze().total.params == archlab.loads(view.text, width=16).analyze().total.params > before
    set_from_page(view, variant="narrow", settings={})
    assert view.network.variant is not None
    assert view.network.variant.name == "narrow"
    set_from_page(view, text=BROKEN)
    with pytest.raises(archlab.ConfigError, match="did you mean 'kernel_size'"):
        _ = view.network
    view.settings = {"width": [[1]]}
    with pytest.raises(ValueError, match=r"set\.width"):
        _ = view.network


@shown
def test_it_begins_with_the_network_that_it_is_given(tmp_path: Path) -> None:
    file = tmp_path / "net.yaml"
    file.write_text(CONFIG, encoding="utf-8")
    (tmp_path / "more.yaml").write_text("archlab: 1\nextends: net.yaml\nparams: {width: 32}\n", encoding="utf-8")
    networks = [
        archlab.load("resnet18", num_classes=7),
        archlab.load(f"{file}@wide"),
        archlab.load(tmp_path / "more.yaml"),
        archlab.loads(CONFIG, act="gelu"),
    ]
    for network in networks:
        assert numbers(archlab.view(network).network) == numbers(network)
    for target in ("resnet18", f"{file}@wide", tmp_path / "more.yaml"):
        assert numbers(archlab.view(target).network) == numbers(archlab.load(target))
    sized = archlab.load("mobilenet_v2", input=(3, 160, 160))
    given, wanted = numbers(archlab.view(sized).network), numbers(sized)
    assert [given[key] for key in FIGURES] == [wanted[key] for key in FIGURES]
    assert given["memory"]["inference_peak"] == wanted["memory"]["inference_peak"]
    with pytest.raises(ValueError, match="as it is written"):
        archlab.view(sized.deploy())
    assert archlab.view(BROKEN).text == BROKEN
    with pytest.raises(archlab.ConfigError, match="resnet5"):
        archlab.view("resnet5")


@shown
def test_views_do_not_disturb_one_another() -> None:
    one, other = archlab.view(CONFIG), archlab.view(CONFIG, height=300)
    set_from_page(one, text="archlab: 1\n", settings={"width": 1})
    assert (other.text, other.settings, other.height, one.height) == (CONFIG, {}, 300, 660)


@shown
def test_the_collector_of_a_notebook_stays_as_it_is() -> None:
    """The studio's own processes change it for themselves."""
    code = "import gc, os; before = gc.get_threshold()\nimport archlab; archlab.view('resnet18').network.analyze()\n"
    code += "assert gc.get_threshold() == before; assert 'PYDANTIC_DISABLE_PLUGINS' not in os.environ"
    subprocess.run([sys.executable, "-c", code], check=True)


def test_without_anywidget_the_line_is_told_that_installs_it(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("archlab.diagnostics.requirements.find_spec", lambda _name: None)
    with pytest.raises(MissingRequirementError, match=r'pip install "archlab\[widget\]"'):
        archlab.view(CONFIG)


def test_without_what_npm_makes_it_is_told_what_to_run(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    monkeypatch.setattr(built, "PAGE", tmp_path)
    with pytest.raises(MissingRequirementError, match="npm run build --prefix"):
        built.notebook_file()
    monkeypatch.setattr(built, "WEB", tmp_path)
    with pytest.raises(MissingRequirementError, match="installed without what shows a network in a notebook"):
        built.notebook_file()
    (tmp_path / NOTEBOOK).touch()
    assert built.notebook_file() == tmp_path / NOTEBOOK
