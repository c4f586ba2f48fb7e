"""Metrics of a stage of a deploy, in CloudWatch's embedded metric format on standard output.

https://docs.aws.amazon.com/AmazonCloudWatch/latest/monitoring/CloudWatch_Embedded_Metric_Format_Specification.html
"""

import os
import time
from collections.abc import Iterator, Mapping
from contextlib import contextmanager

from aws_lambda_powertools import single_metric
from aws_lambda_powertools.metrics import MetricUnit

_NAMESPACE = "AstroDagDeploy"


@contextmanager
def measured(stage: str, dimensions: Mapping[str, str]) -> Iterator[None]:
    """Emit `<stage>.success` (1 or 0) and `<stage>.time` (milliseconds) when the block ends, however it ends.

    Args:
        stage: parse or deploy.
        dimensions: what the metrics are told apart by.
    """
    begin = time.monotonic()
    success = 0
    try:
        yield
        success = 1
    finally:
        _emit(f"{stage}.success", MetricUnit.Count, success, dimensions)
        _emit(f"{stage}.time", MetricUnit.Milliseconds, (time.monotonic() - begin) * 1000, dimensions)


def _emit(name: str, unit: MetricUnit, value: float, dimensions: Mapping[str, str]) -> None:
    namespace = os.environ.get("POWERTOOLS_METRICS_NAMESPACE") or _NAMESPACE
    with single_metric(name=name, unit=unit, value=value, namespace=namespace) as metric:
        for dimension, text in dimensions.items():
            metric.add_dimension(dimension, text)
