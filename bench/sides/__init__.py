"""Contenders: `python -m bench.sides.NAME`, started and spoken to by the benchmark of that name."""
