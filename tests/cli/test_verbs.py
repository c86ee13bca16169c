"""The verbs against other readers of the same files: pyarrow, pandas, and the data's manifest."""

from __future__ import annotations

import hashlib
import json
import math
import os
import re
import shlex
import signal
import struct
import subprocess
from collections.abc import Callable
from pathlib import Path

import pytest

pa = pytest.importorskip("pyarrow", reason="the command's output is compared with pyarrow's")
pq = pytest.importorskip("pyarrow.parquet")

from .plugins import compile_plugin

ROOT = Path(__file__).resolve().parents[2]
VERBS = ["info", "head", "slice", "resample", "convert", "check", "synth", "run"]
Run = Callable[..., subprocess.CompletedProcess[str]]
RunJson = Callable[..., list[dict]]
RunFiles = Callable[[str], tuple[list[Path], subprocess.CompletedProcess[str]]]


# ---- Help and documentation --------------------------------------------------


def example_of(help_text: str) -> str:
    """The commands under "example:", continued lines joined."""
    lines = help_text.split("\nexample:\n")[1].split("\n\n")[0]
    return re.sub(r"\\\n\s*", " ", lines)


@pytest.mark.parametrize("verb", VERBS)
def test_the_example_of_the_help_runs(verb: str, run: Run, mbar: Path, mes: Path, tmp_path: Path):
    if verb != "synth":
        (tmp_path / "MES.parquet").symlink_to(mes)
    if verb == "run":
        compile_plugin(ROOT / "examples" / "mes_momentum.c", tmp_path / "mes_momentum.so")
    commands = example_of(run(verb, "--help").stdout).strip().splitlines()
    assert commands
    for command in commands:
        words = shlex.split(command)
        assert words[:2] == ["mbar", verb]
        done = subprocess.run(
            [str(mbar), *words[1:]], cwd=tmp_path, capture_output=True, text=True, check=False
        )
        assert (done.returncode, done.stderr) == (0, "")
        assert done.stdout


@pytest.mark.parametrize("verb", VERBS)
def test_the_manual_knows_every_option(verb: str, run: Run):
    manual = (ROOT / "docs" / "mbar.md").read_text(encoding="utf-8")
    section = manual.split(f"\n## {verb}\n")[1].split("\n## ")[0] + manual.split("## info")[0]
    options = re.findall(r"^ {2}(?:-., |    )(--[a-z-]+)", run(verb, "--help").stdout, flags=re.M)
    assert "--help" in options
    missing = [option for option in options if option not in section]
    assert not missing


@pytest.mark.parametrize("verb", VERBS)
def test_lines_fit_a_terminal(verb: str, run: Run):
    # The command's own words: a table may be as wide as its columns.
    assert max(map(len, run(verb, "--help").stdout.splitlines())) <= 96


# ---- info --------------------------------------------------------------------


def manifest_rows(folder: Path) -> list[list[str]]:
    lines = (folder / "MANIFEST.md").read_text(encoding="utf-8").splitlines()
    table = [line.strip("|").split("|") for line in lines if ".parquet |" in line[:60]]
    return [[cell.strip() for cell in row] for row in table]


def test_info_agrees_with_the_manifest(data: Path, run_json: RunJson):
    rows = manifest_rows(data)
    assert len(rows) == 19
    found = run_json("info", *[data / row[0] for row in rows])
    for row, info in zip(rows, found, strict=True):
        name, _bar, n_rows, first, last, gaps, n_bytes, *_ = row
        assert info["rows"] == int(n_rows.replace(",", "")), name
        assert info["bytes"] == int(n_bytes.replace(",", "")), name
        assert info["time"]["first"][:16].replace("T", " ") == first, name
        assert info["time"]["last"][:16].replace("T", " ") == last, name
        assert (info["time"]["unsorted"], info["codec"]) == (0, "zstd"), name
        if "trades" in name:
            assert info["time"]["duplicates"] == 1656
            continue
        count, longest = gaps.split(" / ")
        days, clock = re.match(r"(\d+) days?(?: (\S+))?", longest).groups()
        seconds = sum(int(n) * 60**k for k, n in enumerate(reversed(clock.split(":"))))
        gap = info["time"]["gaps"]
        assert gap["count"] == int(count), name
        assert gap["longest_ns"] == (int(days) * 86400 + seconds) * 10**9, name


