"""Many projects at once: what is asked of one is done to all, in parallel, and told in one report."""
