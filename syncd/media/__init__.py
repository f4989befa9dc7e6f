"""The media root: files that are durable before anybody is told that they exist."""
