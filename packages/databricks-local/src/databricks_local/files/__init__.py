"""Contents as real files: the workspace tree, DBFS, volumes."""
