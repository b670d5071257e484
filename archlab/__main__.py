"""`python -m archlab`."""

import sys

from archlab.cli import entry

sys.exit(entry())
