"""Checks the sdist and the wheel in a folder against the list of files that git tracks.

python .ci/packages.py dist tracked.txt

An sdist must have every tracked file, so that its tests run; a wheel must have those of the
package, the three licence files and nothing else. The long description must have no relative link,
which leads nowhere on an index.
"""

import re
import sys
import tarfile
import zipfile
from email import message_from_bytes
from pathlib import Path

LICENCES = (
    "LICENSE",
    "keras_upsample/data/photographs/NOTICE.md",
    "keras_upsample/zoo/weights/NOTICE",
)
RELATIVE = re.compile(r"""\]\((?!https?://|\#)[^)]*\)|(?:src|href)=["'](?!https?://|\#)[^"']*""")


def differences(kind: str, there: set[str], wanted: set[str]) -> list[str]:
    return [f"{kind} lacks {name}" for name in sorted(wanted - there)] + [
        f"{kind} has {name}, which should not be in it" for name in sorted(there - wanted)
    ]


def faults_of_sdist(path: Path, tracked: set[str]) -> list[str]:
    with tarfile.open(path) as archive:
        there = {name.partition("/")[2] for name in archive.getnames()}
    return differences(path.name, there, tracked | {"PKG-INFO"})


def faults_of_wheel(path: Path, tracked: set[str]) -> list[str]:
    with zipfile.ZipFile(path) as archive:
        there = set(archive.namelist())
        info = next(name.partition("/")[0] for name in there if ".dist-info/" in name)
        metadata = message_from_bytes(archive.read(f"{info}/METADATA"))
    facts = (
        "METADATA",
        "RECORD",
        "WHEEL",
        "entry_points.txt",
        *(f"licenses/{n}" for n in LICENCES),
    )
    wanted = {name for name in tracked if name.startswith("keras_upsample/")}
    wanted |= {f"{info}/{name}" for name in facts}
    found = differences(path.name, there, wanted)
    named = set(metadata.get_all("License-File", []))
    found += differences(f"License-File of {path.name}", named, set(LICENCES))
    description = str(metadata.get_payload())
    if "pip install" not in description:
        found.append(f"{path.name} has no long description")
    return found + [
        f"long description: relative link {m[0]!r}" for m in RELATIVE.finditer(description)
    ]


def main(folder: str, listing: str) -> int:
    tracked = set(Path(listing).read_text().splitlines())
    (sdist,) = Path(folder).glob("*.tar.gz")
    (wheel,) = Path(folder).glob("*.whl")
    found = faults_of_sdist(sdist, tracked) + faults_of_wheel(wheel, tracked)
    print(*found or [f"{sdist.name} and {wheel.name} have what they should"], sep="\n")
    return bool(found)


if __name__ == "__main__":
    sys.exit(main(*sys.argv[1:]))
