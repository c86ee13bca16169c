"""The MES momentum strategy in C, run by `mbar run`, against the Python one inside lumibot."""

from __future__ import annotations

import json
import os
import shutil
import subprocess
from pathlib import Path
from typing import Any

import offline
import pandas as pd
import pytest

pytest.importorskip("lumibot", reason="lumibot, the reference, is not installed")
pq = pytest.importorskip("pyarrow.parquet")

from lumibot.entities import Asset, TradingFee
from mes_momentum import MESMomentum, read_bars
from offline import new_york
from parity_data import USD, data

ROOT = Path(__file__).resolve().parents[2]
START, END = "2026-02-02 09:30", "2026-02-02 16:00"


def find_mbar() -> str:
    found = os.environ.get("MBAR") or shutil.which("mbar")
    if found is None or not Path(found).exists():
        pytest.skip("mbar is neither on the PATH nor named by MBAR")
    return found


def run_in_c(bars: Path, folder: Path) -> tuple[list[tuple[Any, ...]], dict[str, Any]]:
    compiler = os.environ.get("CC") or shutil.which("cc")
    if compiler is None:
        pytest.skip("no C compiler: strategies in C cannot be built")
    plugin, out = folder / "mes_momentum.so", folder / "out"
    source = ROOT / "examples" / "mes_momentum.c"
    build = [compiler, "-O2", "-shared", "-fPIC", f"-I{ROOT / 'include'}", str(source)]
    subprocess.run([*build, "-o", str(plugin)], check=True)
    words = ["--data", f"MES={bars}", "--asset", "MES:future:margin=1300", "--fee", "0.5"]
    span = ["--start", START, "--end", END, "--policy", "lumibot"]
    command = [find_mbar(), "run", str(plugin), *words, *span, "--out", str(out), "--json"]
    told = json.loads(subprocess.run(command, check=True, capture_output=True).stdout)
    rows = pq.read_table(out / "fills.parquet").to_pylist()
    names = ("timestamp", "side", "quantity", "price", "fee")
    return [tuple(row[name] for name in names) for row in rows], told


def test_trade_for_trade(tmp_path: Path) -> None:
    shared = Path(os.environ.get("MILLIBAR_SHARED", ROOT.parent / "shared"))
    path = shared / "data" / "MES_1m_2026Q1.parquet"
    if not path.exists():
        pytest.skip(f"no {path}: set MILLIBAR_SHARED")
    fills, told = run_in_c(path, tmp_path)
    frame = read_bars(path)
    start, end = new_york(START), new_york(END)
    frame = frame[(frame.index >= start - pd.Timedelta(days=4)) & (frame.index <= end)]
    mes = Asset("MES", Asset.AssetType.CONT_FUTURE)
    run = offline.run(
        MESMomentum,
        offline.reference_class(),
        lambda: [data(mes, frame.copy(), "minute", quote=USD)],
        start,
        end,
        buy_trading_fees=[TradingFee(0.5)],
        sell_trading_fees=[TradingFee(0.5)],
    )
    theirs = [
        (
            event["time"].tz_convert("UTC"),
            str(event["side"]),
            float(event["filled_quantity"]),
            float(event["price"]),
            float(event["trade_cost"]),
        )
        for event in run.events
        if event["status"] == "fill"
    ]
    assert len(theirs) > 50
    assert fills == theirs
    assert told["iterations"] == run.iterations
    assert (told["cash"], told["value"]) == (run.cash, run.portfolio_value)
