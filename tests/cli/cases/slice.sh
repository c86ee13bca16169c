mbar slice "$FIXTURES/good.parquet" --from 2024-01-02T16:00 --to 2024-01-02T16:10 \
    --columns timestamp,close --out a.parquet
mbar head -n 20 a.parquet
mbar slice "$FIXTURES/good.parquet" --from "2024-01-02 11:00" --to 2024-01-02T11:10 \
    --tz America/New_York --columns timestamp,close --codec none --out b.parquet --json
cmp <(mbar head -n 20 --csv a.parquet) <(mbar head -n 20 --csv b.parquet) && echo same
mbar slice "$FIXTURES/good.parquet" --filter "volume > 145" --columns close --out c.parquet
mbar head c.parquet
mbar slice "$FIXTURES/good.parquet" --from 2030-01-01 --out none.parquet
mbar head none.parquet
mbar slice "$FIXTURES/days" --to 2024-01-03 --out days.parquet --explain | sed 's/^read:.*//'
mbar head days.parquet
mbar info a.parquet | grep -E 'codec|metadata'
