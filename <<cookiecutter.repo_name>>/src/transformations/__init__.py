"""Pure functions from DataFrame to DataFrame, one package per layer."""
