"""The Spark configuration of a run's cluster, in layers: what comes later wins.

Where the keys come from: of S3A
https://hadoop.apache.org/docs/stable/hadoop-aws/tools/hadoop-aws/index.html, of assumed roles
https://docs.databricks.com/aws/en/archive/admin-guide/assume-role, of Glue
https://docs.databricks.com/aws/en/archive/external-metastores/aws-glue-metastore, of volumes
https://docs.databricks.com/aws/en/compute/custom-containers.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

from alchemy.errors import PayloadError
from alchemy.payload.text import flag, text_map, texts

# Without them the owner of a bucket cannot read what another account wrote there.
BUCKET_OWNER = {
    "spark.hadoop.fs.s3a.acl.default": "BucketOwnerFullControl",
    "spark.hadoop.fs.s3a.canned.acl": "BucketOwnerFullControl",
}
DELTA = {
    "spark.sql.extensions": "io.delta.sql.DeltaSparkSessionExtension",
    "spark.sql.catalog.spark_catalog": "org.apache.spark.sql.delta.catalog.DeltaCatalog",
}
HIVE = {"spark.sql.catalogImplementation": "hive"}
# Where a cluster starts an image of one's own, there are no volumes without it.
VOLUMES = {"spark.databricks.unityCatalog.volumes.enabled": "true"}
GLUE = {"spark.databricks.hive.metastore.glueCatalog.enabled": "true"}


@dataclass(frozen=True)
class Clash:
    """A setting that two layers give different values.

    Attributes:
        key: The setting.
        loser: The layer whose value is dropped.
        dropped: That value.
        winner: The later layer.
        kept: Its value.
    """

    key: str
    loser: str
    dropped: str
    winner: str
    kept: str

    def __str__(self) -> str:
        """Return it as one sentence that shows no value: a setting may hold a secret."""
        return f"{self.key} of {self.winner} replaces that of {self.loser}."


def assumed_role(role_arn: str) -> dict[str, str]:
    """Return the settings with which S3A takes a role for its requests.

    Args:
        role_arn: The ARN of an IAM role that the cluster's instance profile may assume.
    """
    return {
        "spark.hadoop.fs.s3a.credentialsType": "AssumeRole",
        "spark.hadoop.fs.s3a.stsAssumeRole.arn": role_arn,
    }


def python_files(py_files: Sequence[str]) -> dict[str, str]:
    """Return the setting that puts archives on the Python path of the driver and of the executors.

    Args:
        py_files: Paths or addresses of ``.zip``, ``.egg`` and ``.py`` files; none: no setting.

    Raises:
        PayloadError: They are no list of texts, or one of them has a comma.
    """
    files = texts(py_files, "py_files")
    for file in files:
        if "," in file:
            raise PayloadError(f"py_files has {file!r}, for Spark two files: give it a name without a comma.")
    return {"spark.submit.pyFiles": ",".join(files)} if files else {}


def layers(
    *,
    role_arn: str | None = None,
    glue: bool = False,
    py_files: Sequence[str] = (),
    additional: Mapping[str, object] | None = None,
) -> list[tuple[str, dict[str, str]]]:
    """Return the configuration's layers by name, in the order in which they win.

    Args:
        role_arn: The role for S3; None: the instance profile's own.
        glue: Whether AWS Glue is the metastore.
        py_files: Archives for the Python path.
        additional: What the DAG's author adds; values are texts, numbers or bools.

    Raises:
        PayloadError: An argument cannot become its settings.
    """
    found = [
        ("the defaults", BUCKET_OWNER | DELTA | HIVE | VOLUMES),
        ("spark_s3_iam_role", assumed_role(role_arn) if role_arn else {}),
        ("enable_glue_access", GLUE if flag(glue, "enable_glue_access") else {}),
        ("py_files", python_files(py_files)),
        ("additional_spark_conf", text_map(additional or {}, "additional_spark_conf")),
    ]
    return [(name, layer) for name, layer in found if layer]


def merged(ordered: Sequence[tuple[str, Mapping[str, str]]]) -> tuple[dict[str, str], list[Clash]]:
    """Merge layers into one configuration.

    Args:
        ordered: Layers by name, the strongest last.

    Returns:
        The configuration, and what was dropped from it on the way.
    """
    conf: dict[str, str] = {}
    source: dict[str, str] = {}
    clashes = []
    for name, layer in ordered:
        for key, value in layer.items():
            if key in conf and conf[key] != value:
                clashes.append(Clash(key, source[key], conf[key], name, value))
            conf[key], source[key] = value, name
    return conf, clashes
