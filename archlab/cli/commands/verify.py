"""`archlab verify`: the numbers against the built model."""

from __future__ import annotations

import argparse
from typing import TYPE_CHECKING, Protocol

from archlab.cli.options import TARGET, add_network, add_training, conditions_of, load_network
from archlab.cli.output import TEXT
from archlab.cli.report import Report
from archlab.cli.targets import Request, tell_apart

if TYPE_CHECKING:
    from archlab.api.network import Network

FORMS = TEXT


class _Check(Protocol):
    """What was compared."""

    @property
    def ok(self) -> bool: ...

    def render(self) -> str: ...


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """Networks, and what to compare."""
    add_network(parser)
    parser.add_argument("targets", nargs="*", metavar="TARGET", help=f"{TARGET} (all presets if none)")
    parser.add_argument(
        "--receptive-field",
        action="store_true",
        help="also probe receptive fields with gradients, position by position",
    )
    parser.add_argument(
        "--projective-field",
        action="store_true",
        help="also probe with gradients which input positions reach a layer's units",
    )
    parser.add_argument(
        "--memory", action="store_true", help="also count live storages in a forward pass and training steps"
    )
    parser.add_argument("--device", default="cpu", help="where the model runs; 'meta' computes shapes only")
    add_training(parser, optimizer=False)  # all of them are tried


def run(options: argparse.Namespace) -> Report:
    """A line for each network, and every difference."""
    from archlab.zoo.rows import preset_targets

    checks: list[_Check] = []
    targets = options.targets or preset_targets()
    networks = [load_network(target, options) for target in targets]
    tell_apart([network.graph for network in networks], [Request(target) for target in targets])
    for network in networks:
        checks += _checks(network, options)
    text = "\n".join([check.render() for check in checks]) + "\n"
    return Report({"text": lambda: text}, prose=("text",), ok=all(check.ok for check in checks))


def _checks(network: Network, options: argparse.Namespace) -> list[_Check]:
    from archlab.torch.verify import verify

    found: list[_Check] = [verify(network, batch=options.batch, device=options.device)]
    if options.receptive_field:
        from archlab.torch.verify_field import verify_receptive_field

        found.append(verify_receptive_field(network))
    if options.projective_field:
        from archlab.torch.verify_projection import verify_projective_field

        found.append(verify_projective_field(network))
    if options.memory:
        from archlab.torch.verify_memory import verify_memory

        found.append(verify_memory(network, conditions_of(options), options.device))
    return found
