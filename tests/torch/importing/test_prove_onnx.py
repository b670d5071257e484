"""ONNX files held against onnxruntime by `archlab import --verify`."""

from __future__ import annotations

from pathlib import Path

import pytest
from onnx.helper import make_node

from archlab.api.imported import import_target
from archlab.diagnostics.problem import ConfigError
from archlab.imports.targets import ImportOptions
from archlab.torch.importing.prove_onnx import FileProof, prove_onnx
from tests.imports.onnx.made import floats, model, saved


def net(folder: Path, *, samples: int | str = "n") -> Path:
    nodes = [
        make_node("Conv", ["x", "w", "b"], ["a"], kernel_shape=[3, 3], pads=[1, 1, 1, 1]),
        make_node("Relu", ["a"], ["r"]),
        make_node("Flatten", ["r"], ["f"]),
        make_node("Gemm", ["f", "m"], ["y"]),
    ]
    tensors = {"w": floats(4, 4, 3, 3), "b": floats(4, seed=1), "m": floats(480, 6, seed=2)}
    return saved(model(nodes, tensors, sizes=(samples, 4, 12, 10)), folder)


@pytest.mark.parametrize("samples", ["n", 3])
@pytest.mark.parametrize("flat", [False, True])
def test_outputs_are_onnxruntimes(samples: int | str, flat: bool, tmp_path: Path) -> None:  # noqa: FBT001
    path = net(tmp_path, samples=samples)
    proof = import_target(str(path), ImportOptions(), flat=flat).prove(str(path), ImportOptions())
    assert isinstance(proof, FileProof)
    assert proof.ok
    assert proof.difference is not None
    assert proof.difference < 1e-4
    assert proof.largest > 1
    assert "onnxruntime" in proof.render()


def test_another_network_is_noticed(tmp_path: Path) -> None:
    path = net(tmp_path)
    found = import_target(str(path), ImportOptions(), flat=True)
    activation = next(node for node in found.network.graph.nodes if node.layer.alias == "relu")
    other = import_target(str(swapped(path)), ImportOptions(), flat=True).network.graph
    assert activation.layer != other.nodes[activation.index].layer
    proof = prove_onnx(path, found.flat, other, found.names)
    assert not proof.ok


def swapped(path: Path) -> Path:
    """The same file with another activation."""
    other = path.with_name("other.onnx")
    other.write_bytes(path.read_bytes().replace(b"Relu", b"Tanh"))
    return other


def test_why_outputs_are_not_compared(tmp_path: Path) -> None:
    path = net(tmp_path)
    found = import_target(str(path), ImportOptions())
    assert "not the file's" in found.prove(str(path), ImportOptions(until="r")).render()
    opaque = saved(model([make_node("Erf", ["x"], ["y"])], {}), tmp_path)
    hidden = import_target(str(opaque), ImportOptions())
    assert "opaque layer" in hidden.prove(str(opaque), ImportOptions()).render()


def test_a_file_that_onnxruntime_refuses_is_told(tmp_path: Path) -> None:
    path = net(tmp_path)
    found = import_target(str(path), ImportOptions())
    path.write_bytes(path.read_bytes().replace(b"Gemm", b"Gems"))
    with pytest.raises(ConfigError, match="onnxruntime cannot run"):
        found.prove(str(path), ImportOptions())


def test_what_does_not_run_is_told(tmp_path: Path) -> None:
    path = tmp_path / "net.cfg"
    path.write_text("[net]\nwidth=8\nheight=8\nchannels=3\n[convolutional]\nfilters=4\nsize=3\nactivation=linear\n")
    found = import_target(str(path), ImportOptions())
    with pytest.raises(ConfigError, match="nothing to compare with"):
        found.prove(str(path), ImportOptions())
