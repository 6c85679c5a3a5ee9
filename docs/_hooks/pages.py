"""Which files of the repository become pages of the site.

Pages and pictures keep their paths in the repository, so that a link between two files is the same
there and on the site; only the first page moves to the top. A file that a page links to (a recipe,
a licence) is copied beside the pages.
"""

import re
from pathlib import Path
from typing import Any

from mkdocs.config.defaults import MkDocsConfig
from mkdocs.exceptions import PluginError
from mkdocs.structure.files import File, Files, InclusionLevel
from mkdocs.structure.nav import Navigation
from mkdocs.structure.pages import Page

ROOT = Path(__file__).parents[2]
HOME = "docs/index.md"
PAGES = (
    "docs/*.md",
    "export/README.md",
    "examples/*.md",
    "zoo/README.md",
    "zoo/*/README.md",
    "CHANGELOG.md",
    "CONTRIBUTING.md",
    "SECURITY.md",
)
_ITEM = re.compile(r"(?:[-*]|\d+\.) ")
# Stemmers of the search for languages that no page is in.
_LANGUAGES = "assets/javascripts/lunr/"
_LINK = re.compile(r"\]\((?!\w+:|#)([^)\s#]+)")


def sources() -> list[str]:
    """Paths of the pages in the repository."""
    return [path.relative_to(ROOT).as_posix() for pattern in PAGES for path in ROOT.glob(pattern)]


def linked(source: str) -> set[str]:
    """Paths of the files that a page links to, where they are in the repository."""
    text = (ROOT / source).read_text(encoding="utf-8")
    found = set()
    for target in _LINK.findall(text):
        path = (ROOT / source).parent.joinpath(target).resolve()
        if path.is_file() and path.is_relative_to(ROOT):
            found.add(path.relative_to(ROOT).as_posix())
    return found


def title(source: str) -> str:
    """The first heading of a page."""
    return re.search(r"^# (.+)$", (ROOT / source).read_text(encoding="utf-8"), re.M)[1]


def on_config(config: MkDocsConfig) -> MkDocsConfig:
    """Put the cards, and pages that `nav` does not name, into it."""
    sections = {name: pages for entry in config.nav for name, pages in entry.items()}
    cards = sorted(path for path in sources() if re.fullmatch(r"zoo/\w+/README\.md", path))
    sections["Zoo"] += [{title(path): path} for path in cards]
    named = set(_named(config.nav))
    rest = sorted(path for path in sources() if path not in named)
    sections["Guide"] += [{title(path): path} for path in rest]
    return config


def _named(nav: Any) -> list[str]:
    if isinstance(nav, str):
        return [nav]
    entries = nav.values() if isinstance(nav, dict) else nav
    return [path for entry in entries for path in _named(entry)]


def on_files(files: Files, config: MkDocsConfig) -> Files:
    """Replace what MkDocs found in docs/ by the pages and what they link to."""
    theme = (file for file in files if file.src_dir != str(Path(config.docs_dir)))
    found = Files([file for file in theme if not file.src_uri.startswith(_LANGUAGES)])
    pages = set(sources())
    others = set().union(*map(linked, pages)) - pages
    for path in sorted(pages | others):
        seen = InclusionLevel.INCLUDED if path in pages else InclusionLevel.NOT_IN_NAV
        file = File.generated(config, path, abs_src_path=str(ROOT / path), inclusion=seen)
        if path == HOME:
            file.dest_uri = "index.html"
        found.append(file)
    return found


def on_nav(nav: Navigation, config: MkDocsConfig, files: Files) -> None:
    """Refuse two files with one address, of which MkDocs would write one only."""
    places: dict[str, str] = {}
    for file in files:
        if other := places.get(file.dest_uri):
            raise PluginError(
                f"{file.src_uri} and {other} would both be {file.dest_uri}. Rename one of them."
            )
        places[file.dest_uri] = file.src_uri


def on_page_markdown(text: str, page: Page, config: MkDocsConfig, files: Files) -> str:
    """Lay a page out: the first one has the whole width, as its section has no other page."""
    if page.file.src_uri == HOME:
        page.meta["hide"] = ["navigation"]
    return with_lists(text)


def with_lists(text: str) -> str:
    """A page where each list follows an empty line, without which Python-Markdown sees none."""
    lines: list[str] = []
    fenced = False
    for line in text.splitlines():
        if line.startswith("```"):
            fenced = not fenced
        before = lines[-1] if lines else ""
        starts = _ITEM.match(line) and before and not _ITEM.match(before) and before[0] != " "
        if starts and not fenced:
            lines.append("")
        lines.append(line)
    return "\n".join(lines) + "\n"
