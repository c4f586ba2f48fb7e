"""What is said of an Airflow that does not start, and that nothing of it is left."""

from pathlib import Path

import psutil
import pytest
from airflow_process import Airflow, AirflowError

SEVERAL = """\
#!/bin/sh
# Starts a part that ends at once, and goes on without it.
echo "no module named $1"
(exit 1) &
sleep 3600 &
exec sleep 3601
"""


def install(folder: Path, script: str) -> Path:
    folder.mkdir()
    program = folder / "airflow"
    program.write_text(script)
    program.chmod(0o755)
    return folder


@pytest.mark.parametrize(
    ("script", "what"),
    [
        ('#!/bin/sh\necho "no module named $1"\n', "airflow standalone has ended"),
        (SEVERAL, "a part of airflow standalone has ended"),
    ],
)
def test_an_airflow_that_ends_is_not_waited_for_and_leaves_nothing(
    tmp_path: Path, script: str, what: str
) -> None:
    home = tmp_path / "home"
    with (
        pytest.raises(AirflowError, match=f"^{what}: no module named standalone"),
        Airflow(home, install(tmp_path / "bin", script), {}) as airflow,
    ):
        airflow.wait_for_dags([], seconds=1200)
    for process in psutil.process_iter():
        try:
            assert process.environ().get("AIRFLOW_HOME") != str(home)
        except psutil.Error:
            continue
