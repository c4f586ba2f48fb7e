"""What Airflow is told of this package: the entry point `apache_airflow_provider` names it."""

from typing import Any

from alchemy import __version__


def get_provider_info() -> dict[str, Any]:
    """Return the package's description as Airflow's `provider_info.schema.json` wants it."""
    return {
        "package-name": "alchemy-airflow-operators",
        "name": "Alchemy",
        "description": "Runs SkySpark apps on Databricks, from an image or from a bundle, and never twice.",
        "versions": [__version__],
        "integrations": [
            {
                "integration-name": "SkySpark on Databricks",
                "external-doc-url": "https://docs.databricks.com/api/workspace/jobs/submit",
                "tags": ["service"],
            }
        ],
        "operators": [
            {
                "integration-name": "SkySpark on Databricks",
                "python-modules": [
                    "alchemy.operators.alchemy_databricks_pyspark_operator",
                    "alchemy.operators.skyspark_bundle_operator",
                    "alchemy.operators.skyspark_operator",
                ],
            }
        ],
        "hooks": [
            {
                "integration-name": "SkySpark on Databricks",
                "python-modules": ["alchemy.hooks.workspace"],
            }
        ],
        "triggers": [
            {
                "integration-name": "SkySpark on Databricks",
                "python-modules": ["alchemy.triggers.run"],
            }
        ],
    }
