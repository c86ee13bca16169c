say() { "$@"; echo "exit $?"; }
mbar convert "$FIXTURES/good.parquet" --out fast.parquet
mbar info fast.parquet
mbar convert "$FIXTURES/good.parquet" --layout zstd --out small.parquet --json
cmp <(mbar head -n 500 --csv fast.parquet) <(mbar head -n 500 --csv small.parquet) && echo same
mbar convert fast.parquet --layout snappy --out snappy.parquet >/dev/null
cmp <(mbar head -n 500 --csv fast.parquet) <(mbar head -n 500 --csv snappy.parquet) && echo same
# Stamps without a zone.
say mbar convert "$FIXTURES/naive.parquet" --out x.parquet 2>&1
mbar convert "$FIXTURES/naive.parquet" --assume-tz America/New_York --out naive.parquet
mbar convert "$FIXTURES/naive.parquet" --tz America/New_York --out naive_ny.parquet
mbar head -n 1 naive.parquet --csv
mbar head -n 1 naive_ny.parquet --csv
mbar info naive_ny.parquet | grep timestamp
# Order and doubles.
say mbar convert "$FIXTURES/reversed.parquet" --out x.parquet 2>&1
mbar convert "$FIXTURES/reversed.parquet" --sort --out sorted.parquet
cmp <(mbar head -n 500 --csv fast.parquet) <(mbar head -n 500 --csv sorted.parquet) && echo same
say mbar convert "$FIXTURES/doubled.parquet" --out x.parquet 2>&1
for keep in first last; do
    mbar convert "$FIXTURES/doubled.parquet" --duplicates $keep --out doubled.parquet >/dev/null
    mbar head -n 2 --filter "volume = 109 or volume = 146" doubled.parquet
done
# Stamps of closes.
say mbar convert "$FIXTURES/good.parquet" --label close --out x.parquet 2>&1
mbar convert "$FIXTURES/good.parquet" --label close --period 1m --out opens.parquet
mbar head -n 1 opens.parquet
mbar convert "$FIXTURES/good.parquet" --label close --period 1h --out hours.parquet
mbar head -n 1 hours.parquet
mbar convert "$FIXTURES/two_times.parquet" --time when --out when.parquet
mbar head -n 1 when.parquet
say mbar convert "$FIXTURES/good.parquet" --period soon --out x.parquet 2>&1
