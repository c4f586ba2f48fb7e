"""Writing Delta tables: save, save clustered, merge, and describe."""

from skyspark.load.merge import merge_delta_table
from skyspark.load.metadata import save_table_metadata
from skyspark.load.save import save_delta_table, save_delta_table_clustered

__all__ = ["merge_delta_table", "save_delta_table", "save_delta_table_clustered", "save_table_metadata"]
