"""What design rules are told of a network."""

from __future__ import annotations

import archlab
from archlab.api.remarks import subject_of

TEXT = """\
input: [3, 16, 16]
params: {width: 8}
layers:
  - {type: conv2d, out_channels: $width, kernel_size: 3}
"""


def test_another_size_has_the_params_that_were_given() -> None:
    network = archlab.loads(TEXT, width=5)
    subject = subject_of(network.analyze(), network.document, network.variant, network.settings)
    other = subject.resized((3, 20, 20))
    assert other is not None
    assert other.nodes[-1].shape == (5, 18, 18)
