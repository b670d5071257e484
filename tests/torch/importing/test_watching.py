"""What a forward pass shows besides its layers: memory written over, weights that are shared, results, hooks."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import pytest
import torch
from torch import Tensor, nn
from torch.nn import functional as F  # noqa: N812 - as it is called everywhere

from archlab.diagnostics.problem import ConfigError
from tests.torch.importing.held import difference, held, numbers, randomise


class Model(nn.Module):
    """A convolution and what a test does with its result."""

    def __init__(self, function: Callable[[Tensor, Any], Any], **parts: Any) -> None:
        super().__init__()
        self.function = function
        self.conv = nn.Conv2d(3, 8, 3, padding=1)
        for name, part in parts.items():
            setattr(self, name, part)

    def forward(self, x: Tensor) -> Any:
        """What the function makes of the convolution's result."""
        return self.function(self.conv(x), self)


def _equal(model: nn.Module, shape: tuple[int, ...] = (3, 10, 10)) -> Any:
    randomise(model)
    one = held(model, shape)
    for what, (ours, theirs) in numbers(one).items():
        assert ours == theirs, what
    if not one.opaque:
        assert difference(one) == 0
    return one


def _types(one: Any) -> list[str]:
    return [item.type for item in one.flat.items]


# ---- in place


def _through_a_view(x: Tensor, _: Any) -> Tensor:
    part = x[:, :4]
    part.mul_(2)
    return x + 1


def _set_item(x: Tensor, _: Any) -> Tensor:
    x[:, 0] = 0
    return x + 1


def _under_a_view(x: Tensor, _: Any) -> Tensor:
    part = x[:, :4]
    x.relu_()
    return part + 1


@pytest.mark.parametrize("function", [_through_a_view, _set_item, _under_a_view])
def test_what_is_overwritten_through_another_view_is_no_layer(function: Any) -> None:
    one = _equal(Model(function))
    assert one.opaque == ["model"]
    assert "overwritten through another view" in one.flat.remarks[0]


def test_overwriting_inside_a_module_is_the_modules_own() -> None:
    one = _equal(nn.Sequential(Model(_set_item), nn.Conv2d(8, 4, 1)))
    assert _types(one) == ["tests.torch.importing.test_watching.Model", "conv2d"]


def test_in_place_results_are_what_their_tensor_holds_from_then_on() -> None:
    def function(x: Any, m: Any) -> Any:
        y = m.relu(x)
        return x + m.other(y)  # x is the rectified map by now

    one = _equal(Model(function, relu=nn.ReLU(inplace=True), other=nn.Conv2d(8, 8, 1)))
    assert one.flat.items[-1].inputs == (2, 3)
    assert one.flat.items[1].options == {"inplace": True}


# ---- the same module again, the same weights elsewhere


def test_a_module_called_twice_is_shared() -> None:
    one = _equal(Model(lambda x, m: m.bn(m.more(m.bn(m.more(x)))), more=nn.Conv2d(8, 8, 1), bn=nn.BatchNorm2d(8)))
    assert [item.share for item in one.flat.items] == [None, None, None, 2, 3]


def test_tied_weights_are_counted_once() -> None:
    one, other = nn.Conv2d(8, 8, 1), nn.Conv2d(8, 8, 1)
    other.weight, other.bias = one.weight, one.bias
    found = _equal(Model(lambda x, m: m.one(x) + m.other(x), one=one, other=other))
    assert [item.share for item in found.flat.items] == [None, None, 2, None]


def test_weights_tied_in_part_are_opaque_and_counted_once() -> None:
    one, other = nn.Conv2d(8, 8, 1), nn.Conv2d(8, 8, 1)
    other.weight = one.weight
    found = _equal(Model(lambda x, m: m.one(x) + m.other(x), one=one, other=other))
    assert found.opaque == ["other"]


def test_a_weight_shared_by_layers_of_other_options_is_counted_once() -> None:
    one, other = nn.Conv2d(8, 8, 3, padding=1), nn.Conv2d(8, 8, 3, padding=2, dilation=2)
    other.weight, other.bias = one.weight, one.bias
    found = _equal(Model(lambda x, m: m.one(x) + m.other(x), one=one, other=other))
    assert found.opaque == ["other"]


# ---- results


def test_results_by_name_and_in_order() -> None:
    named = _equal(Model(lambda x, m: {"out": m.a(x), "aux": x}, a=nn.Conv2d(8, 2, 1)))
    assert named.flat.output_form == "dict"
    assert [label for label, _ in named.flat.outputs] == ["out", "aux"]
    several = _equal(Model(lambda x, m: (m.a(x), [x, x + 1]), a=nn.Conv2d(8, 2, 1)))
    assert several.flat.output_form == "tuple"
    assert len(several.flat.outputs) == 3


