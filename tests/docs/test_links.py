"""No link of the documentation is dead, and no page of it loads anything from elsewhere."""

import http.server
import os
import re
import shutil
import threading
from collections.abc import Iterator
from functools import partial
from html.parser import HTMLParser
from pathlib import Path
from urllib.parse import unquote, urljoin, urlsplit

import markdown
import pytest
import yaml
from playwright.sync_api import sync_playwright
from pymdownx.slugs import slugify
from scaffold import REPOSITORY


class _Loader(yaml.SafeLoader):
    """Reads mkdocs.yml, whatever tags of mkdocs' own stand in it."""


_Loader.add_multi_constructor("", lambda loader, suffix, node: None)
_CONFIG = yaml.load((REPOSITORY / "mkdocs.yml").read_text(encoding="utf-8"), _Loader)
HOME = _CONFIG["site_url"]
FORGE = _CONFIG["repo_url"].rstrip("/") + "/"
# What a browser fetches on its own when it shows a page; of links only those that are not for people.
_FETCHED = {
    ("script", "src"),
    ("img", "src"),
    ("iframe", "src"),
    ("video", "src"),
    ("source", "src"),
    ("link", "href"),
}
_FOR_ROBOTS = {"canonical", "prev", "next", "edit", "alternate"}
PATIENCE_MS = 600_000
_IN_STYLES = re.compile(r"""(?:url\(|@import)\s*["']?((?:https?:)?//[^"')\s]+)""")


class _Page(HTMLParser):
    """The places that a page links to, what it loads, and the names that its parts have."""

    def __init__(self, html: str) -> None:
        super().__init__()
        self.links: set[str] = set()
        self.loads: set[str] = set()
        self.names: set[str] = {""}
        self.feed(html)

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        given = dict(attrs)
        self.names |= {given[key] or "" for key in ("id", "name") if key in given}
        for key, value in attrs:
            if key in ("href", "src", "xlink:href") and value:
                self.links.add(value)
            if (tag, key) in _FETCHED and not _FOR_ROBOTS & set((given.get("rel") or "").split()):
                self.loads.add(value or "")
        self.loads |= {part.split()[0] for part in (given.get("srcset") or "").split(",") if part.strip()}


@pytest.fixture(scope="module")
def pages(site: Path) -> dict[str, _Page]:
    """All pages, by their place on the site; "" is the first."""
    return {
        path.relative_to(site).as_posix().removesuffix("index.html"): _Page(path.read_text(encoding="utf-8"))
        for path in site.rglob("*.html")
    }


def dead(address: str, pages: dict[str, _Page], site: Path) -> str | None:
    """Say what is wrong with a whole address, of the site or the repository; others are not asked."""
    parts = urlsplit(address)
    plain = parts._replace(fragment="", query="").geturl()
    if plain.startswith(FORGE):
        kind, _, path = plain.removeprefix(FORGE).partition("/main/")
        if kind in ("blob", "tree", "edit", "raw") and not (REPOSITORY / unquote(path)).exists():
            return "the repository has no such file"
        return None
    if not plain.startswith(HOME):
        return None
    place = unquote(plain.removeprefix(HOME))
    if page := pages.get(place):
        return None if unquote(parts.fragment) in page.names else f"it has no part '{parts.fragment}'"
    return None if (site / place).is_file() else "the site has no such page"


def test_every_link_of_the_site_leads_somewhere(pages: dict[str, _Page], site: Path) -> None:
    wrong = [
        f"{place or 'index.html'}: {link}: {why}"
        for place, page in pages.items()
        for link in page.links
        if not re.match(r"(?!https?:)[a-z]+:", link)
        and (why := dead(urljoin(HOME + place, link), pages, site))
    ]
    assert len(pages) > 20
    assert not wrong, "\n".join(sorted(wrong))


