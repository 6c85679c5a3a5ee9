"""Hugging Face, by its own client `huggingface_hub` (extra `hf`).

The client's `HF_ENDPOINT` names another server, `HF_TOKEN` the token; else it is that of
`hf auth login`.
"""

import hashlib
import os
import shutil
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager, suppress
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from .._installed import need
from .._text import printable
from ..errors import HubError, first_line
from ..files._durable import is_of_disk
from ..files._sha256 import sha256_of
from ..metadata import Metadata
from ._address import Address
from ._card import MARK
from ._content import README
from ._names import check_names

_LOGIN = (
    "Log in by `hf auth login`, or set HF_TOKEN to a token from "
    "https://huggingface.co/settings/tokens"
)
_NOTES = ".cache/huggingface"
"""Folder of the client's notes in a folder that it downloads to."""
_LICENCES = {
    "afl-3.0", "agpl-3.0", "apache-2.0", "artistic-2.0", "bsd", "bsd-2-clause", "bsd-3-clause",
    "bsd-3-clause-clear", "bsl-1.0", "cc", "cc-by-2.0", "cc-by-2.5", "cc-by-3.0", "cc-by-4.0",
    "cc-by-nc-2.0", "cc-by-nc-3.0", "cc-by-nc-4.0", "cc-by-nc-nd-3.0", "cc-by-nc-nd-4.0",
    "cc-by-nc-sa-2.0", "cc-by-nc-sa-3.0", "cc-by-nc-sa-4.0", "cc-by-nd-4.0", "cc-by-sa-3.0",
    "cc-by-sa-4.0", "cc0-1.0", "ecl-2.0", "epl-1.0", "epl-2.0", "eupl-1.1", "eupl-1.2", "gfdl",
    "gpl", "gpl-2.0", "gpl-3.0", "isc", "lgpl", "lgpl-2.1", "lgpl-3.0", "mit", "mpl-2.0", "ms-pl",
    "ncsa", "odbl", "odc-by", "ofl-1.1", "osl-3.0", "pddl", "postgresql", "unlicense", "wtfpl",
    "zlib",
}  # fmt: skip
"""https://huggingface.co/docs/hub/repositories-licenses: SPDX names in small letters."""
_PIPELINES = {
    "segmentation": "image-segmentation",
    "binary_segmentation": "image-segmentation",
    "multi_label_segmentation": "image-segmentation",
    "super_resolution": "image-to-image",
    "restoration": "image-to-image",
}


