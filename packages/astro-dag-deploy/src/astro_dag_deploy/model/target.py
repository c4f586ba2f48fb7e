"""A deployment of Astronomer, and where what belongs to it lies in the bucket."""

from dataclasses import dataclass


@dataclass(frozen=True)
class Target:
    """A deployment.

    Attributes:
        workspace: the id of its Astro workspace, or what it is called here.
        deployment: its id, or what it is called here.
    """

    workspace: str
    deployment: str

    def __str__(self) -> str:
        return f"{self.workspace}/{self.deployment}"

    def files_prefix(self, repo: str) -> str:
        """Return where the files of a repository are; without its last slash `a` would have those of `ab`."""
        return f"dags/{self}/{repo}/"

    @property
    def manifests_prefix(self) -> str:
        """Where the manifests of all repositories are."""
        return f"manifests/{self}/"

    def manifest_key(self, repo: str) -> str:
        """Return the key of a repository's manifest."""
        return f"{self.manifests_prefix}{repo}.json"

    @property
    def record_key(self) -> str:
        """The key of what was deployed last, by the ids in Astro: they stay when a deployment is renamed."""
        return f"deployments/{self}.json"