def test_info_reads_the_footer_as_pyarrow_does(data: Path, run_json: RunJson, fixtures: Path):
    for path in [*sorted(data.glob("*.parquet")), fixtures / "good.parquet"]:
        footer = pq.ParquetFile(path).metadata
        (info,) = run_json("info", path)
        groups = [footer.row_group(i) for i in range(footer.num_row_groups)]
        assert info["row_groups"]["count"] == footer.num_row_groups
        assert info["row_groups"]["max_rows"] == max(group.num_rows for group in groups)
        assert [column["name"] for column in info["columns"]] == footer.schema.names
        for i, column in enumerate(info["columns"]):
            chunks = [group.column(i) for group in groups]
            assert column["compressed_bytes"] == sum(c.total_compressed_size for c in chunks)
            assert column["uncompressed_bytes"] == sum(c.total_uncompressed_size for c in chunks)
            assert column["nulls"] == sum(c.statistics.null_count for c in chunks)


# ---- head --------------------------------------------------------------------


def same_double(a: float | None, b: float | None) -> bool:
    if a is None or b is None:
        return a is b
    return struct.pack("<d", a) == struct.pack("<d", b)


def test_head_prints_doubles_that_read_back_as_the_same_bits(
    data: Path, run: Run, run_json: RunJson
):
    for name in ["AAPL_1d_adj", "BTCUSD_1m_bitfinex_2018_2019", "UNITTEST_BTC_1m_2017_11"]:
        path = data / f"{name}.parquet"
        want = pq.read_table(path).slice(0, 2000)
        rows = run_json("head", "-n", 2000, path)
        lines = run("head", "-n", 2000, "--csv", path).stdout.splitlines()
        header = lines[0].split(",")
        assert header == want.schema.names
        for column in ["open", "high", "low", "close"]:
            values = want[column].to_pylist()
            at = header.index(column)
            assert all(same_double(row[column], v) for row, v in zip(rows, values, strict=True))
            for line, value in zip(lines[1:], values, strict=True):
                text = line.split(",")[at]
                assert same_double(float(text), value)
                assert len(text.replace("-", "").replace(".", "").strip("0")) <= len(
                    repr(value).split("e")[0].replace(".", "").strip("0")
                )


def test_head_shows_numbers_at_the_edges(fixtures: Path, run_json: RunJson):
    path = fixtures / "numbers.parquet"
    values = pq.read_table(path)["value"].to_pylist()
    rows = run_json("head", "-n", 100, path)
    assert all(same_double(row["value"], v) for row, v in zip(rows, values, strict=True))


def test_json_is_valid_for_hostile_names_and_text(fixtures: Path, run_json: RunJson):
    path = fixtures / "odd_names.parquet"
    want = pq.read_table(path).to_pylist()
    got = run_json("head", path)
    for row, expected in zip(got, want, strict=True):
        for name, value in expected.items():
            if isinstance(value, float) and not math.isfinite(value):
                value = None
            if name == "small" and value is not None:
                assert struct.pack("<f", row[name]) == struct.pack("<f", value)
            else:
                assert row[name] == value
    run_json("info", path)


# ---- slice, resample, convert ------------------------------------------------


def columns_equal(a: pa.Table, b: pa.Table) -> bool:
    return a.schema.names == b.schema.names and all(
        a[name].combine_chunks().equals(b[name].combine_chunks()) for name in a.schema.names
    )