@dataclass(frozen=True)
class HuggingFace:
    """A repository of models.

    Attributes:
        address: of the repository.
    """

    address: Address

    def check(self, *, writes: bool) -> None:
        """Raise unless the client is there, and for a push a token.

        Raises:
            ModuleNotFoundError: it says how to install the client.
            HubError: there is no token.
        """
        need("huggingface_hub", f"{self.address} needs its hub's client.", "keras-upsample[hf]")
        if writes and self.address.revision is not None:
            raise ValueError(
                f"A push goes to the newest revision. Leave @{self.address.revision} out."
            )
        from huggingface_hub import get_token

        if writes and not get_token():
            raise HubError(f"{self.address} needs a token. {_LOGIN}.")

    def card(self, body: str, metadata: Metadata, formats: list[str]) -> str:
        """The card with the front matter that the hub reads, by the client's own classes."""
        from huggingface_hub import ModelCard, ModelCardData

        data = ModelCardData(
            library_name="keras",
            pipeline_tag=_PIPELINES.get(metadata.task),
            tags=["keras-upsample", *([metadata.task] if metadata.task else []), *formats],
            **_licence(metadata.licence),
        )
        return str(ModelCard(f"---\n{data.to_yaml()}\n---\n\n{body}"))

    def upload(
        self,
        files: Mapping[str, Path],
        *,
        own_card: bool,
        private: bool,
        licence: str,
        message: str,
        tell: Callable[[str], None],
    ) -> str:
        """Upload files in one commit, and compare the hashes that the hub states with theirs.

        Args:
            files: path in the repository -> the file.
            own_card: whether README.md is the user's own. Ours does not replace a user's there.
            private: whether the repository must be private; a new one is made so.
            licence: of the files; the card has it.
            message: of the commit.
            tell: takes a line on what is not uploaded after all.

        Returns:
            The address of the commit.

        Raises:
            HubError: the hub refuses, or does not hold the files afterwards.
        """
        from huggingface_hub import CommitOperationAdd

        api, name = _api(), self.address.name
        with self._one_line():
            api.create_repo(name, private=private or None, exist_ok=True)
            there = api.model_info(name, files_metadata=True)
            if private and not there.private:
                raise HubError(f"{self.address} is public, and --private was asked for.")
            if not own_card and self._holds_a_card_of_others(api, there):
                tell(f"{README} of {self.address} is kept: `push` did not write it.")
                files = {place: file for place, file in files.items() if place != README}
            commit = api.create_commit(
                name,
                [CommitOperationAdd(place, str(file)) for place, file in files.items()],
                commit_message=message,
                parent_commit=there.sha,
            )
            stated = _stated(api.model_info(name, revision=commit.oid, files_metadata=True))
        for place, file in files.items():
            if place not in stated:
                raise HubError(
                    f"{self.address} does not hold {place!r} after the push: does its .gitignore "
                    "leave it out?"
                )
            stated[place].check(file, f"{self.address}, after the push: {place!r}")
        return str(commit.commit_url)

    def download(self, folder: Path) -> tuple[str, tuple[str, ...]]:
        """Write all files of one revision to a folder, and compare their hashes.

        Returns:
            The commit, and the names of the files.

        Raises:
            HubError: no such repository or revision, no access, no network, a name that leads out
                of the folder, or a file that is not as the hub states.
        """
        api, name = _api(), self.address.name
        with self._one_line():
            info = api.model_info(name, revision=self.address.revision, files_metadata=True)
            stated = _stated(info)
            check_names(stated, self.address, _NOTES)
            if not stated:
                raise HubError(f"{self.address} is empty.")
            for place in stated:
                api.hf_hub_download(name, place, revision=info.sha, local_dir=folder)
        for place, each in stated.items():
            each.check(folder / place, f"{self.address}: {place!r}")
        shutil.rmtree(folder / _NOTES, ignore_errors=True)
        with suppress(OSError):  # other files are there
            (folder / _NOTES).parent.rmdir()
        return str(info.sha), tuple(stated)

    def _holds_a_card_of_others(self, api: Any, info: Any) -> bool:
        if README not in _stated(info):
            return False
        place = api.hf_hub_download(self.address.name, README, revision=info.sha)
        return MARK not in Path(place).read_text(encoding="utf-8", errors="replace")

    @contextmanager
    def _one_line(self) -> Iterator[None]:
        """Let what goes wrong between here and the hub be one `HubError` of one line."""
        from huggingface_hub import errors

        try:
            yield
        except HubError:
            raise
        except errors.GatedRepoError as error:
            raise HubError(f"{self.address} asks for its terms to be accepted first.") from error
        except errors.RevisionNotFoundError as error:
            raise HubError(f"{self.address}: there is no such revision.") from error
        except errors.RepositoryNotFoundError as error:
            raise HubError(
                f"{self.address}: there is no such repository, or it is private. {_LOGIN}."
            ) from error
        except errors.HfHubHTTPError as error:
            status = error.response.status_code
            if status in (401, 403):
                raise HubError(
                    f"{self.address} refuses this token ({status}): it is invalid, or has no right "
                    f"to this. {_LOGIN}."
                ) from error
            raise HubError(f"{self.address}: {_words(error)}") from error
        except Exception as error:  # of httpx, hf_xet and threads
            if is_of_disk(error):
                raise
            raise HubError(f"{self.address}: {_words(error)}") from error


@dataclass(frozen=True)
class _Stated:
    """What the hub says of a file: SHA-256 of a large one, git's SHA-1 of a small one."""

    sha256: str | None
    git: str | None

    def check(self, file: Path, what: str) -> None:
        """Compare a file with it.

        Raises:
            HubError: it differs, or there is nothing to compare with.
        """
        if self.sha256 is not None:
            same = sha256_of(file) == self.sha256
        elif self.git is not None:
            same = _git_hash(file) == self.git
        else:
            raise HubError(f"{what} has no hash that it could be compared with.")
        if not same:
            raise HubError(f"{what} is not the file whose hash the hub states.")


def _stated(info: Any) -> dict[str, _Stated]:
    return {
        item.rfilename: _Stated(None if item.lfs is None else item.lfs.sha256, item.blob_id)
        for item in info.siblings or ()
    }


def _git_hash(file: Path) -> str:
    """SHA-1 of a blob, as `git hash-object` prints it; such files have a few megabytes."""
    content = file.read_bytes()
    return hashlib.sha1(b"blob %d\0" % len(content) + content, usedforsecurity=False).hexdigest()


def _api() -> Any:
    from huggingface_hub import HfApi

    from .._version import __version__

    endpoint = os.environ.get("HF_ENDPOINT")  # the client reads it at its import alone
    return HfApi(endpoint or None, library_name="keras_upsample", library_version=__version__)


def _licence(name: str) -> dict[str, str]:
    """Fields of the front matter; none for an unknown licence."""
    if not name:
        return {}
    if name.lower() in _LICENCES:
        return {"license": name.lower()}
    return {"license": "other", "license_name": name}


def _words(error: BaseException) -> str:
    return printable(first_line(error)).removesuffix(".") + "."
