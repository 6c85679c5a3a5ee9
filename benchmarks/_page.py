"""A generated table in a page that is otherwise written by hand."""

from pathlib import Path

END = "<!-- End of that. -->"


def put_table(page: Path, begin: str, table: str) -> None:
    """Put a table between the mark that names its command and the next `END`."""
    before, _, rest = page.read_text().partition(begin)
    page.write_text(f"{before}{begin}\n\n{table}\n\n{END}{rest.partition(END)[2]}")


def table_of(page: Path, begin: str) -> list[str]:
    """The lines between the mark and the next `END`."""
    return page.read_text().partition(begin)[2].partition(END)[0].splitlines()
