"""Postgres: the tables, and the functions that read and write them. A function takes a connection and never commits."""
