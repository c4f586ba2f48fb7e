"""What docs/comparison.md says of other tools, by running them."""
