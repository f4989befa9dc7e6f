"""What the sandbox serves: generated applications, their media files, and the words they are made of."""
