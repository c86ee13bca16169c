"""Expressions: built by operators or from text, evaluated as numpy and Polars do."""

from __future__ import annotations

from datetime import date, datetime, timezone
from typing import Any

import numpy as np
import pytest

import millibar as mb
from millibar import _core, col, expr, lit, timestamp

N = 3000


def evaluate(e: expr.Expr, bars: mb.Bars) -> list[Any]:
    return _core.expr_eval(e.node, bars.table).to_list()


# ---- Building ------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("built", "text"),
    [
        (col("a") + 1, "(a + 1)"),
        (1 + col("a"), "(1 + a)"),
        (2.5 - col("a"), "(2.5 - a)"),
        (col("a") * col("b") / 2, "((a * b) / 2)"),
        (3 / col("a"), "(3 / a)"),
        (3 * col("a"), "(3 * a)"),
        (col("a") - 1, "(a - 1)"),
        (-col("a") < 0, "((-a) < 0)"),
        (np.int64(0) < col("a"), "(a > 0)"),
        (col("a") == 1, "(a == 1)"),
        (col("a") != "x", '(a != "x")'),
        ((col("a") > 1) & (col("b") <= 2), "((a > 1) and (b <= 2))"),
        (~(col("a") >= 1) | col("f"), "((not (a >= 1)) or f)"),
        (True & col("f"), "(true and f)"),
        (False | col("f"), "(false or f)"),
        (col("a").is_null(), "(a is null)"),
        (col("a").is_nan(), "(a is nan)"),
        (col("a").between(1, 2), "((a >= 1) and (a <= 2))"),
        (lit(True), "true"),
        (col("a") == np.float32(0.5), "(a == 0.5)"),
        (col("a") == np.int16(3), "(a == 3)"),
        (col("a") == np.bool_(True), "(a == true)"),
        (col("a").is_in([]), "false"),
        (col("a").is_in([1, 2, 3]), "(((a == 1) or (a == 2)) or (a == 3))"),
    ],
    ids=lambda value: value if isinstance(value, str) else "",
)
def test_text_of(built: expr.Expr, text: str) -> None:
    assert str(built) == text
    assert repr(built) == f"<Expr {text}>"


@pytest.mark.parametrize(
    "moment",
    [
        datetime(2024, 1, 3, 14, 30),
        datetime(2024, 1, 3, 14, 30, tzinfo=timezone.utc),
        np.datetime64("2024-01-03T14:30"),
    ],
)
def test_times(moment: object) -> None:
    assert str(col("t") >= moment) == "(t >= 2024-01-03T14:30:00Z)"
    assert str(moment < col("t")) == "(t > 2024-01-03T14:30:00Z)"  # type: ignore[operator]
    assert str(lit(moment)) == "2024-01-03T14:30:00Z"


def test_more_times() -> None:
    pd = pytest.importorskip("pandas")
    assert str(col("t") == date(2024, 1, 3)) == "(t == 2024-01-03T00:00:00Z)"
    stamp = pd.Timestamp("2024-01-03 09:30", tz="America/New_York")
    assert str(col("t") < stamp) == "(t < 2024-01-03T14:30:00Z)"
    assert str(timestamp("2024-01-03 09:30", "America/New_York")) == "2024-01-03T14:30:00Z"
    assert str(timestamp("2024-01-03 09:30")) == "2024-01-03T09:30:00Z"


def test_an_expression_has_no_truth() -> None:
    condition = col("a") > 1
    for attempt in (
        lambda: bool(condition),
        lambda: condition and condition,
        lambda: not condition,
        lambda: 1 < col("a") < 2,
        lambda: condition in [col("b") > 1],
    ):
        with pytest.raises(TypeError, match=r"& \| ~"):
            attempt()
    with pytest.raises(TypeError):
        hash(condition)


