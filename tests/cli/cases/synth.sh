mbar synth --seed 7 --from 2024-01-02 --to 2024-01-12 --out MES.parquet
mbar head MES.parquet
mbar head --tail -n 3 MES.parquet
mbar check MES.parquet
mbar synth --seed 7 --from 2024-01-02 --to 2024-01-12 --out again.parquet >/dev/null
cmp MES.parquet again.parquet && echo same
for symbol in MNQ MYM M2K; do
    mbar synth --symbol $symbol --to 2024-01-05 --out $symbol.parquet --json
    mbar head -n 2 $symbol.parquet
    mbar check $symbol.parquet
done
mbar synth --price 71.43 --tick 0.01 --to 2024-01-04 --out oil.parquet
mbar head -n 2 oil.parquet
mbar synth --from 2024-01-06 --to 2024-01-07 --out saturday.parquet
mbar head saturday.parquet
