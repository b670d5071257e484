"""Parameters, multiply-accumulates and FLOPs."""

from __future__ import annotations

from math import prod

from archlab.explain.section import Section, Step, times
from archlab.explain.subject import Subject
from archlab.explain.work import WORK
from archlab.layers.shape import AXIS_NAMES


def params_section(subject: Subject) -> Section:
    """A line for each learnable tensor, and their sum."""
    section = Section("params", "parameters")
    tensors = [tensor for tensor in subject.layer.tensors(subject.inputs) if tensor.learnable]
    for tensor in tensors:
        section.steps.append(Step(tensor.name, *tensor_lines(subject, tensor.name, tensor.shape), tensor.elements))
    if len(tensors) > 1:
        sizes = " + ".join(f"{tensor.elements:,}" for tensor in tensors)
        whole = sum([tensor.elements for tensor in tensors])
        section.steps.append(Step("params", " + ".join(t.name for t in tensors), sizes, whole))
    shares = subject.node.shares
    if tensors and shares is not None:
        section.notes.append(f"They are those of {shares}, the same weights again, and counted there.")
    if not tensors:
        section.notes.append("None: nothing here is learned.")
    buffers = [f"{t.name} {t.elements:,}" for t in subject.layer.tensors(subject.inputs) if not t.learnable]
    if buffers:
        elements = sum([t.elements for t in subject.layer.tensors(subject.inputs) if not t.learnable])
        section.notes.append(f"Beside them {elements:,} in buffers, not learned: {', '.join(buffers)}.")
    return section


def tensor_lines(subject: Subject, name: str, shape: tuple[int, ...]) -> tuple[str, str]:
    """A learnable tensor's formula, and numbers; empty where there is nothing to put in.

    Args:
        subject: the layer.
        name: of the tensor.
        shape: of the tensor.
    """
    if name == "weight" and shape == subject.weight and len(shape) == 2:
        return "out_features x in_features", times(*shape)
    if name != "weight" or shape != subject.weight:
        words = "one for each feature" if len(subject.output) == 1 else "one for each channel"
        return (words if len(shape) == 1 and shape[0] > 1 else "its elements"), times(*shape) if len(shape) > 1 else ""
    groups, channels, out = subject.groups, subject.inputs[0][0], subject.output[0]
    kernel = times(*subject.kernel)
    divided = " / groups" if groups > 1 else ""
    by = f" / {groups}" if groups > 1 else ""
    if subject.is_transposed:
        formula = f"in_channels x out_channels{divided} x {subject.words('kernel')}"
        return formula, f"{channels} x {out}{by} x {kernel}"
    return f"out_channels x in_channels{divided} x {subject.words('kernel')}", f"{out} x {channels}{by} x {kernel}"


def macs_section(subject: Subject) -> Section:
    """Multiply-accumulates, then FLOPs."""
    section = Section("cost", "multiply-accumulates and FLOPs")
    macs = subject.report.macs
    if macs:
        section.steps.append(Step("MACs", *mac_lines(subject), macs))
    section.steps += _flop_steps(subject)
    rule = WORK.get(subject.layer.type)
    if rule and subject.report.flops:
        section.notes.append(rule)
    if subject.batch > 1:
        section.notes.append(f"For a batch of {subject.batch}.")
    return section


def mac_lines(subject: Subject) -> tuple[str, str]:
    """The multiply-accumulates' formula, and numbers; empty where there is nothing to put in."""
    weight, batch = prod(subject.weight), subject.batch
    head, count = ("batch x ", f"{batch} x ") if batch > 1 else ("", "")
    if len(subject.weight) == 2:
        positions = subject.output[:-1]
        words = " x ".join([*AXIS_NAMES.get(len(positions), ()), "weight"])
        return f"{head}{words}", f"{count}{times(*positions, weight)}"
    if subject.weight:
        word, positions = ("in", subject.inputs[0][1:]) if subject.is_transposed else ("out", subject.output[1:])
        return f"{head}{subject.words(word)} x weight", f"{count}{times(*positions, weight)}"
    elements, macs = prod(subject.output) * batch, subject.report.macs
    if macs % elements == 0:
        return "output elements x values that each is made of", times(elements, macs // elements)
    return "as the layer states", ""


def _flop_steps(subject: Subject) -> list[Step]:
    flops, macs = subject.report.flops, subject.report.macs
    other = flops - 2 * macs
    if macs:
        has_bias = any(tensor.name == "bias" for tensor in subject.layer.tensors(subject.inputs))
        bias = prod(subject.output) * subject.batch if has_bias else 0
        parts = [("bias", bias), ("other work", other - bias)]
        words, numbers = "2 x MACs", f"2 x {macs:,}"
        for word, value in parts:
            if value:
                words, numbers = f"{words} + {word}", f"{numbers} + {value:,}"
        return [Step("FLOPs", words, numbers, flops)]
    if not flops:
        return [Step("FLOPs", "", "", 0, "nothing is computed")]
    for word, elements in (("output", prod(subject.output)), ("input", sum(map(prod, subject.inputs)))):
        total = elements * subject.batch
        if flops % total == 0:
            each = flops // total
            return [Step("FLOPs", f"{each} for each {word} element", f"{each} x {total:,}", flops)]
    return [Step("FLOPs", "", "", flops)]
