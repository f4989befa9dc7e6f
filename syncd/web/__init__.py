"""The daemon's HTTP server: health, metrics and heartbeats. Only `cli` imports it, and the daemon does without it.

`app.py` says what a handler gets and returns. `cli/serving.py` has the table of routes.
"""
