"""The largest values of as many windows as are wanted."""

from __future__ import annotations

from math import prod
from typing import ClassVar

from archlab.layers.adaptive_pool import AdaptivePoolNd
from archlab.layers.base import Cost
from archlab.layers.pooling import INDEX_BYTES
from archlab.layers.room import Room, Training
from archlab.layers.runtime import Runtime
from archlab.layers.shape import Shape


class AdaptiveMaxPoolNd(AdaptivePoolNd):
    """Largest value over such windows, over maps of `rank` axes."""

    alias: ClassVar[str] = "maxpool"

    def cost(self, inputs: tuple[Shape, ...], output: Shape) -> Cost:
        """Comparisons."""
        return Cost(elementwise=self.window_elements(inputs[0], output) - prod(output))

    def runtime(self, inputs: tuple[Shape, ...], output: Shape) -> Runtime:
        """The positions of the maxima are made, and kept beside the input."""
        places = Room(sample_bytes=INDEX_BYTES * prod(output))
        return self._run()._replace(workspace=places, training=Training(kept=places))


class AdaptiveMaxPool2d(AdaptiveMaxPoolNd):
    """Largest value over windows that give the wanted output size. FLOPs: window - 1 comparisons each."""

    type: ClassVar[str] = "adaptive_max_pool2d"
    torch_class: ClassVar[str] = "AdaptiveMaxPool2d"
    rank: ClassVar[int] = 2
