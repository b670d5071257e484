"""`python -m archlab`, and the program `archlab`."""

from __future__ import annotations

import gc
import os
import signal
import sys
from importlib import import_module
from types import ModuleType
from typing import Any

_PLUGINS = "pydantic.plugin._loader"
"""The module by which Pydantic looks for plugins."""


def entry() -> int:
    """Run the program.

    Ctrl-C while modules are imported ends it without a traceback; then it interrupts the command.
    """
    if signal.getsignal(signal.SIGINT) is signal.default_int_handler:
        signal.signal(signal.SIGINT, signal.SIG_DFL)
    # Modules and graphs stay to the end: a search for garbage after every 700 objects takes a tenth of a short command,
    # one after 50,000 still 7 ms.
    gc.set_threshold(300_000, 20, 20)
    # Pydantic looks for plugins in the metadata of every installed package; archlab's layers have no use for them.
    if os.environ.setdefault("PYDANTIC_DISABLE_PLUGINS", "__all__") == "__all__":
        _leave_plugins_out()
    from archlab.cli.main import entry as run

    return run()


def _leave_plugins_out() -> None:
    """Say that there are no plugins in place of the module that would look for them.

    That module imports importlib.metadata, and by it email, socket and zipfile: a fifteenth of a short command.
    """
    stand_in = ModuleType(_PLUGINS)
    vars(stand_in).update(get_plugins=tuple, __getattr__=_of_the_real_one)
    sys.modules.setdefault(_PLUGINS, stand_in)


def _of_the_real_one(name: str) -> Any:
    """What else a version of Pydantic may want of it."""
    if name.startswith("__"):
        raise AttributeError(name)
    sys.modules.pop(_PLUGINS, None)
    return getattr(import_module(_PLUGINS), name)


if __name__ == "__main__":
    sys.exit(entry())
