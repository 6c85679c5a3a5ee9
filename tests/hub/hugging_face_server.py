"""A stand-in for Hugging Face's server: the endpoints that huggingface_hub 2.4 asks.

Repositories of models with regular files and Git LFS files (`basic` transfers), in memory. Xet,
branches and pull requests are missing. Hashes of small files are git's, by the client's own
function; those of large ones SHA-256.
"""

import base64
import hashlib
import json
import re
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from typing import Any
from urllib.parse import unquote, urlsplit

import yaml
from small_server import Answers, serve

TOKEN = "hf_of_the_test"


@dataclass
class Repository:
    """Commits, each with all files: name -> (content, whether it is in Git LFS)."""

    private: bool
    commits: dict[str, dict[str, tuple[bytes, bool]]] = field(default_factory=dict)

    def add(self, changes: dict[str, tuple[bytes, bool]]) -> str:
        oid = hashlib.sha1(f"commit {len(self.commits)}".encode()).hexdigest()
        self.commits[oid] = {**(self.files() if self.commits else {}), **changes}
        return oid

    def files(self) -> dict[str, tuple[bytes, bool]]:
        return self.commits[self.head]

    @property
    def head(self) -> str:
        return [*self.commits][-1]


@dataclass
class Hub:
    """What the server holds, and how it misbehaves.

    Attributes:
        large: bytes from which a file goes to Git LFS.
        damaged: name -> content that is served in place of the stated one.
        ignored: names that a `.gitignore` leaves out.
        asked: method and path of each request.
    """

    repositories: dict[str, Repository] = field(default_factory=dict)
    large: int = 1 << 30
    damaged: dict[str, bytes] = field(default_factory=dict)
    ignored: set[str] = field(default_factory=set)
    asked: list[str] = field(default_factory=list)
    objects: dict[str, bytes] = field(default_factory=dict)
    url: str = ""


@contextmanager
def served() -> Iterator[Hub]:
    hub = Hub()
    with serve(type("Handler", (_Handler,), {"hub": hub})) as hub.url:
        yield hub


