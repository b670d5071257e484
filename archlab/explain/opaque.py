"""A layer of one's own: what its config declares, and what is not known for that."""

from __future__ import annotations

from archlab.explain.section import Section, Step
from archlab.explain.subject import Subject
from archlab.layers.describe import own_options
from archlab.layers.shape import shape_text
from archlab.report.opaque import LABELS


def declared_section(subject: Subject) -> Section:
    """The output and each number, with what is unknown."""
    layer, report = subject.layer, subject.report
    section = Section("declared", "what is declared of it")
    section.steps.append(Step("output", "", "", shape_text(subject.output)))
    if "reads" not in own_options(layer):
        section.notes.append("What a unit of its output reads is not declared: fields behind it are unknown.")
    for name, label in LABELS.items():
        value = "unknown" if name in report.unknown else getattr(report, name)
        section.steps.append(Step(label, "", "", value))
    section.steps.append(Step("reads", "", "", _reads_text(own_options(layer).get("reads", "unknown"))))
    section.notes.append(
        f"{layer.type} is a class of another package, which is not imported for this; archlab verify builds it and "
        "compares. What it keeps for its backward pass and takes while it runs is not known."
    )
    if subject.batch > 1:
        section.notes.append(f"For a batch of {subject.batch}.")
    return section


def _reads_text(reads: object) -> str:
    if isinstance(reads, dict):
        return ", ".join([f"{name} {value}" for name, value in reads.items()])
    return str(reads)