def test_results_within_results_have_names_of_their_own() -> None:
    found = _equal(Model(lambda x, _: {"maps": [x, x.relu()], "heads": {"a": x.tanh(), "b": (x.sigmoid(),)}}))
    assert [label for label, _ in found.flat.outputs] == ["maps_0", "maps_1", "heads_a", "heads_b_0"]


def test_names_that_no_output_can_have_are_others() -> None:
    names = ["", "two\nlines", "n" * 60, "n" * 61, "n" * 62, 1, "1", "p3.0"]
    found = _equal(Model(lambda x, _: {name: x + number for number, name in enumerate(names)}))
    labels = [label for label, _ in found.flat.outputs]
    assert labels == ["output", "two_lines", "n" * 60, "n" * 48, f"{'n' * 48}_2", "1", "1_2", "p3.0"]


def test_what_no_result_needs_is_left_out_and_said() -> None:
    def function(x: Any, m: Any) -> Any:
        m.head(x)
        return x

    one = held(Model(function, head=nn.Conv2d(8, 2, 1), other=nn.Linear(4, 4)), (3, 10, 10))
    assert numbers(one)["params"] == (224, 224)
    assert difference(one) == 0
    assert one.flat.remarks == ["38 params in 4 tensors take no part (head, other)"]


def test_what_does_nothing_is_no_layer() -> None:
    one = _equal(Model(lambda x, m: m.drop(m.same(x)), same=nn.Identity(), drop=nn.Dropout(0.0)))
    assert _types(one) == ["conv2d"]


# ---- classes and hooks


class Doubled(nn.Conv2d):
    """A convolution that is none."""

    def _conv_forward(self, *args: Any, **kwargs: Any) -> Any:
        return 2 * super()._conv_forward(*args, **kwargs)


class Named(nn.Conv2d):
    """A convolution with another constructor."""

    def __init__(self, width: int) -> None:
        super().__init__(width, width, 1)


def test_a_subclass_that_changes_nothing_is_the_layer() -> None:
    assert _types(_equal(Model(lambda x, m: m.own(x), own=Named(8)))) == ["conv2d", "conv2d"]


def test_a_subclass_that_changes_what_is_called_is_looked_into() -> None:
    assert _types(_equal(Model(lambda x, m: m.own(x), own=Doubled(8, 8, 1)))) == ["conv2d", "conv2d", "scale"]


def test_hooks_of_ones_own_are_part_of_the_model() -> None:
    conv = nn.Conv2d(8, 8, 1)
    conv.register_forward_hook(lambda _module, _args, result: result * 3)
    conv.register_forward_pre_hook(lambda _module, args: (args[0] + 1,))
    assert _types(_equal(Model(lambda x, m: m.own(x), own=conv))) == ["conv2d", "shift", "conv2d", "scale"]


def test_a_forward_of_ones_own_is_looked_into() -> None:
    conv = nn.Conv2d(8, 8, 1)
    conv.forward = lambda x: F.conv2d(x, conv.weight, conv.bias).relu()  # type: ignore[method-assign, assignment]
    assert _types(_equal(Model(lambda x, m: m.own(x), own=conv))) == ["conv2d", "conv2d", "relu"]


def test_parametrized_convolutions() -> None:
    for word in ("weight_norm", "spectral_norm"):
        conv = getattr(nn.utils.parametrizations, word)(nn.Conv2d(8, 8, 3, padding=1))
        one = _equal(Model(lambda x, m: m.own(x), own=conv))
        assert one.flat.items[1].options["weight"] == word


def test_what_has_infinity_around_it_is_pooled_and_nothing_else() -> None:
    def walled(x: Any) -> Any:
        return F.pad(x, (0, 1, 0, 1), value=-torch.inf)

    one = _equal(Model(lambda x, m: m.pool(walled(x)), pool=nn.MaxPool2d(2, 2)))
    assert _types(one) == ["conv2d", "torch.nn.functional.pad", "max_pool2d"]  # of as many positions as without
    one = _equal(Model(lambda x, _: walled(x).sigmoid()))
    assert _types(one) == ["conv2d", "torch.nn.functional.pad", "sigmoid"]
    assert _types(_equal(Model(lambda x, _: F.max_pool2d(walled(x), 3, 2)))) == ["conv2d", "max_pool2d"]


