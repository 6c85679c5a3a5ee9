"""A stand-in for Kaggle's server: the calls that kagglehub 1.0 makes for models, in memory."""

import base64
import hashlib
import json
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from typing import Any

from small_server import Answers, serve

TOKEN = "kaggle_of_the_test"


@dataclass
class Hub:
    """What the server holds, and how it misbehaves.

    Attributes:
        models: USER/MODEL -> whether it is private.
        versions: USER/MODEL/FRAMEWORK/VARIATION -> its versions: name -> content.
        licences: variation -> name of its licence.
        page: files in one answer of the list.
        states_md5: whether the storage tells the hash of a file.
        damaged: name -> content that is served in place of the stored one, with its hash.
    """

    models: dict[str, bool] = field(default_factory=dict)
    versions: dict[str, list[dict[str, bytes]]] = field(default_factory=dict)
    licences: dict[str, str | None] = field(default_factory=dict)
    page: int = 2
    states_md5: bool = True
    damaged: dict[str, bytes] = field(default_factory=dict)
    asked: list[str] = field(default_factory=list)
    blobs: dict[str, tuple[str, bytes]] = field(default_factory=dict)
    url: str = ""


@contextmanager
def served() -> Iterator[Hub]:
    hub = Hub()
    with serve(type("Handler", (_Handler,), {"hub": hub})) as hub.url:
        yield hub


class _Handler(Answers):
    hub: Hub

    def answer(self, body: bytes) -> None:
        name = self.path.rpartition("/")[2]
        self.hub.asked.append(name)
        if self.command == "PUT":
            self.hub.blobs[name] = (self.hub.blobs[name][0], body)
            self.send(200, b"")
            return
        given = json.loads(body)
        sent = self.headers.get("Authorization")
        if sent not in (None, f"Bearer {TOKEN}") or (sent is None and name in _WRITES):
            self.send(401, {"code": 401, "message": "Unauthenticated"})
            return
        getattr(self, f"_{name}")(given, f"{given.get('ownerSlug')}/{given.get('modelSlug')}")

    def _no(self) -> None:
        self.send(404, {"code": 404, "message": "Not found"})

    def _GetModel(self, given: Any, model: str) -> None:
        if model not in self.hub.models:
            self._no()
            return
        self.send(200, {"slug": given["modelSlug"], "isPrivate": self.hub.models[model]})

    def _CreateModel(self, given: Any, model: str) -> None:
        self.hub.models[f"{given['ownerSlug']}/{given['slug']}"] = given["isPrivate"]
        self.send(200, {"id": 1})

    def _StartBlobUpload(self, given: Any, model: str) -> None:
        token = f"blob{len(self.hub.blobs)}_{given['name']}"
        self.hub.blobs[token] = (given["name"], b"")
        self.send(200, {"token": token, "createUrl": f"{self.hub.url}/{token}"})

    def _CreateModelInstance(self, given: Any, model: str) -> None:
        body = given["body"]
        variation = f"{model}/{body['framework']}/{body['instanceSlug']}"
        if variation in self.hub.versions:
            self.send(200, {"error": "it is there", "errorCode": 409})
            return
        self.hub.versions[variation] = [self._files(body)]
        self.hub.licences[variation] = body.get("licenseName")
        self.send(200, {"id": 1})

    def _CreateModelInstanceVersion(self, given: Any, model: str) -> None:
        self.hub.versions[self._variation(given, model)].append(self._files(given["body"]))
        self.send(200, {"id": 1})

    def _files(self, folder: Any, above: str = "") -> dict[str, bytes]:
        found = {}
        for item in folder.get("files", ()):
            name, content = self.hub.blobs[item["token"]]
            found[above + name] = content
        for item in folder.get("directories", ()):
            found |= self._files(item, f"{above}{item['name']}/")
        return found

    @staticmethod
    def _variation(given: Any, model: str) -> str:
        return f"{model}/{given['framework']}/{given['instanceSlug']}"

    def _GetModelInstance(self, given: Any, model: str) -> None:
        versions = self.hub.versions.get(self._variation(given, model))
        if versions is None:
            self._no()
            return
        self.send(200, {"slug": given["instanceSlug"], "versionNumber": len(versions)})

    def _version(self, given: Any, model: str) -> dict[str, bytes] | None:
        versions = self.hub.versions.get(self._variation(given, model), [])
        if 0 < given["versionNumber"] <= len(versions):
            return versions[given["versionNumber"] - 1]
        self._no()
        return None

    def _ListModelInstanceVersionFiles(self, given: Any, model: str) -> None:
        if (files := self._version(given, model)) is None:
            return
        start = int(given.get("pageToken") or 0)
        end = start + self.hub.page
        listed = [
            {"name": name, "size": len(content), "creationDate": "2026-01-01T00:00:00.000Z"}
            for name, content in [*files.items()][start:end]
        ]
        self.send(200, {"files": listed, "nextPageToken": str(end) if end < len(files) else ""})

    def _DownloadModelInstanceVersion(self, given: Any, model: str) -> None:
        if (files := self._version(given, model)) is None:
            return
        content = files[given["path"]]
        digest = base64.b64encode(hashlib.md5(content).digest()).decode()
        content = self.hub.damaged.get(given["path"], content)
        stated = f",md5={digest}" if self.hub.states_md5 else ""
        self.send(200, content, X_Goog_Hash=f"crc32c=AAAAAA=={stated}")


_WRITES = {
    "CreateModel", "CreateModelInstance", "CreateModelInstanceVersion", "GetModel",
    "StartBlobUpload",
}  # fmt: skip
