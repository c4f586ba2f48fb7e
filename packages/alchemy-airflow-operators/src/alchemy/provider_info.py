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
        "config": {
            "alchemy": {
                "description": "Holds for all runs whose connection has nothing else in its extra.",
                "options": {
                    "ecr_registry": _option(
                        "The host of images that are named without a registry.",
                        "123456789012.dkr.ecr.eu-west-1.amazonaws.com",
                    ),
                    "aws_account_id": _option(
                        "The account of IAM roles that are given by their names.", "123456789012"
                    ),
                    "instance_profile_arn": _option(
                        "What clusters are, and pull their images as.",
                        "arn:aws:iam::123456789012:instance-profile/spark",
                    ),
                },
            }
        },
        "triggers": [
            {
                "integration-name": "SkySpark on Databricks",
                "python-modules": ["alchemy.triggers.run"],
            }
        ],
    }


def _option(description: str, example: str) -> dict[str, str | None]:
    return {
        "description": description,
        "version_added": __version__,
        "type": "string",
        "example": example,
        "default": None,
    }
