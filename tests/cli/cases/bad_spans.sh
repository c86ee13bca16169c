# Dates that are none, and spans that are empty.
say() { "$@"; echo "exit $?"; }
cut() { say mbar slice "$FIXTURES/good.parquet" --out out.parquet "$@" 2>&1; }
cut --from yesterday
cut --from 2024-02-30
cut --from 2024-01-02T25:00
cut --to 2024-01-02T15:00:00+99:00
cut --to 9999-01-01
cut --from 2024-01-03 --to 2024-01-02
cut --from 2024-01-03 --to 2024-01-03
cut --from 2024-01-03 --to 2024-01-03T01:00 --tz Europe/Nowhere
say mbar resample "$FIXTURES/good.parquet" --out out.parquet 2>&1
for every in 0m 5 m 5x -5m 1.5h 99999999999d; do
    say mbar resample "$FIXTURES/good.parquet" --out out.parquet --every $every 2>&1
done
say mbar synth --from 1850-01-01 --out out.parquet 2>&1
say mbar synth --price 0.3 --tick 0.25 --out out.parquet 2>&1
say mbar synth --price 4750 --tick 1e-2 --out out.parquet 2>&1
say mbar synth --symbol ES --out out.parquet 2>&1
ls
