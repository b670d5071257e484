"""What a command makes and imports: classes and modules, counted in a process of its own."""

from __future__ import annotations

import os
import subprocess
import sys

import pytest

from archlab.cli.main import build_parser

MOST_CLASSES = 40
"""Pydantic classes for a ResNet-50, at about a millisecond each; all layers and initialisers would be 90."""

COUNT = """
import sys
from pydantic._internal._model_construction import ModelMetaclass
make, made = ModelMetaclass.__new__, []
def count(cls, name, *rest, **options):
    made.append(name)
    return make(cls, name, *rest, **options)
ModelMetaclass.__new__ = count
from archlab.cli.main import main
main(sys.argv[1:])
commands = [name.rpartition(".")[2] for name in sys.modules if name.startswith("archlab.cli.commands.")]
print(len(made), *commands, *(name for name in ("rich", "yaml") if name in sys.modules), file=sys.stderr)
"""


@pytest.mark.parametrize("form", ["json", "table", "csv"])
def test_few_classes_are_made_one_command_is_imported_and_rich_is_not(form: str) -> None:
    command = [sys.executable, "-c", COUNT, "analyze", "resnet50", "--format", form]
    done = subprocess.run(command, check=True, capture_output=True, text=True)
    made, *imported = done.stderr.split()
    assert 10 < int(made) < MOST_CLASSES
    assert imported == ["analyze", "yaml"]


def test_the_parser_of_one_command_is_made() -> None:
    assert build_parser("analyze").format_help().count("\n    ") == 1
    assert build_parser("analyse").format_help().count("\n    ") > 20  # among which the hint is sought


def test_the_program_looks_for_no_plugins_of_pydantic() -> None:
    """Which would read the metadata of every installed package."""
    code = "import sys; sys.argv = ['archlab', 'analyze', 'resnet50', '--format', 'csv']\n"
    code += "from archlab.__main__ import entry\n"
    code += "entry(); from pydantic.plugin import _loader; print(_loader._plugins, file=sys.stderr)"
    done = subprocess.run([sys.executable, "-c", code], check=True, capture_output=True, text=True)
    assert done.stderr.strip() == "None"


@pytest.mark.parametrize(("said", "is_there"), [(None, False), ("another", True)])
def test_what_would_look_for_plugins_is_not_imported_either(said: str | None, is_there: bool) -> None:  # noqa: FBT001
    """Unless the user says which plugins are not wanted."""
    code = "import sys; sys.argv = ['archlab', 'analyze', 'resnet50', '--format', 'json']\n"
    code += "from archlab.__main__ import entry\nentry()\n"
    code += "print(*(name in sys.modules for name in ('importlib.metadata', 'shutil')), file=sys.stderr)"
    environment = {name: value for name, value in os.environ.items() if name != "PYDANTIC_DISABLE_PLUGINS"}
    environment |= {} if said is None else {"PYDANTIC_DISABLE_PLUGINS": said}
    command = [sys.executable, "-c", code]
    done = subprocess.run(command, check=True, capture_output=True, text=True, env=environment)
    assert done.stderr.split() == [str(is_there)] * 2


def test_garbage_is_sought_seldom() -> None:
    """There is next to none, and every search goes through what the imports have made."""
    code = "import gc, sys; sys.argv = ['archlab', 'analyze', 'resnet50', '--format', 'json']\n"
    code += "from archlab.__main__ import entry\nbefore = gc.get_stats()[0]['collections']\n"
    code += "entry(); print(gc.get_stats()[0]['collections'] - before, file=sys.stderr)"
    done = subprocess.run([sys.executable, "-c", code], check=True, capture_output=True, text=True)
    assert int(done.stderr) < 2  # 80 with Python's own thresholds
