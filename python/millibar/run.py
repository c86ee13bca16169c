"""`millibar run FILE`: a strategy file, unchanged, on millibar's engine.

    millibar run strategy.py                            the file as a script: its __main__ block
    millibar run strategy.py --data MES=MES.parquet     the strategy class in it, over these bars
    millibar run strategy.py --main --data SPY=SPY.parquet
                                                        the same, these bars in a vendor's place
    millibar run strategy.py --engine lumibot -- ARGS   the same file inside lumibot itself

`from lumibot... import ...` in the file finds millibar's own classes; with `--engine lumibot` it
finds lumibot, whose PandasDataBacktesting is then millibar's data source inside it. Exit codes: 0
done, 1 it failed (what was done until then is written all the same), 2 wrong usage, 130 Ctrl-C.
"""

from __future__ import annotations

import argparse
import ast
import contextlib
import importlib.util
import inspect
import json
import os
import runpy
import sys
import tempfile
import traceback
from collections.abc import Callable, Iterator, Sequence
from pathlib import Path
from types import ModuleType
from typing import TYPE_CHECKING, Any, NamedTuple

from millibar import _runs
from millibar._log import warnings_shown
from millibar.errors import Error, InvalidError, StorageError, UnsupportedError

if TYPE_CHECKING:
    from millibar._speed import Speed
    from millibar.result import Result

__all__ = ["add_command"]

STOPPED = 130


# ---- The command line --------------------------------------------------------------------------


def add_command(commands: Any) -> None:
    """Adds `run` to the subparsers of the command."""
    parser = commands.add_parser(
        "run",
        help="run a strategy file",
        description="Runs a strategy file unchanged on millibar's engine: the strategy class in it "
        "over the bars of --data, or, without --data, the file as a script, with its __main__ "
        "block. With --main the script, and the bars of --data wherever it asks a vendor for bars.",
        epilog="example: millibar run mes_momentum.py --data MES=MES.parquet --fee 0.5 --out runs",
        usage="%(prog)s FILE [options] [-- ARGS]",
    )
    parser.add_argument("file", metavar="FILE", help="a Python file")
    parser.add_argument(
        "-d",
        "--data",
        action="append",
        default=[],
        metavar="SYMBOL=PATH",
        help="bars of an asset, a Parquet file; SYMBOL:TYPE=PATH says what it is (stock, future, "
        "cont_future, crypto, forex, index), BASE/QUOTE=PATH is a pair; once for each asset",
    )
    parser.add_argument(
        "--main",
        action="store_true",
        help="run the file as a script; bars of --data take the place of those of "
        "YahooDataBacktesting, PolygonDataBacktesting and the like",
    )
    parser.add_argument("--class", dest="class_name", metavar="NAME", help="which class to run")
    parser.add_argument(
        "--start",
        metavar="TIME",
        help="first instant, New York's wall clock unless it has an offset; default the data's",
    )
    parser.add_argument("--end", metavar="TIME", help="last instant, inclusive, likewise")
    parser.add_argument("--budget", type=float, help="cash to begin with; default 100,000")
    parser.add_argument(
        "--fee", metavar="FEE", help="of each order: an amount, or a share as 0.1%%"
    )
    parser.add_argument("--policy", choices=["lumibot", "strict"], help="default lumibot")
    parser.add_argument("--engine", choices=["millibar", "lumibot"], default="millibar")
    parser.add_argument("--json", action="store_true", help="the results as JSON, for programs")
    parser.add_argument("--profile", action="store_true", help="a table of the time by layer")
    parser.add_argument("--out", metavar="DIR", type=Path, help="write the files of the run there")
    parser.set_defaults(run=run)


class Key(NamedTuple):
    """What --data names."""

    symbol: str
    quote: str | None
    kind: str
    path: str


