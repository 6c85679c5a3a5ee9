"""Weights that do not ship, from a server on this machine that behaves and misbehaves."""

import dataclasses
import hashlib
import threading
import time
from contextlib import suppress
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer

import numpy as np
import pytest

from keras_upsample.errors import FetchError
from keras_upsample.files import _transfer
from keras_upsample.zoo._presets import Preset
from keras_upsample.zoo._weight_file import read_weights, write_weights
from keras_upsample.zoo._weight_source import weight_file


class Handler(BaseHTTPRequestHandler):
    content, asked = b"", 0

    def do_GET(self):
        type(self).asked += 1
        if self.path == "/missing.safetensors":
            self.send_error(404)
            return
        self.send_response(200)
        if self.path in ("/endless.npz", "/slow.npz"):
            self.end_headers()
            with suppress(OSError):  # until who asked is gone
                while True:
                    self.wfile.write(self.content if self.path == "/endless.npz" else b"x")
                    time.sleep(0.05)
        more = 2**40 if self.path == "/lie.npz" else 0
        self.send_header("Content-Length", str(len(self.content) + more))
        self.end_headers()
        # "cut": half of what was announced, then the connection ends
        half = len(self.content) // 2
        self.wfile.write(self.content[:half] if self.path == "/cut.safetensors" else self.content)

    def log_message(self, *arguments):
        pass


@pytest.fixture
def server(tmp_path, monkeypatch):
    write_weights({"a": np.arange(500, dtype="float32")}, tmp_path / "there.safetensors")
    Handler.content, Handler.asked = (tmp_path / "there.safetensors").read_bytes(), 0
    monkeypatch.setenv("KERAS_UPSAMPLE_CACHE", str(tmp_path / "cache"))
    for name in ("http_proxy", "HTTP_PROXY", "all_proxy", "ALL_PROXY"):
        monkeypatch.delenv(name, raising=False)
    running = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
    thread = threading.Thread(target=running.serve_forever, daemon=True)
    thread.start()
    yield f"http://127.0.0.1:{running.server_address[1]}"
    running.shutdown()
    running.server_close()


def preset(address):
    digest = hashlib.sha256(Handler.content).hexdigest()
    return Preset("unet", "far", {}, "", "", url=address, sha256=digest)


def kept(tmp_path):
    folder = tmp_path / "cache" / "weights"
    return [path.name for path in folder.iterdir()] if folder.exists() else []


def test_downloaded_once(server, tmp_path):
    path = weight_file(preset(f"{server}/w.safetensors"))
    np.testing.assert_array_equal(read_weights(path)["a"], np.arange(500))
    assert weight_file(preset(f"{server}/w.safetensors")) == path
    assert Handler.asked == 1
    assert kept(tmp_path) == ["unet_far.safetensors"]


def test_a_damaged_file_in_the_cache_is_downloaded_again(server):
    path = weight_file(preset(f"{server}/w.safetensors"))
    path.write_bytes(b"damaged")
    assert weight_file(preset(f"{server}/w.safetensors")).read_bytes() == Handler.content
    assert Handler.asked == 2


@pytest.mark.parametrize(
    "name, change, message",
    [
        ("w", {"sha256": "0" * 64}, "SHA256|hash"),
        ("cut", {}, "IncompleteRead|[Cc]onnection|hash"),
        ("missing", {}, "404"),
    ],
)
def test_what_goes_wrong_is_told_and_leaves_nothing(name, change, message, server, tmp_path):
    entry = dataclasses.replace(preset(f"{server}/{name}.safetensors"), **change)
    with pytest.raises(FetchError, match=rf"weights of unet:far .*({message})"):
        weight_file(entry)
    assert kept(tmp_path) == []


@pytest.mark.parametrize(
    "name, known", [("endless", True), ("endless", False), ("slow", True), ("lie", True)]
)
def test_a_transfer_ends(name, known, server, tmp_path, monkeypatch):
    """A server that does not end, one that sends 20 bytes in a second, one that announces 1 TB."""
    size = len(Handler.content)
    monkeypatch.setattr(_transfer, "MOST", 2 * size)
    if name == "slow":
        monkeypatch.setattr(_transfer, "SECONDS", 1)
    entry = dataclasses.replace(preset(f"{server}/{name}.npz"), size=size if known else None)
    most = size if known else 2 * size
    message = {
        "endless": f"more than {most:,} bytes, which is {'what it should' if known else 'what is'}",
        "slow": "it takes more than 1 seconds",
        "lie": "IncompleteRead|Connection broken",
    }[name]
    with pytest.raises(FetchError, match=message) as info:
        weight_file(entry)
    assert "\n" not in str(info.value)
    assert kept(tmp_path) == []


def test_no_server(server, tmp_path):
    entry = preset("http://127.0.0.1:9/w.safetensors")  # port 9, discard, which nobody serves
    with pytest.raises(FetchError, match=r"could not be downloaded.*Check the network"):
        weight_file(entry)
    assert kept(tmp_path) == []


def test_a_cache_that_cannot_be_written(server, tmp_path, monkeypatch):
    (tmp_path / "file").write_text("no folder")
    monkeypatch.setenv("KERAS_UPSAMPLE_CACHE", str(tmp_path / "file"))
    with pytest.raises(FetchError, match="KERAS_UPSAMPLE_CACHE"):
        weight_file(preset(f"{server}/w.safetensors"))


def test_a_missing_shipped_file_is_told(tmp_path):
    with pytest.raises(FetchError, match="Install the package anew"):
        weight_file(Preset("unet", "lost", {}, "", ""))
