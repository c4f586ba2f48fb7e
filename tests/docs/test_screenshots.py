"""The pictures of the documentation: each is shown somewhere, small, and can be taken anew."""

import re

import pytest
import screenshots
from scaffold import REPOSITORY

IMAGES = sorted((REPOSITORY / "docs/images").iterdir())
PAGES = [
    REPOSITORY / "README.md",
    *(REPOSITORY / "docs").rglob("*.md"),
    *(REPOSITORY / "packages").glob("*/README.md"),
]
TAKEN_BY = {
    name: script.name
    for script in (REPOSITORY / "scripts/screenshots.py", REPOSITORY / "scripts/record_wizard.py")
    for name in re.findall(r"[\w-]+\.(?:svg|webp)", script.read_text())
}


@pytest.mark.parametrize("image", IMAGES, ids=lambda image: image.name)
def test_a_picture_is_small_and_comes_from_a_script(image) -> None:
    assert image.stat().st_size <= screenshots.LARGEST_BYTES
    assert image.name in TAKEN_BY
    if image.suffix == ".webp":
        head = image.read_bytes()[:12]
        assert (head[:4], head[8:]) == (b"RIFF", b"WEBP")
    else:
        # A picture that loaded a font or an image would ask others when it is shown.
        assert not re.search(r"@import|url\(['\"]?http|href=\"http", image.read_text())


def test_every_picture_is_shown_and_every_shown_one_is_there() -> None:
    shown = {
        (page.parent / place).resolve()
        for page in PAGES
        for place in re.findall(r"!\[[^\]]+\]\(([^)]*images/[^)]+)\)", page.read_text())
    }
    assert shown == {image.resolve() for image in IMAGES}
