"""What can name a layer, so that its path is one that PyTorch can have."""

from __future__ import annotations

import keyword
import re

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