def read(file: Path) -> _Page:
    """Read Markdown as GitHub shows it."""
    return _Page(
        markdown.markdown(
            file.read_text(encoding="utf-8"),
            extensions=["toc", "tables", "fenced_code"],
            extension_configs={"toc": {"slugify": slugify(case="lower")}},
        )
    )


@pytest.mark.parametrize(
    "path", ["README.md", "CONTRIBUTING.md", *sorted(REPOSITORY.glob("packages/*/README.md"))], ids=str
)
def test_every_link_of_a_readme_leads_somewhere(
    path: str | Path, pages: dict[str, _Page], site: Path
) -> None:
    readme = REPOSITORY / path
    slug = {"toc": {"slugify": slugify(case="lower")}}

    def read(file: Path) -> _Page:
        text = file.read_text(encoding="utf-8")
        return _Page(
            markdown.markdown(text, extensions=["toc", "tables", "fenced_code"], extension_configs=slug)
        )

    wrong = []
    for link in read(readme).links:
        parts = urlsplit(link)
        if parts.scheme:
            why = dead(link, pages, site)
        else:
            target = (readme.parent / unquote(parts.path)).resolve() if parts.path else readme
            there = target.exists() and target.is_relative_to(REPOSITORY)
            why = None if there else "the repository has no such file"
            if there and parts.fragment and parts.fragment not in read(target).names:
                why = f"it has no heading '{parts.fragment}'"
        if why:
            wrong.append(f"{link}: {why}")
    assert not wrong, "\n".join(sorted(wrong))


def test_no_page_loads_anything_from_elsewhere(pages: dict[str, _Page], site: Path) -> None:
    loads = {(place, load) for place, page in pages.items() for load in page.loads if urlsplit(load).netloc}
    styles = [*site.rglob("*.css"), *site.rglob("*.html"), *site.rglob("*.svg")]
    for path in styles:
        named = _IN_STYLES.findall(path.read_text(encoding="utf-8"))
        loads |= {(path.relative_to(site).as_posix(), load) for load in named}
    assert not loads


@pytest.fixture
def served(site: Path) -> Iterator[str]:
    """The site's address on a server of this machine."""
    handler = partial(_Quiet, directory=str(site))
    with http.server.ThreadingHTTPServer(("127.0.0.1", 0), handler) as server:
        threading.Thread(target=server.serve_forever, daemon=True).start()
        yield f"http://127.0.0.1:{server.server_address[1]}/"
        server.shutdown()


class _Quiet(http.server.SimpleHTTPRequestHandler):
    def log_message(self, *arguments: object) -> None:
        """Say nothing."""


def test_a_browser_finds_pages_and_copies_commands_and_asks_no_other_host(served: str) -> None:
    with sync_playwright() as playwright:
        chromium = shutil.which("chromium") or shutil.which("google-chrome")
        options = ["--no-sandbox"] if os.geteuid() == 0 else []
        browser = playwright.chromium.launch(executable_path=chromium, args=options, timeout=PATIENCE_MS)
        page = browser.new_page()
        page.set_default_timeout(PATIENCE_MS)
        asked: list[str] = []
        page.on("request", lambda request: asked.append(request.url))
        errors: list[str] = []
        page.on("pageerror", lambda error: errors.append(str(error)))
        page.goto(served)
        page.get_by_role("textbox", name="Search").press_sequentially("merge-tree conflicts journal")
        page.locator(".md-search-result__item").first.wait_for()
        page.goto(f"{served}update/")
        # The copy button of a session takes what is to be typed, without prompts and answers.
        page.context.grant_permissions(["clipboard-read", "clipboard-write"])
        page.locator(".highlight", has_text="Behind: cut from").get_by_role("button").click()
        page.wait_for_function("navigator.clipboard.readText()")
        copied = page.evaluate("navigator.clipboard.readText()")
        browser.close()
    assert copied == "mshell-cut check"
    assert asked
    assert not [url for url in asked if not url.startswith((served, "data:", "blob:"))]
    assert not errors
