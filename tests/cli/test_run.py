"""`mbar run`: strategies in C, what they leave, and what goes wrong."""

from __future__ import annotations

import hashlib
import json
import math
import os
import signal
import subprocess
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

pa = pytest.importorskip("pyarrow", reason="what a run writes is read with pyarrow")
pq = pytest.importorskip("pyarrow.parquet")

from .plugins import ROOT, compile_plugin, iterate

Run = Callable[..., subprocess.CompletedProcess[str]]
RunJson = Callable[..., list[dict[str, Any]]]
FUTURE = "MES:future:margin=1300,tick=0.25"


@pytest.fixture(scope="session")
def momentum(tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("plugins")
    return compile_plugin(ROOT / "examples" / "mes_momentum.c", folder / "mes_momentum.so")


@pytest.fixture
def plugin(tmp_path: Path) -> Callable[[str], Path]:
    return lambda source: compile_plugin(source, tmp_path / "plugin.so")


# ---- A run ---------------------------------------------------------------------------------------


@pytest.mark.parametrize("policy", ["strict", "lumibot"])
def test_what_a_run_leaves(
    run: Run, momentum: Path, mes: Path, tmp_path: Path, policy: str
) -> None:
    out = tmp_path / "out"
    words = [momentum, "--data", f"MES={mes}", "--asset", FUTURE, "--fee", 0.5, "--policy", policy]
    told = json.loads(run("run", *words, "--out", out, "--json").stdout)
    orders, fills, equity = (
        pq.read_table(out / f"{name}.parquet").to_pylist() for name in ("orders", "fills", "equity")
    )
    assert told["policy"] == policy
    assert (told["orders"], told["fills"]) == (len(orders), len(fills))
    assert told["fills"] > 100
    assert told["fees"] == 0.5 * len(fills)
    assert not told["stopped"]
    # The account, from the fills alone: realized profit, as lots close first in, first out.
    cash, lots = 100_000.0, []
    for fill in fills:
        cash -= fill["fee"]
        if fill["side"].startswith("buy"):
            lots += [fill["price"]] * int(fill["quantity"])
        else:
            cash += sum(fill["price"] - lots.pop(0) for _ in range(int(fill["quantity"])))
    held = 1300 * len(lots)
    assert math.isclose(told["cash"], cash - held, abs_tol=1e-6)
    assert math.isclose(equity[-1]["portfolio_value"], told["value"], abs_tol=1e-6)
    peak = fall = 0.0
    for row in equity:
        peak = max(peak, row["portfolio_value"])
        fall = max(fall, (peak - row["portfolio_value"]) / peak)
    assert math.isclose(told["max_drawdown"], fall, rel_tol=1e-12)
    assert told["return"] == (told["value"] - 100_000) / 100_000
    manifest = json.loads((out / "manifest.json").read_text("utf-8"))
    assert manifest["policy"] == policy
    (asset,) = manifest["assets"]
    assert asset["sha256"] == hashlib.sha256(mes.read_bytes()).hexdigest()
    assert (asset["kind"], asset["margin"], asset["multiplier"]) == ("future", 1300, 1)
    assert asset["rows_filled"] >= asset["rows"]
    assert [table["rows"] for table in manifest["results"]] == [
        len(orders),
        len(fills),
        len(equity),
    ]


def test_the_same_run_twice(run: Run, momentum: Path, mes: Path, tmp_path: Path) -> None:
    digests = []
    for name, budget in (("a", 100_000), ("b", 100_000), ("c", 90_000)):
        words = [momentum, "--data", f"MES={mes}", "--budget", budget, "--out", tmp_path / name]
        run("run", *words)
        manifest = json.loads((tmp_path / name / "manifest.json").read_text("utf-8"))
        digests.append([table["values_sha256"] for table in manifest["results"]])
    assert digests[0] == digests[1]
    assert digests[0][2] != digests[2][2]


def test_text_and_speed_line(run: Run, momentum: Path, mes: Path) -> None:
    lines = run("run", momentum, "--data", f"MES={mes}", "--asset", FUTURE).stdout.splitlines()
    assert lines[0] == "mes_momentum, policy strict"
    assert "iterations" in lines[1] and "max drawdown" in lines[2]
    assert lines[-1].startswith("speed: ") and lines[-1].endswith(" MiB")


def test_strict_fills_no_bar_that_opened_before_the_order(
    run: Run, momentum: Path, mes: Path, tmp_path: Path
) -> None:
    run("run", momentum, "--data", f"MES={mes}", "--asset", FUTURE, "--out", tmp_path)
    placed = {
        row["id"]: row["placed"] for row in pq.read_table(tmp_path / "orders.parquet").to_pylist()
    }
    fills = pq.read_table(tmp_path / "fills.parquet").to_pylist()
    assert fills
    assert all(fill["bar"] >= placed[fill["order"]] for fill in fills)


def test_span_and_zone(run_json: RunJson, momentum: Path, mes: Path) -> None:
    words = ["run", momentum, "--data", f"MES={mes}", "--asset", FUTURE]
    span = ["--start", "2024-01-04 10:00", "--end", "2024-01-04 11:00"]
    (hour,) = run_json(*words, *span)
    assert 55 <= hour["iterations"] <= 61
    (utc,) = run_json(
        *words, "--tz", "UTC", "--start", "2024-01-04 15:00", "--end", "2024-01-04 16:00"
    )
    assert {**hour, "speed": None} == {**utc, "speed": None}


def test_the_example_from_python_makes_the_same_bars_trade(
    run_json: RunJson, momentum: Path, mes: Path
) -> None:
    """Parameters reach the strategy, and the two ways to the true range agree."""
    words = ["run", momentum, "--data", f"MES={mes}", "--asset", FUTURE, "--policy", "lumibot"]
    (plain,) = run_json(*words)
    (same,) = run_json(*words, "-p", "sma=9", "-p", "symbol=MES")
    (slower,) = run_json(*words, "-p", "sma=40")
    assert plain["value"] == same["value"]
    assert plain["orders"] > slower["orders"]


def test_prices_off_any_binary_tick(
    run_json: RunJson, momentum: Path, mes: Path, tmp_path: Path
) -> None:
    """A tick of a tenth has no exact sums: each window's running mean is worked out anew."""
    bars = pq.read_table(mes)
    scaled = {
        name: pa.compute.multiply(bars[name], 0.4) for name in ("open", "high", "low", "close")
    }
    table = pa.table({"timestamp": bars["timestamp"], **scaled, "volume": bars["volume"]})
    path = tmp_path / "tenths.parquet"
    pq.write_table(table, path)
    words = ["--asset", FUTURE, "-p", "point_value=12.5"]
    (tenths,) = run_json("run", momentum, "--data", f"MES={path}", *words)
    assert tenths["fills"] > 100


# ---- Plugins -------------------------------------------------------------------------------------


def test_a_buying_plugin_of_two_assets(
    run_json: RunJson, plugin: Callable[[str], Path], mes: Path
) -> None:
    source = iterate(
        """
    mbar_order_id id;
    mbar_order_request order;
    if (mbar_engine_iterations(engine) > 1 || mbar_engine_orders(engine) > 0) return MBAR_OK;
    mbar_order_request_init(&order);
    order.asset = mbar_engine_find(engine, "B");
    order.quantity = 3;
    return mbar_engine_submit(engine, &order, &id, error);
    """
    )
    (told,) = run_json(
        "run", plugin(source), "--data", f"A={mes}", "--data", f"B={mes}", "--slippage", 2,
        "--asset", "B:stock:tick=0.5", "--fee", "flat=1,percent=0.001,per-contract=0.25",
    )  # fmt: skip
    first = pq.read_table(mes).slice(1, 1).to_pylist()[0]
    price = first["open"] + 2 * 0.5
    assert told["fills"] == 1
    assert math.isclose(told["fees"], 1 + 0.001 * price * 3 + 0.75, rel_tol=1e-12)
    assert math.isclose(told["cash"], 100_000 - 3 * price - told["fees"], rel_tol=1e-12)


def test_an_error_of_the_strategy_ends_the_run(
    run: Run, plugin: Callable[[str], Path], mes: Path
) -> None:
    path = plugin(iterate('return mbar_error_set(error, MBAR_INVALID, "no such luck");'))
    done = run("run", path, "--data", f"MES={mes}", code=3)
    assert done.stdout == ""
    assert "no such luck" in done.stderr
    assert done.stderr.count("\n") == 1


def test_bad_orders_are_told(run: Run, plugin: Callable[[str], Path], mes: Path) -> None:
    path = plugin(
        iterate(
            """
    mbar_order_id id;
    mbar_order_request order;
    mbar_order_request_init(&order);
    return mbar_engine_submit(engine, &order, &id, error);
    """
        )
    )
    done = run("run", path, "--data", f"MES={mes}", code=3)
    assert "quantity" in done.stderr


@pytest.mark.parametrize(
    ("source", "message"),
    [
        (iterate("return MBAR_INVALID;"), "returned status 5 without an error"),
        (iterate("return (mbar_status)77;"), "returned status 77 without an error"),
        (
            iterate("return MBAR_OK;").replace("}};\n    return MBAR_OK", "}};\n    return 9"),
            "mbar_strategy_open returned status 9 without an error",
        ),
    ],
)
def test_a_failure_that_says_nothing(
    run: Run, plugin: Callable[[str], Path], mes: Path, source: str, message: str
) -> None:
    done = run("run", plugin(source), "--data", f"MES={mes}", code=3)
    assert message in done.stderr
    assert (done.stdout, done.stderr.count("\n")) == ("", 1)


def test_a_folder_that_cannot_be_written_is_told_before_the_run(
    run: Run, plugin: Callable[[str], Path], mes: Path, tmp_path: Path
) -> None:
    path = plugin(iterate('puts("begun"); return MBAR_OK;'))
    (tmp_path / "file").touch()
    for out in (tmp_path / "file", tmp_path / "file" / "below", tmp_path / "missing" / "below"):
        done = run("run", path, "--data", f"MES={mes}", "--out", out, code=3)
        assert "cannot make the folder" in done.stderr and str(out) in done.stderr
        assert done.stdout == ""


def test_ctrl_c_writes_what_there_is(
    mbar: Path, plugin: Callable[[str], Path], mes: Path, tmp_path: Path
) -> None:
    # It says when it has begun, and would take hours.
    path = plugin(iterate('puts("begun"); fflush(stdout); usleep(1000000); return MBAR_OK;'))
    out = tmp_path / "out"
    command = [str(mbar), "run", str(path), "--data", f"MES={mes}", "--out", str(out)]
    started = time.monotonic()
    with subprocess.Popen(
        command, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True
    ) as process:
        assert process.stdout is not None
        assert process.stdout.readline() == "begun\n"
        os.kill(process.pid, signal.SIGINT)
        told, errors = process.communicate(timeout=30)
    assert (process.returncode, errors) == (130, "")
    assert "stopped by Ctrl-C" in told
    assert time.monotonic() - started < 20
    assert json.loads((out / "manifest.json").read_text("utf-8"))["stopped"] is True
    assert pq.read_table(out / "equity.parquet").num_rows < 10


@pytest.mark.parametrize(
    ("source", "message"),
    [
        ("int nothing;", "there is no function mbar_strategy_open"),
        (
            iterate("return MBAR_OK;").replace("sizeof(mbar_strategy)", "8"),
            "built for another version",
        ),
        ("int missing(void); int x(void) { return missing(); }", "cannot load the strategy"),
    ],
)
def test_plugins_that_are_none(
    run: Run, plugin: Callable[[str], Path], mes: Path, source: str, message: str
) -> None:
    done = run("run", plugin(source), "--data", f"MES={mes}", code=3)
    assert message in done.stderr
    assert done.stderr.count("\n") == 1


def test_a_file_that_is_no_plugin(run: Run, mes: Path, tmp_path: Path) -> None:
    (tmp_path / "text.so").write_text("nothing", encoding="utf-8")
    for name in ("text.so", "absent.so"):
        done = run("run", tmp_path / name, "--data", f"MES={mes}", code=3)
        assert "cannot load the strategy" in done.stderr


# ---- Wrong usage ---------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("words", "message"),
    [
        ([], "--data is missing"),
        (["--data", "MES"], "SYMBOL=FILE"),
        (["--data", "=x"], "SYMBOL=FILE"),
        (["--data", "MES="], "SYMBOL=FILE"),
        (["--data", "M=a", "--data", "M=b"], "twice"),
        (["--data", "M=a", "--asset", "X:stock"], "has no bars"),
        (["--data", "M=a", "--asset", "M"], "SYMBOL:KIND"),
        (["--data", "M=a", "--asset", "M:bond"], "SYMBOL:KIND"),
        (["--data", "M=a", "--asset", "M:future:margin=x"], "SYMBOL:KIND"),
        (["--data", "M=a", "--asset", "M:future:multiplier=0"], "SYMBOL:KIND"),
        (["--data", "M=a", "--asset", "M:future:weight=2"], "SYMBOL:KIND"),
        (["--data", "M=a", "--fee", "cheap"], "--fee cannot be"),
        (["--data", "M=a", "--fee", "-1"], "--fee cannot be"),
        (["--data", "M=a", "--fee", "flat=nan"], "--fee cannot be"),
        (["--data", "M=a", "--policy", "loose"], "--policy cannot be"),
        (["--data", "M=a", "--policy", "lumibot", "--clock", "bars"], "--clock bars is strict's"),
        (["--data", "M=a", "--policy", "lumibot", "--slippage", "1"], "are strict's"),
        (["--data", "M=a", "--start", "soon"], "--start"),
        (["--data", "M=a", "--start", "2024-01-02", "--end", "2024-01-01"], "nothing lies between"),
        (["--data", "M=a", "--step", "0m"], "--step cannot be"),
        (["--data", "M=a", "--budget", "0"], "--budget"),
        (["--data", "M=a", "--tz", "Mars/Olympus"], "Mars/Olympus"),
    ],
)
def test_wrong_usage(run: Run, words: list[str], message: str) -> None:
    done = run("run", "./x.so", *words, code=2)
    assert done.stderr.startswith("mbar: run: ")
    assert message in done.stderr
    assert done.stderr.count("\n") == 1


def test_bad_data(run: Run, momentum: Path, mes: Path, fixtures: Path, tmp_path: Path) -> None:
    for name in ("absent.parquet", "text.parquet", "no_close.parquet", "reversed.parquet"):
        done = run("run", momentum, "--data", f"MES={fixtures / name}", code=3)
        assert name in done.stderr
        assert done.stderr.count("\n") == 1
    words = ["run", momentum, "--data", f"MES={mes}"]
    late = run(*words, "--start", "2030-01-01", code=3)
    assert late.stderr.count("\n") == 1
    (tmp_path / "file").write_text("", encoding="utf-8")
    occupied = run(*words, "--out", tmp_path / "file", code=3)
    assert "cannot make the folder" in occupied.stderr
    unknown = run(*words, "--param", "speed=9", code=3)
    assert "mes_momentum's parameters" in unknown.stderr
    bad = run(*words, "--param", "sma=many", code=3)
    assert "a number from 1 to 129" in bad.stderr
