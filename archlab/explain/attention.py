"""Attention explained: who meets whom, the scores, and what they cost."""

from __future__ import annotations

from math import prod
from typing import Any

from archlab.explain.section import Section, Step, times
from archlab.explain.subject import Subject

OPERATIONS = ("attention_op", "window_attention_op")
"""Layer types."""


def attention_section(subject: Subject) -> Section | None:
    """Queries, keys and values, scores and sums; None for other layers."""
    if subject.layer.type not in OPERATIONS:
        return None
    layer: Any = subject.layer
    section = Section("attention", "attention", "Vaswani et al. 2017")
    batch = [subject.batch] if subject.batch > 1 else []
    inner, heads = subject.output[-1], layer.num_heads
    width, queries, keys = inner // heads, prod(subject.output[:-1]), layer.key_count(subject.inputs)
    words = "batch x " if batch else ""
    products = prod([*batch, heads, queries, keys, width])
    section.steps += [
        Step("head width", "channels / num_heads", f"{inner:,} / {heads}", width),
        Step("queries", "positions of the first input", times(*subject.output[:-1]), queries),
        Step("keys", "positions that each query meets", "", keys),
        Step(
            "scores",
            f"{words}num_heads x queries x keys",
            times(*batch, heads, queries, keys),
            prod([*batch, heads, queries, keys]),
        ),
        Step("Q K^T", "scores x head width", f"{products // width:,} x {width}", products, "MACs"),
        Step("A V", "scores x head width", f"{products // width:,} x {width}", products, "MACs"),
    ]
    section.notes.append("A = softmax(Q K^T / sqrt(head width)), each row over the keys; the result is A V.")
    if layer.fused:
        section.notes.append(
            "A fused kernel (scaled_dot_product_attention) never holds all scores; written out (fused: false) they and "
            "their softmax are two values of so many elements."
        )
    return section
