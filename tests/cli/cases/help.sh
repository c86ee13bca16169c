# The whole help of the command and of one verb; the rest is checked by test_verbs.py.
mbar --help
mbar help | cmp - <(mbar --help) && echo same
mbar help slice | cmp - <(mbar slice --help) && echo same
mbar slice -h
