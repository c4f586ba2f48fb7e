"""A PySpark program on a cluster of its own."""

from collections.abc import Mapping, Sequence
from datetime import timedelta
from typing import TYPE_CHECKING, Any

from airflow.providers.databricks.operators.databricks import DatabricksSubmitRunOperator
from airflow.providers.databricks.utils.openlineage import inject_openlineage_properties_into_databricks_job

from alchemy.errors import PayloadError
from alchemy.operators.run_lifecycle import RunLifecycle
from alchemy.payload import cluster, iam_role, image, run, spark_conf, task

if TYPE_CHECKING:
    from airflow.sdk import Context


# The provider's two operators do not agree on the signature of execute_complete.
class AlchemyDatabricksSubmitPySparkJobOperator(RunLifecycle, DatabricksSubmitRunOperator):  # type: ignore[misc]
    """Submits a run of one task on a new cluster and waits for it.

    All arguments are templated and can come from other tasks. What is wrong in them fails the task at once,
    without retries.
    """

    template_fields: Sequence[str] = (
        "python_file",
        "entry_point",
        "package_name",
        "docker_image",
        "databricks_runtime",
        "py_files",
        "jars",
        "cmd_params",
        "spark_s3_iam_role",
        "max_workers",
        "project",
        "enable_glue_access",
        "instance_pool_name",
        "driver_instance_pool_name",
        "data_processing_type",
        "additional_spark_conf",
        "spark_env_vars",
        "node_type_id",
        "policy_name",
        "run_as",
        "notifications",
        "timeout",
        "run_name",
        "databricks_conn_id",
    )

    def __init__(
        self,
        *,
        databricks_runtime: str,
        python_file: str | None = None,
        entry_point: str | None = None,
        package_name: str | None = None,
        docker_image: str | None = None,
        py_files: Sequence[str] = (),
        jars: Sequence[str] = (),
        cmd_params: Sequence[object] = (),
        spark_s3_iam_role: str | None = None,
        max_workers: int = 8,
        project: str | None = None,
        enable_glue_access: bool = False,
        instance_pool_name: str | None = None,
        driver_instance_pool_name: str | None = None,
        data_processing_type: str | None = None,
        additional_spark_conf: Mapping[str, object] | None = None,
        spark_env_vars: Mapping[str, object] | None = None,
        node_type_id: str | None = None,
        policy_name: str | None = None,
        run_as: str | None = None,
        notifications: Mapping[str, Sequence[str]] | None = None,
        timeout: timedelta | float | None = None,
        deferrable: bool = True,
        **kwargs: Any,
    ) -> None:
        """Describe the run.

        Args:
            databricks_runtime: The cluster's runtime, such as ``17.3.x-scala2.13``.
            python_file: The program, a Python file in the workspace, a volume or S3.
            entry_point: Instead of it: the name of a script that an installed package declares.
            package_name: That package; by default the last part of the image's repository.
            docker_image: The image that the cluster starts from; without a registry it is completed with
                ``ecr_registry`` of the connection's extra or of Airflow's section ``[alchemy]``.
            py_files: Archives for the Python path of the driver and the executors.
            jars: Jars that are installed on the cluster.
            cmd_params: The program's command line.
            spark_s3_iam_role: The role that Spark takes for S3, its name or ARN; begins with ``alc-db-``.
            max_workers: How many workers the cluster may grow to, from 1 on.
            project: The cost tag ``project``.
            enable_glue_access: Whether AWS Glue is the metastore.
            instance_pool_name: The pool of the workers, and of the driver unless it has its own.
            driver_instance_pool_name: The pool of the driver.
            data_processing_type: The tag ``data_processing_type``, such as ``batch``.
            additional_spark_conf: Settings that win over all others; what they replace is logged.
            spark_env_vars: Variables of the cluster's environment; no secrets, but ``{{secrets/…}}`` in raw.
            node_type_id: The nodes' type, where there is no pool.
            policy_name: The cluster policy.
            run_as: Who the run runs as: a user's e-mail address or a service principal's application id.
            notifications: For ``on_start``, ``on_success`` or ``on_failure``: e-mail addresses and ids of
                destinations.
            timeout: When Databricks stops the run: a span of time, or seconds.
            deferrable: Whether a triggerer waits for the run instead of a worker.
            **kwargs: Arguments of DatabricksSubmitRunOperator and of all operators.
        """
        super().__init__(deferrable=deferrable, **kwargs)
        self.durable = False
        self.databricks_runtime = databricks_runtime
        self.python_file = python_file
        self.entry_point = entry_point
        self.package_name = package_name
        self.docker_image = docker_image
        self.py_files = py_files
        self.jars = jars
        self.cmd_params = cmd_params
        self.spark_s3_iam_role = spark_s3_iam_role
        self.max_workers = max_workers
        self.project = project
        self.enable_glue_access = enable_glue_access
        self.instance_pool_name = instance_pool_name
        self.driver_instance_pool_name = driver_instance_pool_name
        self.data_processing_type = data_processing_type
        self.additional_spark_conf = additional_spark_conf
        self.spark_env_vars = spark_env_vars
        self.node_type_id = node_type_id
        self.policy_name = policy_name
        self.run_as = run_as
        self.notifications = notifications
        self.timeout = timeout

    def payload(self, context: "Context") -> dict[str, Any]:
        """Return the body of ``runs/submit`` without its token.

        Raises:
            AlchemyError: An argument cannot become a part of it, or a name stands for nothing.
        """
        defaults = self.workspace.defaults()
        docker_image = self.docker_image and image.complete_image(self.docker_image, defaults.ecr_registry)
        name = self.run_name or f"{self.dag_id}.{self.task_id}"
        work = self._work()
        payload = run.submit_run(
            name,
            task.task(
                self.entry_point or self.task_id,
                work,
                cluster.new_cluster(
                    databricks_runtime=self.databricks_runtime,
                    spark_conf=self._spark_conf(defaults.aws_account_id, defaults.ecr_registry),
                    docker_image=docker_image,
                    max_workers=self.max_workers,
                    node_type_id=self.node_type_id,
                    instance_pool_id=self._pool(self.instance_pool_name),
                    driver_instance_pool_id=self._pool(self.driver_instance_pool_name),
                    policy_id=self.workspace.policy_id(self.policy_name) if self.policy_name else None,
                    instance_profile_arn=defaults.instance_profile_arn,
                    tags={"project": self.project, "data_processing_type": self.data_processing_type},
                    spark_env_vars=self.spark_env_vars,
                ),
                jars=self.jars,
            ),
            run_as=self.run_as,
            notifications=self.notifications,
            timeout=self.timeout,
        )
        # Not by the provider's own way, which also sets named parameters beside the positional ones.
        return inject_openlineage_properties_into_databricks_job(
            payload,
            context,
            self.openlineage_inject_parent_job_info,
            self.openlineage_inject_transport_info,
        )

    def start(self, payload: dict[str, Any]) -> int:
        """Submit the run and return its id."""
        return int(self.workspace.submit_run(payload))

    def _work(self) -> dict[str, Any]:
        if self.python_file and self.entry_point:
            raise PayloadError("python_file and entry_point exclude each other: leave one of them out.")
        if self.python_file:
            return task.python_task(self.python_file, self.cmd_params)
        if not self.entry_point:
            raise PayloadError("There is no program: name a python_file or an entry_point.")
        package = self.package_name or (self.docker_image and image.package_of(self.docker_image))
        if not package:
            raise PayloadError(
                f"The package of entry_point {self.entry_point!r} is not known: set package_name."
            )
        return task.wheel_task(package, self.entry_point, self.cmd_params)

    def _spark_conf(self, account: str | None, registry: str | None) -> dict[str, str]:
        role = self.spark_s3_iam_role
        conf, clashes = spark_conf.merged(
            spark_conf.layers(
                role_arn=iam_role.role_arn(role, account=account, registry=registry) if role else None,
                glue=self.enable_glue_access,
                py_files=self.py_files,
                additional=self.additional_spark_conf,
            )
        )
        for clash in clashes:
            self.log.warning("%s", clash)
        return conf

    def _pool(self, name: str | None) -> str | None:
        return self.workspace.instance_pool_id(name) if name else None
