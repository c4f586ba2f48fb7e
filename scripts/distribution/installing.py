"""Installs what was built, each package alone in an environment of its own, and uses it as its users do."""

import re
import tempfile
import time
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from pathlib import Path

from distribution.locks import lock
from distribution.packages import Package
from distribution.programs import run, tool

_HERE = Path(__file__).parent
_CONSUMERS = _HERE / "consumers"
_IMPORTS = _HERE / "import_all.py"


@dataclass(frozen=True)
class Trial:
    """How a package is tried. Of each all modules are imported, and its consumer is checked and run.

    Attributes:
        commands: the console scripts' calls, in an empty folder that is also the home.
        modules: import packages that may be missing, as an extra or the user brings them.
        extras: those to add after that.
        modules_left: import packages that may be missing even then.
    """

    commands: tuple[tuple[str, ...], ...] = ()
    modules: tuple[str, ...] = ()
    extras: tuple[str, ...] = ()
    modules_left: tuple[str, ...] = field(default=("pytest",))


_TRIALS = {
    "mshell-cut": Trial(
        commands=(
            ("mshell-cut", "--version"),
            ("mshell-cut", "--help"),
            ("mshell-cut", "cut", "skyspark", "--no-input"),
            ("mshell-cut", "check", "--project", "stack-exchange-pipeline"),
        ),
    ),
    "skyspark": Trial(
        commands=(
            ("skyspark", "--version"),
            ("skyspark", "--help"),
            ("skyspark", "plan", "config.yml"),
        ),
        modules=("databricks", "delta", "pandas", "pyspark", "pytest"),
        extras=("build", "connect", "deploy", "spark40"),
    ),
    # What runs as a task does so in the user's environment.
    "databricks-local": Trial(
        commands=(("databricks-local", "--version"), ("databricks-local", "--help")),
        modules=("dbruntime", "pyspark", "pytest"),
    ),
    "astro-dag-deploy": Trial(),
    "alchemy-airflow-operators": Trial(
        commands=(("airflow", "providers", "get", "alchemy-airflow-operators"),),
    ),
}


def check(
    packages: Sequence[Package], folder: Path, *, latest: bool, say: Callable[[str], None]
) -> dict[str, float]:
    """Install packages and try them.

    Ours come from the folder alone; other packages from the index that uv's own settings name.

    Args:
        packages: which ones.
        folder: what was built.
        latest: install the newest versions of other packages in place of those that the tests ran with.
        say: told how it goes.

    Returns:
        The seconds that each package took.

    Raises:
        DistributionError: one cannot be installed, or does not do what it should.
    """
    took = {}
    for package in packages:
        begun = time.monotonic()
        with tempfile.TemporaryDirectory(prefix="install-") as temporary:
            said = _Environment(package, folder, Path(temporary), latest=latest).try_out(
                _TRIALS[package.name]
            )
        took[package.name] = round(time.monotonic() - begun, 1)
        say(f"{package.name}: {said}, {took[package.name]} s")
    return took


class _Environment:
    """An environment with one package of ours, and an empty home for its programs."""

    def __init__(self, package: Package, folder: Path, place: Path, *, latest: bool) -> None:
        self.package = package
        self.wheel = package.files(folder)[1]
        self.latest = latest
        self.place = place / "environment"
        self.python = self.place / "bin" / "python"
        self.home = place / "home"
        self.home.mkdir()
        example = _example(package)
        if example:
            (self.home / "config.yml").write_text(example, encoding="utf-8")

    def try_out(self, trial: Trial) -> str:
        """Do what a trial says; return what was seen."""
        run(
            *(tool("uv"), "venv", "--quiet", "--python", tool("python"), self.place),
            cwd=self.home,
            doing="Making an environment",
        )
        self._install()
        for command in trial.commands:
            self._run(self.place / "bin" / command[0], *command[1:], doing=" ".join(command))
        seen = self._imports(*trial.modules, *trial.modules_left)
        self._use()
        if trial.extras:
            self._install(*trial.extras)
            seen += f", with extras {self._imports(*trial.modules_left)}"
        return seen

    def _install(self, *extras: str) -> None:
        wanted = f"{self.package.name}[{','.join(extras)}] @ {self.wheel.as_uri()}"
        constraints = () if self.latest else ("--constraints", lock(self.package))
        run(
            *(tool("uv"), "pip", "install", "--quiet", "--python", self.python, *constraints, wanted),
            cwd=self.home,
            doing=f"Installing {self.package.name}",
        )
        run(
            *(tool("uv"), "pip", "check", "--quiet", "--python", self.python),
            cwd=self.home,
            doing=f"Checking what {self.package.name} was installed with",
        )

    def _imports(self, *allowed: str) -> str:
        return self._run(
            self.python,
            _IMPORTS,
            self.package.module,
            *allowed,
            doing=f"Importing all modules of {self.package.name}",
        ).strip()

    def _use(self) -> None:
        """Check the types of a small program that uses the package, and run it."""
        consumer = _CONSUMERS / f"{self.package.module}.py"
        run(
            *(tool("mypy"), "--config-file", _HERE / "mypy.ini", "--python-executable", self.python),
            *("--cache-dir", self.home / ".mypy_cache", consumer),
            cwd=self.home,
            doing=f"Checking the types of {consumer.name}",
        )
        self._run(self.python, consumer, doing=consumer.name)

    def _run(self, *command: str | Path, doing: str) -> str:
        airflow = {"AIRFLOW_HOME": str(self.home), "AIRFLOW__CORE__LOAD_EXAMPLES": "False"}
        path = f"{self.place / 'bin'}:/usr/bin:/bin"
        return run(
            *command,
            cwd=self.home,
            env={"HOME": str(self.home), "PATH": path, "PYTHONSAFEPATH": "1", **airflow},
            doing=f"{self.package.name}: {doing}",
        )


def _example(package: Package) -> str | None:
    """Return the pipeline in a package's README, as its readers copy it."""
    text = (package.root / package.folder / "README.md").read_text(encoding="utf-8")
    found = re.search(r"^```yaml\n(name: .*?)^```$", text, re.MULTILINE | re.DOTALL)
    return found[1] if found else None
