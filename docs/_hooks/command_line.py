"""The page of the commands, as typer writes it from the program itself."""

import re
import subprocess
import sys
from pathlib import Path

from mkdocs.config.defaults import MkDocsConfig
from mkdocs.structure.files import File, Files

ROOT = Path(__file__).parents[2]
PAGE = "command-line.md"
_HEADING = re.compile(r"^#+ `([^`\n]+)`\n+(.+?)\n\n", re.M | re.S)
_CUT = re.compile(r"^\* `([\w-]+)`: .*$", re.M)


def text() -> str:
    """The page."""
    command = [sys.executable, "-m", "typer", "keras_upsample.cli"]
    command += ["utils", "docs", "--name", "keras-upsample"]
    written = subprocess.run(command, cwd=ROOT, capture_output=True, text=True, check=True).stdout
    about = {name: " ".join(words.split()) for name, words in _HEADING.findall(written)}
    sections = re.split(r"^(?=#+ `)", written, flags=re.M)
    return "".join(_with_whole_sentences(section, about) for section in sections)


def _with_whole_sentences(section: str, about: dict[str, str]) -> str:
    """A section whose list of commands has links and no sentence that is cut."""
    head, title, commands = section.partition("**Commands**:")
    name = _HEADING.match(section)[1] if title else ""

    def entry(found: re.Match[str]) -> str:
        command = f"{name} {found[1]}"
        return f"* [`{found[1]}`](#{command.replace(' ', '-')}): {about[command]}"

    return head + title + _CUT.sub(entry, commands)


def on_config(config: MkDocsConfig) -> MkDocsConfig:
    """Put the page into the reference."""
    sections = {name: pages for entry in config.nav for name, pages in entry.items()}
    sections["Reference"].append({"Command line": PAGE})
    return config


def on_files(files: Files, config: MkDocsConfig) -> Files:
    """Add the page."""
    files.append(File.generated(config, PAGE, content=text()))
    return files
