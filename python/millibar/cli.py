"""The `millibar` command: what needs Python. Files themselves are `mbar`'s business.

Exit codes: 0 done, 1 the command failed (one line on standard error says where and why), 2 wrong
usage, 130 a run was stopped by Ctrl-C.
"""

from __future__ import annotations

import argparse
import json
import os
import sys
from collections.abc import Sequence
from typing import Any

import millibar
from millibar import _core, expr
from millibar.bench import add_command as add_bench
from millibar.run import add_command as add_run


def _info(arguments: argparse.Namespace) -> None:
    """What the footer of a Parquet file says."""
    info = _core.parquet_info(arguments.file)
    if arguments.json:
        print(json.dumps(info, indent=2))
        return
    chunks = [chunk for group in info["row_groups"] for chunk in group]
    codecs = sorted({chunk["codec"] for chunk in chunks})
    size = sum(chunk["compressed_bytes"] for chunk in chunks)
    print(
        f"{arguments.file}: {info['rows']:,} rows, {len(info['row_groups'])} row groups, "
        f"{size:,} bytes, {', '.join(codecs) or 'no data'}"
    )
    width = max((len(column["name"]) for column in info["columns"]), default=0)
    for column in info["columns"]:
        print(f"  {column['name']:<{width}}  {_type_of(column)}")


def _type_of(column: dict[str, Any]) -> str:
    if not column["supported"]:
        return "not supported"
    text = str(column["type"])
    if column["unit"] is not None:
        text += f"[{column['unit']}{', ' + column['zone'] if column['zone'] else ''}]"
    return text + (", may be null" if column["nullable"] else "")


def _explain(arguments: argparse.Namespace) -> None:
    """Runs a plan and says what was read of what is there."""
    plan = millibar.scan_parquet(arguments.file)
    if arguments.start is not None or arguments.end is not None:
        plan = plan.between(arguments.start, arguments.end, tz=arguments.tz)
    if arguments.filter is not None:
        plan = plan.filter(expr.parse(arguments.filter))
    if arguments.columns is not None:
        plan = plan.select(arguments.columns.split(","))
    bars = plan.collect()
    print(plan.explain().rstrip())
    print(f"result: {len(bars):,} rows, {len(bars.columns)} columns, {bars.nbytes:,} bytes")


def _parser() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(
        prog="millibar",
        description="Columnar market-data engine. The command mbar reads, writes and checks files.",
    )
    parser.add_argument("--version", action="version", version=f"millibar {millibar.__version__}")
    commands = parser.add_subparsers(dest="command", required=True, metavar="COMMAND")

    info = commands.add_parser(
        "info",
        help="what the footer of a Parquet file says",
        description="What the footer of a Parquet file says. No rows are read.",
        epilog="example: millibar info MES.parquet --json",
    )
    info.add_argument("file", help="a Parquet file")
    info.add_argument("--json", action="store_true", help="all of it, for programs")
    info.set_defaults(run=_info)

    explain = commands.add_parser(
        "explain",
        help="run a plan and say what was read",
        description="Runs a plan over Parquet files and says what was read of what is there.",
        epilog="example: millibar explain 'data/*.parquet' --from 2026-02-02 --to 2026-02-05 "
        "--filter 'volume > 0 and close > open' --columns timestamp,close",
    )
    explain.add_argument("file", help="a Parquet file, a glob pattern or a directory")
    explain.add_argument("--from", dest="start", metavar="TIME", help="first open, inclusive")
    explain.add_argument("--to", dest="end", metavar="TIME", help="last open, exclusive")
    explain.add_argument("--tz", metavar="ZONE", help="zone of times without one (UTC)")
    explain.add_argument("--filter", metavar="EXPR", help="keep the rows where this is true")
    explain.add_argument("--columns", metavar="A,B,C", help="keep these columns")
    explain.set_defaults(run=_explain)
    add_run(commands)
    add_bench(commands)
    return parser


def main(argv: Sequence[str] | None = None) -> int:
    """Runs the command; the exit code."""
    words = list(sys.argv[1:] if argv is None else argv)
    # What follows -- is the strategy file's own.
    end = words.index("--") if words[:1] == ["run"] and "--" in words else len(words)
    arguments = _parser().parse_args(words[:end])
    arguments.rest = words[end + 1 :]
    code = 0
    try:
        code = arguments.run(arguments) or 0
        sys.stdout.flush()
    except millibar.Error as error:
        print(f"millibar {arguments.command}: {error}", file=sys.stderr)
        return 1
    except BrokenPipeError:
        _give_up_output()  # the reader has seen enough
    except OSError as error:
        _give_up_output()
        print(f"millibar {arguments.command}: cannot write: {error}", file=sys.stderr)
        return 1
    return code


def _give_up_output() -> None:
    """What is still buffered must not be tried again at exit."""
    os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())
