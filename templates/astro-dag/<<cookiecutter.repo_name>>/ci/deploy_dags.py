"""Deploys dags/ to an Astro Deployment, through the deploy function.

    .venv/bin/python ci/deploy_dags.py --deployment NAME --function FUNCTION
    .venv/bin/python ci/deploy_dags.py --deployment NAME --print

Ends with 0 when the DAGs are deployed, with 1 when they are refused and have to be mended here,
with 3 when the Deployment stayed busy or the function out of reach, with 4 when the function
failed.
"""

import argparse
import contextlib
import json
import sys
import tomllib
from collections.abc import Sequence
from pathlib import Path

from airflow_home import isolate_airflow
from dag_request import NotDeployableError, build_request
from deploy_function import DeployFunctionError, deploy

ROOT = Path(__file__).parents[1]


def main(arguments: Sequence[str] | None = None, root: Path = ROOT) -> int:
    """Print or send the request for a project.

    Args:
        arguments: those of the command line by default.
        root: the folder of the project.

    Returns:
        The exit code.
    """
    parser = argparse.ArgumentParser(prog="deploy_dags.py", description="Deploy dags/.")
    parser.add_argument("--deployment", required=True, help="the Astro Deployment, such as dev")
    what = parser.add_mutually_exclusive_group(required=True)
    what.add_argument("--print", action="store_true", help="print the request and send nothing")
    what.add_argument("--function", help="the name or ARN of the deploy function")
    parser.add_argument("--seconds", type=float, default=900, help="how long to try (default: 900)")
    given = parser.parse_args(arguments)
    if not given.deployment or given.function == "":
        parser.error("the Deployment and the function must not be empty")

    settings = tomllib.loads((root / "pyproject.toml").read_text(encoding="utf-8"))
    owner = settings["tool"]["deploy-dags"]
    home = isolate_airflow(root / "dags")
    try:
        # Airflow logs to the standard output, which is the request's.
        with home, contextlib.redirect_stdout(sys.stderr):
            request = build_request(root / "dags", owner, given.deployment)
        if given.print:
            print(json.dumps(request, ensure_ascii=False, indent=2))
            return 0
        print(f"Request {request['requestId']}: the DAGs of {owner['repo']} to {given.deployment}.")
        body = deploy(given.function, request, seconds=given.seconds)
    except NotDeployableError as error:
        say("The DAGs were not deployed.", error.problems)
        return 1
    except DeployFunctionError as error:
        say(str(error), error.problems)
        return error.exit_code
    print(json.dumps(body, ensure_ascii=False, indent=2))
    return 0


def say(message: str, problems: Sequence[str]) -> None:
    """Print what went wrong, a line for each problem."""
    print(f"error: {message}", file=sys.stderr)
    for problem in problems:
        print(f"  {problem}", file=sys.stderr)


if __name__ == "__main__":
    sys.exit(main())