def read_data(texts: Sequence[str]) -> list[Key]:
    """The assets of --data.

    Raises:
        InvalidError: a text of another form, a symbol twice.
    """
    from millibar.assets import FUTURES_MARGINS, Asset

    keys: list[Key] = []
    for text in texts:
        name, _, path = text.partition("=")
        symbol, _, kind = name.partition(":")
        base, _, quote = symbol.partition("/")
        if not base or not path or ("/" in symbol and not quote):
            raise InvalidError(
                f"--data {text!r} is not SYMBOL=PATH, as in MES=MES.parquet or BTC/USD=btc.parquet"
            )
        if not kind:
            future = base in FUTURES_MARGINS and base != "DEFAULT"
            kind = "crypto" if quote else "cont_future" if future else "stock"
        if kind not in [member.value for member in Asset.AssetType]:
            raise InvalidError(f"--data {text!r}: there is no type of asset {kind!r}")
        if (base, quote) in [(key.symbol, key.quote or "") for key in keys]:
            raise InvalidError(f"--data gives bars of {symbol} twice")
        if not os.path.exists(path):
            raise InvalidError(f"--data {text!r}: there is no file {path}")
        keys.append(Key(base, quote or None, kind, path))
    return keys


def assets_of(keys: Sequence[Key]) -> dict[Any, str]:
    """The keys as PandasDataBacktesting takes them in `data=`: pairs of Assets, and paths."""
    from millibar.assets import Asset

    return {
        (Asset(key.symbol, key.kind), Asset(key.quote or "USD", "forex")): key.path for key in keys
    }


def read_fee(text: str | None, fee_class: Any) -> list[Any]:
    """TradingFees of --fee: "0.5" an order, "0.1%" of the price."""
    if text is None:
        return []
    try:
        value = float(text.removesuffix("%"))
    except ValueError:
        value = float("nan")
    if not 0 <= value < float("inf"):
        raise InvalidError(f"--fee {text!r} is not an amount such as 0.5, nor a share such as 0.1%")
    if text.endswith("%"):
        return [fee_class(percent_fee=value / 100)]
    return [fee_class(flat_fee=value)]


# ---- The file ----------------------------------------------------------------------------------


def has_main_block(file: Path) -> bool:
    """Whether a file of Python has an `if __name__ == "__main__":`."""
    for node in ast.parse(file.read_text(encoding="utf-8"), str(file)).body:
        if isinstance(node, ast.If) and isinstance(node.test, ast.Compare):
            sides = [node.test.left, *node.test.comparators]
            names = [side.id for side in sides if isinstance(side, ast.Name)]
            texts = [side.value for side in sides if isinstance(side, ast.Constant)]
            if names == ["__name__"] and texts == ["__main__"]:
                return True
    return False


def load_module(file: Path) -> ModuleType:
    """The file as a module under its own name, its folder on the path as if it were run."""
    name = file.stem if file.stem not in sys.modules else f"strategy_file.{file.stem}"
    spec = importlib.util.spec_from_file_location(name, file)
    assert spec is not None and spec.loader is not None
    module = importlib.util.module_from_spec(spec)
    sys.modules[name] = module
    spec.loader.exec_module(module)
    return module


def find_strategy(module: ModuleType, base: type, name: str | None) -> type:
    """The strategy class of a file: the one named, else the only one that no other builds on.

    Raises:
        InvalidError: none, or several.
    """
    classes = [
        value
        for value in vars(module).values()
        if inspect.isclass(value) and issubclass(value, base) and value is not base
    ]
    if name is not None:
        for each in classes:
            if each.__name__ == name:
                return each
        raise InvalidError(f"there is no strategy class {name} in {module.__file__}")
    own = [each for each in classes if each.__module__ == module.__name__]
    last = [
        each
        for each in own
        if not any(other is not each and issubclass(other, each) for other in own)
    ]
    if len(last) == 1:
        return last[0]
    if not last:
        raise InvalidError(f"there is no class derived from Strategy in {module.__file__}")
    names = ", ".join(each.__name__ for each in last)
    raise InvalidError(
        f"there are several strategies in {module.__file__}: say --class, of {names}"
    )


# ---- Running -----------------------------------------------------------------------------------


class Outcome(NamedTuple):
    """How the file ended: its exit code, and what to say where it failed."""

    code: int
    message: str | None = None


def run(arguments: argparse.Namespace) -> int:
    """Runs the command; the exit code."""
    file = Path(arguments.file)
    if not file.is_file():
        raise InvalidError(f"there is no file {file}")
    keys = read_data(arguments.data)
    if arguments.main:
        _check_main(arguments)
    if arguments.out is not None:
        _check_folder(arguments.out)
    quiet = contextlib.redirect_stdout(sys.stderr) if arguments.json else contextlib.nullcontext()
    bars = assets_of(keys) if arguments.main and keys else None
    watched = _runs.watched(arguments.policy, bars)
    with watched as runs, quiet, warnings_shown(), _as_script(file, arguments.rest):
        outcome = _guarded(file, lambda: _execute(file, keys, arguments, runs))
    _finish(runs.results, keys, arguments)
    if outcome.message is not None:
        print(outcome.message, file=sys.stderr)
    return outcome.code


