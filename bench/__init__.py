"""The benchmark: compares syncd with the tools a user could choose instead. Run it with `make bench` or `make bench-full`."""
