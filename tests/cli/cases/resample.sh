mbar resample "$FIXTURES/good.parquet" --every 1h --out hours.parquet
mbar head hours.parquet
mbar resample "$FIXTURES/good.parquet" --every 1h --keep-partial --out hours.parquet --json
mbar head hours.parquet
mbar resample "$FIXTURES/good.parquet" --every 90m --tz America/New_York --keep-partial \
    --codec none --out ninety.parquet
mbar head --tz America/New_York ninety.parquet
mbar resample "$FIXTURES/good.parquet" --every 1d --tz America/New_York --keep-partial --out d.parquet
mbar head d.parquet
mbar info d.parquet | grep metadata
mbar resample "$FIXTURES/no_rows.parquet" --every 5m --out none.parquet
mbar head none.parquet
mbar resample "$FIXTURES/naive.parquet" --every 1h --tz America/New_York --out naive.parquet
mbar head -n 2 naive.parquet
say() { "$@"; echo "exit $?"; }
say mbar resample "$FIXTURES/naive.parquet" --every 1h --out x.parquet 2>&1
say mbar resample "$FIXTURES/reversed.parquet" --every 1h --out x.parquet 2>&1
say mbar resample "$FIXTURES/doubled.parquet" --every 1h --out x.parquet 2>&1
