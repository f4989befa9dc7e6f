"""The proofs: SIGKILL at each system call, Postgres cut at each message, HTTP broken at each exchange. `python -m tests.proof` runs them."""
