"""The benchmark: syncd against what a user would pick instead. Run it with `make bench` or `make bench-full`."""
