"""No link between the documents is dead in the repository; the site's own are checked there."""

import re
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[2]
PATTERNS = ("*.md", "docs/*.md", "export/*.md", "examples/*.md", "zoo/*.md", "zoo/*/*.md")
PAGES = sorted(page.relative_to(ROOT) for pattern in PATTERNS for page in ROOT.glob(pattern))
FENCE = re.compile(r"^```.*?^```", re.S | re.M)
LINK = re.compile(r"\]\((?!\w+:)([^)\s]+)\)")
HEADING = re.compile(r"^#+ +(.+?) *$", re.M)


def text_of(page: Path) -> str:
    return FENCE.sub("", page.read_text(encoding="utf-8"))


def anchors(page: Path) -> set[str]:
    """As GitHub makes them: lower case, punctuation left out, spaces to hyphens."""
    found: dict[str, int] = {}
    for heading in HEADING.findall(text_of(page)):
        plain = re.sub(r"\[([^]]*)\]\([^)]*\)", r"\1", heading)
        slug = re.sub(r"[^\w\- ]", "", plain.lower()).replace(" ", "-")
        number = found.get(slug, 0)
        found[slug] = number + 1
        if number:
            found[f"{slug}-{number}"] = 1
    return set(found)


def dead_links(page: Path) -> list[str]:
    dead = []
    for link in LINK.findall(text_of(page)):
        path, _, anchor = link.partition("#")
        target = (page.parent / path).resolve() if path else page
        if not target.exists() or (anchor and anchor not in anchors(target)):
            dead.append(link)
    return dead


def test_there_are_pages() -> None:
    assert {"README.md", "docs/index.md", "zoo/unet/README.md"} <= set(map(str, PAGES))


def test_a_dead_link_is_found(tmp_path: Path) -> None:
    page = tmp_path / "page.md"
    page.write_text(
        "# It's `one`, or two\n# Twice\n# Twice\n[a](#its-one-or-two) [b](page.md#twice-1)\n"
        "[c](#its-one) [d](other.md) [e](https://example.org)\n```\n[f](fenced.md)\n# Fenced\n```\n"
        "[g](#fenced)\n"
    )
    assert dead_links(page) == ["#its-one", "other.md", "#fenced"]


@pytest.mark.parametrize("page", PAGES, ids=str)
def test_links(page: Path) -> None:
    assert dead_links(ROOT / page) == []