@pytest.mark.parametrize("codec", ["none", "snappy", "gzip", "lz4", "zstd"])
def test_slice_gives_the_rows_of_the_span(data: Path, tmp_path: Path, run: Run, codec: str):
    pc = pytest.importorskip("pyarrow.compute")
    source, out = data / "MES_1m_2026Q1.parquet", tmp_path / "cut.parquet"
    run("slice", source, "--from", "2026-03-15", "--to", "2026-03-17T12:00", "--filter",
        "volume > 100", "--codec", codec, "--out", out)  # fmt: skip
    full = pq.read_table(source)
    stamps = full["timestamp"].cast(pa.int64())
    low, high = 1_773_532_800 * 10**9, 1_773_748_800 * 10**9
    keep = pc.and_(pc.greater_equal(stamps, low), pc.less(stamps, high))
    want = full.filter(pc.and_(keep, pc.greater(full["volume"], 100)))
    assert want.num_rows > 1000
    assert columns_equal(pq.read_table(out), want)


def test_slice_reads_only_what_it_must(tmp_path: Path, run: Run, run_json: RunJson):
    year, out = tmp_path / "year.parquet", tmp_path / "day.parquet"
    run("synth", "--from", "2023-01-01", "--to", "2024-01-01", "--out", year)
    (report,) = run_json("slice", year, "--from", "2023-06-07", "--to", "2023-06-08", "--columns",
                         "timestamp,close", "--out", out)  # fmt: skip
    read = report["read"]
    assert report["rows"] == pq.read_table(out).num_rows > 1300
    assert read["rows_present"] > 340_000
    assert read["rows_read"] < 45_000  # two pages of 20,000 at most, and not all their columns
    assert read["bytes_read"] < read["bytes_present"] / 5
    assert read["pages_read"] < read["pages_present"]


@pytest.mark.parametrize(("every", "rule"), [("15m", "15min"), ("1h", "1h"), ("1d", "1D")])
def test_resample_equals_pandas(data: Path, tmp_path: Path, run: Run, every: str, rule: str):
    pd = pytest.importorskip("pandas")
    source, out = data / "MES_1m_2026Q1.parquet", tmp_path / "long.parquet"
    run("resample", source, "--every", every, "--tz", "America/New_York", "--keep-partial", "--out",
        out)  # fmt: skip
    bars = pd.read_parquet(source).set_index("timestamp").tz_convert("America/New_York")
    how = {"open": "first", "high": "max", "low": "min", "close": "last", "volume": "sum"}
    want = bars.resample(rule).agg(how).dropna()
    want = want[want["volume"] > 0]
    got = pd.read_parquet(out).set_index("timestamp").tz_convert("America/New_York")
    assert list(got.index) == list(want.index)
    for name in how:
        assert (got[name].to_numpy() == want[name].to_numpy()).all(), name


def test_convert_keeps_every_value(data: Path, tmp_path: Path, run: Run):
    for name in ["AAPL_1d_raw_LEAN", "MYM_1m_2026Q1"]:
        source = data / f"{name}.parquet"
        for layout in ["zero-copy", "zstd", "snappy"]:
            out = tmp_path / f"{layout}.parquet"
            run("convert", source, "--layout", layout, "--out", out)
            assert columns_equal(pq.read_table(out), pq.read_table(source))


def test_close_labels_become_opens(fixtures: Path, tmp_path: Path, run: Run):
    out = tmp_path / "opens.parquet"
    source = fixtures / "good.parquet"
    run("convert", source, "--label", "close", "--period", "1m", "--out", out)
    before = pq.read_table(source)["timestamp"].cast(pa.int64()).to_pylist()
    after = pq.read_table(out)["timestamp"].cast(pa.int64()).to_pylist()
    assert after == [stamp - 60 * 10**9 for stamp in before]


# ---- check -------------------------------------------------------------------

