"""Every sentence on security and on failures has a test, which `promises.txt` names.

A sentence that is new, or changed, fails here until its tests were written or read again.
"""

import ast
import re
from functools import cache
from pathlib import Path

import pytest
from sentences import sentences

TESTS = Path(__file__).parents[1]
PAGES = {
    "SECURITY.md": lambda heading, sentence: True,
    "docs/guarantees.md": lambda heading, sentence: sentence.startswith(
        ("A file that misses", "Files", "Your model")
    ),
    "docs/reliability.md": lambda heading, sentence: (
        heading in ("What survives which failure", "What is promised", "What was found, and mended")
    ),
}
NONE = (
    "a link", "a word", "advice", "an assumption", "of people, not of the package",
    "of the benchmark", "what is not promised", "what the page is about", "what a runtime is",
)  # fmt: skip


def listed() -> dict[str, dict[str, list[str]]]:
    """Page -> sentence -> names of tests, or a reason why there is none."""
    text = Path(__file__).with_name("promises.txt").read_text(encoding="utf-8")
    found: dict[str, dict[str, list[str]]] = {}
    for page in re.split(r"^# ", text, flags=re.MULTILINE)[1:]:
        name, *blocks = re.split(r"\n(?=\S)", page.strip())
        of_page = found[name.strip()] = {}
        for sentence, *tests in (block.splitlines() for block in blocks):
            of_page.setdefault(sentence, []).extend(test.strip() for test in tests)
    return found


LISTED = listed()


@pytest.mark.parametrize("page", PAGES)
def test_each_sentence_is_listed(page) -> None:
    written = [each for of, each in sentences(TESTS.parent / page) if PAGES[page](of, each)]
    assert len(written) > 10
    assert [each for each in written if each not in LISTED[page]] == [], "without a test"
    assert [each for each in LISTED[page] if each not in written] == [], "no longer on the page"


@cache
def names_in(file: str) -> set[str]:
    tree = ast.parse((TESTS / file).read_text(encoding="utf-8"))
    return {node.name for node in tree.body if isinstance(node, ast.FunctionDef)}


@pytest.mark.parametrize("page", PAGES)
def test_each_test_is_there(page) -> None:
    for sentence, tests in LISTED[page].items():
        assert tests, sentence
        for test in tests:
            if test.startswith("- "):
                assert test[2:] in NONE and len(tests) == 1, sentence
                continue
            file, _, name = test.partition("::")
            assert name.startswith("test_") and name in names_in(file), f"{sentence}: {test}"


def test_sentences(tmp_path) -> None:
    page = tmp_path / "a.md"
    page.write_text(
        "# One\n\nA first. The second,\nin two lines.\n\n```\ncode. Code.\n```\n\n"
        "- an item; with a part\n- **Bold.** Another.\n\n## Two\n\n"
        "| file | threat | measure |\n|---|---|---|\n| `a` | bad | good; better. Best |\n"
    )
    assert sentences(page) == [
        ("One", "A first."),
        ("One", "The second, in two lines."),
        ("One", "an item; with a part"),
        ("One", "**Bold.** Another."),
        ("Two", "`a`, measure: good"),
        ("Two", "`a`, measure: better."),
        ("Two", "`a`, measure: Best"),
    ]