class _Handler(Answers):
    hub: Hub

    def answer(self, body: bytes) -> None:
        path = unquote(urlsplit(self.path).path)
        self.hub.asked.append(f"{self.command} {path}")
        for method, pattern, name in _ROUTES:
            match = re.fullmatch(pattern, path)
            if match and method == self.command:
                getattr(self, f"_{name}")(body, *match.groups())
                return
        raise AssertionError(f"the stand-in has no {self.command} {path}")

    def _may(self) -> bool:
        if self.headers.get("Authorization") == f"Bearer {TOKEN}":
            return True
        self.send(
            401, {"error": "no"}, X_Error_Message="Invalid credentials in Authorization header"
        )
        return False

    def _found(self, name: str, revision: str | None = None) -> tuple[Repository, str] | None:
        repository = self.hub.repositories.get(name)
        if repository is None:
            self.send(404, {"error": "Repository not found"}, X_Error_Code="RepoNotFound")
            return None
        revision = repository.head if revision in (None, "main") else revision
        if revision not in repository.commits:
            self.send(404, {"error": "Invalid rev id"}, X_Error_Code="RevisionNotFound")
            return None
        return repository, revision

    def _create(self, body: bytes) -> None:
        wanted = json.loads(body)
        name = f"{wanted['organization']}/{wanted['name']}"
        if not self._may():
            return
        there = name in self.hub.repositories
        if not there:
            repository = Repository(wanted.get("visibility") == "private")
            repository.add({".gitattributes": (b"*.onnx filter=lfs\n", False)})
            self.hub.repositories[name] = repository
        self.send(409 if there else 200, {"url": f"{self.hub.url}/{name}"})

    def _yaml(self, body: bytes) -> None:
        text = json.loads(body)["content"]
        front = re.match(r"---\n(.*?)\n---\n", text, re.DOTALL)
        facts = yaml.safe_load(front[1]) if front else {}
        known = {"license", "license_name", "library_name", "tags", "pipeline_tag"}
        wrong = [{"message": key} for key in facts if key not in known]
        self.send(400 if wrong else 200, {"errors": wrong, "warnings": []})

    def _info(self, body: bytes, name: str, revision: str | None) -> None:
        from huggingface_hub.utils.sha import git_hash

        if (found := self._found(name, revision)) is None:
            return
        repository, commit = found
        siblings = []
        for file, (content, large) in repository.commits[commit].items():
            facts: dict[str, Any] = {"rfilename": file, "size": len(content)}
            facts["blobId"] = git_hash(b"pointer" if large else content)
            if large:
                digest = hashlib.sha256(content).hexdigest()
                facts["lfs"] = {"sha256": digest, "size": len(content), "pointerSize": 130}
            siblings.append(facts)
        facts = {"id": name, "sha": commit, "private": repository.private, "siblings": siblings}
        self.send(200, facts)

    def _preupload(self, body: bytes, name: str) -> None:
        if not self._may():
            return
        files = [
            {
                "path": item["path"],
                "uploadMode": "lfs" if item["size"] >= self.hub.large else "regular",
                "shouldIgnore": item["path"] in self.hub.ignored,
            }
            for item in json.loads(body)["files"]
        ]
        self.send(200, {"files": files})

    def _batch(self, body: bytes, name: str) -> None:
        objects = [
            {**item, "actions": {"upload": {"href": f"{self.hub.url}/lfs/{item['oid']}"}}}
            for item in json.loads(body)["objects"]
        ]
        self.send(200, {"transfer": "basic", "objects": objects})

    def _store(self, body: bytes, oid: str) -> None:
        assert hashlib.sha256(body).hexdigest() == oid
        self.hub.objects[oid] = body
        self.send(200, b"")

    def _commit(self, body: bytes, name: str) -> None:
        if not self._may():
            return
        changes: dict[str, tuple[bytes, bool]] = {}
        for line in map(json.loads, body.splitlines()):
            value = line["value"]
            if line["key"] == "file":
                changes[value["path"]] = (base64.b64decode(value["content"]), False)
            elif line["key"] == "lfsFile":
                changes[value["path"]] = (self.hub.objects[value["oid"]], True)
            else:
                assert line["key"] == "header"
                assert value["parentCommit"] == self.hub.repositories[name].head
        oid = self.hub.repositories[name].add(changes)
        url = f"{self.hub.url}/{name}/commit/{oid}"
        self.send(200, {"commitUrl": url, "commitOid": oid, "success": True})

    def _resolve(self, body: bytes, name: str, revision: str, file: str) -> None:
        if (found := self._found(name, revision)) is None:
            return
        repository, commit = found
        content = self.hub.damaged.get(file, repository.commits[commit][file][0])
        tag = hashlib.sha256(content).hexdigest()
        self.send(200, content, ETag=f'"{tag}"', X_Repo_Commit=commit)


_NAME = r"(\w[\w.-]*/\w[\w.-]*)"
_ROUTES = [
    ("POST", "/api/repos/create", "create"),
    ("POST", "/api/validate-yaml", "yaml"),
    ("GET", rf"/api/models/{_NAME}(?:/revision/(.*))?", "info"),
    ("POST", rf"/api/models/{_NAME}/preupload/main", "preupload"),
    ("POST", rf"/{_NAME}\.git/info/lfs/objects/batch", "batch"),
    ("PUT", r"/lfs/(\w+)", "store"),
    ("POST", rf"/api/models/{_NAME}/commit/main", "commit"),
    ("HEAD", rf"/{_NAME}/resolve/([^/]*)/(.*)", "resolve"),
    ("GET", rf"/{_NAME}/resolve/([^/]*)/(.*)", "resolve"),
]
