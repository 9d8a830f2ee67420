"""How much a template may do: counted in steps and characters, without a clock and without a thread.

A turn of a loop, a call, a filter, an operator, an include: each is a step, and one more for every hundred characters
or elements it is given or makes. `STEPS` is the budget of one template. No value and no output holds more than `MOST`
characters or elements; what multiplies its arguments is looked at before it is done, everything else right after.

Jinja's sandbox keeps templates from Python's inside; this keeps them from its memory and time. Filters that draw lots
or serve no mail are left out. It raises `TooMuch` inside the template, so that file and line are known.
"""

from __future__ import annotations

import functools
import math
import re
from collections.abc import Callable, ItemsView, Iterable, Iterator, KeysView, Mapping, ValuesView
from contextvars import ContextVar
from itertools import islice
from types import GeneratorType
from typing import Any

from jinja2 import Template, nodes, pass_context
from jinja2.exceptions import SecurityError
from jinja2.runtime import Context, LoopContext
from jinja2.sandbox import ImmutableSandboxedEnvironment
from jinja2.visitor import NodeTransformer

STEPS = 200_000
MOST = 1_000_000
_PER_STEP = 100
_INCLUDE = 20
_DECIMALS = 100
_FILTERS = {
    "abs", "attr", "batch", "capitalize", "count", "d", "default", "dictsort", "e", "escape", "first", "float",
    "forceescape", "format", "groupby", "indent", "int", "items", "join", "last", "length", "list", "lower", "map",
    "max", "min", "reject", "rejectattr", "replace", "reverse", "round", "safe", "select", "selectattr", "sort",
    "string", "title", "trim", "truncate", "unique", "upper", "urlencode", "wordcount",
}  # fmt: skip
# Filters and methods of texts that can make as much as the sizes of their arguments multiplied.
_MULTIPLY = {
    "batch", "center", "expandtabs", "hanging", "indent", "join", "ljust", "replace", "rjust", "translate", "underline",
    "wrap", "zfill",
}  # fmt: skip


class TooMuch(SecurityError):
    """A template does more than a template may."""


class Budget:
    """What one template has left. `with Budget():` counts all that is rendered inside."""

    _now: ContextVar[Budget | None] = ContextVar("budget", default=None)

    def __init__(self) -> None:
        self.left = STEPS

    def __enter__(self) -> None:
        self._token = self._now.set(self)

    def __exit__(self, *_: object) -> None:
        self._now.reset(self._token)

    @classmethod
    def spend(cls, steps: int) -> None:
        if budget := cls._now.get():
            budget.left -= steps
            if budget.left < 0:
                raise TooMuch(f"it takes more than {STEPS:,} steps; is there a loop in a loop?")


