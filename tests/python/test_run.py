"""`millibar run FILE`: a strategy file as it stands, in a process of its own."""

from __future__ import annotations

import fcntl
import json
import os
import pty
import shutil
import signal
import struct
import subprocess
import sys
import termios
import textwrap
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

ROOT = Path(__file__).resolve().parents[2]
SPAN = ["--start", "2024-01-03 09:30", "--end", "2024-01-03 12:00"]
# lumibot is not there: importing it, or what leads to it, is an error the file would see.
NO_LUMIBOT = """
import sys
class Gone:
    def find_spec(self, name, path=None, target=None):
        if name.partition(".")[0] == "lumibot":
            raise ModuleNotFoundError(f"No module named {name!r}", name=name)
sys.meta_path.insert(0, Gone())
"""

BUYER = """
    from lumibot.entities import Asset
    from lumibot.strategies import Strategy

    class Buyer(Strategy):
        def initialize(self):
            self.sleeptime = "1M"
            self.asset = Asset("MES", "cont_future")

        def on_trading_iteration(self):
            if self.first_iteration:
                self.submit_order(self.create_order(self.asset, 2, "buy"))
"""


@pytest.fixture(scope="session")
def mes(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Two days of synthetic minutes."""
    mbar = os.environ.get("MBAR") or shutil.which("mbar")
    if mbar is None or not Path(mbar).exists():
        pytest.skip("mbar, which makes the bars, is neither on the PATH nor named by MBAR")
    path = tmp_path_factory.mktemp("bars") / "MES.parquet"
    span = ["--from", "2024-01-02", "--to", "2024-01-04"]
    subprocess.run([mbar, "synth", "--seed", "7", *span, "--out", str(path)], check=True)
    return path


@pytest.fixture
def file(tmp_path: Path) -> Callable[[str], Path]:
    def write(text: str) -> Path:
        path = tmp_path / "strategy.py"
        path.write_text(textwrap.dedent(text), encoding="utf-8")
        return path

    return write


def environment(folder: Path, *, lumibot: bool = False) -> dict[str, str]:
    """The environment of a run; sitecustomize takes lumibot away where it is not wanted."""
    found = {**os.environ, "PYTHONDONTWRITEBYTECODE": "1"}
    if not lumibot:
        (folder / "site").mkdir(exist_ok=True)
        (folder / "site" / "sitecustomize.py").write_text(NO_LUMIBOT, encoding="utf-8")
        before = os.environ.get("PYTHONPATH")
        found["PYTHONPATH"] = os.pathsep.join(filter(None, (str(folder / "site"), before)))
    return found


def command(*words: object) -> list[str]:
    return [sys.executable, "-m", "millibar", "run", *map(str, words)]


@pytest.fixture
def run(tmp_path: Path) -> Callable[..., subprocess.CompletedProcess[str]]:
    def call(*words: object, code: int = 0, lumibot: bool = False) -> Any:
        done = subprocess.run(
            command(*words),
            env=environment(tmp_path, lumibot=lumibot),
            cwd=tmp_path,
            capture_output=True,
            text=True,
            timeout=120,
            check=False,
        )
        assert done.returncode == code, (done.stdout, done.stderr)
        return done

    return call


Run = Callable[..., subprocess.CompletedProcess[str]]
Write = Callable[[str], Path]

# ---- A class over --data -----------------------------------------------------------------------


def test_a_class_over_bars(run: Run, file: Write, mes: Path, tmp_path: Path) -> None:
    words = [file(BUYER), "--data", f"MES={mes}", *SPAN, "--fee", 0.5, "--budget", 50_000]
    done = run(*words, "--out", tmp_path / "out", "--profile")
    assert done.stderr == ""
    lines = done.stdout.splitlines()
    assert lines[0].startswith("Buyer: 2024-01-03 09:30:00-05:00 to 2024-01-03 12:00:00-05:00")
    assert "1 fills, fees 0.50" in lines[2]
    assert lines[3].strip().startswith("speed: ")
    assert lines[4].split() == ["layer", "seconds", "share", "us/iteration"]
    assert [line.split()[0] for line in lines[5:]] == [
        "data",
        "strategy",
        "broker",
        "reporting",
        "all",
    ]
    written = {path.name for path in (tmp_path / "out").iterdir()}
    assert {"Buyer_trades.csv", "Buyer_stats.csv", "Buyer_settings.json"} <= written
    manifest = json.loads((tmp_path / "out" / "Buyer_manifest.json").read_text("utf-8"))
    assert manifest["policy"] == "lumibot"
    (data,) = manifest["data"]
    assert data["path"] == str(mes)
    assert len(data["sha256"]) == 64


def test_json(run: Run, file: Write, mes: Path) -> None:
    text = BUYER + "\n    print('the file speaks')\n"
    done = run(file(text), "--data", f"MES={mes}", *SPAN, "--json")
    told = json.loads(done.stdout)
    assert (told["name"], told["counts"]["fills"]) == ("Buyer", 1)
    assert told["settings"]["policy"] == "lumibot"
    assert done.stderr == "the file speaks\n"


def test_the_same_hashes_whatever_the_surroundings(file: Write, mes: Path, tmp_path: Path) -> None:
    words = [file(BUYER), "--data", f"MES={mes}", *SPAN, "--json"]
    hashes = set()
    for change in ({}, {"PYTHONHASHSEED": "7", "TZ": "Asia/Tokyo"}, {"LC_ALL": "C", "TZ": "UTC"}):
        env = {**environment(tmp_path), **change}
        done = subprocess.run(command(*words), env=env, capture_output=True, text=True, check=True)
        hashes.add(json.loads(done.stdout)["hashes"]["all"])
    assert len(hashes) == 1


def test_policies_differ(run: Run, file: Write, mes: Path) -> None:
    words = [file(BUYER), "--data", f"MES={mes}", *SPAN, "--json"]
    told = {
        policy: json.loads(run(*words, "--policy", policy).stdout)
        for policy in ("lumibot", "strict")
    }
    assert told["strict"]["settings"]["policy"] == "strict"
    assert told["strict"]["hashes"]["fills"] != told["lumibot"]["hashes"]["fills"]


def test_types_and_pairs(run: Run, file: Write, mes: Path) -> None:
    text = """
        from lumibot.entities import Asset
        from lumibot.strategies import Strategy

        class Two(Strategy):
            def initialize(self):
                self.pair = (Asset("BTC", "crypto"), Asset("USD", "forex"))

            def on_trading_iteration(self):
                stock, pair = self.get_last_price(Asset("SPY")), self.get_last_price(self.pair)
                future = self.get_last_price(Asset("GC", "future"))
                if self.first_iteration:
                    print(stock == pair == future, stock > 0)
    """
    data = ["--data", f"SPY={mes}", "--data", f"BTC/USD={mes}", "--data", f"GC:future={mes}"]
    assert run(file(text), *data, *SPAN).stdout.splitlines()[0] == "True True"


def test_which_class(run: Run, file: Write, mes: Path) -> None:
    more = """
    class Second(Buyer):
        pass

    class Third(Buyer):
        pass
    """
    path = file(textwrap.dedent(BUYER) + textwrap.dedent(more))
    words = ["--data", f"MES={mes}", *SPAN]
    assert "say --class, of Second, Third" in run(path, *words, code=1).stderr
    assert run(path, *words, "--class", "Buyer").stdout.startswith("Buyer: ")
    assert "no strategy class Fourth" in run(path, *words, "--class", "Fourth", code=1).stderr


def test_helpers_beside_the_file(run: Run, file: Write, mes: Path, tmp_path: Path) -> None:
    (tmp_path / "helper.py").write_text("UNITS = 3\n", encoding="utf-8")
    path = file(
        "import helper\n" + textwrap.dedent(BUYER).replace("asset, 2", "asset, helper.UNITS")
    )
    told = json.loads(run(path, "--data", f"MES={mes}", *SPAN, "--json").stdout)
    assert told["counts"]["fills"] == 1


# ---- The file's own block ----------------------------------------------------------------------

OWN = """
    if __name__ == "__main__":
        import sys
        from datetime import datetime
        from lumibot.backtesting import PandasDataBacktesting
        print(sys.argv[1:])
        result = Buyer.backtest(
            PandasDataBacktesting, datetime(2024, 1, 3, 9, 30), datetime(2024, 1, 3, 12),
            data={Asset("MES", "cont_future"): sys.argv[1]}, budget=60_000,
        )
        print(sorted(result)[:2])
"""


def test_the_files_own_block(run: Run, file: Write, mes: Path, tmp_path: Path) -> None:
    path = file(textwrap.dedent(BUYER) + textwrap.dedent(OWN))
    done = run(path, "--out", tmp_path / "out", "--", mes, "--data", "x")
    lines = done.stdout.splitlines()
    assert lines[0] == str([str(mes), "--data", "x"])
    assert lines[1] == "['cagr', 'max_drawdown']"
    assert lines[2].startswith("Buyer: ")
    assert "60,000.00" in lines[3]
    assert (tmp_path / "out" / "Buyer_manifest.json").exists()
    strict = json.loads(run(path, "--policy", "strict", "--json", "--", mes).stdout)
    assert strict["settings"]["policy"] == "strict"
    # With --data the class is run, and the block is not.
    assert run(path, "--data", f"MES={mes}", *SPAN).stdout.startswith("Buyer: ")


VENDOR = """
    if __name__ == "__main__":
        from datetime import datetime
        from lumibot.backtesting import BacktestingBroker, PolygonDataBacktesting
        from lumibot.backtesting import YahooDataBacktesting
        from lumibot.traders import Trader
        start, end = datetime(2024, 1, 3, 9, 30), datetime(2024, 1, 3, 12)
        Buyer.backtest(
            YahooDataBacktesting, start, end, budget=60_000, benchmark_asset="SPY",
            timestep="minute", name="by the class",
        )
        source = PolygonDataBacktesting(start, datetime_end=end, api_key="none", has_paid=False)
        trader = Trader(backtest=True)
        trader.add_strategy(
            Buyer(
                broker=BacktestingBroker(source), budget=70_000, name="by hand",
                benchmark_asset=None, risk_free_rate=0.0, analyze_backtest=False,
            )
        )
        trader.run_all()
"""


def test_bars_in_the_place_of_a_vendors(run: Run, file: Write, mes: Path) -> None:
    path = file(textwrap.dedent(BUYER) + textwrap.dedent(VENDOR))
    done = run(path, "--main", "--data", f"MES={mes}", "--policy", "strict", "--json")
    first, second = json.loads(done.stdout)
    assert (first["name"], second["name"]) == ("by the class", "by hand")
    assert first["counts"]["fills"] == second["counts"]["fills"] == 1
    assert first["settings"]["policy"] == "strict"
    assert (first["settings"]["budget"], second["settings"]["budget"]) == (60_000, 70_000)
    assert first["settings"]["backtesting_start"].startswith("2024-01-03T09:30")
    assert "--main --data SYMBOL=PATH" in run(path, code=1).stderr


def test_a_script_without_a_block_and_a_broker_that_trades_live(
    run: Run, file: Write, mes: Path
) -> None:
    """As many are written: a broker, the strategy with it, and its backtest, at the top level."""
    own = """
    from datetime import datetime
    from lumibot.backtesting import YahooDataBacktesting
    from lumibot.brokers import Alpaca
    from lumibot.traders import Trader
    broker = Alpaca({"API_KEY": "", "API_SECRET": "", "PAPER": True})
    strategy = Buyer(name="Mine", broker=broker, parameters={"x": 1})
    start, end = datetime(2024, 1, 3, 9, 30), datetime(2024, 1, 3, 12)
    strategy.backtest(YahooDataBacktesting, start, end, parameters={"x": 1})
    """
    path = file(textwrap.dedent(BUYER) + textwrap.dedent(own))
    done = run(path, "--main", "--data", f"MES={mes}")
    assert done.stdout.startswith("Buyer: ") and "1 fills" in done.stdout
    assert "--main --data" in run(path, code=1).stderr
    live = "trader = Trader()\ntrader.add_strategy(strategy)\ntrader.run_all()\n"
    path = file(textwrap.dedent(BUYER) + textwrap.dedent(own) + live)
    done = run(path, "--main", "--data", f"MES={mes}", code=1)
    assert done.stdout.startswith("Buyer: ")  # what was done until then
    assert "Trader.run_all() with a live broker is not part of" in done.stderr


@pytest.mark.slow
def test_bars_in_the_place_of_a_vendors_inside_lumibot(run: Run, file: Write, mes: Path) -> None:
    pytest.importorskip("lumibot", reason="lumibot itself is not installed")
    own = textwrap.dedent(VENDOR)
    own = own[: own.index("    Buyer.backtest(")] + own[own.index("    source = ") :]
    own += "    print([str(o.get_fill_price()) for o in trader._strategies[0].get_orders()])\n"
    path = file(textwrap.dedent(BUYER) + own)
    ours, theirs = (
        run(path, "--main", "--data", f"MES={mes}", "--engine", engine, lumibot=True).stdout
        for engine in ("millibar", "lumibot")
    )
    prices = ours.splitlines()[0]
    assert prices.startswith("['") and theirs.splitlines()[-1].endswith(prices)


NOISY = """
        def before_starting_trading(self):
            import logging
            for price in (4700, 4700, 4701):
                self.create_order(self.asset, 1, "buy", type="limit", limit_price=price)
            logging.basicConfig(format="own %(message)s")
            self.create_order(self.asset, 1, "buy", type="limit", limit_price=price)
"""


def test_a_warning_is_told_once(run: Run, file: Write, mes: Path) -> None:
    """Until the file sets up a log of its own."""
    done = run(file(BUYER + NOISY), "--data", f"MES={mes}", *SPAN)
    text = "Order: 'type' is deprecated. Use 'order_type' instead.\n"
    assert done.stderr == f"{text}own {text}"


def test_the_package_itself_says_nothing_unasked(tmp_path: Path) -> None:
    code = 'import millibar as mb; mb.Order("s", mb.Asset("X"), 1, "buy", type="market")'
    done = subprocess.run(
        [sys.executable, "-c", code], capture_output=True, text=True, check=True, cwd=tmp_path
    )
    assert (done.stdout, done.stderr) == ("", "")


def test_two_runs_in_one_file(run: Run, file: Write, mes: Path, tmp_path: Path) -> None:
    own = textwrap.dedent(OWN)
    again = own[own.index("    result = ") : own.index("    print(sorted")]
    path = file(textwrap.dedent(BUYER) + own + again)
    done = run(path, "--out", tmp_path / "out", "--json", "--", mes)
    assert [each["name"] for each in json.loads(done.stdout)] == ["Buyer", "Buyer"]
    assert (tmp_path / "out" / "Buyer_2_manifest.json").exists()


@pytest.mark.parametrize(
    ("leaving", "code", "message"),
    [("sys.exit(0)", 0, ""), ("sys.exit(5)", 5, ""), ("sys.exit('no')", 1, "no\n")],
)
def test_exit_codes_of_the_file(
    run: Run, file: Write, leaving: str, code: int, message: str
) -> None:
    text = f"import sys\nif '__main__' == __name__:\n    {leaving}\n"
    assert run(file(text), code=code).stderr == message


def test_the_example_unchanged(run: Run, mes: Path) -> None:
    """Its import of the data source inside lumibot, its own command line and its speed line."""
    example = ROOT / "examples" / "mes_momentum.py"
    span = ["--start", "2024-01-03T09:30", "--end", "2024-01-03T11:00"]
    block = run(example, "--", "--data", mes, *span)
    lines = block.stdout.splitlines()
    assert lines[0].startswith("millibar: MES momentum, 2024-01-03 09:30")
    assert lines[2].startswith("speed: ")
    span = [*SPAN[:2], "--end", "2024-01-03 11:00", "--fee", "0.5"]
    told = json.loads(run(example, "--data", f"MES={mes}", *span, "--json").stdout)
    assert lines[1].startswith(f"{told['counts']['fills']} fills, ")
    assert told["counts"]["fills"] > 5


# ---- What goes wrong ---------------------------------------------------------------------------


def test_an_exception_of_the_strategy(run: Run, file: Write, mes: Path, tmp_path: Path) -> None:
    text = (
        textwrap.dedent(BUYER) + "        elif self.get_datetime().hour == 10:\n            1 / 0\n"
    )
    done = run(file(text), "--data", f"MES={mes}", *SPAN, "--out", tmp_path / "out", code=1)
    # As Python tells it, from the file on; what was done until then is there.
    lines = done.stderr.splitlines()
    assert lines[0] == "Traceback (most recent call last):"
    assert "strategy.py" in lines[1] and lines[-1] == "ZeroDivisionError: division by zero"
    assert "millibar/" not in done.stderr
    assert "1 fills" in done.stdout
    assert (tmp_path / "out" / "Buyer_manifest.json").exists()


@pytest.mark.parametrize(
    ("words", "message"),
    [
        (["absent.py"], "there is no file absent.py"),
        (["FILE"], "give --data SYMBOL=PATH"),
        (["FILE", "--data", "MES"], "is not SYMBOL=PATH"),
        (["FILE", "--data", "=x"], "is not SYMBOL=PATH"),
        (["FILE", "--data", "BTC/=x"], "is not SYMBOL=PATH"),
        (["FILE", "--data", "MES=absent.parquet"], "there is no file absent.parquet"),
        (["FILE", "--data", "MES:bond=BARS"], "there is no type of asset 'bond'"),
        (["FILE", "--data", "MES=BARS", "--data", "MES=BARS"], "twice"),
        (["FILE", "--data", "MES=BARS", "--fee", "much"], "--fee 'much'"),
        (["FILE", "--data", "MES=BARS", "--fee", "-1"], "--fee '-1'"),
        (["FILE", "--data", "MES=BARS", "--start", "soon"], "soon"),
        (["FILE", "--data", "MES=BARS", "--start", "2030-01-01", "--end", "2030-02-01"], "2030"),
        (["FILE", "--data", "MES=FILE"], "strategy.py"),
        (["FILE", "--data", "MES=BARS", "--policy", "strict", "--engine", "lumibot"], "strict"),
        (["FILE", "--data", "MES=BARS", "--engine", "lumibot"], "lumibot itself"),
        (["FILE", "--main", "--data", "MES=BARS"], "no __main__ block and starts no run"),
        (["FILE", "--main", "--data", "MES=BARS", "--budget", "5"], "leave --budget out"),
        (["FILE", "--main", "--class", "Buyer"], "leave --class out"),
    ],
)
def test_failures_are_one_line(
    run: Run, file: Write, mes: Path, words: list[str], message: str
) -> None:
    path = file(BUYER)
    given = [word.replace("FILE", str(path)).replace("BARS", str(mes)) for word in words]
    done = run(*given, code=1)
    assert message in done.stderr
    assert done.stderr.startswith("millibar run: ")
    assert done.stderr.count("\n") == 1
    assert done.stdout == ""


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("def broken(:\n", "SyntaxError"),
        ("x = 1\n", "no class derived from Strategy"),
        ("from lumibot.backtesting import YahooDataBacktesting as Y\nY()\n", "--engine lumibot"),
        ("from lumibot.nowhere import Thing\n", "--engine lumibot"),
    ],
)
def test_bad_files(run: Run, file: Write, mes: Path, text: str, message: str) -> None:
    done = run(file(text), "--data", f"MES={mes}", code=1)
    assert message in done.stderr
    assert "python/millibar/" not in done.stderr and "<frozen" not in done.stderr


def test_a_folder_that_cannot_be_written_is_told_before_the_run(
    run: Run, file: Write, mes: Path, tmp_path: Path
) -> None:
    path = file(BUYER + "\n    print('begun')\n")
    (tmp_path / "there").touch()
    for out in (tmp_path / "there", tmp_path / "there" / "below"):
        done = run(path, "--data", f"MES={mes}", "--out", out, code=1)
        assert done.stderr.startswith(f"millibar run: --out {out}: ")
        assert (done.stdout, done.stderr.count("\n")) == ("", 1)


@pytest.mark.skipif(not Path("/dev/full").exists(), reason="there is no /dev/full")
@pytest.mark.parametrize("words", [[], ["--json"]])
def test_an_output_that_is_full(file: Write, mes: Path, tmp_path: Path, words: list[str]) -> None:
    command_line = command(file(BUYER), "--data", f"MES={mes}", *SPAN, *words)
    with open("/dev/full", "w") as full:
        done = subprocess.run(
            command_line,
            env=environment(tmp_path),
            stdout=full,
            stderr=subprocess.PIPE,
            text=True,
            check=False,
        )
    assert done.returncode == 1
    assert done.stderr.startswith("millibar run: cannot write: ")
    assert done.stderr.count("\n") == 1


def test_a_reader_that_has_seen_enough(file: Write, mes: Path, tmp_path: Path) -> None:
    text = BUYER.replace("if self.first", "print('x' * 4096)\n            if self.first")
    words = command(file(text), "--data", f"MES={mes}", *SPAN, "--out", tmp_path / "out")
    with subprocess.Popen(
        words, env=environment(tmp_path), stdout=subprocess.PIPE, stderr=subprocess.PIPE
    ) as process:
        assert process.stdout is not None and process.stderr is not None
        process.stdout.readline()
        process.stdout.close()
        errors = process.stderr.read()
        process.wait(timeout=60)
    assert errors == b""


def test_wrong_usage(run: Run, file: Write) -> None:
    for words in ([], [file(BUYER), "--what"], [file(BUYER), "--policy", "loose"]):
        assert "usage: millibar" in run(*words, code=2).stderr


# ---- Ctrl-C, terminals, lumibot itself ---------------------------------------------------------

SLOW = """
        def after_market_closes(self):
            pass

        def on_trading_iteration(self):
            import time
            if self.first_iteration:
                print("begun", flush=True)
            time.sleep(30)
"""


def test_ctrl_c_saves_what_there_is(file: Write, mes: Path, tmp_path: Path) -> None:
    text = textwrap.dedent(BUYER).split("    def on_trading")[0] + textwrap.dedent(SLOW).replace(
        "\n", "\n    "
    )
    words = command(file(text), "--data", f"MES={mes}", *SPAN, "--out", tmp_path / "out")
    with subprocess.Popen(
        words,
        env=environment(tmp_path),
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
    ) as process:
        assert process.stdout is not None
        assert process.stdout.readline() == "begun\n"
        time.sleep(0.2)
        asked = time.monotonic()
        os.kill(process.pid, signal.SIGINT)
        told, errors = process.communicate(timeout=60)
    # At once, in the middle of an iteration.
    assert time.monotonic() - asked < 20
    assert process.returncode == 130
    assert errors == "millibar run: stopped\n"
    assert told.startswith("Buyer: ")
    assert (tmp_path / "out" / "Buyer_manifest.json").exists()


def test_a_bar_on_a_terminal_only(file: Write, mes: Path, tmp_path: Path) -> None:
    text = textwrap.dedent(BUYER).replace(
        "if self.first", "__import__('time').sleep(0.0005)\n        if self.first"
    )
    words = command(file(text), "--data", f"MES={mes}")
    leader, follower = pty.openpty()
    fcntl.ioctl(follower, termios.TIOCSWINSZ, struct.pack("HHHH", 25, 100, 0, 0))
    with subprocess.Popen(
        words, env=environment(tmp_path), stdout=subprocess.PIPE, stderr=follower
    ) as process:
        os.close(follower)
        shown = b""
        while True:
            try:
                part = os.read(leader, 4096)
            except OSError:
                break
            if not part:
                break
            shown += part
        process.wait(timeout=60)
    os.close(leader)
    assert process.returncode == 0
    assert b"day" in shown and b"%" in shown


@pytest.mark.slow
def test_the_same_file_inside_lumibot(run: Run, file: Write, mes: Path) -> None:
    pytest.importorskip("lumibot", reason="lumibot itself is not installed")
    words = [file(BUYER), "--data", f"MES={mes}", *SPAN, "--fee", 0.5, "--json"]
    ours, theirs = (
        json.loads(run(*words, "--engine", engine, lumibot=True).stdout)
        for engine in ("millibar", "lumibot")
    )
    assert theirs["settings"]["engine"] == "lumibot"
    assert theirs["counts"]["fills"] == ours["counts"]["fills"] == 1
    assert theirs["stats"]["equity_final"] == ours["stats"]["equity_final"]


def test_help(run: Run) -> None:
    text = run("--help").stdout
    assert "example: millibar run " in text.replace("\n", " ")