def test_wrong_operands() -> None:
    with pytest.raises(TypeError, match="literal"):
        col("a") + object()
    with pytest.raises(TypeError, match="literal"):
        col("a") == None  # noqa: B015, E711
    with pytest.raises(TypeError, match="expected str, not int"):
        col(1)  # type: ignore[arg-type]
    for cut in (lambda: col("a\0b"), lambda: lit("a\0b"), lambda: timestamp("2024-01-03\0")):
        with pytest.raises(ValueError, match="null character"):
            cut()
    with pytest.raises(mb.InvalidError, match="64 bits"):
        lit(2**63)
    with pytest.raises(mb.InvalidError, match="'%' is not one of"):
        _core.expr_node("%", col("a").node, col("b").node)
    with pytest.raises(mb.InvalidError, match="two operands"):
        _core.expr_node("+", col("a").node)
    with pytest.raises(mb.InvalidError, match="one operand"):
        _core.expr_node("not", col("a").node, col("b").node)
    with pytest.raises(TypeError):
        _core.expr_node("+", col("a").node, 1)  # type: ignore[arg-type]


def test_too_deep_is_an_error() -> None:
    def deep() -> expr.Expr:
        built = col("a")
        for _ in range(100_000):
            built = built + 1
        return built

    with pytest.raises(mb.InvalidError, match="deep"):
        deep()
    many = col("a").is_in(list(range(10_000)))
    assert evaluate(many, mb.Bars({"a": [-1, 0, 9_999, 10_000]})) == [False, True, True, False]


# ---- From text -----------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("text", "wanted"),
    [
        ("volume > 0", "(volume > 0)"),
        ("not a < 1 and b", "((not (a < 1)) and b)"),
        ("1 < a <= 2", "((1 < a) and (a <= 2))"),
        ("(a > 1) & ~(b == 'x') | c", '(((a > 1) and (not (b == "x"))) or c)'),
        ("a or b or c", "((a or b) or c)"),
        ("-a + 2.5 * b / 3 - 1 >= 0", "((((-a) + ((2.5 * b) / 3)) - 1) >= 0)"),
        ("a != True", "(a != true)"),
    ],
)
def test_parse(text: str, wanted: str) -> None:
    assert str(expr.parse(text)) == wanted


@pytest.mark.parametrize(
    "text",
    ["", "a >", "a; b", "__import__('os')", "a.b", "a[0]", "lambda: 1", "a if b else c", "a % 2",
     "a ** 2", "1j", "None", "[a]", "a in b", "f'{a}'", "a\0", "(" * 1000, "-" * 5000 + "a"],
)  # fmt: skip
def test_what_is_not_an_expression(text: str) -> None:
    with pytest.raises(mb.InvalidError):
        expr.parse(text)


# ---- Evaluation against numpy --------------------------------------------------------------------


def random_bars(rng: np.random.Generator) -> tuple[mb.Bars, dict[str, tuple[np.ndarray, Any]]]:
    """Columns with nulls, and (values, valid) of each for numpy."""
    ints = rng.integers(-5, 6, N)
    floats = rng.integers(-5, 6, N) / 2
    floats[rng.random(N) < 0.1] = np.nan
    floats[rng.random(N) < 0.05] = np.inf
    values: dict[str, np.ndarray] = {
        "i": ints,
        "j": rng.integers(-3, 4, N).astype(np.int32),
        "f": floats,
        "g": (rng.integers(-5, 6, N) / 4).astype(np.float32),
        "p": rng.random(N) < 0.5,
        "q": rng.random(N) < 0.3,
    }
    kinds = {"i": "int64", "j": "int32", "f": "float64", "g": "float32", "p": "bool", "q": "bool"}
    columns, reference = [], {}
    for name, data in values.items():
        valid = rng.random(N) < 0.85
        columns.append(
            _core.column_from_buffer(name, data, kinds[name], validity=valid.astype(np.uint8))
        )
        reference[name] = (data, valid)
    return mb.Bars(_core.Table(columns)), reference


Value = tuple[np.ndarray, np.ndarray]


