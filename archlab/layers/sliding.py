"""Shape arithmetic of sliding windows, in one place for convolution and pooling.

Formulas are those of `torch.nn.Conv2d` and `torch.nn.MaxPool2d`'s documentation.
"""

from __future__ import annotations

from archlab.layers.shape import ShapeError


def effective_kernel(kernel: int, dilation: int) -> int:
    """Positions from the first to the last tap: `dilation * (kernel - 1) + 1`."""
    return dilation * (kernel - 1) + 1


def sliding_size(size: int, kernel: int, stride: int, total_padding: int, dilation: int) -> int:
    """Output positions: `floor((size + padding - effective_kernel) / stride) + 1`; below 1 means none fits."""
    return (size + total_padding - effective_kernel(kernel, dilation)) // stride + 1


def pooled_size(size: int, kernel: int, stride: int, padding: int, dilation: int, *, ceil_mode: bool) -> int:
    """Output positions of a pooling layer.

    With `ceil_mode` a last window may hang over the end, but must start inside the input or the left
    padding (torch: `pooling_output_shape`).
    """
    if not ceil_mode:
        return sliding_size(size, kernel, stride, 2 * padding, dilation)
    count = sliding_size(size, kernel, stride, 2 * padding + stride - 1, dilation)
    if (count - 1) * stride >= size + padding:
        count -= 1
    return count


def require_fit(
    layer: str, axis: str, size: int, kernel: int, dilation: int, total_padding: int, *, count: int
) -> None:
    """Refuse a window that fits nowhere along an axis of a name.

    Raises:
        ShapeError: if `count` output positions are less than one.
    """
    if count >= 1:
        return
    reach = effective_kernel(kernel, dilation)
    padded = f"{size} + {total_padding} of padding" if total_padding else str(size)
    dilated = f" ({kernel} with dilation {dilation})" if dilation > 1 else ""
    raise ShapeError(
        f"{layer}'s kernel covers {reach} positions{dilated} along the {axis}, but the input has only {padded}",
        option="kernel_size",
        hint="use a smaller kernel_size, more padding, a larger input, or fewer strides before this layer",
    )


def require_divides(layer: str, option: str, divisor: int, value: int, what: str) -> None:
    """Refuse `divisor` where it does not divide `value`.

    Raises:
        ShapeError: naming both numbers.
    """
    if value % divisor:
        raise ShapeError(f"{layer}: {option}={divisor} does not divide the {value} {what}", option=option)