# The quirks the manifest names (rolls, splits, the interleaved contracts of MYM, the days that ES
# of 2013 lacks, zero volumes), holes that are real (2001-09-11, exchange outages, the day of
# mourning of 2025-01-09), and prices off the tick. CME's hours of 2013 differed from today's.
QUIRKS: dict[str, dict[str, int]] = {
    "AAPL_1d_adj": {},
    "AAPL_1d_raw_LEAN": {"gap": 1, "off-tick": 25, "jump": 4},
    "BTCUSD_1m_bitfinex_2018_2019": {"gap": 75, "jump": 3},
    "ES_1m_2023_09": {},
    "ES_201312_1m_LEAN": {"gap": 31, "off-session": 178},
    "ES_201403_1m_LEAN": {"gap": 309, "off-session": 41, "jump": 2, "zero-volume": 30},
    "EUROSTOXX50_fut_2006_1d_backtrader": {"zero-volume": 1},
    "EURUSD_1h_backtestingpy": {"gap": 2},
    "GOOG_1d_backtestingpy": {},
    "MES_15m_2025_2026": {"gap": 2, "jump": 2},
    "MES_1m_2026Q1": {"jump": 1},
    "MNQ_1m_2026Q1": {"off-session": 1, "jump": 1},
    "MSFT_1d_adj": {},
    "MYM_1m_2026Q1": {"jump": 1, "contract-flip": 32},
    "NQM5_trades_20250504": {},
    "SAND_1d_bad_div": {},
    "SPY_1d_raw_LEAN": {"gap": 1, "off-tick": 43},
    "SPY_1m_2024_2025": {"gap": 2, "off-tick": 5},
    "UNITTEST_BTC_1m_2017_11": {"gap": 4},
}


def kinds(report: dict) -> dict[str, int]:
    return {finding["kind"]: finding["count"] for finding in report["findings"]}


def test_check_leaves_no_file_out(data: Path, run_json: RunJson):
    reports = run_json("check", *sorted(data.glob("*.parquet")), code=1)
    found = {Path(report["file"]).stem: kinds(report) for report in reports}
    assert found == QUIRKS


def examples(report: dict, kind: str) -> list[dict]:
    return [e for f in report["findings"] if f["kind"] == kind for e in f["examples"]]


def test_check_finds_the_roll_and_the_interleaved_contracts(data: Path, run_json: RunJson):
    for name in ["MES_1m_2026Q1", "MNQ_1m_2026Q1"]:
        (report,) = run_json("check", data / f"{name}.parquet", code=1)
        assert [e["time"] for e in examples(report, "jump")] == ["2026-03-15T23:38:00Z"]
    (report,) = run_json("check", "--examples", 20, data / "MYM_1m_2026Q1.parquet", code=1)
    flips = examples(report, "contract-flip")
    assert {e["time"][:10] for e in flips} == {"2026-03-16"}
    (report,) = run_json("check", data / "AAPL_1d_raw_LEAN.parquet", "--examples", 9, code=1)
    assert [e["time"][:10] for e in examples(report, "jump")] == [
        "2000-06-21", "2005-02-28", "2014-06-09", "2020-08-31",
    ]  # fmt: skip


@pytest.mark.parametrize("row", [0, 1, 700, 5000, -2, -1])
def test_check_finds_one_bad_bar_anywhere(mes: Path, tmp_path: Path, run_json: RunJson, row: int):
    table = pq.read_table(mes)
    row %= table.num_rows

    def kinds_with(name: str, value: float) -> set[str]:
        values = table[name].to_pylist()
        values[row] = value
        at = table.schema.get_field_index(name)
        column = pa.array(values, table.schema.field(name).type)
        pq.write_table(table.set_column(at, name, column), tmp_path / "bad.parquet")
        (report,) = run_json("check", tmp_path / "bad.parquet", code=1)
        return set(kinds(report))

    close = table["close"][row].as_py()
    assert kinds_with("close", float("nan")) == {"nan"}
    assert "off-tick" in kinds_with("close", close + 0.1)
    assert "outside" in kinds_with("close", close + 100)
    assert {"high-low"} <= kinds_with("high", close - 1000)
    assert "non-positive" in kinds_with("low", 0.0)
    assert kinds_with("volume", -1) == {"negative-volume"}
    assert kinds_with("volume", 0) == {"zero-volume"}
    assert kinds_with("volume", 50_000_000) == {"volume-spike"}


