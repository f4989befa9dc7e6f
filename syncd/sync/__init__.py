"""The cycle and its three stages: land, fetch, confirm."""