def number(rng: np.random.Generator, depth: int, ref: dict[str, Value]) -> tuple[expr.Expr, Value]:
    """A random expression of numbers and what numpy makes of it."""
    pick = rng.integers(0, 6 if depth > 0 else 2)
    if pick == 0:
        name = str(rng.choice(["i", "j", "f", "g"]))
        values, valid = ref[name]
        wide = values.astype(np.float64 if values.dtype.kind == "f" else np.int64)
        return col(name), (wide, valid)
    if pick == 1:
        literal = [3, -2, 0.5, 0][int(rng.integers(0, 4))]
        return lit(literal), (np.full(N, literal), np.ones(N, bool))
    left, (a, a_valid) = number(rng, depth - 1, ref)
    if pick == 5:
        return -left, (-a, a_valid)
    right, (b, b_valid) = number(rng, depth - 1, ref)
    op = "+-*/"[int(rng.integers(0, 4))]
    with np.errstate(all="ignore"):
        result = {
            "+": lambda: a + b,
            "-": lambda: a - b,
            "*": lambda: a * b,
            "/": lambda: a.astype(float) / b.astype(float),
        }[op]()
    made = {
        "+": lambda: left + right,
        "-": lambda: left - right,
        "*": lambda: left * right,
        "/": lambda: left / right,
    }[op]()
    return made, (result, a_valid & b_valid)


def truth(rng: np.random.Generator, depth: int, ref: dict[str, Value]) -> tuple[expr.Expr, Value]:
    """A random condition and what numpy makes of it, in three-valued logic."""
    pick = int(rng.integers(0, 8 if depth > 0 else 4))
    if pick == 0:
        name = str(rng.choice(["p", "q"]))
        return col(name), ref[name]
    if pick < 4:
        left, (a, a_valid) = number(rng, 1, ref)
        if pick == 3 and rng.random() < 0.3:
            return left.is_null(), (~a_valid, np.ones(N, bool))
        if pick == 3 and rng.random() < 0.3:
            return left.is_nan(), (np.isnan(a.astype(float)), a_valid)
        right, (b, b_valid) = number(rng, 1, ref)
        op = ["==", "!=", "<", "<=", ">", ">="][int(rng.integers(0, 6))]
        made = {
            "==": lambda: (left == right, a == b),
            "!=": lambda: (left != right, a != b),
            "<": lambda: (left < right, a < b),
            "<=": lambda: (left <= right, a <= b),
            ">": lambda: (left > right, a > b),
            ">=": lambda: (left >= right, a >= b),
        }[op]()
        return made[0], (made[1], a_valid & b_valid)
    left, (a, a_valid) = truth(rng, depth - 1, ref)
    if pick == 7:
        return ~left, (~a, a_valid)
    right, (b, b_valid) = truth(rng, depth - 1, ref)
    if pick == 4:
        known = (a_valid & b_valid) | (a_valid & ~a) | (b_valid & ~b)
        return left & right, ((a | ~a_valid) & (b | ~b_valid), known)
    known = (a_valid & b_valid) | (a_valid & a) | (b_valid & b)
    return left | right, ((a & a_valid) | (b & b_valid), known)


@pytest.mark.parametrize("seed", range(60))
def test_random_conditions_against_numpy(seed: int) -> None:
    rng = np.random.default_rng(seed)
    bars, ref = random_bars(rng)
    condition, (values, valid) = truth(rng, 3, ref)
    wanted = [bool(v) if ok else None for v, ok in zip(values, valid, strict=True)]
    assert evaluate(condition, bars) == wanted, str(condition)
    kept = bars.filter(condition)
    assert kept.table.equals(bars.table.take(np.flatnonzero(values & valid).tolist()))


@pytest.mark.parametrize("seed", range(30))
def test_random_numbers_against_numpy(seed: int) -> None:
    rng = np.random.default_rng(1000 + seed)
    bars, ref = random_bars(rng)
    made, (values, valid) = number(rng, 3, ref)
    column = _core.expr_eval(made.node, bars.table)
    got = np.frombuffer(column, column.type)
    got = got.astype(np.float64 if got.dtype.kind == "f" else np.int64)
    assert (got.dtype.kind == "f") == (values.dtype.kind == "f"), str(made)
    mask = column.validity()
    got_valid = np.ones(N, bool) if mask is None else np.frombuffer(mask, np.uint8) == 1
    assert (got_valid == valid).all()
    same = (got == values) | (np.isnan(got * 1.0) & np.isnan(values * 1.0))
    assert same[valid].all(), str(made)
    finite = valid & ~np.isnan(values * 1.0)
    assert got[finite].tobytes() == values[finite].tobytes()