def test_what_is_stretched_is_a_layer_for_joins_only() -> None:
    def stretched(x: Any) -> Any:
        return x.mean((2, 3), keepdim=True).expand_as(x)

    assert _types(_equal(Model(lambda x, _: x * stretched(x)))) == ["conv2d", "mean", "multiply"]
    one = _equal(Model(lambda x, m: m.more(*[stretched(x)] * 2), more=nn.Bilinear(10, 10, 4)))
    assert one.opaque
    one = _equal(Model(lambda x, m: m.more(stretched(x)), more=nn.Conv2d(8, 4, 3)))
    assert _types(one) == ["conv2d", "mean", "torch.Tensor.expand_as", "conv2d"]


def test_what_leaks_out_of_an_opaque_module_is_not_read_as_another_value() -> None:
    inner = Model(lambda x, m: m.function_of(x), more=nn.Conv2d(8, 8, 1))
    inner.conv = nn.Conv2d(8, 8, 1)
    leaked: list[Tensor] = []

    def function_of(x: Any) -> Any:
        leaked.append(x * 2)
        return inner.more(x.reshape(-1, 10).sort(-1)[0].reshape(x.shape))  # type: ignore[operator]

    inner.function_of = function_of  # type: ignore[assignment]
    one = held(Model(lambda x, m: m.inner(x) + leaked[0], inner=inner), (3, 10, 10))
    assert one.opaque == ["model"]


def test_infinite_paddings_of_ones_own_classes() -> None:
    def pool(x: Any, m: Any) -> Any:
        return m.pool(F.pad(x, (1, 1, 1, 1), value=float("-inf")))

    assert _equal(Model(pool, pool=nn.MaxPool2d(3, 2))).opaque == ["pad"]  # only functions look for infinity


def test_weights_that_are_computed_are_opaque() -> None:
    def function(x: Any, m: Any) -> Any:
        return F.conv2d(x, m.weight * 2)

    one = _equal(Model(function, weight=nn.Parameter(torch.randn(4, 8, 1, 1))))
    assert one.opaque == ["conv2d"]


def test_a_buffer_is_no_weight() -> None:
    model = Model(lambda x, m: F.conv2d(x, m.taps, groups=8))
    model.register_buffer("taps", torch.randn(8, 1, 3, 3))
    assert _equal(model).opaque == ["conv2d"]


def test_a_factor_along_an_axis_is_none_of_the_channels() -> None:
    model = Model(lambda x, m: x * m.factor, factor=nn.Parameter(torch.randn(10)))
    square = Model(lambda x, m: m.wide(x) * m.factor, wide=nn.Conv2d(8, 10, 1), factor=nn.Parameter(torch.randn(10)))
    for one in (_equal(model), _equal(square)):  # of ten channels, too, it is the width's
        assert one.opaque == []
        (factor,) = [item for item in one.flat.items if item.type == "constant"]
        assert factor.shape == (1, 1, 10)


def test_the_middle_of_factors_and_shifts_is_not_read() -> None:
    def function(x: Any, m: Any) -> Any:
        scaled = x * m.factor
        return (scaled + m.shift) * scaled

    one = _equal(Model(function, factor=nn.Parameter(torch.randn(8, 1, 1)), shift=nn.Parameter(torch.randn(8, 1, 1))))
    assert one.opaque == ["model"]


def test_the_model_is_left_as_it_was() -> None:
    norm = nn.BatchNorm2d(8).eval()
    model = Model(lambda x, m: m.bn(x), bn=norm)
    before = {name: one.clone() for name, one in model.state_dict().items()}
    held(model, (3, 10, 10))
    assert model.training
    assert not norm.training
    assert not model.conv._forward_hooks
    assert all(torch.equal(one, before[name]) for name, one in model.state_dict().items())


# ---- samples put together


def _sequence(x: Tensor, model: Any) -> Tensor:
    out, _ = model.rnn(x.flatten(2).transpose(1, 2))
    made: Tensor = model.fc(out)
    return made


@pytest.mark.parametrize(("kind", "gates"), [(nn.LSTM, 4), (nn.GRU, 3), (nn.RNN, 1)])
def test_a_recurrent_layer_alone_is_opaque(kind: Any, gates: int) -> None:
    """Its last state has the layers in front of the samples; nobody reads it here.

    A CPU's fused LSTM is not seen by `FlopCounterMode`, so that its work is compared with the formula.
    """
    recurrent = kind(8, 6, batch_first=True, bidirectional=True)
    one = held(Model(_sequence, rnn=recurrent, fc=nn.Linear(12, 3)), (3, 2, 3))
    assert _types(one) == ["conv2d", "flatten", "transpose", f"torch.nn.modules.rnn.{kind.__name__}", "linear"]
    assert one.flat.items[3].options["macs"] == 2 * 6 * gates * (8 + 6) * 6
    assert one.flat.items[3].options["params"] == sum(tensor.numel() for tensor in recurrent.parameters())


