# Nothing in a file reaches the terminal, the CSV or the JSON unescaped.
mbar head "$FIXTURES/odd_names.parquet"
mbar head --csv "$FIXTURES/odd_names.parquet"
mbar head --json "$FIXTURES/odd_names.parquet"
mbar head -n 100 "$FIXTURES/numbers.parquet"
mbar head -n 100 --json "$FIXTURES/numbers.parquet"
