"""`python -m archlab`, and the program `archlab`."""

from __future__ import annotations

import signal
import sys


def entry() -> int:
    """Run the program.

    Ctrl-C while modules are imported ends it without a traceback; then it interrupts the command.
    """
    if signal.getsignal(signal.SIGINT) is signal.default_int_handler:
        signal.signal(signal.SIGINT, signal.SIG_DFL)
    from archlab.cli.main import entry as run

    return run()


if __name__ == "__main__":
    sys.exit(entry())
