"""The image that the runs start from: a folder with the wheel of the project ``demo``."""

import subprocess
import sys
from pathlib import Path

HERE = Path(__file__).parent
REGISTRY = "123456789012.dkr.ecr.eu-west-1.amazonaws.com"
IMAGE = "databricks-alchemy/data-platform/demo:1"
RUNTIME = "17.3.x-scala2.13"


def build_image(folder: Path, python: Path) -> None:
    """Make the folder that stands for the image.

    Args:
        folder: Where; it is there and empty.
        python: An interpreter with hatchling.
    """
    wheels = folder / "opt/dist"
    command = [python, "-m", "hatchling", "build", "--target", "wheel", "--directory", wheels]
    subprocess.run(command, cwd=HERE / "demo", check=True, stdout=sys.stderr)
