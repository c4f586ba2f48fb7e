"""Gold: what people query."""