def test_against_polars() -> None:
    pl = pytest.importorskip("polars")
    rng = np.random.default_rng(5)
    frame = pl.DataFrame(
        {
            "a": rng.integers(-9, 9, N),
            "b": rng.normal(size=N),
            "s": rng.choice(["x", "y", "yy", ""], N),
        }
    )
    bars = mb.from_arrow(frame)
    for ours, theirs in [
        ((col("a") > 3) & (col("b") < 0.5), (pl.col("a") > 3) & (pl.col("b") < 0.5)),
        (col("a") * 2 + 1 >= col("b"), pl.col("a") * 2 + 1 >= pl.col("b")),
        (col("s") == "y", pl.col("s") == "y"),
        (col("s") > "x", pl.col("s") > "x"),
        (
            ~(col("s") <= "y") | (col("a") / 4 == 1.25),
            ~(pl.col("s") <= "y") | (pl.col("a") / 4 == 1.25),
        ),
    ]:
        assert bars.filter(ours).to_polars().equals(frame.filter(theirs)), str(ours)


def test_text_and_dictionaries() -> None:
    pa = pytest.importorskip("pyarrow")
    texts = ["b", None, "a", "", "bb"]
    plain = mb.from_arrow(pa.table({"s": texts}))
    coded = mb.from_arrow(pa.table({"s": pa.array(texts).dictionary_encode()}))
    for condition in (col("s") == "b", col("s") > "a", col("s") != "", col("s").is_null()):
        assert evaluate(condition, plain) == evaluate(condition, coded)
    assert evaluate(col("s") >= "b", plain) == [True, None, False, False, True]


def test_exact_comparisons() -> None:
    big = 2**53 + 1
    bars = mb.Bars({"i": [big, big - 1], "u": np.array([2**63, 2**64 - 1], np.uint64)})
    assert evaluate(col("i") == float(2**53), bars) == [False, True]
    assert evaluate(col("i") > float(2**53), bars) == [True, False]
    assert evaluate(col("u") > 2**63 - 1, bars) == [True, True]
    assert evaluate(col("u") > -1, bars) == [True, True]


@pytest.mark.parametrize("unit", ["s", "ms", "us", "ns"])
def test_times_compare_exactly_in_any_unit(unit: str) -> None:
    stamps = np.array(["2024-01-03T14:30:00", "2024-01-03T14:30:01"], f"M8[{unit}]")
    bars = mb.Bars({"t": stamps})
    half = timestamp("2024-01-03T14:30:00.5")
    assert evaluate(col("t") < half, bars) == [True, False]
    assert evaluate(col("t") == half, bars) == [False, False]
    assert evaluate(col("t") == timestamp("2024-01-03T14:30:01"), bars) == [False, True]


@pytest.mark.parametrize(
    ("condition", "what"),
    [
        (col("t") > "2024-01-03", "time"),
        (col("x") == "a", "compared"),
        (col("x") & col("x"), "true or false"),
        (~col("x"), "true or false"),
        (-col("t") == 1, "negated"),
        (col("t") + 1 > 1, "numbers"),
        (col("x") + 1, "true or false"),
    ],
    ids=str,
)
def test_kinds_that_do_not_fit(condition: expr.Expr, what: str) -> None:
    bars = mb.Bars({"t": np.array([0], "M8[s]"), "x": [1]})
    with pytest.raises(mb.InvalidError, match=what):
        bars.filter(condition)


def test_overflow_is_an_error_with_its_row() -> None:
    bars = mb.Bars({"x": [1, 2**62, 3]})
    with pytest.raises(mb.InvalidError) as caught:
        evaluate(col("x") * 4, bars)
    assert caught.value.row == 1


def test_missing_column() -> None:
    with pytest.raises(mb.ColumnNotFoundError, match="nope"):
        mb.Bars({"x": [1]}).filter(col("nope") > 1)
    with pytest.raises(mb.ColumnNotFoundError, match="nope"):
        evaluate(col("nope"), mb.Bars({"x": [1]}))
