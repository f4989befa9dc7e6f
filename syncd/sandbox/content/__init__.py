"""The content that the sandbox serves: generated applications, their media files, and their vocabulary."""
