"""Silver: cleaned, one row per key."""