def test_check_sees_through_disorder(mes: Path, tmp_path: Path, run_json: RunJson):
    """Gaps and jumps are looked for in time order, whatever the order of the rows."""
    numpy = pytest.importorskip("numpy")
    table = pq.read_table(mes)
    cut = pa.concat_tables([table.slice(0, 3000), table.slice(3020)])
    order = numpy.random.default_rng(5).permutation(cut.num_rows)
    pq.write_table(cut.take(order), tmp_path / "shuffled.parquet")
    (report,) = run_json("check", tmp_path / "shuffled.parquet", code=1)
    assert set(kinds(report)) == {"unsorted", "gap"}
    assert kinds(report)["gap"] == 1
    (gap,) = examples(report, "gap")
    assert order[gap["row"]] == 2999


def test_synth_is_clean(mes: Path, run: Run):
    assert run("check", mes).stdout.endswith("clean\n")


# ---- synth -------------------------------------------------------------------


def digest(path: Path) -> str:
    """SHA-256 of the values, column by column, little-endian: not of the file, whose bytes depend
    on the compressor's version."""
    table = pq.read_table(path)
    whole = hashlib.sha256()
    for name in table.schema.names:
        column = table[name].combine_chunks()
        kind = pa.int64() if pa.types.is_timestamp(column.type) else column.type
        whole.update(column.cast(kind).buffers()[1].to_pybytes()[: 8 * table.num_rows])
    return whole.hexdigest()


def test_synth_gives_the_same_bits_everywhere(mes: Path):
    assert digest(mes) == "4cc5309cfcc1ce843bfbe8c10cd72ee8ca096c6bad51b56731e9245a7f3880a7"


def test_synth_looks_like_the_market(mes: Path, run_json: RunJson):
    pd = pytest.importorskip("pandas")
    bars = pd.read_parquet(mes)
    hour = bars["timestamp"].dt.tz_convert("America/New_York").dt.hour
    volume = bars["volume"].groupby(hour).mean()
    assert volume[10] > volume[13] < volume[15]  # U-shaped
    assert volume[13] > 5 * volume[22]
    assert 17 not in volume.index
    assert ((bars[["open", "high", "low", "close"]] * 4) % 1 == 0).all(axis=None)
    assert (bars["volume"] > 0).all()
    spacing = bars["timestamp"].diff().dt.total_seconds()
    assert (spacing == 120).sum() > 0  # quiet minutes without a bar
    schema = pq.read_table(mes).schema
    assert str(schema.field("timestamp").type) == "timestamp[ns, tz=UTC]"
    assert str(schema.field("volume").type) == "int64"


def test_seeds_and_symbols_differ(tmp_path: Path, run: Run):
    seen = set()
    for options in [[], ["--seed", 2], ["--symbol", "MNQ"], ["--price", "5000"]]:
        out = tmp_path / "x.parquet"
        run("synth", "--to", "2024-01-03", *options, "--out", out)
        seen.add(digest(out))
    assert len(seen) == 4


# ---- Streams, memory, the operating system -----------------------------------


def test_a_closed_pipe_is_quiet(mbar: Path, mes: Path):
    with subprocess.Popen(
        [str(mbar), "head", "-n", "100000", str(mes)],
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
    ) as child:
        assert child.stdout is not None
        assert child.stderr is not None
        child.stdout.readline()
        child.stdout.close()
        assert child.stderr.read() == b""
        assert child.wait() in (0, -signal.SIGPIPE)


@pytest.mark.skipif(not Path("/dev/full").exists(), reason="no /dev/full here")
def test_a_full_disk_is_told(mbar: Path, mes: Path):
    with open("/dev/full", "wb") as full:
        done = subprocess.run(
            [str(mbar), "head", "-n", "9999", str(mes)],
            stdout=full,
            stderr=subprocess.PIPE,
            text=True,
            check=False,
        )
    assert done.returncode == 3
    assert done.stderr.startswith("mbar: standard output: cannot write: ")
    assert done.stderr.count("\n") == 1


