"""SHA-256 of files and folders."""

import hashlib
import os

from keras_upsample.files._digest import digest_of, digests_of, have_digests


def folder(place, **files):
    for name, content in files.items():
        path = place / name.replace("__", "/")
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_bytes(content)
    return place


def test_of_a_file_as_sha256sum_prints_it(tmp_path):
    content = os.urandom(3 * 2**20 + 7)
    for name in ("a.tflite", "b.tflite"):
        (tmp_path / name).write_bytes(content)
        expected = hashlib.sha256(content).hexdigest()
        assert digest_of(tmp_path / name) == expected
        assert digests_of(tmp_path / name) == {name: expected}


def test_of_a_folder(tmp_path):
    files = {"graph": b"g", "variables__data": b"d", "variables__index": b"i"}
    first = folder(tmp_path / "a", **files)
    told = digest_of(first)
    assert digest_of(folder(tmp_path / "another", **files)) == told  # its own name is no part
    assert digest_of(first, digests_of(first)) == told
    others = (
        {**files, "graph": b"h"},
        {**files, "more": b""},
        {"graph": b"g", "variables__data": b"d", "variables__other": b"i"},
        {"graph": b"g", "variables__data": b"i", "variables__index": b"d"},
        {"graph": b"g"},
        {},
    )
    found = {told}
    for number, one in enumerate(others):
        (tmp_path / str(number)).mkdir()
        found.add(digest_of(folder(tmp_path / str(number), **one)))
    assert len(found) == len(others) + 1


def test_more_files_are_no_change(tmp_path):
    place = folder(tmp_path / "saved", graph=b"g")
    told = digests_of(place)
    assert list(told) == ["saved/graph"]
    folder(place, notes=b"mine")
    assert have_digests(place, told)
    (place / "graph").write_bytes(b"h")
    assert not have_digests(place, told)
