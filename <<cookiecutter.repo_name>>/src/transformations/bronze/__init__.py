"""Bronze: the source as it came, named and typed."""
