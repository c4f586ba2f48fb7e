"""The port through which a bundle reaches Astro: two adapters in `utils` fill it."""

from dataclasses import dataclass
from pathlib import Path
from typing import Protocol


@dataclass(frozen=True)
class AstroDeploy:
    """A bundle that Astro has.

    Attributes:
        version: Astro's own name of it, its "DAG tarball version".
    """

    version: str


class AstroDeployer(Protocol):
    """Replaces all DAGs of a deployment."""

    def deploy(
        self,
        project: Path,
        *,
        workspace: str,
        deployment: str,
        description: str,
        seconds: float,
        allow_empty: bool = False,
    ) -> AstroDeploy:
        """Deploy a project folder.

        Args:
            project: holds `dags/`, whole: what is not in there is gone afterwards.
            workspace: the id of the Astro workspace.
            deployment: the id of the deployment in it.
            description: what Astro shows beside the deploy.
            seconds: how long it may take.
            allow_empty: whether `dags/` may hold no Python file.

        Raises:
            AstroError: Astro did not say that it has the bundle.
        """
        ...
