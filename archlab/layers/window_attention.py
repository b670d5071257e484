"""Attention inside of windows of a map, shifted or dilated ones, with a learned bias for each relative position."""

from __future__ import annotations

from math import prod
from typing import Any, ClassVar

from pydantic import Field

from archlab.layers.attention_op import HALF_DOUBT, AttentionOp
from archlab.layers.attention_operators import AttentionTape
from archlab.layers.base import Cost, TensorSpec
from archlab.layers.fields import AnySizes, Positive
from archlab.layers.geometry import IDENTITY, WHOLE, AxisReads, Phases, Reads, taps_of
from archlab.layers.laid import ChannelsLast
from archlab.layers.operators import Operator, whole
from archlab.layers.room import KEEPS_NOTHING, NOTHING, SHARES
from archlab.layers.runtime import Execution, Runtime
from archlab.layers.shape import AXIS_NAMES, Shape, ShapeError, shape_text
from archlab.layers.strides import Sizes, contiguous


class WindowAttentionOp(AttentionOp):
    """The operation of `self_attention` inside of windows (Liu et al. 2021) of a map with its channels last.

    Input: queries, keys and values beside one another (*axes, 3 x heads x width); output: (*axes, heads x width). MACs:
    2 x queries x positions of a window x heads x width. FLOPs beyond them: 1 for each element of the queries (the
    scale), 5 for each score (softmax), 1 each for the bias of its relative position and the mask of shifted windows.
    """

    type: ClassVar[str] = "window_attention_op"
    torch_class: ClassVar[str] = "archlab.torch.modules.WindowAttention"

    window_size: AnySizes = Field(None, description="Positions of a window along each axis; null: the whole map.")
    shift_size: int = Field(0, ge=0, description="By how much windows are shifted, where the map is larger than one.")
    dilation: Positive = Field(1, description="Distance of a window's positions; it spans the whole map then.")
    relative_position: bool = Field(default=False, description="Learn a bias for each relative position and head.")

    def window(self, shape: Shape) -> Sizes:
        """Positions of a window along each axis.

        Raises:
            ShapeError: if they do not divide the map.
        """
        size = shape[:-1]
        if self.dilation > 1:
            self._require_divides(size, (self.dilation,) * len(size), "dilation")
            return tuple([axis // self.dilation for axis in size])
        asked = self.window_size
        if asked is None:
            return size
        wanted = (asked,) * len(size) if isinstance(asked, int) else asked
        if len(wanted) != len(size):
            raise ShapeError(
                f"self_attention: window_size has {len(wanted)} numbers, and the map {len(size)} axes",
                option="window_size",
            )
        window = tuple(map(min, size, wanted))
        self._require_divides(size, window, "window_size")
        return window

    @staticmethod
    def _require_divides(size: Sizes, parts: Sizes, option: str) -> None:
        for name, axis, part in zip(AXIS_NAMES[len(size)], size, parts, strict=True):
            if axis % part:
                raise ShapeError(
                    f"self_attention: {option}={part} does not divide the {name} of {axis}",
                    option=option,
                    hint="pad the map, or choose a divisor",
                )

    def shift(self, shape: Shape) -> Sizes:
        """By how much windows are shifted along each axis: not where one is the whole of it."""
        window = self.window(shape)
        return tuple([0 if axis == part else self.shift_size for axis, part in zip(shape[:-1], window, strict=True)])

    def out_shape(self, inputs: tuple[Shape, ...]) -> Shape:
        """(*axes, 3 x inner) to (*axes, inner)."""
        (shape,) = inputs
        if not isinstance(shape, ChannelsLast):
            raise ShapeError(
                "self_attention: windows and relative positions need a map with its channels last, but the input is "
                f"{shape_text(shape)}",
                hint="put {type: channels_last} in front of it",
            )
        if self.shift_size and (self.dilation > 1 or self.shift_size >= min(self.window(shape))):
            raise ShapeError(
                f"self_attention: shift_size={self.shift_size} must be less than the window"
                + (", which is dilated" if self.dilation > 1 else f" of {shape_text(self.window(shape))}"),
                option="shift_size",
            )
        self.window(shape)
        return super().out_shape(inputs)

    def inferred(self, inputs: tuple[Shape, ...]) -> dict[str, Any]:
        """size of the map, window_size of that; how windows are shifted, whether they are dilated."""
        (shape,) = inputs
        shift = self.shift(shape)
        found: dict[str, Any] = {"size": list(shape[:-1]), "window_size": list(self.window(shape))}
        if any(shift):
            found["shift_size"] = list(shift)
        return {**found, "dilated": True} if self.dilation > 1 else found

    def torch_arguments(self) -> dict[str, Any]:
        """Those that are not of the windows."""
        found = super().torch_arguments()
        return {name: value for name, value in found.items() if name not in ("window_size", "shift_size", "dilation")}

    def tensors(self, inputs: tuple[Shape, ...]) -> tuple[TensorSpec, ...]:
        """relative_position_bias_table: (relative positions, heads). Buffers: the index into it, the mask."""
        (shape,) = inputs
        window, found = self.window(shape), list[TensorSpec]()
        area = prod(window)
        if self.relative_position:
            places = prod([2 * size - 1 for size in window])
            found.append(TensorSpec("relative_position_bias_table", (places, self.num_heads)))
            found.append(TensorSpec("relative_position_index", (area * area,), False, "int64", False))
        if any(self.shift(shape)):
            found.append(TensorSpec("attn_mask", (self._windows(shape), area, area), False, None, False))
        return tuple(found)

    def _windows(self, shape: Shape) -> int:
        return prod(shape[:-1]) // prod(self.window(shape))

    def key_count(self, inputs: tuple[Shape, ...]) -> int:
        """The positions of a window."""
        return prod(self.window(inputs[0]))

    def reads(self, inputs: tuple[Shape, ...], output: Shape) -> tuple[AxisReads, ...]:
        """All positions of the window."""
        (shape,) = inputs
        axes = zip(shape[:-1], self.window(shape), self.shift(shape), strict=True)
        return (tuple([self._axis_reads(*axis) for axis in axes]),)

    def _axis_reads(self, size: int, window: int, shift: int) -> Reads:
        if size == window:
            return WHOLE if size > 1 else IDENTITY
        if self.dilation > 1:
            step = self.dilation
            return Phases(size, size, taps_of(size, window, lambda unit: tuple(range(unit % step, size, step))))
        if not shift:
            return Phases(window, window, taps_of(window, window, lambda _: tuple(range(window))))

        def shifted(unit: int) -> tuple[int, ...]:
            start = (unit - shift) // window * window + shift
            return tuple(range(max(start, 0), min(start + window, size)))

        return Phases(size, size, taps_of(size, window, shifted))

    def cost(self, inputs: tuple[Shape, ...], output: Shape) -> Cost:
        """Beside attention's the biases and the mask: an addition for each score."""
        plain = super().cost(inputs, output)
        added = self.relative_position + any(self.shift(inputs[0]))
        return plain._replace(elementwise=plain.elementwise + added * self.scores(inputs))

    def runtime(self, inputs: tuple[Shape, ...], output: Shape) -> Runtime:
        """Rolls, the windows as samples, attention with a bias, the map again."""
        plain = super().runtime(inputs, output)
        doubt = HALF_DOUBT if self.fused and self.relative_position else plain.half_doubt
        return plain._replace(operators=self._operators, half_doubt=doubt)

    def _operators(self, runtime: Runtime, execution: Execution) -> tuple[Operator, ...]:
        tape, (shape,) = AttentionTape(execution), execution.shapes
        batch, rank, window, shift = execution.run.batch, len(shape) - 1, self.window(shape), self.shift(shape)
        counts = tuple([size // part for size, part in zip(shape[:-1], window, strict=True)])
        pairs = zip(window, counts, strict=True) if self.dilation > 1 else zip(counts, window, strict=True)
        halves = tuple([half for pair in pairs for half in pair])
        inside = 1 if self.dilation > 1 else 2
        order = (0, *range(3 - inside, 2 * rank + 1, 2), *range(inside, 2 * rank + 1, 2), 2 * rank + 1)
        last = tape.rolled(shift, -1)
        last = tape.permuted(order, tape.reshaped((batch, *halves, shape[-1]), last))
        area, width = prod(window), shape[-1] // 3
        samples = tape.reshaped((batch * prod(counts), area, shape[-1]), last)
        query, key, value = tape.parts(3, self.num_heads, samples, head_first=self.head_first)
        bias = self._bias(tape, execution, area, batch, shifted=any(shift))
        result = self._attended(tape, (query, key, value), bias)
        merged = tape.merged((batch, *counts, *window, width), result)
        back = tuple([order.index(dim) for dim in range(len(order))])
        tape.rolled(shift, tape.reshaped(execution.sizes, tape.permuted(back, merged)))
        return tape.ended(query, key, value, result, *[] if bias is None else [bias])

    def _bias(self, tape: AttentionTape, execution: Execution, area: int, batch: int, *, shifted: bool) -> int | None:
        """What is added to the scores; None where nothing is."""
        (shape,) = execution.shapes
        windows = self._windows(shape)
        found = rows = None
        if self.relative_position:
            table = execution.learned[0]
            # the gradient's zeros are written over, but while a dispatch mode watches
            zeros = whole(prod(table)) if execution.run.watched else NOTHING
            gathered = Operator(
                contiguous((area * area, self.num_heads)),
                (),
                training=KEEPS_NOTHING._replace(backward=zeros),
                learns=(prod(table),),
                computes="params",
            )
            rows = tape.put(gathered)
            found = tape.permuted((0, 3, 1, 2), tape.reshaped((1, area, area, self.num_heads), rows))
        if shifted:
            if found is not None:
                value = contiguous((windows, self.num_heads, area, area))
                found = tape.put(Operator(value, (found,), training=KEEPS_NOTHING, layout="shape"))
            heads = self.num_heads if self.relative_position else 1
            repeated = contiguous((batch * windows, heads, area, area))
            reads = () if found is None else (found,)
            training = SHARES if batch == 1 else KEEPS_NOTHING  # a gradient that is summed up over one sample is itself
            found = tape.put(Operator(repeated, reads, training=training, layout="shape", computes="params"))
            if rows is not None:
                tape.operators[rows] = tape.operators[rows]._replace(until=found)
        return found

    def _attended(self, tape: AttentionTape, parts: tuple[int, int, int], bias: int | None) -> int:
        dropped = self.dropout if tape.training else 0.0
        if not self.fused:
            return tape.written_out(*parts, dropped, bias)
        given = None if bias is None else tape.lowered(bias)
        result = self._by_torch(tape, parts, dropped, given)
        if given is not None:
            tape.keep_named((given,), result)
        return result

    def _by_torch(self, tape: AttentionTape, parts: tuple[int, int, int], dropped: float, bias: int | None) -> int:
        """By `scaled_dot_product_attention`."""
        if dropped or (tape.training and self.relative_position):
            return tape.by_math(*parts, dropped, bias)
        return tape.fused(*parts, bias)
