"""Hooks of mkdocs: pages from outside of docs/, links into the repository, and the navigation."""

import posixpath
from fnmatch import fnmatch
from pathlib import Path
from typing import Any
from urllib.parse import urlsplit
from xml.etree import ElementTree

from markdown import Extension, Markdown
from markdown.treeprocessors import Treeprocessor
from mkdocs.config.defaults import MkDocsConfig
from mkdocs.structure.files import File, Files
from mkdocs.structure.nav import Navigation
from mkdocs.structure.pages import Page
from mkdocs.utils import get_markdown_title, meta

ROOT = Path(__file__).resolve().parents[2]

# From the place in the repository to the place on the site.
ELSEWHERE = {
    "CHANGELOG.md": "changelog.md",
    "CONTRIBUTING.md": "contributing.md",
    "SECURITY.md": "security.md",
    "packages/alchemy-airflow-operators/README.md": "packages/alchemy-airflow-operators.md",
    "packages/astro-dag-deploy/README.md": "packages/astro-dag-deploy.md",
    "packages/databricks-local/README.md": "packages/databricks-local.md",
    "packages/skyspark/README.md": "packages/skyspark.md",
}
_SOURCES = {page: source for source, page in ELSEWHERE.items()}


def source_of(page: str) -> str:
    """Where in the repository a page of the site lies."""
    return _SOURCES.get(page, f"docs/{page}")


def link(url: str, page: str, repository: str) -> str:
    """Turn a link that is right in the repository into one that is right on the site.

    Args:
        url: The link as it is written, relative to the file that holds it.
        page: The page that holds it, as a path in docs/.
        repository: The address of the public repository, without a slash at its end.

    Returns:
        A link relative to the page, or the address of a file or folder that the site does not have. A link
        that leads nowhere comes back as it is, for mkdocs to refuse.
    """
    parts = urlsplit(url)
    if parts.scheme or parts.netloc or not parts.path or parts.path.startswith("/"):
        return url
    place = posixpath.normpath(posixpath.join(posixpath.dirname(source_of(page)), parts.path))
    if place in ELSEWHERE:
        target = ELSEWHERE[place]
    elif place.startswith("docs/"):
        target = place.removeprefix("docs/")
    elif place.startswith("..") or not (ROOT / place).exists():
        return url
    else:
        kind = "tree" if (ROOT / place).is_dir() else "blob"
        return parts._replace(path=f"{repository}/{kind}/main/{place}").geturl()
    return parts._replace(path=posixpath.relpath(target, posixpath.dirname(page) or ".")).geturl()


class _Links(Treeprocessor):
    def __init__(self, md: Markdown, extension: "RepositoryLinks") -> None:
        super().__init__(md)
        self._extension = extension

    def run(self, root: ElementTree.Element) -> None:
        for element in root.iter():
            attribute = {"a": "href", "img": "src"}.get(element.tag)
            if attribute and (url := element.get(attribute)):
                element.set(attribute, link(url, self._extension.page, self._extension.repository))


class RepositoryLinks(Extension):
    """Applies `link` to a page before mkdocs judges its links."""

    def __init__(self, repository: str) -> None:
        super().__init__()
        self.page = ""
        self.repository = repository

    def extendMarkdown(self, md: Markdown) -> None:  # noqa: N802 (Markdown's name)
        """Run before mkdocs' own processor, whose priority is 0."""
        md.treeprocessors.register(_Links(md, self), "repository_links", 1)


def on_config(config: MkDocsConfig) -> None:
    """Give each page's links to `RepositoryLinks`."""
    config.markdown_extensions.append(RepositoryLinks((config.repo_url or "").rstrip("/")))


def on_files(files: Files, config: MkDocsConfig) -> None:
    """Add the pages from elsewhere, and name each page that a pattern of the navigation stands for."""
    for source, page in ELSEWHERE.items():
        if (ROOT / source).exists():
            files.append(File.generated(config, page, abs_src_path=str(ROOT / source)))
    config.nav = _expanded(config.nav, {file.src_uri: file for file in files.documentation_pages()})


def _expanded(entry: Any, pages: dict[str, File]) -> Any:
    if isinstance(entry, list):
        return [found for item in entry if (found := _expanded(item, pages))]
    if isinstance(entry, dict):
        return {title: found for title, value in entry.items() if (found := _expanded(value, pages))}
    if "*" not in entry:
        return entry
    return sorted((page for page in pages if fnmatch(page, entry)), key=lambda page: _rank(pages[page]))


def _rank(file: File) -> tuple[int, str]:
    text, front_matter = meta.get_data(file.content_string)
    title = front_matter.get("title") or get_markdown_title(text) or file.name
    return front_matter.get("weight", 50), str(title)


def on_nav(nav: Navigation, config: MkDocsConfig, **_: Any) -> None:
    """Lead the edit link of a page from elsewhere to its source."""
    for page in nav.pages:
        if page.file.src_uri in _SOURCES:
            page.edit_url = f"{(config.repo_url or '').rstrip('/')}/edit/main/{source_of(page.file.src_uri)}"


def on_page_markdown(_markdown: str, page: Page, config: MkDocsConfig, **_: Any) -> None:
    """Tell the extension which page is next."""
    for extension in config.markdown_extensions:
        if isinstance(extension, RepositoryLinks):
            extension.page = page.file.src_uri
