"""The packages that make pipelines or jobs from metadata, as they are installed."""

from compare.environments import distribution, packages
from compare.tools import Tool


class Library(Tool):
    """A Python package that makes pipelines or jobs."""

    @property
    def version(self) -> str:
        """The version that runs."""
        return distribution(self.name).version

    def source(self, pattern: str) -> str:
        """Return the text of its own files that match a pattern."""
        return "\n".join(
            path.read_text(encoding="utf-8") for path in sorted(packages(self.name).glob(pattern))
        )


PIPELINES: tuple[Library, ...] = (
    Library("sdp-meta", "sdp-meta (was dlt-meta)"),
    Library("brickflow", "brickflow"),
    Library("skyspark", "skyspark"),
)
