"""An item that uses a block: the block's params put in, its inputs named, its layers walked, its outputs found."""

from __future__ import annotations

from functools import partial
from typing import Any

from archlab.config.expand.copies import Expansion, Given, loosened, use_key
from archlab.config.expand.environment import Environment, Spot, value_channels, value_size
from archlab.config.expand.file import File
from archlab.config.expand.init import TensorInit, read_init
from archlab.config.expand.names import LeftOutError, NameTable, Value, Values
from archlab.config.expand.paths import PathScope
from archlab.config.expand.prune import Use
from archlab.config.expand.recursion import OpenBlock, check_change, check_depth, shapes_of
from archlab.config.expand.varied import copy_varied
from archlab.config.expand.walk import Walk
from archlab.config.syntax.expressions import UNKNOWN, UnknownValueError
from archlab.config.syntax.naming import block_label
from archlab.config.syntax.yaml_nodes import value_kind
from archlab.config.tree.argument import Arguments
from archlab.config.tree.document import Block
from archlab.config.tree.items import UseItem
from archlab.diagnostics.codes import Code
from archlab.diagnostics.problem import BadItemError
from archlab.diagnostics.suggest import did_you_mean
from archlab.diagnostics.words import counted, listed

WALKED_STEPS = 2
"""Further work of a use once there is a problem: nothing is copied from then on, so that each use is walked."""


