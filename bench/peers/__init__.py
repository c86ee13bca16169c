"""Other backtesters on the SMA-cross: `python -m bench.peers`, in environments of install.py.

Modules here import the standard library, serve.py, pandas and the peer, no more: that is all there
is. They are named NAME_side.py, never as the peer's own package.
"""