class BoundedEnvironment(ImmutableSandboxedEnvironment):
    """The sandbox, with everything counted; `filters` come on top of Jinja's own."""

    intercepted_binops = frozenset({"+", "-", "*", "/", "//", "%", "**"})

    def __init__(self, *, filters: Mapping[str, Callable[..., Any]], **options: Any) -> None:
        super().__init__(**options)
        allowed = {**{name: self.filters[name] for name in _FILTERS}, **filters}
        self.filters = {name: _filter(name, function) for name, function in allowed.items()}
        self.filters.update(_counted=_counted, _bounded=_bounded)
        del self.globals["lipsum"]

    def _parse(self, source: str, name: str | None, filename: str | None) -> nodes.Template:
        tree: nodes.Template = _Counting().visit(super()._parse(source, name, filename))
        tree.set_environment(self)
        return tree

    def _load_template(self, name: str, globals: Any) -> Template:  # noqa: A002 - Jinja's name
        Budget.spend(_INCLUDE)
        return super()._load_template(name, globals)

    def call_binop(self, context: Context, operator: str, left: Any, right: Any) -> Any:
        Budget.spend(1)
        if operator == "**" and isinstance(left, int) and isinstance(right, int):
            _refuse_product(left.bit_length(), abs(right))
        elif operator == "*" and not (isinstance(left, int | float) and isinstance(right, int | float)):
            _refuse_product(_weight(left), _weight(right))
        elif operator == "%" and isinstance(left, str):
            _refuse_format(left, right)
        return _bounded(context, super().call_binop(context, operator, left, right))

    def call(self, context: Context, called: Any, *args: Any, **kwargs: Any) -> Any:
        if isinstance(called, LoopContext):
            args = tuple(_counted(context, one) for one in args)
        name, owner = getattr(called, "__name__", ""), getattr(called, "__self__", None)
        if name in {"format", "format_map"}:
            raise SecurityError(
                "texts have no method format here; write ~ between the pieces, or use the filter format"
            )
        given = (*((owner,) if isinstance(owner, str | bytes) else ()), *args, *kwargs.values())
        _spend_on(name if isinstance(owner, str | bytes) else "", given)
        return _bounded(context, super().call(context, called, *args, **kwargs))

    def concat(self, pieces: Iterable[str]) -> str:
        """One text of what a template, a macro or a block has written."""
        written, total = [], 0
        for piece in pieces:
            written.append(piece)
            total += len(piece)
            if total > MOST:
                error = TooMuch(f"it writes more than {MOST:,} characters")
                if isinstance(pieces, GeneratorType):
                    pieces.throw(error)  # where the template stands now, so that its line is known
                raise error
        Budget.spend(total // _PER_STEP)
        return "".join(written)


class _Counting(NodeTransformer):
    """Puts a count around what a sandbox does not see: loops, `~`, and the making of lists and the like."""

    def visit_For(self, node: nodes.For) -> nodes.For:  # noqa: N802 - Jinja's name
        self.generic_visit(node)
        node.iter = _around(node.iter, "_counted")
        return node

    def _bound(self, node: nodes.Expr) -> nodes.Node:
        self.generic_visit(node)
        return _around(node, "_bounded") if getattr(node, "ctx", "load") == "load" else node

    visit_Concat = visit_List = visit_Tuple = visit_Dict = _bound  # noqa: N815 - Jinja's names


def _around(node: nodes.Node, name: str) -> nodes.Filter:
    return nodes.Filter(node, name, [], [], None, None, lineno=node.lineno)


# Both take the context so that Jinja never works them out while it compiles.
@pass_context
def _counted(_: Context, values: Iterable[Any]) -> Iterator[Any]:
    """What a loop runs over, each turn paid for."""
    for value in values:
        Budget.spend(1)
        yield value


@pass_context
def _bounded(_: Context | None, value: Any) -> Any:
    """A value that was made, paid for, and refused when it is too large."""
    size = _size(value)
    _refuse(size > MOST)
    Budget.spend(size // _PER_STEP)
    return value


def _filter(name: str, function: Callable[..., Any]) -> Callable[..., Any]:
    """The same filter, counted. Nothing it makes is left to be worked out later."""
    skipped = 1 if hasattr(function, "jinja_pass_arg") else 0

    @functools.wraps(function)
    def counted(*args: Any, **kwargs: Any) -> Any:
        _spend_on(name, (*args[skipped:], *kwargs.values()))
        result = function(*args, **kwargs)
        return _bounded(None, list(islice(result, MOST + 1)) if isinstance(result, Iterator) else result)

    return counted


def _spend_on(name: str, given: tuple[Any, ...]) -> None:
    """Pay for a filter or a call, and refuse what would make too much."""
    Budget.spend(1 + sum(map(_size, given)) // _PER_STEP)
    if name == "format":
        _refuse_format(str(given[0]), given[1:])
    elif name == "round":
        _refuse(any(isinstance(one, int) and abs(one) > _DECIMALS for one in given[1:]))
    elif name in _MULTIPLY:
        _refuse_product(_size(given[0]), *map(_weight, given[1:]))


def _size(value: Any) -> int:
    """How many characters, elements and bits of numbers a value holds, all the way down, or anything above `MOST`."""
    total = 0
    waiting: list[Any] = [value]
    while waiting and total <= MOST:
        one = waiting.pop()
        if isinstance(one, str | bytes | range):
            total += len(one)
        elif isinstance(one, dict):
            waiting.append(one.items())
        elif isinstance(one, list | tuple | set | frozenset | KeysView | ValuesView | ItemsView):
            total += len(one)
            waiting.extend(one)
        else:
            total += one.bit_length() if isinstance(one, int) else 1
    return total


def _weight(value: Any) -> int:
    """How often, or how wide, an argument can make something."""
    return abs(value) if isinstance(value, int) else _size(value)


def _refuse_product(*weights: int) -> None:
    _refuse(math.prod(max(1, weight) for weight in weights) > 10 * MOST)


def _refuse_format(text: str, values: Any) -> None:
    numbers = re.findall(r"\d+", text)
    _refuse("*" in text or any(len(number) > 6 for number in numbers))
    _refuse_product(len(text), max(map(int, numbers), default=1), _size(values))


def _refuse(refused: bool) -> None:  # noqa: FBT001 - reads as a sentence
    if refused:
        raise TooMuch("it would make something larger than any mail has use for")
