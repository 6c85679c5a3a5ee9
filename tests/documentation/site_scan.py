"""What the pages of a built site load, link to and name."""

import re
from collections.abc import Iterator
from dataclasses import dataclass, field
from html.parser import HTMLParser
from pathlib import Path
from urllib.parse import unquote, urljoin, urlsplit

# Attributes whose address a browser fetches by itself. A link's `href` is one only by its `rel`.
_FETCHED = ("src", "srcset", "data", "poster", "background", "action", "formaction", "xlink:href")
_RELATIONS = {
    "stylesheet", "icon", "preload", "prefetch", "preconnect", "dns-prefetch", "modulepreload",
    "manifest", "apple-touch-icon", "mask-icon",
}  # fmt: skip
_IN_STYLE = re.compile(r"""url\(\s*["']?([^"')]+)|@import\s+["']([^"']+)""")
_HOST = re.compile(r"""(?:https?:)?//([\w-]+(?:\.[\w-]+)+)""")


@dataclass
class Page(HTMLParser):
    """One page: what it fetches, where its links lead, its anchors, its policy, its list items."""

    path: Path
    fetched: list[str] = field(default_factory=list)
    links: list[str] = field(default_factory=list)
    anchors: set[str] = field(default_factory=set)
    policy: str = ""
    items: int = 0
    scripts: str = ""
    _inside: str = ""
    _articles: int = 0

    def __post_init__(self) -> None:
        super().__init__()
        self.feed(self.path.read_text(encoding="utf-8"))

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        given = {name: value or "" for name, value in attrs}
        self._inside = tag
        self._articles += tag == "article"
        self.items += tag == "li" and self._articles > 0
        if "id" in given:
            self.anchors.add(given["id"])
        self.fetched += [given[name] for name in _FETCHED if given.get(name)]
        self.fetched += addresses_in_style(given.get("style", ""))
        if tag == "a" and "href" in given:
            self.links.append(given["href"])
        if tag == "link" and _RELATIONS & set(given.get("rel", "").split()):
            self.fetched.append(given["href"])
        if given.get("http-equiv") == "Content-Security-Policy":
            self.policy = given["content"]

    def handle_endtag(self, tag: str) -> None:
        self._inside = ""
        self._articles -= tag == "article"

    def handle_data(self, data: str) -> None:
        if self._inside == "style":
            self.fetched += addresses_in_style(data)
        if self._inside == "script":
            self.scripts += data


def addresses_in_style(text: str) -> list[str]:
    """What a style sheet fetches."""
    return [url or other for url, other in _IN_STYLE.findall(text)]


def outside(addresses: list[str]) -> list[str]:
    """Those on another host."""
    return [each for each in addresses if re.match(r"(?:[a-z+.-]+:)?//", each.strip(), re.I)]


def hosts(script: str) -> set[str]:
    """Every host that a script names."""
    return set(_HOST.findall(script))


def dead(page: Page, site: Path, pages: dict[Path, Page]) -> Iterator[str]:
    """Addresses within the site, fetched or linked, that lead nowhere."""
    here = "/" + page.path.relative_to(site).as_posix()
    for address in (*page.fetched, *page.links):
        parts = urlsplit(urljoin(here, address))
        if urlsplit(address).scheme or parts.netloc:
            continue
        target = site / unquote(parts.path).lstrip("/")
        target = target / "index.html" if target.is_dir() else target
        anchor = unquote(parts.fragment)
        if not target.is_file() or (
            anchor and target in pages and anchor not in pages[target].anchors
        ):
            yield address
