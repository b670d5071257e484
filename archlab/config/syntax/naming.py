"""Paths for nodes: `layer1.0.conv1`.

Rules, so that paths are those a PyTorch user would write:

* A named layer has its name. A named item that becomes several layers is a scope (`stem.conv`, `stem.bn`).
* A named item with `repeat` gets `.0`, `.1`, ...
* An unnamed layer has its type's short name: plain where it is the only one in its scope (`add`), else
  numbered from 1 (`conv1`, `conv2`). An unnamed block has the block's name, likewise (`unit1`; `conv3x3_1`).
* An unnamed residual or branches item adds no level of its own; a projection is in `shortcut`, paths are
  `branch1`, `branch2`, ...
"""

from __future__ import annotations

import keyword
import re
from collections import Counter
from collections.abc import Sequence
from functools import lru_cache

from archlab.config.syntax.limits import MAX_PATH_LENGTH
from archlab.diagnostics.problem import single_problem
from archlab.graph import Node

MAX_NAME_LENGTH = 60
_NAME = re.compile(r"[A-Za-z][A-Za-z0-9_]*\Z")

_MODULE_ATTRIBUTES = """
    T_destination add_module add_submodule append apply bfloat16 buffers call_super_init children code
    compile cpu cuda delete_all_unused_submodules delete_submodule double dump_patches eval extend
    extra_repr float forward get_buffer get_extra_state get_parameter get_submodule graph half input insert
    ipu load_state_dict meta modules mtia named_buffers named_children named_modules named_parameters
    parameters pop print_readable recompile register_backward_hook register_buffer register_forward_hook
    register_forward_pre_hook register_full_backward_hook register_full_backward_pre_hook
    register_load_state_dict_post_hook register_load_state_dict_pre_hook register_module register_parameter
    register_state_dict_post_hook register_state_dict_pre_hook requires_grad_ self set_extra_state
    set_submodule shape_env share_memory state_dict to to_empty to_folder torch train training type xpu
    zero_grad
"""
"""Attributes of torch.nn.Module, Sequential and torch.fx.GraphModule, and names in the generated code: no
submodule can be called so. tests/torch/test_build.py compares the list with the classes."""

RESERVED = frozenset(_MODULE_ATTRIBUTES.split())


def name_fault(name: str) -> str | None:
    """Why a word cannot name a layer, or None if it can."""
    if name.startswith("_"):
        return "begins with _, as PyTorch's own attributes do; begin with a letter"
    if not _NAME.match(name):
        return "is not a name; use letters, digits and _, and begin with a letter"
    if len(name) > MAX_NAME_LENGTH:
        return f"is too long; at most {MAX_NAME_LENGTH} characters"
    if keyword.iskeyword(name) or name in RESERVED:
        return "is already an attribute of PyTorch's modules or a word of Python; choose another name"
    return None


def block_label(name: str) -> str:
    """What an unnamed use of a block is called in paths: the block's name, unless PyTorch has taken it."""
    return "block" if name_fault(name) else name


class PathScope:
    """A level of the path: holds nodes and further scopes in order."""

    __slots__ = ("_names", "children", "twin")

    def __init__(self) -> None:
        self.children: list[tuple[str, bool, Node | PathScope]] = []
        """Label, whether the user wrote it, and the child."""
        self.twin: PathScope | None = None
        """A scope with the same labels."""
        self._names: Sequence[str] | None = None

    def add(self, label: str, child: Node | PathScope, *, written: bool) -> None:
        """Append a child."""
        self.children.append((label, written, child))

    def scope(self, label: str, *, written: bool) -> PathScope:
        """A new scope in this one."""
        child = PathScope()
        self.add(label, child, written=written)
        return child

    def assign_paths(self, prefix: str = "") -> None:
        """Give every node below its path.

        Raises:
            ConfigError: if one is too long.
        """
        for name, (_, _, child) in zip(self.child_names(), self.children, strict=True):
            path = prefix + name
            if isinstance(child, PathScope):
                child.assign_paths(path + ".")
            elif len(path) > MAX_PATH_LENGTH:
                message = f"the layer's path has {len(path):,} characters, '{path[:60]}...'"
                hint = f"at most {MAX_PATH_LENGTH} are allowed; write shorter names, or fewer levels"
                raise single_problem(f"{message}; {hint}", "too-large", child.place)
            else:
                child.path = path

    def child_names(self) -> Sequence[str]:
        """The labels, numbered where several are alike."""
        if self._names is None:
            labels = tuple([(label, written) for label, written, _ in self.children])
            self._names = _distinct(labels) if self.twin is None else self.twin.child_names()
        return self._names


@lru_cache(maxsize=256)  # most scopes have the labels of another: units of a stage, networks of a sweep
def _distinct(labels: tuple[tuple[str, bool], ...]) -> Sequence[str]:
    """The names for labels, of which some are written by the user and some may be numbered."""
    counts = Counter([label for label, written in labels if not written])
    taken = {label for label, written in labels if written}
    numbers: Counter[str] = Counter()
    names: list[str] = []
    for label, written in labels:
        name = label if written else _free_name(label, counts[label], numbers, taken)
        taken.add(name)
        names.append(name)
    return tuple(names)


def _free_name(label: str, count: int, numbers: Counter[str], taken: set[str]) -> str:
    if count == 1 and label not in taken:
        return label
    while True:
        numbers[label] += 1
        # conv3x3_2, since conv3x32 would read as another kernel
        name = f"{label}_{numbers[label]}" if label[-1].isdigit() else f"{label}{numbers[label]}"
        if name not in taken:
            return name
