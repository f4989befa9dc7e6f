"""Compares what the client confirmed with its database and its disk."""
