"""The templates known by name: those that come with mshell-cut, and those the user added."""

import difflib
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import asdict, dataclass
from pathlib import Path

from mshell_cut import config, source
from mshell_cut.errors import CatalogueError, FileUnreadableError, TemplateNotFoundError
from mshell_cut.state import State

_PACKAGE = Path(__file__).parent
# Beside the package in a checkout, inside it in a wheel.
_CHECKOUT = _PACKAGE.parent


@dataclass(frozen=True)
class Template:
    """One entry.

    Attributes:
        name: what the user types.
        description: one line.
        address: a folder or git address; None for a template that comes with mshell-cut.
        checkout: the branch, tag or commit to use, None for the repository's own default.
        directory: the template's folder in there, or in mshell-cut's own repository; None for the top.
    """

    name: str
    description: str
    address: str | None = None
    checkout: str | None = None
    directory: str | None = None


# What the wheel carries: `hatch_build.py` reads it here.
BUILT_IN = (
    Template("skyspark", "A SkySpark project on Databricks: a Docker image or an asset bundle"),
    Template("astro-dag", "A DAG project for Astronomer, deployed by CI", directory="templates/astro-dag"),
    Template(
        "airflow-platform",
        "Airflow on Kubernetes, with DAGs and notebooks from archive to gold table",
        directory="templates/airflow-platform",
    ),
)


def templates() -> list[Template]:
    """List all templates, our own first.

    A template that the user added before one of ours had its name keeps the name.

    Raises:
        FileUnreadableError: the user's `templates.yaml` is damaged.
    """
    added = _added()
    taken = {template.name for template in added}
    return [*(template for template in BUILT_IN if template.name not in taken), *added]


def built_in() -> list[Template]:
    """List the templates that come with mshell-cut, as far as the user has not taken their names.

    Raises:
        FileUnreadableError: the user's `templates.yaml` is damaged.
    """
    return [template for template in templates() if template.address is None]


def find(name: str) -> Template | None:
    """Find a template by its name."""
    return next((template for template in templates() if template.name == name), None)


def add(template: Template) -> None:
    """Put a template into the user's catalogue.

    Raises:
        CatalogueError: the name is taken, or is none.
    """
    if not template.name.replace("-", "").replace("_", "").isalnum():
        raise CatalogueError(
            f"'{template.name}' is no name for a template: use letters, digits, '-' and '_'."
        )
    if find(template.name):
        raise CatalogueError(f"'{template.name}' is in the catalogue already: remove it first.")
    _store([*_added(), template])


def remove(name: str) -> None:
    """Take a template out of the user's catalogue.

    Raises:
        CatalogueError: it is not there, or comes with mshell-cut.
    """
    added = _added()
    rest = [template for template in added if template.name != name]
    if len(rest) == len(added):
        if any(template.name == name for template in BUILT_IN):
            raise CatalogueError(f"'{name}' comes with mshell-cut and stays.")
        raise CatalogueError(f"'{name}' is not in the catalogue.{_near(name)}")
    _store(rest)


@contextmanager
def opened(
    reference: str, *, checkout: str | None = None, directory: str | None = None, interactive: bool = False
) -> Iterator[source.Source]:
    """Have the template at hand that a name, folder or address stands for.

    Args:
        reference: a name of the catalogue, else a folder or git address.
        checkout: a branch, tag or commit, in place of the catalogue's.
        directory: the template's folder in there, in place of the catalogue's.
        interactive: let git ask for a password.

    Raises:
        TemplateNotFoundError: there is none.
    """
    entry = find(reference)
    if entry and entry.address is None and not checkout and not directory:
        yield _own(entry)
        return
    address = entry.address if entry else reference
    if address is None:
        if not _is_checkout():
            raise TemplateNotFoundError(
                f"{reference} comes with this mshell-cut as it is: name its repository with --template "
                "to use --checkout or --directory."
            )
        address = str(_CHECKOUT)
    elif not entry and not source.is_remote(reference) and not Path(reference).expanduser().is_dir():
        raise TemplateNotFoundError(
            f"'{reference}' is no template of the catalogue, no folder and no git address.{_near(reference)}"
        )
    with source.opened(
        address,
        checkout=checkout or (entry.checkout if entry else None),
        directory=directory or (entry.directory if entry else None),
        interactive=interactive,
    ) as found:
        yield found


def carried(state: State) -> source.Source | None:
    """Return the template of a project where it is one of those that come with mshell-cut, at this version.

    Args:
        state: what the project remembers.

    Returns:
        None where its repository has to be asked.
    """
    template = next((each for each in BUILT_IN if each.directory == state.directory), None)
    if not template:
        return None
    found = _own(template)
    same = source.plain(found.address or "") == source.plain(state.template)
    return found if same and found.commit == state.commit and not found.changed else None


def _own(template: Template) -> source.Source:
    """Describe a template that comes with mshell-cut, where it lies."""
    if _is_checkout():
        return source.from_folder((_CHECKOUT / (template.directory or "")).resolve())
    return source.from_package(_PACKAGE / "_templates" / template.name)


def _is_checkout() -> bool:
    return (_CHECKOUT / "cookiecutter.json").is_file()


def _near(name: str) -> str:
    close = difflib.get_close_matches(name, [template.name for template in templates()], n=1)
    return f" Did you mean {close[0]}?" if close else ""


def _file() -> Path:
    return config.folder() / "templates.yaml"


def _added() -> list[Template]:
    path = _file()
    if not path.is_file():
        return []
    stored = config.read_mapping(path)
    try:
        return [Template(name, **{"description": "", **entry}) for name, entry in stored.items()]
    except TypeError:
        raise FileUnreadableError(
            path, "each template takes address, description, checkout, directory"
        ) from None


def _store(added: list[Template]) -> None:
    import yaml

    path = _file()
    content = {}
    for template in added:
        entry = {key: value for key, value in asdict(template).items() if value}
        content[entry.pop("name")] = entry
    path.parent.mkdir(parents=True, exist_ok=True)
    with tempfile.NamedTemporaryFile("w", dir=path.parent, delete=False, encoding="utf-8") as file:
        yaml.safe_dump(content, file, sort_keys=False, allow_unicode=True)
    Path(file.name).replace(path)
