"""Which layer of what is explained is drawn."""

from __future__ import annotations

from typing import Literal

from archlab.diagnostics.codes import Code
from archlab.diagnostics.problem import ConfigError, single_problem
from archlab.explain.block import BlockExplanation
from archlab.explain.drawing.scene import Scene, scene_of
from archlab.explain.layer import Explanation
from archlab.explain.subject import Subject
from archlab.layers.describe import describe
from archlab.layers.shape import map_size, shape_text


def drawn(explanation: Explanation | BlockExplanation, *, alone: bool = False) -> Scene:
    """The picture of what is explained.

    Args:
        explanation: of a layer, or of a block.
        alone: whether it is a layer type by itself, whose parts are drawn together.

    Raises:
        ConfigError: for what has no drawing, with what has.
    """
    if isinstance(explanation, Explanation):
        found = scene_of(explanation.subject)
        if found is None:
            raise _no_picture(explanation.subject)
        return found
    subjects = [Subject(explanation.block.analysis, report) for report in explanation.block.reports]
    telling = [subject for subject in subjects if subject.layer.others == "offsets" or subject.is_convolution]
    best = next((subject for subject in telling if subject.layer.others == "offsets"), None)
    scene = scene_of(best or telling[0]) if alone and telling else None
    if scene is not None:
        return scene
    example = f", such as {telling[0].node.path}" if telling else ""
    path = explanation.block.path
    raise single_problem(f"a drawing shows one layer, and {path} is a block: name one of its layers{example}",
                         Code.UNKNOWN_LAYER)  # fmt: skip


def _no_picture(subject: Subject) -> ConfigError:
    before = " and ".join(shape_text(shape) for shape in subject.inputs)
    what = f"{describe(subject.layer)} makes {shape_text(subject.output)} of {before}"
    return single_problem(f"{subject.node.path}: {what}, and {NOT_DRAWN[_kind(subject)]}", Code.WRONG_VALUE)


Kind = Literal["opaque", "join", "flat", "order", "large"]
NOT_DRAWN: dict[Kind, str] = {
    "opaque": "it does not say what it reads",
    "join": "joins are not drawn: each unit is made of the values at its own place in every input",
    "flat": "there are no positions to draw before and behind it",
    "order": "a drawing shows maps, the channels first: it changes what the dimensions hold, not what is read",
    "large": "no map that is small enough to draw shows it",
}
"""Layers without a drawing, and why."""


def _kind(subject: Subject) -> Kind:
    if subject.layer.role == "opaque":
        return "opaque"
    if len(subject.inputs) != 1 and subject.layer.others != "offsets":
        return "join"
    if subject.is_map_to_map:
        return "large"
    shapes = (*subject.inputs[:1], subject.output)
    return "flat" if any(map_size(shape) is None for shape in shapes) else "order"