def test_the_memory_limit_is_kept(mes: Path, tmp_path: Path, run: Run):
    done = run("check", "--memory-limit", "64K", mes, code=4)
    assert re.fullmatch(r"mbar: [^\n]+\n", done.stderr)
    run("convert", mes, "--memory-limit", "64K", "--out", tmp_path / "x.parquet", code=4)
    assert list(tmp_path.iterdir()) == []
    run("check", "--memory-limit", "1G", mes)


@pytest.mark.parametrize("verb", ["info", "head", "slice", "resample", "convert", "check", "synth"])
def test_any_memory_limit_ends_cleanly(verb: str, mes: Path, tmp_path: Path, mbar: Path):
    """Wherever the memory ends: exit 4 and one line, no output file, until it suffices."""
    out = tmp_path / "out.parquet"
    words = {"slice": [mes], "resample": [mes, "--every", "15m"], "convert": [mes], "synth": []}
    words = words[verb] + ["--out", out] if verb in words else [mes]
    codes = []
    for k in range(8, 29):
        limit = f"{2**k + 2 ** (k - 1) * (k % 2)}"
        done = subprocess.run(
            [str(mbar), verb, "--memory-limit", limit, *map(str, words)],
            capture_output=True,
            text=True,
            timeout=60,
            check=False,
        )
        codes.append(done.returncode)
        if done.returncode == 4:
            assert re.fullmatch(r"mbar: [^\n]+\n", done.stderr), done.stderr
            assert list(tmp_path.iterdir()) == []
        else:
            assert (done.returncode, done.stderr) == (0, "")
            out.unlink(missing_ok=True)
    assert codes[0] == 4
    assert codes[-1] == 0
    assert codes == sorted(codes, reverse=True)


@pytest.mark.parametrize("verb", ["info", "check"])
def test_foreign_and_damaged_files_give_an_answer_or_one_line(verb: str, run_files: RunFiles):
    """Every Parquet file of the corpora, sound or not: JSON on stdout or a line on stderr."""
    files, done = run_files(verb)
    assert done.returncode == 3
    answered = {json.loads(line)["file"] for line in done.stdout.splitlines()}
    refused = done.stderr.splitlines()
    assert all(line.startswith("mbar: ") for line in refused)
    assert len(answered) + len(refused) == len(files)
    assert len(answered) >= (250 if verb == "info" else 10)


@pytest.mark.skipif(os.geteuid() == 0, reason="root may write anywhere")
def test_a_read_only_folder_is_told(mes: Path, tmp_path: Path, run: Run):
    tmp_path.chmod(0o500)
    done = run("slice", mes, "--out", tmp_path / "x.parquet", code=3)
    assert re.fullmatch(r"mbar: [^\n]+\n", done.stderr)


def test_results_do_not_depend_on_the_environment(mes: Path, mbar: Path):
    outputs = set()
    for extra in [{}, {"TZ": "Asia/Tokyo"}, {"LC_ALL": "de_DE.UTF-8"}]:
        done = subprocess.run(
            [str(mbar), "head", "-n", "50", "--csv", str(mes)],
            env={**os.environ, **extra},
            capture_output=True,
            check=True,
        )
        outputs.add(done.stdout)
    assert len(outputs) == 1


def test_every_verb_gives_json(mes: Path, tmp_path: Path, run_json: RunJson):
    out = tmp_path / "out.parquet"
    for words in (
        ["info", mes],
        ["head", mes],
        ["slice", mes, "--out", out],
        ["resample", mes, "--every", "5m", "--out", out],
        ["convert", mes, "--out", out],
        ["check", mes],
        ["synth", "--to", "2024-01-03", "--out", out],
    ):
        objects = run_json(*words)
        assert objects
        assert all(isinstance(item, dict) for item in objects)
        assert json.loads(json.dumps(objects)) == objects
