mbar head "$FIXTURES/good.parquet"
mbar head --tail -n 2 "$FIXTURES/good.parquet"
mbar head -n 2 -c close,timestamp --tz America/New_York "$FIXTURES/good.parquet"
mbar head -n 2 --tz Asia/Kathmandu "$FIXTURES/good.parquet" --csv
mbar head -n 0 "$FIXTURES/good.parquet"
mbar head -n 1 "$FIXTURES/naive.parquet" --tz America/New_York
mbar head -n 1 "$FIXTURES/seconds.parquet"
mbar head "$FIXTURES/far_times.parquet"
mbar head "$FIXTURES/no_rows.parquet"
mbar head --json "$FIXTURES/no_rows.parquet"
mbar head "$FIXTURES/days"
mbar head -c timestamp,day "$FIXTURES/days/*/*.parquet"
echo "exit $?"
