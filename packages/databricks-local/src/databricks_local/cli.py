"""The command line: `databricks-local serve` and what goes with it."""

import json
import os
import secrets
import shlex
import sys
from collections.abc import Sequence
from pathlib import Path

import click

from databricks_local import __version__
from databricks_local.config import DEFAULT_PORT, TOKEN_VARIABLE, Config
from databricks_local.errors import ConfigError, LocalError

_SERVE_EXAMPLES = """
\b
Examples:
  databricks-local serve
  databricks-local serve --port 0 --root /tmp/workspace --json
  databricks-local serve --image 123.dkr.ecr.eu-west-1.amazonaws.com/orders:1.2=../orders
  databricks-local serve --jar ~/jars/delta-spark_4.0_2.13-4.4.0.jar --jar ~/jars/delta-storage-4.4.0.jar
"""

_ENV_EXAMPLES = """
\b
Examples:
  eval "$(databricks-local env)"
  eval "$(databricks-local env --root /tmp/workspace)"
"""


@click.group(
    context_settings={"help_option_names": ["-h", "--help"]},
    epilog="Exit codes: 0 done, 1 it could not be done, 2 the request is wrong, 130 stopped.",
)
@click.version_option(__version__, prog_name="databricks-local")
def cli() -> None:
    """A Databricks workspace on localhost that real clients accept and that really runs the jobs."""


@cli.command(epilog=_SERVE_EXAMPLES)
@click.option(
    "--root",
    type=click.Path(file_okay=False, path_type=Path),
    default=Path("~/.databricks-local"),
    show_default=True,
    help="Folder of all state: a later start goes on from it.",
)
@click.option(
    "--port", default=DEFAULT_PORT, show_default=True, help="Port on 127.0.0.1; 0 takes a free one."
)
@click.option(
    "--token",
    envvar=TOKEN_VARIABLE,
    show_envvar=True,
    help="What clients must send. [default: made once, kept in the root folder]",
)
@click.option("--user", default=Config.user, show_default=True, help="User name of the token's owner.")
@click.option(
    "--python",
    type=click.Path(dir_okay=False, path_type=Path),
    default=Path(sys.executable),
    help="Interpreter that runs tasks: its environment is the cluster's. [default: this one]",
)
@click.option(
    "--pipelines-python",
    type=click.Path(dir_okay=False, path_type=Path),
    help="Interpreter that runs pipelines, with Spark 4.1 or newer. [default: as --python]",
)
@click.option(
    "--jar",
    "jars",
    multiple=True,
    type=click.Path(dir_okay=False, path_type=Path),
    help="A jar of Delta, for one or more Spark lines; repeat it. [default: Spark fetches what fits it]",
)
@click.option(
    "--image",
    "images",
    multiple=True,
    metavar="URL=PATH",
    help="Folder or wheel that stands for a docker image; repeat it.",
)
@click.option(
    "--catalog",
    "catalogs",
    multiple=True,
    default=Config.catalogs,
    show_default=True,
    help="Catalog that is there from the start; repeat it.",
)
@click.option(
    "--max-parallel-tasks",
    type=int,
    default=Config.max_parallel_tasks,
    help="Processes of tasks at a time. [default: the machine's cores]",
)
@click.option("--offline", is_flag=True, help="Never ask a package index for what a task's libraries lack.")
@click.option("--json", "as_json", is_flag=True, help="Print one JSON object once clients are answered.")
@click.option("--verbose", "-v", is_flag=True, help="Show each step of runs.")
def serve(
    *,
    root: Path,
    token: str | None,
    pipelines_python: Path | None,
    python: Path,
    images: Sequence[str],
    jars: Sequence[Path],
    as_json: bool,
    verbose: bool,
    port: int,
    user: str,
    catalogs: Sequence[str],
    max_parallel_tasks: int,
    offline: bool,
) -> None:
    """Serve a workspace on 127.0.0.1 until Ctrl-C."""
    from databricks_local.server import serve as serve_workspace
    from databricks_local.server import set_up_logging
    from databricks_local.workspace import Workspace

    root = root.expanduser()
    config = Config(
        root=root,
        token=token or _kept_token(root),
        port=port,
        user=user,
        python=python.absolute(),
        pipelines_python=(pipelines_python or python).absolute(),
        jars=tuple(jar.absolute() for jar in jars),
        images=dict(map(_image, images)),
        catalogs=tuple(catalogs),
        max_parallel_tasks=max_parallel_tasks,
        offline=offline,
    )
    set_up_logging(verbose=verbose)

    def ready(workspace: Workspace) -> None:
        # Who reads what is printed may ask for it at once.
        (workspace.root / "host").write_text(workspace.host)
        if as_json:
            click.echo(json.dumps({"host": workspace.host, "root": str(workspace.root)}))
        else:
            click.echo(f"Serving {workspace.root} at {workspace.host}")
            code = workspace.logins.new_code()
            click.echo(f"In a browser: {workspace.host}/login?code={code} (works once)")
            click.echo(f"For clients: eval \"$(databricks-local env --root '{workspace.root}')\"")

    serve_workspace(config, ready)


@cli.command(epilog=_ENV_EXAMPLES)
@click.option(
    "--root",
    type=click.Path(file_okay=False, path_type=Path),
    default=Path("~/.databricks-local"),
    show_default=True,
    help="Folder of the workspace.",
)
def env(*, root: Path) -> None:
    """Print the variables that point the SDK, the CLI and Airflow at a workspace, for a shell to read."""
    root = root.expanduser()
    host = root / "host"
    if not host.is_file():
        raise ConfigError(f"{root} is no workspace that was served: run 'databricks-local serve' first.")
    token = os.environ.get(TOKEN_VARIABLE) or (_kept_token(root) if (root / "token").is_file() else None)
    if token is None:
        raise ConfigError(f"the token of {root} was chosen with --token: set {TOKEN_VARIABLE} to it.")
    click.echo(f"export DATABRICKS_HOST={shlex.quote(host.read_text())}")
    click.echo(f"export DATABRICKS_TOKEN={shlex.quote(token)}")


def main(args: Sequence[str] | None = None) -> int:
    """Run the command line.

    Args:
        args: The arguments; those of the process when not given.

    Returns:
        The exit code: 0 done, 1 could not be done, 2 wrong request, 130 ended by Ctrl-C.
    """
    try:
        cli.main(
            args=None if args is None else list(args), prog_name="databricks-local", standalone_mode=False
        )
    except LocalError as error:
        click.echo(f"error: {error}", err=True)
        return error.exit_code
    except click.ClickException as error:
        error.show()
        return error.exit_code
    except (KeyboardInterrupt, click.Abort):
        return 130
    return 0


def _kept_token(root: Path) -> str:
    file = root / "token"
    if not file.is_file():
        root.mkdir(parents=True, exist_ok=True, mode=0o700)
        descriptor = os.open(file, os.O_WRONLY | os.O_CREAT | os.O_TRUNC, 0o600)
        with os.fdopen(descriptor, "w") as stream:
            stream.write(f"dapi{secrets.token_hex(16)}")
    return file.read_text().strip()


def _image(text: str) -> tuple[str, Path]:
    url, separator, path = text.rpartition("=")
    if not separator or not url or not path:
        raise ConfigError(f"'{text}' is no image: write --image URL=PATH.")
    return url, Path(path).expanduser().absolute()
