"""The proofs: SIGKILL at each system call, Postgres cut off at each message, and more. Run them with `python -m tests.proof`."""
