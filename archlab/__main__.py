"""`python -m archlab`, and the program `archlab`."""

from __future__ import annotations

import gc
import os
import signal
import sys


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
    os.environ.setdefault("PYDANTIC_DISABLE_PLUGINS", "__all__")
    from archlab.cli.main import entry as run

    return run()


if __name__ == "__main__":
    sys.exit(entry())
