"""One attempt of one task as a process tree of its own."""
