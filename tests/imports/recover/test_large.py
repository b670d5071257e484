"""Networks whose lists of layers are larger than a config from elsewhere may be."""

from __future__ import annotations

from dataclasses import replace

import pytest

from archlab.api.imported import network_of
from archlab.api.load import loads
from archlab.config.syntax.limits import MAX_FILE_BYTES, MAX_YAML_NODES
from archlab.diagnostics.codes import Code
from archlab.diagnostics.problem import ConfigError
from archlab.graph.fingerprint import fingerprint
from archlab.imports.flat import Flat, Item
from archlab.imports.recover import listed_config, recovered_config
from archlab.imports.text import flat_config
from tests.imports.recover.made import resnet

COUNT = 3_600
EVERY = {word: [1, 1] for word in ("kernel_size", "stride", "dilation")}


def chain(layers: list[Item]) -> Flat:
    return Flat("chain", "test:chain", {"input": (4, 8, 8)}, layers, [("output", len(layers))])


def convolutions() -> Flat:
    """More YAML values than a config may have, in fewer bytes."""
    options = {"out_channels": 4, **EVERY}
    return chain([Item(f"c{n}", "conv2d", options, (n,), (4, 8, 8)) for n in range(COUNT)])


def test_a_list_of_more_values_than_a_config_may_have_is_a_network() -> None:
    flat = convolutions()
    with pytest.raises(ConfigError, match=f"more than {MAX_YAML_NODES:,} YAML values"):
        loads(flat_config(flat).text)
    assert network_of(flat).analyze().total.macs == COUNT * 4 * 4 * 8 * 8


def test_it_is_written_in_short_and_proved() -> None:
    recovered = recovered_config(convolutions())
    assert f"repeat: {COUNT}" in recovered.text
    assert fingerprint(loads(recovered.text).graph) == recovered.fingerprint


def test_a_line_for_each_layer_is_refused_where_it_could_not_be_read_again() -> None:
    with pytest.raises(ConfigError) as caught:
        listed_config(convolutions())
    (problem,) = caught.value.problems
    assert problem.code is Code.TOO_LARGE
    assert "test:chain, written a line for each layer, is too large" in problem.message
    assert f"more than {MAX_YAML_NODES:,} YAML values" in problem.message


def test_so_is_a_text_of_more_bytes() -> None:
    """Long remarks: fewer values, more bytes."""
    flat = chain([Item("r", "relu", {}, (0,), (4, 8, 8))])
    flat = replace(flat, remarks=["x" * (MAX_FILE_BYTES // 10)] * 10)
    with pytest.raises(ConfigError, match=rf"bytes; a config may have {MAX_FILE_BYTES:,}; other commands"):
        listed_config(flat)


def test_where_no_config_is_small_enough_the_bound_is_named(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("archlab.config.syntax.files.MAX_FILE_BYTES", 500)
    with pytest.raises(ConfigError, match=r"written as a config, is too large to be read again: .* may have 500;"):
        recovered_config(resnet())
    assert network_of(resnet()).analyze().total.params
