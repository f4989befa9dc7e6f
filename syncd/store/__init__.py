"""Postgres: the tables, and the functions that read and write them. They take a connection and never commit."""