def test_a_state_that_is_a_result_is_left_out_and_said() -> None:
    function = lambda x, model: model.rnn(x.flatten(2).transpose(1, 2))  # noqa: E731
    one = _equal(Model(function, rnn=nn.GRU(8, 5, batch_first=True)), (3, 2, 3))
    assert [label for label, _ in one.flat.outputs] == ["output"]
    (told,) = [remark for remark in one.flat.remarks if remark.startswith("a result is left out")]
    assert told.endswith("output2: GRU: there is no layer for torch.gru")


def test_a_state_that_is_read_makes_all_of_it_opaque() -> None:
    function = lambda x, model: model.fc(model.rnn(x.flatten(2).transpose(1, 2))[1][-1])  # noqa: E731
    one = _equal(Model(function, rnn=nn.GRU(8, 6, batch_first=True), fc=nn.Linear(6, 3)), (3, 2, 3))
    assert len(one.flat.items) == 1
    assert one.opaque


def _looks(x: Tensor, _: Any) -> Tensor:
    return x.relu() if x.mean() > -(10**6) else x.sigmoid()


def test_a_mean_that_only_decides_the_way_is_no_layer() -> None:
    one = _equal(Model(_looks))
    assert _types(one) == ["conv2d", "relu"]
    assert one.flat.looks


def test_a_mean_that_is_read_makes_all_of_it_opaque() -> None:
    one = _equal(Model(lambda x, _: x - x.mean()))
    assert len(one.flat.items) == 1
    (told,) = [remark for remark in one.flat.remarks if remark.startswith("opaque")]
    assert told == "opaque: model: it is over all dimensions, samples among them"


def test_a_result_that_was_overwritten_is_not_what_it_was() -> None:
    def function(x: Tensor, _: Any) -> Tensor:
        x[:, :4].mul_(2)
        return x

    one = _equal(Model(function))
    assert len(one.flat.items) == 1
    assert one.opaque


def test_a_model_that_gives_what_it_takes() -> None:
    one = held(nn.Identity(), (3, 10, 10))
    assert _types(one) == ["identity"]
    assert difference(one) == 0


def test_no_result_has_its_samples_in_front() -> None:
    with pytest.raises(ConfigError, match=r"does not have its samples in front: output1: .*; --until NAME ends it"):
        held(Model(lambda x, _: x.sum()), (3, 10, 10))


def _twice_the_first_in_vain(x: Tensor, model: Any) -> Tensor:
    model.part(x)
    made: Tensor = model.part(x.relu()) + model.part(x)
    return made


def test_a_first_call_in_vain_leaves_its_weights_to_the_next() -> None:
    one = held(Model(_twice_the_first_in_vain, part=nn.Conv2d(8, 8, 1)), (3, 10, 10))
    assert _types(one) == ["conv2d", "relu", "conv2d", "conv2d", "add"]
    assert [item.share for item in one.flat.items] == [None, None, None, 3, None]
    assert "what is computed in vain is left out: 1 call of layers that are called again" in one.flat.remarks
    assert difference(one) == 0


def test_an_opaque_class_that_a_function_defines_is_known_by_a_name() -> None:
    class Softly(nn.Module):
        def __init__(self) -> None:
            super().__init__()
            self.weight = nn.Parameter(torch.ones(3, 1, 1))

        def forward(self, x: Tensor) -> Tensor:
            return torch.logaddexp(x, self.weight)

    one = held(nn.Sequential(nn.Conv2d(3, 3, 1), Softly()), (3, 4, 4))
    assert [item.type for item in one.flat.items][1].endswith("is_known_by_a_name.Softly")
    assert one.network.analyze().total.params == 12 + 3


class WrittenThroughAView(nn.Module):
    """A copy of a bias, a part of which is written over by a view of it (Swin V2 of torchvision)."""

    def __init__(self, word: str) -> None:
        super().__init__()
        self.stem, self.last, self.word = nn.Conv2d(3, 6, 1), nn.Linear(6, 6), word

    def forward(self, x: Tensor) -> Tensor:
        x = self.stem(x).mean((2, 3))
        bias = self.last.bias.clone()
        if self.word == "zero":
            bias[2:4].zero_()
        else:
            bias[2:4] = 0.0
        return F.linear(x, self.last.weight, bias)


@pytest.mark.parametrize("word", ["zero", "setitem"])
def test_a_copy_of_a_parameter_that_is_written_over_is_no_parameter(word: str) -> None:
    one = held(WrittenThroughAView(word).eval(), (3, 4, 4))
    assert one.opaque
