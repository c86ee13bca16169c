# Files that are not there, not Parquet or damaged: one line, exit 3.
say() { "$@"; echo "exit $?"; }
for verb in info head check "convert --out out.parquet" "resample --every 5m --out out.parquet"; do
    for file in missing.parquet nothing_in_it empty.parquet truncated.parquet text.parquet; do
        say mbar $verb "$FIXTURES/$file" 2>&1
    done
done
ls
