"""Expressions over columns, for `LazyBars.filter`, `LazyBars.aggregate` and `Bars.filter`.

`col("volume")` stands for a column; operators build a tree that runs in C over the rows that are
read, and whose comparisons with constants prune files, row groups and pages before anything is
read. Null in, null out, except `&` with false and `|` with true; a row is kept where the whole is
true. Comparisons with NaN are IEEE's: != is true, the others are false.

    >>> (col("volume") > 0) & ~(col("close") < col("open"))
    <Expr ((volume > 0) and (not (close < open)))>
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, NoReturn, TypeAlias

from millibar import _core
from millibar._times import Instant, ZoneLike, is_time, to_ns
from millibar.errors import InvalidError

if TYPE_CHECKING:
    import ast

__all__ = ["Aggregate", "Expr", "Operand", "col", "count", "lit", "parse", "timestamp"]


class Expr:
    """A value per row: build it with `col`, `lit` or `timestamp`, and operators.

    Arithmetic (`+ - * /`, unary `-`), comparisons (`== != < <= > >=`), logic (`& | ~`). The other
    side may be an Expr, a bool, int, float, str or numpy scalar, or a time: a datetime, date,
    pandas Timestamp or numpy datetime64, which is an instant (UTC where it has no zone). Text is
    text: for a time written as text use `timestamp("2024-01-03 09:30", tz="America/New_York")`.
    """

    __slots__ = ("_node",)

    # numpy's scalars leave the operator to the Expr on their right.
    __array_ufunc__ = None

    def __init__(self, node: _core.Expr) -> None:
        self._node = node

    @property
    def node(self) -> _core.Expr:
        """The tree in C."""
        return self._node

    def _with(self, op: str, other: Operand, *, reverse: bool = False) -> Expr:
        right = _operand(other)
        left = self._node
        return Expr(_core.expr_node(op, *((right, left) if reverse else (left, right))))

    def __add__(self, other: Operand) -> Expr:
        return self._with("+", other)

    def __radd__(self, other: Operand) -> Expr:
        return self._with("+", other, reverse=True)

    def __sub__(self, other: Operand) -> Expr:
        return self._with("-", other)

    def __rsub__(self, other: Operand) -> Expr:
        return self._with("-", other, reverse=True)

    def __mul__(self, other: Operand) -> Expr:
        return self._with("*", other)

    def __rmul__(self, other: Operand) -> Expr:
        return self._with("*", other, reverse=True)

    def __truediv__(self, other: Operand) -> Expr:
        return self._with("/", other)

    def __rtruediv__(self, other: Operand) -> Expr:
        return self._with("/", other, reverse=True)

    def __neg__(self) -> Expr:
        return Expr(_core.expr_node("neg", self._node))

    def __eq__(self, other: Operand) -> Expr:  # type: ignore[override]
        return self._with("==", other)

    def __ne__(self, other: Operand) -> Expr:  # type: ignore[override]
        return self._with("!=", other)

    def __lt__(self, other: Operand) -> Expr:
        return self._with("<", other)

    def __le__(self, other: Operand) -> Expr:
        return self._with("<=", other)

    def __gt__(self, other: Operand) -> Expr:
        return self._with(">", other)

    def __ge__(self, other: Operand) -> Expr:
        return self._with(">=", other)

    def __and__(self, other: Operand) -> Expr:
        return self._with("and", other)

    def __rand__(self, other: Operand) -> Expr:
        return self._with("and", other, reverse=True)

    def __or__(self, other: Operand) -> Expr:
        return self._with("or", other)

    def __ror__(self, other: Operand) -> Expr:
        return self._with("or", other, reverse=True)

    def __invert__(self) -> Expr:
        return Expr(_core.expr_node("not", self._node))

    def is_null(self) -> Expr:
        """True where the value is null; NaN is not null."""
        return Expr(_core.expr_node("is_null", self._node))

    def is_nan(self) -> Expr:
        """True where the value is NaN."""
        return Expr(_core.expr_node("is_nan", self._node))

    def between(self, low: Operand, high: Operand) -> Expr:
        """True where low <= value <= high.

        >>> col("close").between(10, 20)
        <Expr ((close >= 10) and (close <= 20))>
        """
        return self._with(">=", low) & self._with("<=", high)

    def is_in(self, values: list[Operand] | tuple[Operand, ...]) -> Expr:
        """True where the value equals one of the values; false for none of them.

        >>> col("side").is_in(["A", "B"])
        <Expr ((side == "A") or (side == "B"))>
        """
        if not values:
            return lit(False)
        found = [self._with("==", value) for value in values]
        # Pairwise, so that the tree stays flat however many values there are.
        while len(found) > 1:
            pairs = zip(found[::2], found[1::2], strict=False)
            found = [a | b for a, b in pairs] + found[len(found) // 2 * 2 :]
        return found[0]

    # ---- Aggregates, for LazyBars.aggregate ----------------------------------------------------

    def count(self) -> Aggregate:
        """How many values are not null."""
        return Aggregate("count", self._node)

    def sum(self) -> Aggregate:
        """The sum; of bools, how many are true."""
        return Aggregate("sum", self._node)

    def mean(self) -> Aggregate:
        """The sum over the count."""
        return Aggregate("mean", self._node)

    def min(self) -> Aggregate:
        """The least value; NaN only where there is nothing else."""
        return Aggregate("min", self._node)

    def max(self) -> Aggregate:
        """The greatest value; NaN only where there is nothing else."""
        return Aggregate("max", self._node)

    def first(self) -> Aggregate:
        """The first value that is not null."""
        return Aggregate("first", self._node)

    def last(self) -> Aggregate:
        """The last value that is not null."""
        return Aggregate("last", self._node)

    # An Expr has no truth and no hash: `and`, `or`, `not`, `in` and chained comparisons would
    # quietly do something else.
    __hash__ = None  # type: ignore[assignment]

    def __bool__(self) -> NoReturn:
        raise TypeError(
            "an expression has no truth value of its own: join with & | ~ instead of and, or, not, "
            "put comparisons in parentheses, and write a.between(x, y) for x <= a <= y"
        )

    def __str__(self) -> str:
        return _core.expr_format(self._node)

    def __repr__(self) -> str:
        return f"<Expr {_core.expr_format(self._node)}>"


class Aggregate:
    """One value from all rows: what `Expr.sum` and its like, and `count`, give to
    `LazyBars.aggregate`.

    >>> (col("close") - col("open")).mean()
    <Aggregate mean((close - open))>
    """

    __slots__ = ("_kind", "_node")

    def __init__(self, kind: _core.AggregateKind, node: _core.Expr | None) -> None:
        self._kind: _core.AggregateKind = kind
        self._node = node

    def named(self, name: str) -> tuple[_core.AggregateKind, _core.Expr | None, str]:
        """As C takes it."""
        return self._kind, self._node, name

    def __repr__(self) -> str:
        of = "" if self._node is None else _core.expr_format(self._node)
        return f"<Aggregate {self._kind}({of})>"


Operand: TypeAlias = Any
"""The other side of an operator: an Expr, a bool, int, float, str, numpy scalar or time."""


def _operand(value: Operand) -> _core.Expr:
    if isinstance(value, Expr):
        return value.node
    if getattr(value, "ndim", None) == 0:
        value = value[()]  # the scalar that an array without dimensions is
    if is_time(value):
        return _core.expr_time(to_ns(value))
    if not isinstance(value, (bool, int, float, str)) and hasattr(value, "item"):
        value = value.item()  # a numpy scalar
    return _core.expr_literal(value)


def col(name: str) -> Expr:
    """The column of that name.

    >>> col("close") * 2 > 100
    <Expr ((close * 2) > 100)>
    """
    return Expr(_core.expr_column(name))


def lit(value: Operand) -> Expr:
    """A constant: bool, int, float, str, numpy scalar or time.

    >>> lit(1.5) + col("close")
    <Expr (1.5 + close)>
    """
    return Expr(_operand(value))


def count() -> Aggregate:
    """How many rows there are; `col("close").count()` counts values that are not null.

    >>> count()
    <Aggregate count()>
    """
    return Aggregate("count", None)


def timestamp(value: Instant, tz: ZoneLike | None = None) -> Expr:
    """An instant as a constant; what has no zone is a wall clock in `tz`, UTC if not given.

    >>> col("timestamp") >= timestamp("2024-01-03 09:30", tz="America/New_York")
    <Expr (timestamp >= 2024-01-03T14:30:00Z)>
    """
    return Expr(_core.expr_time(to_ns(value, tz)))


# ---- From text ---------------------------------------------------------------------------------

_BINARY = {
    "Add": "+",
    "Sub": "-",
    "Mult": "*",
    "Div": "/",
    "Eq": "==",
    "NotEq": "!=",
    "Lt": "<",
    "LtE": "<=",
    "Gt": ">",
    "GtE": ">=",
    "And": "and",
    "BitAnd": "and",
    "Or": "or",
    "BitOr": "or",
}
_UNARY = {"Not": "not", "Invert": "not", "USub": "neg"}


def _join(op: ast.AST, left: _core.Expr, right: _core.Expr) -> _core.Expr:
    name = type(op).__name__
    if name not in _BINARY:
        raise InvalidError(f"{name} is not an operator of expressions")
    return _core.expr_node(_BINARY[name], left, right)


def _build(node: ast.AST) -> _core.Expr:
    import ast

    if isinstance(node, ast.Name):
        return _core.expr_column(node.id)
    if isinstance(node, ast.Constant) and isinstance(node.value, (bool, int, float, str)):
        return _core.expr_literal(node.value)
    if isinstance(node, ast.BinOp):
        return _join(node.op, _build(node.left), _build(node.right))
    if isinstance(node, ast.UnaryOp) and type(node.op).__name__ in _UNARY:
        return _core.expr_node(_UNARY[type(node.op).__name__], _build(node.operand))
    if isinstance(node, ast.BoolOp):
        built = _build(node.values[0])
        for value in node.values[1:]:
            built = _join(node.op, built, _build(value))
        return built
    if isinstance(node, ast.Compare):
        operands = [_build(side) for side in (node.left, *node.comparators)]
        parts = [_join(op, operands[i], operands[i + 1]) for i, op in enumerate(node.ops)]
        built = parts[0]
        for part in parts[1:]:
            built = _core.expr_node("and", built, part)
        return built
    raise InvalidError(
        f"{ast.unparse(node)!r} is not part of an expression: use column names, numbers, texts in "
        "quotes, + - * /, comparisons, and, or, not"
    )


def parse(text: str) -> Expr:
    """An expression written as text, with Python's syntax and precedence.

    Names are columns; `and`, `or`, `not` and chained comparisons mean what they say. Nothing is
    executed.

    Raises:
        InvalidError: the text is not such an expression.

    >>> parse("volume > 0 and not close < open")
    <Expr ((volume > 0) and (not (close < open)))>
    """
    import ast

    try:
        tree = ast.parse(text.strip(), mode="eval")
    except (SyntaxError, ValueError, RecursionError, MemoryError) as error:
        raise InvalidError(f"{text[:100]!r} is not an expression: {error}") from None
    try:
        return Expr(_build(tree.body))
    except RecursionError:
        raise InvalidError("the expression is nested too deeply") from None