def _check_folder(folder: Path) -> None:
    """Makes --out and writes a little there, before a run that would else be lost.

    Raises:
        StorageError: it cannot be made or written to.
    """
    try:
        folder.mkdir(parents=True, exist_ok=True)
        with tempfile.TemporaryFile(dir=folder) as file:
            file.write(bytes(4096))
    except OSError as error:
        raise StorageError(_not_written(folder, error)) from error


def _not_written(folder: Path, error: OSError) -> str:
    why = error.strerror or error
    return f"--out {folder}: {why}: free space, or name another folder that can be written to"


def _check_main(arguments: argparse.Namespace) -> None:
    """Nothing is given beside --main that the file decides."""
    for name in ("class_name", "start", "end", "budget", "fee"):
        if getattr(arguments, name) is not None:
            word = "class" if name == "class_name" else name
            raise InvalidError(f"--main runs what the file says: leave --{word} out, or --main")


def _execute(
    file: Path, keys: Sequence[Key], arguments: argparse.Namespace, runs: _runs.Runs
) -> None:
    """Runs the class over the bars of --data, or the file as a script."""
    as_script = arguments.main or not keys
    is_lumibot = arguments.engine == "lumibot"
    given = keys if as_script else ()
    start = lumibot_itself(arguments.policy, given) if is_lumibot else ours()
    if not as_script:
        start(load_module(file), keys, arguments)
        return
    runpy.run_path(str(file), run_name="__main__")
    if not runs.results and not is_lumibot and not has_main_block(file):
        raise InvalidError(
            f"{file} has no __main__ block and starts no run: give --data SYMBOL=PATH, without "
            "--main, to run its class"
        )


Start = Callable[[ModuleType, Sequence[Key], argparse.Namespace], None]


def ours() -> Start:
    """millibar's engine: from now on `import lumibot` finds its classes."""
    from millibar.compat import lumibot

    lumibot.install()
    return start_class


def lumibot_itself(policy: str | None, given: Sequence[Key] = ()) -> Start:
    """lumibot, over millibar's data sources; given: what takes the place of vendors' classes.

    Raises:
        UnsupportedError: lumibot is not installed, or a policy is asked for that it has not.
    """
    if policy == "strict":
        raise UnsupportedError("--policy strict is millibar's own engine's: leave --engine out")
    try:
        from millibar.integrations.lumibot import _run
    except ModuleNotFoundError as error:
        raise UnsupportedError(
            f"--engine lumibot needs lumibot itself, which is not installed ({error}): "
            "pip install 'millibar[lumibot]'"
        ) from error
    _run.prepare(given)
    return _run.start


@contextlib.contextmanager
def _as_script(file: Path, rest: Sequence[str]) -> Iterator[None]:
    """Arguments and path as `python FILE ARGS` would have them."""
    argv, path = sys.argv, list(sys.path)
    sys.argv = [str(file), *rest]
    sys.path.insert(0, str(file.resolve().parent))
    try:
        yield
    finally:
        sys.argv, sys.path[:] = argv, path


def _guarded(file: Path, action: Callable[[], Any]) -> Outcome:
    """Runs what is the user's; a failure is told as Python would, from the file on."""
    try:
        action()
    except KeyboardInterrupt:
        return Outcome(STOPPED, "millibar run: stopped")
    except SystemExit as leaving:
        if leaving.code is None or isinstance(leaving.code, int):
            return Outcome(leaving.code or 0)
        return Outcome(1, str(leaving.code))
    except Exception as error:
        frames = _frames_of(file, error)
        if not frames and isinstance(error, (Error, ValueError, ImportError, OSError)):
            return Outcome(1, f"millibar run: {error}")
        return Outcome(1, _told(error, frames))
    return Outcome(0)


