"""The benchmarks: `python bench/run.py [NAME ...]`, and `python bench/report.py` for the documents.

benchmarks/  one module each, with `run(options) -> list[Group]`; momentum.py is what two share
sides/       our contenders, and the libraries ours are held against, each a process of its own
peers/       other backtesters, each in an environment that has nothing else of ours
c/, counts/  contenders in C, and the instruction counts that `make check-counts` guards
results/     what the documents quote

contender.py starts a process and asks it for rounds; serve.py is the other end. What rounds tell is
kept and shown by measure.py, read again by stored.py, drawn by page.py.
"""
