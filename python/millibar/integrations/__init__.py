"""Doors into other frameworks. Each submodule imports its framework; this package imports none."""
