"""What the FLOPs of a layer without products are, in a sentence for people; the numbers are the layer's own."""

from __future__ import annotations

from archlab.layers.ranks import ranks

_AFFINE = "5 for each element (the mean's and the variance's sums, the deviation, its square, the product)"

WORK: dict[str, str] = {
    "relu": "For each element: the comparison with 0.",
    "relu6": "For each element: a comparison with 0 and one with 6.",
    "leaky_relu": "For each element: a comparison and a product.",
    "rrelu": "For each element: a comparison and a product.",
    "prelu": "For each element: a comparison and a product with the learned slope.",
    "hardtanh": "For each element: a comparison with each bound.",
    "threshold": "For each element: the comparison.",
    "tanh": "For each element: the function, counted as one operation.",
    "sigmoid": "For each element: the sign, the exponential, the addition, the division.",
    "silu": "For each element: the sigmoid (4) and the product.",
    "gelu": "For each element: 5 with the error function, 8 with the approximation by tanh.",
    "softmax": "For each element: the maximum, the subtraction, the exponential, the sum, the division.",
    "softmax2d": "For each element: the maximum, the subtraction, the exponential, the sum, the division.",
    "log_softmax": "For each element: the maximum, the subtraction, the exponential, the sum, the subtraction.",
    "glu": "For each output element: the sigmoid of the gate (4) and the product.",
    **dict.fromkeys(
        ranks("batch_norm2d"),
        "For each element the product and the addition that are left in eval mode, once statistics, scale and shift "
        "are one scale and one shift for each channel.",
    ),
    **dict.fromkeys(("layer_norm", "layer_norm2d", "group_norm"), f"{_AFFINE}, and one each for scale and shift."),
    **dict.fromkeys(
        ranks("instance_norm2d"),
        f"{_AFFINE}, and one each for scale and shift; with running statistics the last two alone.",
    ),
    **dict.fromkeys(
        ("rms_norm", "rms_norm2d"),
        "For each element the square, its addition and the product, and one for the scale; 3 for each position.",
    ),
    "normalize": "For each element the square, its addition and the division; for each position the root and a "
    "comparison.",
    "global_response_norm": "For each element the square, its addition, the product, the scale, the shift and the sum; "
    "3 for each channel.",
    "local_response_norm": "For each element: the square, size - 1 additions, then a product, an addition, a power and "
    "a division.",
    **dict.fromkeys(ranks("max_pool2d"), "For each output: one comparison less than its window has positions."),
    **dict.fromkeys(
        ranks("adaptive_max_pool2d"), "For each output: one comparison less than its window has positions."
    ),
    **dict.fromkeys(ranks("avg_pool2d"), "For each output: the additions of its window, and the division."),
    **dict.fromkeys(ranks("adaptive_avg_pool2d"), "For each output: the additions of its window, and the division."),
    **dict.fromkeys(
        ("upsample", "interpolate"),
        "For each output a product for each value that is read, and the additions between them; the nearest is copied.",
    ),
    "add": "For each output: an addition for each further input.",
    "subtract": "For each output: a subtraction for each further input.",
    "multiply": "For each output: a product for each further input.",
    "divide": "For each output: a division for each further input.",
    "maximum": "For each output: a comparison for each further input.",
    "minimum": "For each output: a comparison for each further input.",
    "weighted_add": "For each output: a product for each input, an addition for each further one; and what makes the "
    "weights of one sum.",
    "mean": "For each input element: its addition; the divisions stand for the first ones.",
    "sum": "The additions: as many as input elements that are gone.",
    "amax": "The comparisons: as many as input elements that are gone.",
    "layer_scale": "For each element: the product with its channel's scale, and with a shift the addition.",
    "scale": "For each element: the product.",
    "shift": "For each element: the addition.",
    "attention_op": "For each element of the queries the scale, and 5 for each score (softmax).",
    "window_attention_op": "For each element of the queries the scale, 5 for each score (softmax), and one each for "
    "its bias and mask.",
    "deform_conv2d_op": "For each value that a tap takes between positions: 4 products, 3 additions, the addition of "
    "its offset; one more with a mask.",
    **dict.fromkeys(
        ranks("scaled_standardized_conv2d"), "Beside the convolution: 6 for each weight, and one for each filter."
    ),
    **dict.fromkeys(ranks("weight_norm_conv2d"), "Beside the convolution: 3 for each weight, and 2 for each filter."),
}
"""By layer type; what is not here says enough with its numbers."""
