"""An app of a SkySpark project, from the project's image."""

from collections.abc import Sequence
from typing import Any

from alchemy.operators.alchemy_databricks_pyspark_operator import AlchemyDatabricksSubmitPySparkJobOperator


class SkySparkOperator(AlchemyDatabricksSubmitPySparkJobOperator):
    """Runs an app of a project on Databricks and waits for it, without holding a worker.

    Example:
        ```python
        SkySparkOperator(
            task_id="medallion",
            spark_app="medallion",
            docker_image="databricks-alchemy/data-platform/orders:1.4.0",
            databricks_runtime="17.3.x-scala2.13",
            cmd_params=["--env", "prod"],
        )
        ```
    """

    template_fields: Sequence[str] = (
        "spark_app",
        *AlchemyDatabricksSubmitPySparkJobOperator.template_fields,
    )

    def __init__(
        self, *, spark_app: str, docker_image: str, py_files: Sequence[str] = (), **kwargs: Any
    ) -> None:
        """Describe the run.

        Args:
            spark_app: The app's name, a script that the package in the image declares; with ``py_files``
                the path of a Python file.
            docker_image: The project's image, such as ``databricks-alchemy/group/job:tag``.
            py_files: Archives with the code of an app that is not in the image.
            **kwargs: Arguments of AlchemyDatabricksSubmitPySparkJobOperator.
        """
        super().__init__(docker_image=docker_image, py_files=py_files, **kwargs)
        self.spark_app = spark_app

    def _work(self) -> dict[str, Any]:
        # Rendered by now: whether an app is a file may depend on another task.
        if self.py_files:
            self.python_file = self.spark_app
        else:
            self.entry_point = self.spark_app
        return super()._work()
