from collections.abc import Sequence

import pytest
from skyspark.jars import jar_dir
from skyspark.versions import SPARK_LINES


@pytest.fixture(scope="session")
def databricks_local_options() -> Sequence[str]:
    """Return the jars that `make build-dev` and the environments of other Spark lines fetched."""
    found = [jar for line in SPARK_LINES.values() for jar in sorted(jar_dir(line).glob("*.jar"))]
    return [f"--jar={jar}" for jar in found]
