say() { "$@"; echo "exit $?"; }
say mbar check "$FIXTURES/good.parquet"
say mbar check "$FIXTURES/dirty.parquet"
say mbar check "$FIXTURES/dirty.parquet" --examples 1 --tz America/New_York --tick 0.05 \
    --skip null,nan,zero-volume,duplicate
say mbar check "$FIXTURES/dirty.parquet" --json --examples 1
say mbar check "$FIXTURES/dirty.parquet" --gap 40 --jump 1000 --spike 1000 --zero-run 3 --examples 0
say mbar check "$FIXTURES/no_rows.parquet" "$FIXTURES/one_row.parquet" "$FIXTURES/no_close.parquet"
say mbar check "$FIXTURES/reversed.parquet"
say mbar check "$FIXTURES/doubled.parquet"
say mbar check "$FIXTURES/naive.parquet" --calendar none
say mbar check "$FIXTURES/missing.parquet" "$FIXTURES/good.parquet" 2>&1
say mbar check "$FIXTURES/far_times.parquet" 2>&1
