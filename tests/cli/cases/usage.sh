# Verbs and options that are not there.
say() { "$@"; echo "exit $?"; }
say mbar --version
say mbar 2>&1
say mbar bogus 2>&1
say mbar chek x.parquet 2>&1
say mbar resa x 2>&1
say mbar --json info 2>&1
say mbar help nothing 2>&1
say mbar info 2>&1
say mbar info --bogus x 2>&1
say mbar head -x x 2>&1
say mbar head -n 2>&1
say mbar head -n -3 x 2>&1
say mbar head -n 1e3 x 2>&1
say mbar head -n 99999999999999999999 x 2>&1
say mbar head a b 2>&1
say mbar head --csv --json x 2>&1
say mbar head --columns a,,b x 2>&1
say mbar head --tz Mars/Olympus x 2>&1
say mbar head --tz ../../etc/passwd x 2>&1
say mbar head --memory-limit much x 2>&1
say mbar check --tick 0 x 2>&1
say mbar check --tick nan x 2>&1
say mbar check --skip gap,holes x 2>&1
say mbar check --calendar lunar x 2>&1
say mbar check --examples 21 x 2>&1
say mbar synth 2>&1
say mbar synth x.parquet --out y.parquet 2>&1
