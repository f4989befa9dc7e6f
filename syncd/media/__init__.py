"""Stores media files. A file is durable before syncd records it."""
