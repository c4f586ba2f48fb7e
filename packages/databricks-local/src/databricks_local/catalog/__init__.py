"""Unity Catalog: catalogs, schemas, volumes, and the tables that tasks made."""