def expand_use(walk: Walk, item: UseItem, arguments: Arguments, inputs: Values, env: Environment, spot: Spot) -> Values:
    """Expand one repetition of a use.

    Args:
        walk: the expansion.
        item: the item.
        arguments: the block's params, of this repetition.
        inputs: what enters it.
        env: what is visible there.
        spot: where its nodes go.

    Returns:
        The block's outputs: those it names, or else its last value.

    Raises:
        BadItemError: if there is no such block here, or it does not take these inputs or params.
    """
    block = _block(walk, item, len(inputs), env)
    given = _given(walk, item, block, arguments, env)
    walk.budget.spend((len(block.inputs) + len(block.outputs)) // 10, item.place)
    # repr, since 1, 1.0 and True are equal as keys but not as arguments
    opened = OpenBlock(block.name, repr(given), env.file, shapes_of(inputs))
    label = spot.label or block_label(block.name)
    made = _copied(walk, item, block, inputs, given, opened, env)
    if made is None:
        check_change(item, opened, env.open_blocks, walk.endless)
        if walk.problems.found:
            walk.budget.spend(WALKED_STEPS, item.place)
        scope = spot.scope.scope(label, written=spot.written)
        made = _expand(walk, item, block, inputs, given, env.opening(opened), scope)
        if not walk.problems.found:
            for key in (opened, loosened(opened, given, walk.copies.looks(block))):
                walk.copies.remember(use_key(item, inputs, key, env), made)
    else:
        spot.scope.add(label, made.scope, written=spot.written, shift=made.shift)
        walk.uses += made.uses
    names = made.names
    if block.outputs:
        names = {**names, **{word.text: value for word, value in zip(block.outputs, made.outputs, strict=False)}}
    walk.export(item, env, names, spot, made.made)
    return made.outputs


def _copied(
    walk: Walk, item: UseItem, block: Block, inputs: Values, given: Given, opened: OpenBlock, env: Environment
) -> Expansion | None:
    """What a use like it has made, once more; None where there was none, or another walk tells what is wrong."""
    known = walk.copies.find(use_key(item, inputs, opened, env))
    looks = None
    if known is None and not walk.document.shares:  # other shapes may be no shapes for the same weights
        looks = walk.copies.looks(block)
        known = walk.copies.find(use_key(item, inputs, loosened(opened, given, looks), env))
    if known is None:
        return None
    walk.budget.spend(known.steps, item.place)
    walk.budget.add_nodes(len(known.nodes), known.reads, item.place)
    if looks is None:
        made: Expansion | None = walk.copies.copy(known, inputs)
    else:
        made = copy_varied(walk, known, inputs, looks, _inside(walk, item, block, inputs, given, env, known.scope))
    if made is not None and walk.visits is not None:
        walk.visits.again(known.start, known.start + len(known.nodes), made.start - known.start, item)
    return made


def _expand(
    walk: Walk, item: UseItem, block: Block, inputs: Values, given: Given, env: Environment, scope: PathScope
) -> Expansion:
    """Walk the block's layers."""
    steps, start, first_use = walk.budget.spent, len(walk.nodes), len(walk.uses)
    inner = _inside(walk, item, block, inputs, given, env, scope)
    last = walk.layers(block.layers, inputs[0], inner)
    outputs = _outputs(walk, block, last, inner)
    nodes = walk.nodes[start:]
    if len(block.outputs) > 1 or block.library is not None:
        made = tuple([output.index for output in outputs if output is not None and output.index >= start])
        passes_on = len(block.outputs) > len(made) and None not in outputs
        if len(made) > 1 or (made and (passes_on or block.library is not None)):
            walk.uses.append(Use(start, start + len(nodes), made, block.library is not None, passes_on))
    spent = walk.budget.spent - steps
    names, uses = inner.names, walk.uses[first_use:]
    return Expansion(inputs, start, nodes, scope, names.values, outputs, spent, uses, names.made)


def _inside(
    walk: Walk, item: UseItem, block: Block, inputs: Values, given: Given, env: Environment, scope: PathScope
) -> Environment:
    """What is visible in the block."""
    where = f"at line {item.place.line + 1}{f' of {env.file.shown}' if env.file.shown else ''}"
    step = f"in block '{block.name}', used{f' by {item.name}' if item.name else ''} {where}"
    variables, file = _variables(walk, item, block, inputs[0], given, env)
    return Environment(
        variables=variables,
        names=_input_names(block, inputs),
        scope=scope,
        trail=(step, *env.trail),
        open_blocks=env.open_blocks,
        depth=env.depth + 1,
        init={**(env.init or {}), **_init(walk, block, file)} if block.init is not None else env.init,
        file=file,
    )


def output_labels(walk: Walk, item: UseItem, env: Environment) -> list[str]:
    """What the block of an item calls its outputs."""
    name = walk.evaluate(item.target, env)
    block = env.file.blocks.get(name) if isinstance(name, str) else None
    return [] if block is None else [output.text for output in block.outputs]


def _outputs(walk: Walk, block: Block, last: Value, inner: Environment) -> Values:
    if not block.outputs:
        return (last,)
    found: list[Value] = []
    for output in block.outputs:
        try:
            found.append(inner.names.find(output, frozenset()))
        except BadItemError as error:
            message = (
                f"{error.reason}; a block has all its outputs" if isinstance(error, LeftOutError) else error.message
            )
            place = error.place
            if block.outputs_inherited is not None and place is not None:
                message = f"'outputs' of {place.source.name} does not fit: {message}; write 'outputs' in the block"
                place = block.outputs_inherited
            walk.problems.add(message, error.code, place, inner.trail)
            found.append(None)
    return tuple(found)


def _block(walk: Walk, item: UseItem, count: int, env: Environment) -> Block:
    name = walk.evaluate(item.target, env)
    place = item.places.value("use")
    if not isinstance(name, str):
        raise BadItemError(f"'use' must be the name of a block, not {value_kind(name)}", Code.WRONG_TYPE, place)
    block = env.file.blocks.get(name)
    if block is None:
        blocks = env.file.blocks
        raise BadItemError(
            f"there is no block '{name[:80]}'",
            Code.UNKNOWN_BLOCK,
            place,
            hint=lambda: did_you_mean(name, blocks) or f"; there are {listed(blocks)}",
        )
    check_depth(item, block.name, env.open_blocks, env.depth, walk.endless)
    _check_inputs(item, block, count)
    return block


def _check_inputs(item: UseItem, block: Block, written: int) -> None:
    wanted = max(len(block.inputs), 1)
    if written == wanted:
        return
    if not block.inputs:
        message = f"block '{block.name}' has one input and takes no 'with'; name its inputs: inputs: [x, skip]"
    else:
        names = listed(block.inputs)
        message = f"block '{block.name}' has {wanted} inputs ({names}), the line above and those of 'with'; "
        message += "'with' names none here" if written == 1 else f"'with' names {written - 1}, not {wanted - 1}"
    if item.reads_all and not item.others:
        message = f"block '{block.name}' has {counted(wanted, 'input')}, and 'from' names {written}"
        raise BadItemError(message, Code.WRONG_VALUE, item.places.value("from"))
    place = item.places.key("with") if item.others else item.place
    raise BadItemError(message, Code.UNKNOWN_OPTION if item.others else Code.MISSING, place)


def _param_like(name: str, block: Block) -> str:
    """A hint at the param that was meant."""
    return did_you_mean(name, block.params) or f"; it has {listed(block.params)}"


def _given(walk: Walk, item: UseItem, block: Block, arguments: Arguments, env: Environment) -> Given:
    """The values of the arguments."""
    for name in arguments.named:
        if name not in block.params:
            hint = partial(_param_like, name, block)
            message = f"block '{block.name}' has no param '{name}'"
            raise BadItemError(message, Code.UNKNOWN_OPTION, item.places.key(name), hint=hint)
    given: Given = {}
    for name, argument in arguments.named.items():
        try:
            given[name] = walk.evaluate(argument, env)
        except UnknownValueError:
            given[name] = UNKNOWN
    return given


def _variables(
    walk: Walk, item: UseItem, block: Block, value: Value, given: Given, env: Environment
) -> tuple[dict[str, Any], File]:
    """The file's params, the block's own, and `block_in`, nothing of the caller; and what the blocks in it see.

    The layers of a block that extends a config see that one's params alone. Values that the block itself gives them may
    be made of the params of the file that it stands in.
    """
    walk.budget.spend((len(block.params) + len(env.file.params)) // 10, item.place)
    seen = {**env.file.params, **block_names(value)}
    library = block.library
    variables = seen if library is None else {"input_size": value_size(value), **block_names(value)}
    for name, default in block.params.items():
        if name in given and not (default.is_null and given[name] is None):
            variables[name] = given[name]
        elif default.is_null:
            message = f"block '{block.name}' needs '{name}', which has no default"
            walk.problems.add(message, Code.MISSING, item.place, env.trail)
            variables[name] = UNKNOWN
        else:
            walk.budget.spend(default.bounded().size, default.place)
            variables[name] = default.value(seen if name in block.values else variables)
    if library is None:
        return variables, env.file
    params = {name: variables[name] for name in ("input_size", *block.params)}
    return variables, File(library.blocks, params, library.names, library.source.name)


def _init(walk: Walk, block: Block, file: File) -> dict[str, TensorInit]:
    """The block's own initialisers, read once."""
    assert block.init is not None
    if (block, file) not in walk.block_inits:
        walk.block_inits[block, file] = read_init(block.init, file.params, walk.problems)
    return walk.block_inits[block, file]


def block_names(value: Value) -> dict[str, Any]:
    """Channels and size of what enters a block, for its expressions."""
    return {"block_in": value_channels(value), "block_in_size": value_size(value)}


def _input_names(block: Block, values: Values) -> NameTable:
    """The names in a block at its start: its inputs, which are not seen from outside but cannot be given again."""
    if not block.inputs:
        return NameTable()
    inputs = NameTable(values=dict(zip(block.inputs, values, strict=False)))
    if block.library is not None:  # whose first input has that name too
        inputs.values["input"] = values[0]
    return NameTable(parent=inputs, places=dict(block.inputs))
