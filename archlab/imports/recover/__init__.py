"""A flat network as a short config that a person could have written, proved to be the same network.

Blocks come from the classes of the source's modules: all calls of a class are laid over one another, and what differs
among them becomes params (`slots`, `columns`, `block`). Residuals and branches come from joins (`joins`), repetitions
from neighbours that are alike (`repeats`). The text is read again, and its graph compared with the flat one
(`graph.fingerprint`); what differs is written in a plainer way, in the end one by one.
"""

from archlab.imports.recover.config import Recovered, listed_config, recovered_config

__all__ = ["Recovered", "listed_config", "recovered_config"]
