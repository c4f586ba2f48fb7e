"""Hook of mkdocs: the pages of the reference that are made of the code, when the site is built."""

import reference_cli
import reference_config
import reference_lambda
import reference_questions
import reference_routes
from mkdocs.config.defaults import MkDocsConfig
from mkdocs.structure.files import File, Files

_SOURCES = (reference_cli, reference_config, reference_questions, reference_routes, reference_lambda)


def pages() -> dict[str, str]:
    """Return the pages, and what they link to, by their places in docs/."""
    return {place: content for source in _SOURCES for place, content in source.pages().items()}


def on_files(files: Files, config: MkDocsConfig) -> None:
    """Add the pages, so that the navigation, the search and the check of links see them."""
    for place, content in pages().items():
        files.append(File.generated(config, place, content=content))
