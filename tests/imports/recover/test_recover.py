"""Flat networks as short configs: the text of each form, and the proof that nothing was changed."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path
from types import SimpleNamespace

import pytest

from archlab.api.load import loads
from archlab.config.format import format_config
from archlab.diagnostics.place import Source
from archlab.graph.fingerprint import fingerprint
from archlab.imports.flat import Flat, Scope
from archlab.imports.recover import recovered_config, tandem
from archlab.imports.text import flat_config
from tests.chunks import check_each, in_chunks
from tests.imports.recover.made import FORMS, Made, inverted, resnet, shared, without_modules
from tests.imports.recover.random_flats import random_flat

GOLDEN = Path(__file__).parent / "golden"


@pytest.mark.parametrize("name", FORMS)
def test_each_form_is_written_as_a_person_would(name: str) -> None:
    recovered = recovered_config(FORMS[name]())
    assert recovered.text == (GOLDEN / f"{name}.yaml").read_text(encoding="utf-8")
    assert not recovered.fallbacks


@pytest.mark.parametrize("name", FORMS)
def test_the_graph_is_the_flat_ones(name: str) -> None:
    flat = FORMS[name]()
    recovered = recovered_config(flat)
    assert fingerprint(loads(recovered.text).graph) == fingerprint(loads(flat_config(flat).text).graph)
    assert format_config(Source("recovered", recovered.text)) == recovered.text


@pytest.mark.parametrize("name", FORMS)
def test_every_layer_is_known_by_its_item(name: str) -> None:
    flat = FORMS[name]()
    recovered = recovered_config(flat)
    graph = loads(recovered.text).graph
    found = {node.path: flat.items[recovered.names[node.path]] for node in graph.layers}
    assert {item.path for item in found.values()} == {item.path for item in flat.items}
    for node in graph.layers:
        assert (node.layer.type, tuple(node.shape)) == (found[node.path].type, tuple(found[node.path].shape))


def test_a_single_result_with_a_label_keeps_it() -> None:
    """As of a model that gives a mapping with one entry."""
    flat = resnet()
    labelled = replace(flat, outputs=[("depth", flat.outputs[0][1])], output_form="dict")
    recovered = recovered_config(labelled)
    assert not recovered.fallbacks
    graph = loads(recovered.text).graph
    assert (graph.output_form, [label for label, _ in graph.outputs]) == ("dict", ["depth"])
    assert len(recovered.text.splitlines()) == len(recovered_config(flat).text.splitlines()) + 1


def changed(flat: Flat, number: int, **options: object) -> Flat:
    item = flat.items[number]
    items = [*flat.items]
    items[number] = replace(item, options={**item.options, **options})
    return replace(flat, items=items)


def other_type(flat: Flat, number: int, layer_type: str) -> Flat:
    items = [*flat.items]
    items[number] = replace(items[number], type=layer_type)
    return replace(flat, items=items)


def hash_of(flat: Flat) -> str:
    return fingerprint(loads(flat_config(flat).text).graph)


def numbers(flat: Flat, layer_type: str) -> list[int]:
    return [number for number, item in enumerate(flat.items) if item.type == layer_type]


def test_the_hash_notices_another_activation_of_a_gate() -> None:
    flat = FORMS["gates"]()
    (number, *_) = numbers(flat, "sigmoid")
    assert hash_of(other_type(flat, number, "hardsigmoid")) != hash_of(flat)


def test_the_hash_notices_flags_edges_results_and_sharing() -> None:
    flat = resnet()
    assert hash_of(changed(flat, numbers(flat, "relu")[0], inplace=False)) != hash_of(flat)
    assert hash_of(changed(flat, numbers(flat, "conv2d")[-1], bias=True)) != hash_of(flat)
    two = FORMS["exchange"]()
    assert hash_of(replace(two, outputs=two.outputs[::-1])) != hash_of(two)
    last = numbers(flat, "add")[-1]
    items = [*flat.items]
    items[last] = replace(items[last], inputs=(items[last].inputs[0], items[last].inputs[0]))
    assert hash_of(replace(flat, items=items)) != hash_of(flat)
    once = shared()
    apart = replace(once.items[-1], share=None, type="conv2d", options=once.items[-2].options)
    assert hash_of(replace(once, items=[*once.items[:-1], apart])) != hash_of(once)


def test_the_hash_tells_whose_weights_are_shared() -> None:
    """Two equal layers on one value: the weights of one or of the other."""

    def made(owner: int) -> Flat:
        net = Made()
        options = {"out_channels": 4, "kernel_size": 1}
        values = [net.add(f"c{number}", "conv2d", 0, **options) for number in range(2)]
        first = net.add("mix", "concat", *values)
        again = net.add(
            "again", "conv2d", net.add("pool", "avg_pool2d", 0, kernel_size=2), share=values[owner], **options
        )
        return net.flat([first, again])

    assert hash_of(made(0)) != hash_of(made(1))
    for owner in range(2):
        assert recovered_config(made(owner)).fingerprint == hash_of(made(owner))


def test_the_hash_does_not_know_names_and_the_order_of_independent_layers() -> None:
    def made(order: tuple[int, int], prefix: str) -> Flat:
        net = Made()
        values = {}
        for width in order:
            values[width] = net.conv(f"{prefix}{width}", 0, width)
        net.add("cat", "concat", values[4], values[8])
        return net.flat()

    assert hash_of(made((4, 8), "a")) == hash_of(made((8, 4), "b"))


def test_a_text_that_is_another_network_is_never_given(monkeypatch: pytest.MonkeyPatch) -> None:
    """Where a word for a shortcut is wrongly taken, the shortcut is written out."""
    monkeypatch.setattr("archlab.imports.recover.block.is_projection", lambda *_given: True)
    grouped = resnet()
    for number, item in enumerate(grouped.items):
        if item.type == "conv2d" and "downsample" in item.path:
            grouped = changed(grouped, number, groups=8)
    recovered = recovered_config(grouped)
    assert recovered.fingerprint == hash_of(grouped)
    assert "project" not in recovered.text
    assert "groups: 8" in recovered.text


def test_where_all_fails_the_flat_list_is_given(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("archlab.imports.recover.document.comments", lambda *_given: ["input: [1, 8, 8]"])
    flat = inverted()
    recovered = recovered_config(flat)
    assert recovered.text == flat_config(flat).text
    assert recovered.fallbacks[-1] == "the whole network, layer by layer"


def test_a_unit_around_layers_of_no_module(monkeypatch: pytest.MonkeyPatch) -> None:
    """PyTorch's newer ONNX exporter names no module for some of ShuffleNet's layers."""
    unit, flat = Scope("0.0", "Unit"), inverted()
    bare = replace(flat, items=[replace(flat.items[0], scopes=()), *flat.items[1:]])
    monkeypatch.setattr(tandem, "_scopes", lambda _runs: [([SimpleNamespace(start=0, stop=2)], unit)])
    made = tandem.with_windows(bare, ())
    assert made is not None
    assert [item.scopes[:2] for item in made.items[:2]] == [(unit,), (flat.items[1].scopes[0], unit)]


@pytest.mark.parametrize("seeds", in_chunks(range(40), 10))
def test_random_networks_are_the_same_again(seeds: list[int]) -> None:
    check_each(seeds, check_is_the_same_again)


def check_is_the_same_again(seed: int) -> None:
    """With its modules and without."""
    flat = random_flat(seed)
    for one in (flat, without_modules(flat)):
        recovered = recovered_config(one)
        assert fingerprint(loads(recovered.text).graph) == hash_of(one)
