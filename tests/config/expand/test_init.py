"""Initialisers have the arguments and defaults of `torch.nn.init`."""

from __future__ import annotations

import inspect

import pytest
from torch.nn import init

from archlab.config.expand.init import INITIALIZERS


@pytest.mark.parametrize("name", INITIALIZERS)
def test_arguments_and_defaults_are_torchs(name: str) -> None:
    theirs = dict(inspect.signature(getattr(init, f"{name}_")).parameters)
    del theirs["tensor"]
    theirs.pop("generator", None)
    fields = INITIALIZERS[name].model_fields
    assert list(fields) == list(theirs)
    for argument, field in fields.items():
        default = theirs[argument].default
        assert field.is_required() == (default is inspect.Parameter.empty)
        assert field.is_required() or field.default == default, argument