def _frames_of(file: Path, error: BaseException) -> list[traceback.FrameSummary]:
    """The calls that lead to an error, from the first in the file on and without those inside this
    package; none where the file has no part."""
    package = str(Path(__file__).resolve().parent) + os.sep
    found: list[traceback.FrameSummary] = []
    for frame in traceback.extract_tb(error.__traceback__):
        path = os.path.abspath(frame.filename)
        if path == str(file.resolve()) or (found and not path.startswith(package)):
            found.append(frame)
    while found and found[-1].filename.startswith("<frozen"):
        found.pop()
    return found


def _told(error: BaseException, frames: list[traceback.FrameSummary]) -> str:
    lines = ["Traceback (most recent call last):\n"] if frames else []
    lines += traceback.format_list(frames)
    lines += traceback.format_exception_only(type(error), error)
    return "".join(lines).rstrip()


def start_class(module: ModuleType, keys: Sequence[Key], arguments: argparse.Namespace) -> None:
    """Runs the strategy class of a module over the bars of --data."""
    from millibar.assets import TradingFee
    from millibar.broker import BacktestingBroker
    from millibar.source import PandasDataBacktesting
    from millibar.strategy import Strategy
    from millibar.trader import run as run_strategy

    strategy_class = find_strategy(module, Strategy, arguments.class_name)
    fees = read_fee(arguments.fee, TradingFee)
    source = PandasDataBacktesting(
        datetime_start=instant(arguments.start),
        datetime_end=instant(arguments.end),
        data=assets_of(keys),
    )
    strategy = strategy_class(
        broker=BacktestingBroker(source, policy=arguments.policy),
        budget=100_000.0 if arguments.budget is None else arguments.budget,
        buy_trading_fees=fees,
        sell_trading_fees=fees,
        analyze_backtest=False,
    )
    run_strategy(strategy)


def instant(text: str | None) -> Any:
    """A datetime of --start or --end, in New York where it has no zone.

    Raises:
        InvalidError: no time.
    """
    from millibar import _clock, _core

    if text is None:
        return None
    ns, has_zone = _core.time_parse(text)
    new_york = _clock.zone_of("America/New_York")
    if not has_zone:
        ns = _core.Zone("America/New_York").from_local(ns)
    return _clock.from_ns(ns, new_york)


# ---- What came of it ---------------------------------------------------------------------------


def _finish(results: Sequence[Result], keys: Sequence[Key], arguments: argparse.Namespace) -> None:
    """Writes and prints what runs left behind, also those that did not come to their end."""
    paths = {key.symbol: key.path for key in keys}
    for result in results:
        result.data = [
            {**entry, "path": paths[entry["symbol"]]} if entry.get("symbol") in paths else entry
            for entry in result.data
        ]
    try:
        if arguments.out is not None:
            _write(results, arguments.out)
    finally:
        _print(results, arguments)


def _write(results: Sequence[Result], folder: Path) -> None:
    from millibar.report import write_files

    names: dict[str, int] = {}
    for result in results:
        names[result.name] = number = names.get(result.name, 0) + 1
        name = result.name if number == 1 else f"{result.name}_{number}"
        try:
            write_files(result, folder, name)
        except OSError as error:
            raise StorageError(_not_written(folder, error)) from error


def _print(results: Sequence[Result], arguments: argparse.Namespace) -> None:
    if arguments.json:
        found = [result.to_dict() for result in results]
        print(json.dumps(found[0] if len(found) == 1 else found, indent=2))
        return
    for result in results:
        print(result)
        if arguments.profile and result.speed is not None:
            print(profile(result.speed))


def profile(speed: Speed) -> str:
    """The time of a run by layer: seconds, share, microseconds an iteration.

    >>> from millibar._speed import Speed
    >>> print(profile(Speed(100, 50, {"data": 0.25, "strategy": 0.75})))
    layer         seconds    share   us/iteration
    data            0.250    25.0%         5000.0
    strategy        0.750    75.0%        15000.0
    all             1.000   100.0%        20000.0
    """
    wall = speed.wall_seconds
    rows = [*speed.seconds.items(), ("all", wall)]
    lines = [f"{'layer':<12}{'seconds':>9}{'share':>9}{'us/iteration':>15}"]
    for name, spent in rows:
        share = spent / wall if wall > 0 else 0.0
        each = 1e6 * spent / speed.n_iterations if speed.n_iterations else 0.0
        lines.append(f"{name:<12}{spent:>9.3f}{share:>9.1%}{each:>15.1f}")
    return "\n".join(lines)
