say() { "$@"; echo "exit $?"; }
keep() { mbar head -n 3 -c timestamp,close,volume "$FIXTURES/good.parquet" --filter "$@"; }
keep "volume > 140"
keep "volume > 140 and not (close < 100.5 or close >= 101)"
keep "close - open > 0.5 and volume <> 144"
keep "(open + high) / 2 >= 101 AND volume = 111"
keep "-volume < -148"
keep "is_nan(close)"
mbar head --filter "is_nan(open) or is_null(volume)" "$FIXTURES/dirty.parquet"
mbar head --filter "kind = 'x' and yes" "$FIXTURES/odd_names.parquet" -c kind,yes,small
mbar head --filter '"a ""b"", c" >= 2' "$FIXTURES/odd_names.parquet" -c kind
for bad in "" "volume >" "volume > 1 extra" "(volume > 1" "volume ! 1" "'open" "1 = = 1" \
    "volume > 1abc" "is_nan close" "close < 1 < 2" "not" ". > 1" "1e400 > 1" "0x10 > 1"; do
    say mbar head --filter "$bad" "$FIXTURES/good.parquet" 2>&1
done
deep=$(printf '(%.0s' {1..200})
say mbar head --filter "$deep" "$FIXTURES/good.parquet" 2>&1
