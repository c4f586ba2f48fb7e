"""The Spark applications: one module each, with a `main` that pyproject.toml names."""
