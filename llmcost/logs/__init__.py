"""Log files → (Calls, rejects); bodies on demand. One file a format family."""
