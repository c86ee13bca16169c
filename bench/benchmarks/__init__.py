"""The benchmarks of run.py's table, by its names."""
