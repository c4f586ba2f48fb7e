"""What the programs find and leave behind."""

from dataclasses import dataclass, field
from pathlib import Path
from typing import Literal

# How far a call comes: its whole effect; what the real program leaves when it fails; what it
# leaves when Ctrl-C ends it.
Outcome = Literal["whole", "failed", "interrupted"]


@dataclass(frozen=True)
class Answer:
    """What a program says, and the code it ends with."""

    code: int = 0
    stdout: str = ""
    stderr: str = ""


@dataclass(frozen=True)
class Revision:
    """A revision of the release."""

    status: str
    description: str
    values: tuple[str, ...]


@dataclass(frozen=True)
class Pod:
    """A pod; `ready` is `True` or `False` as Kubernetes writes it."""

    name: str
    component: str
    phase: str = "Running"
    ready: str = "True"


@dataclass
class Cluster:
    """What lies in a cluster, and on its one node.

    Attributes:
        ready: its API answers.
        running: its node, a container, runs.
        objects: text of the manifests that were applied, by file.
        secrets: data of the secrets, in base64, by name and key.
        versions: `resourceVersion` of the secrets.
        synced: commits that git-sync has, one for each time it is asked; the last one stays.
    """

    ready: bool = True
    running: bool = True
    images: set[str] = field(default_factory=set)
    objects: dict[str, str] = field(default_factory=dict)
    secrets: dict[str, dict[str, str]] = field(default_factory=dict)
    versions: dict[str, int] = field(default_factory=dict)
    revisions: list[Revision] = field(default_factory=list)
    jobs: set[str] = field(default_factory=set)
    pods: list[Pod] = field(default_factory=list)
    restarted: dict[str, str] = field(default_factory=dict)
    synced: list[str] = field(default_factory=list)

    def write_secret(self, name: str, data: dict[str, str]) -> None:
        """Write a secret under a new version."""
        self.secrets[name] = data
        self.versions[name] = max(self.versions.values(), default=0) + 1


@dataclass
class State:
    """A machine, what it reaches, and who it is logged in as.

    Attributes:
        clusters: the clusters of kind, by name.
        contexts: the contexts that kubectl knows.
        remote: other clusters, by context.
        images: labels of the images that Docker has, by name and tag.
        registry: tags that ECR has; None where there is no repository.
    """

    project: Path
    clusters: dict[str, Cluster] = field(default_factory=dict)
    contexts: set[str] = field(default_factory=set)
    remote: dict[str, Cluster] = field(default_factory=dict)
    images: dict[str, dict[str, str]] = field(default_factory=dict)
    registry: set[str] | None = field(default_factory=set)
    engine: bool = True
    logged_in: bool = False
    password: str = "a-password-of-ecr"

    def cluster_of(self, context: str) -> Cluster | None:
        """Find the cluster that a context names, where it answers."""
        cluster = self.remote.get(context) or self.clusters.get(context.removeprefix("kind-"))
        if cluster and context in self.contexts and cluster.ready and cluster.running:
            return cluster
        return None
