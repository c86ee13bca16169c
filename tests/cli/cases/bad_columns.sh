# Columns that are missing or of the wrong kind.
say() { "$@"; echo "exit $?"; }
say mbar head --columns timestamp,clse "$FIXTURES/good.parquet" 2>&1
say mbar slice "$FIXTURES/good.parquet" --columns nope --out out.parquet 2>&1
say mbar slice "$FIXTURES/no_time.parquet" --from 2024-01-02 --out out.parquet 2>&1
say mbar convert "$FIXTURES/no_time.parquet" --out out.parquet 2>&1
say mbar convert "$FIXTURES/good.parquet" --time close --out out.parquet 2>&1
say mbar convert "$FIXTURES/good.parquet" --time nope --out out.parquet 2>&1
say mbar check "$FIXTURES/no_time.parquet" 2>&1
say mbar check "$FIXTURES/good.parquet" --time close 2>&1
say mbar check "$FIXTURES/text_close.parquet" 2>&1
say mbar head --filter "volume > nope" "$FIXTURES/good.parquet" 2>&1
ls
