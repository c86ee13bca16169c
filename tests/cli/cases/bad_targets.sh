# Places that cannot be written, and the input itself.
say() { "$@"; echo "exit $?"; }
cp "$FIXTURES/good.parquet" in.parquet
mkdir folder
say mbar slice in.parquet 2>&1
say mbar slice in.parquet --out nowhere/out.parquet 2>&1
say mbar slice in.parquet --out in.parquet/out.parquet 2>&1
say mbar slice in.parquet --out folder 2>&1
say mbar slice in.parquet --out /proc/out.parquet 2>&1 | sed 's/parquet: .*/parquet: .../'
say mbar slice in.parquet --out ./in.parquet 2>&1
ln in.parquet other_name.parquet
say mbar convert in.parquet --out other_name.parquet 2>&1
say mbar convert '*.parquet' --out in.parquet 2>&1
say mbar slice in.parquet --out out.parquet --level 23 2>&1
say mbar slice in.parquet --out out.parquet --codec brotli 2>&1
say mbar convert in.parquet --out out.parquet --codec zstd --layout zstd 2>&1
cmp in.parquet "$FIXTURES/good.parquet" && echo untouched
say mbar slice in.parquet --out in.parquet --overwrite --columns timestamp,close
mbar info in.parquet | grep rows
ls . folder
