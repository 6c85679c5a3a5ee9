"""The documentation site builds, asks no other host for anything, and names all that is public.

Needs the extra `docs`.
"""

import ast
import os
import re
import subprocess
import sys
from pathlib import Path

import pytest
from site_scan import Page, addresses_in_style, dead, hosts, outside

pytest.importorskip("mkdocs")
pytest.importorskip("material")
ROOT = Path(__file__).parents[2]
PACKAGE = ROOT / "keras_upsample"

# Hosts that scripts of the theme name, and why no page asks them. Each page's policy would refuse.
NAMED_IN_SCRIPTS = {
    "www.w3.org": "a name of XML",
    **dict.fromkeys(("bit.ly", "clipboardjs.com", "lunrjs.com", "tartarus.org"), "a comment"),
    "i.test": "an address that is parsed to find out what the browser can",
    "api.github.com": "figures of `repo_url`, which mkdocs.yml does not have",
    "unpkg.com": "diagrams, which no page has, and the search without a server",
}


# What the policy of a page consists of: no host, and no scheme that leads to one.
ALLOWED = {"default-src", "img-src", "worker-src", "object-src", "base-uri"}
ALLOWED |= {"'self'", "'unsafe-inline'", "'none'", "data:", "blob:"}


@pytest.fixture(scope="module")
def site(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The site, built where TensorFlow and Keras can't be imported."""
    heavy = tmp_path_factory.mktemp("heavy")
    for name in ("tensorflow", "keras", "onnx", "onnxruntime"):
        (heavy / f"{name}.py").write_text("raise SystemExit('The site imports ' + __name__)")
    place = tmp_path_factory.mktemp("site")
    done = subprocess.run(
        [sys.executable, "-m", "mkdocs", "build", "--strict", "--site-dir", place],
        cwd=ROOT,
        env=os.environ | {"PYTHONPATH": str(heavy), "NO_MKDOCS_2_WARNING": "1"},
        capture_output=True,
        text=True,
        check=False,
    )
    assert done.returncode == 0, done.stderr[-3000:]
    return place


@pytest.fixture(scope="module")
def pages(site: Path) -> dict[Path, Page]:
    return {path: Page(path) for path in site.rglob("*.html")}


def public_names() -> list[str]:
    """`package.name` of every stub's `__all__`."""
    found = []
    for stub in sorted(PACKAGE.rglob("__init__.pyi")):
        package = ".".join(stub.parent.relative_to(ROOT).parts)
        for statement in ast.parse(stub.read_text(encoding="utf-8")).body:
            if isinstance(statement, ast.Assign) and statement.targets[0].id == "__all__":
                found += [f"{package}.{each.value}" for each in statement.value.elts]
    return found


def test_every_public_name_is_on_a_page(site: Path, pages: dict[Path, Page]) -> None:
    anchors = set().union(*(page.anchors for page in pages.values()))
    anchors |= {f"keras_upsample.{path.name}" for path in (site / "api").iterdir()}
    names = public_names()
    assert {"keras_upsample.layers.TransposedConv2D", "keras_upsample.zoo"} <= set(names)
    assert [name for name in names if name not in anchors] == []


def test_the_reference_has_signatures_and_docstrings(site: Path) -> None:
    text = re.sub(r"<[^>]+>", "", (site / "api/layers/index.html").read_text(encoding="utf-8"))
    assert "Upsamples by spreading every pixel over a learned kernel." in text
    assert "kernel_size" in text


def test_every_command_and_option_is_on_the_page(site: Path, pages: dict[Path, Page]) -> None:
    from typer.main import get_command

    from keras_upsample.cli import app

    place = site / "command-line/index.html"
    text = place.read_text(encoding="utf-8")
    waiting = [("keras-upsample", get_command(app))]
    seen = []
    while waiting:
        name, command = waiting.pop()
        seen.append(name)
        assert name.replace(" ", "-") in pages[place].anchors
        section = text.split(f'id="{name.replace(" ", "-")}"')[1].split("<h")[0]
        for parameter in command.params:
            for option in (each for each in parameter.opts if each.startswith("--")):
                assert re.search(rf"<code>{option}\b", section), f"{name} {option}"
        waiting += [(f"{name} {k}", v) for k, v in getattr(command, "commands", {}).items()]
    assert len(seen) > 8


def test_every_page_of_the_repository_is_there(site: Path) -> None:
    for card in (ROOT / "zoo").glob("*/README.md"):
        assert (site / "zoo" / card.parent.name / "index.html").is_file()
    for page in (ROOT / "docs").glob("*.md"):
        place = "" if page.stem == "index" else f"docs/{page.stem}/"
        assert (site / f"{place}index.html").is_file()
    assert (site / "examples/quickstart/index.html").is_file()


def test_lists_of_the_changelog_are_lists(site: Path, pages: dict[Path, Page]) -> None:
    items = re.findall(r"^- ", (ROOT / "CHANGELOG.md").read_text(encoding="utf-8"), re.M)
    assert pages[site / "CHANGELOG/index.html"].items == len(items)


def test_no_address_within_the_site_is_dead(site: Path, pages: dict[Path, Page]) -> None:
    assert {
        str(p.path.relative_to(site)): d for p in pages.values() if (d := [*dead(p, site, pages)])
    } == {}


def test_nothing_is_loaded_from_another_host(site: Path, pages: dict[Path, Page]) -> None:
    for page in pages.values():
        assert outside(page.fetched) == [], page.path
        assert page.policy.startswith("default-src 'self' "), page.path
        assert set(re.findall(r"[^\s;]+", page.policy)) <= ALLOWED, page.path
        assert hosts(page.scripts) <= set(NAMED_IN_SCRIPTS), page.path
    for sheet in site.rglob("*.css"):
        assert outside(addresses_in_style(sheet.read_text(encoding="utf-8"))) == [], sheet
    for script in site.rglob("*.js"):
        assert hosts(script.read_text(encoding="utf-8")) <= set(NAMED_IN_SCRIPTS), script


def test_the_scan_finds_what_it_looks_for(tmp_path: Path) -> None:
    page = tmp_path / "index.html"
    page.write_text(
        '<link rel="preconnect" href="https://a.example.org"><script src="//b.example.org/x.js">'
        "</script><style>@import 'https://c.example.org/y.css';</style>"
        '<p style="background: url(https://d.example.org/z.png)" id="here">'
        '<a href="https://e.example.org">out</a><a href="#here">in</a><a href="#gone">no</a>'
        '<img src="gone.png"><img src="data:image/png;base64,AA==">'
        "<script>fetch('https://f.example.org')</script>"
    )
    found = Page(page)
    assert [each.split("/")[2][0] for each in outside(found.fetched)] == ["a", "b", "c", "d"]
    assert hosts(found.scripts) == {"f.example.org"}
    assert list(dead(found, tmp_path, {page: found})) == ["gone.png", "#gone"]


def test_every_layer_is_in_the_table_of_layers() -> None:
    table = (ROOT / "docs/layers.md").read_text(encoding="utf-8")
    layers = [name for name in public_names() if name.startswith("keras_upsample.layers.")]
    assert len(layers) > 20
    assert [name for name in layers if f"`{name.rpartition('.')[2]}`" not in table] == []
