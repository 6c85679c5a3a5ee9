"""Kaggle, by its own client `kagglehub` (extra `kaggle`).

The token is that of the variable `KAGGLE_API_TOKEN`, or what the client finds in `~/.kaggle`.
"""

import logging
import os
import shutil
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from .._installed import need
from .._text import printable
from ..errors import HubError, first_line
from ..files._durable import is_of_disk
from ..files._scratch import scratch
from ..metadata import Metadata
from ._address import Address
from ._names import check_names

_LOGIN = "Set KAGGLE_API_TOKEN to a token from https://www.kaggle.com/settings"
_LICENCES = {
    "AGPL-3.0": "GNU Affero General Public License 3.0",
    "Apache-2.0": "Apache 2.0",
    "BSD-3-Clause": "BSD-3-Clause",
    "CC-BY-4.0": "Attribution 4.0 International (CC BY 4.0)",
    "CC-BY-NC-4.0": "Attribution-NonCommercial 4.0 International (CC BY-NC 4.0)",
    "CC-BY-NC-SA-4.0": "CC BY-NC-SA 4.0",
    "CC-BY-SA-4.0": "CC BY-SA 4.0",
    "CC0-1.0": "CC0: Public Domain",
    "GPL-2.0": "GPL 2",
    "GPL-3.0": "GPL 3",
    "LGPL-3.0": "GNU Lesser General Public License 3.0",
    "MIT": "MIT",
}
"""SPDX name -> Kaggle's (github.com/Kaggle/kaggle-api, docs/models_metadata.md)."""
_NOTES = ".complete"
"""Folder of the client's notes in a folder that it downloads to."""
_PAGE = 100
"""Files in one answer of the list."""


@dataclass(frozen=True)
class Kaggle:
    """A variation of a model.

    Attributes:
        address: of the variation, with a version or without.
    """

    address: Address

    def check(self, *, writes: bool) -> None:
        """Raise unless the client is there, and for a push a token.

        Raises:
            ModuleNotFoundError: it says how to install the client.
            HubError: there is no token.
            ValueError: a version for a push, or an unknown framework.
        """
        need("kagglehub", f"{self.address} needs its hub's client.", "keras-upsample[kaggle]")
        if writes and self.address.revision is not None:
            raise ValueError(f"A push makes a new version. Leave /{self.address.revision} out.")
        from kagglehub.config import get_kaggle_credentials

        _request(self._handle())  # an unknown framework is told before anything is asked
        if writes and not get_kaggle_credentials():
            raise HubError(f"{self.address} needs a token. {_LOGIN}.")

    def card(self, body: str, metadata: Metadata, formats: list[str]) -> str:
        """The card as it is: Kaggle reads no front matter."""
        return body

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
        """Upload files as a new version. A model that is not there is created, private.

        Kaggle processes the files after the upload, so that nothing can be compared yet.

        Args:
            files: path in the variation -> the file.
            own_card: whether README.md is the user's own. A version has its own in either case.
            private: whether a model that is there must be private.
            licence: SPDX name of a new variation's licence, "" if unknown.
            message: notes on the version.
            tell: takes a line on what is not as it was asked for.

        Returns:
            The address of the variation.

        Raises:
            HubError: the hub refuses.
        """
        import kagglehub

        with self._one_line(), scratch() as folder:
            if private and self._is_public():
                raise HubError(f"{self.address} is public, and --private was asked for.")
            for name, file in files.items():
                (folder / name).parent.mkdir(parents=True, exist_ok=True)
                _link(file, folder / name)
            if licence and licence not in _LICENCES:
                tell(f"Kaggle has no licence {licence!r}: choose one on the site.")
            kagglehub.model_upload(
                self.address.name, str(folder), _LICENCES.get(licence), version_notes=message
            )
            return str(self._handle().to_url())

    def download(self, folder: Path) -> tuple[str, tuple[str, ...]]:
        """Write all files of one version to a folder, one by one.

        The client compares each with the MD5 that the storage states, if it states one. Here its
        size is compared with that of the list; Kaggle's list has no hashes.

        Returns:
            The version, and the names of the files.

        Raises:
            HubError: no such model or version, no access, no network, a name that leads out of the
                folder, or a file of another size.
        """
        import kagglehub
        from kagglehub.exceptions import DataCorruptionError

        with self._one_line():
            handle = self._handle()
            if not handle.is_versioned():
                handle = handle.with_version(self._newest())
            sizes = self._list(handle)
            check_names(sizes, self.address, _NOTES)
            if not sizes:
                raise HubError(f"{self.address} is empty.")
            for name, size in sizes.items():
                (folder / name).parent.mkdir(parents=True, exist_ok=True)
                try:
                    got = Path(kagglehub.model_download(str(handle), name, output_dir=str(folder)))
                except DataCorruptionError as error:
                    raise HubError(
                        f"{self.address}: {name!r} is not the file whose hash the hub states."
                    ) from error
                if got != folder / name:  # of a notebook's own copy at Kaggle
                    shutil.copyfile(got, folder / name)
                if (folder / name).stat().st_size != size:
                    raise HubError(f"{self.address}: {name!r} is not as large as the hub states.")
        shutil.rmtree(folder / _NOTES, ignore_errors=True)
        return str(handle.version), tuple(sizes)

    def _handle(self) -> Any:
        from kagglehub.handle import parse_model_handle

        version = "" if self.address.revision is None else f"/{self.address.revision}"
        return parse_model_handle(f"{self.address.name}{version}")

    def _newest(self) -> int:
        from kagglesdk.models.types.model_api_service import ApiGetModelInstanceRequest

        request = _request(self._handle(), ApiGetModelInstanceRequest)
        return int(_call("get_model_instance", request).version_number)

    def _list(self, handle: Any) -> dict[str, int]:
        """Size of each file, by its name."""
        from kagglesdk.models.types.model_api_service import (
            ApiListModelInstanceVersionFilesRequest,
        )

        request = _request(handle, ApiListModelInstanceVersionFilesRequest)
        request.version_number, request.page_size = handle.version, _PAGE
        found: dict[str, int] = {}
        seen: set[str] = set()
        while True:
            page = _call("list_model_instance_version_files", request)
            found.update({item.name: item.size for item in page.files})
            token = page.next_page_token
            if not token:
                return found
            if token in seen:
                raise HubError(f"{self.address} lists its files without an end.")
            seen.add(token)
            request.page_token = token

    def _is_public(self) -> bool:
        from kagglesdk.models.types.model_api_service import ApiGetModelRequest

        request, handle = ApiGetModelRequest(), self._handle()
        request.owner_slug, request.model_slug = handle.owner, handle.model
        try:
            return not _call("get_model", request).is_private
        except Exception as error:
            if _status(error) in (403, 404):  # as the client takes it: there is none yet
                return False
            raise

    @contextmanager
    def _one_line(self) -> Iterator[None]:
        """Let what goes wrong between here and the hub be one `HubError` of one line.

        The client's log on standard output is switched off: what is sent was said before.
        """
        log = logging.getLogger("kagglehub")
        before = log.level
        log.setLevel(logging.WARNING)
        try:
            yield
        except HubError:
            raise
        except Exception as error:  # of requests, kagglesdk and threads
            if is_of_disk(error):
                raise
            status = _status(error)
            if status == 404:
                line = f"{self.address}: there is no such model or version."
            elif status in (401, 403):
                line = (
                    f"{self.address} refuses access ({status}): it is not there, it is private, or "
                    f"the token has no right to this. {_LOGIN}."
                )
            else:
                line = f"{self.address}: {printable(first_line(error)).removesuffix('.')}."
            raise HubError(line) from error
        finally:
            log.setLevel(before)


def _request(handle: Any, kind: Any = None) -> Any:
    """A request on a variation; without a kind, only its framework."""
    framework = handle.framework_enum()
    if kind is None:
        return framework
    request = kind()
    request.owner_slug, request.model_slug = handle.owner, handle.model
    request.framework, request.instance_slug = framework, handle.variation
    return request


def _call(name: str, request: Any) -> Any:
    from kagglehub.clients import build_kaggle_client

    with build_kaggle_client() as client:
        return getattr(client.models.model_api_client, name)(request)


def _status(error: BaseException) -> int | None:
    """Status of an answer of HTTP."""
    response = getattr(error, "response", None)
    return None if response is None else int(response.status_code)


def _link(file: Path, place: Path) -> None:
    """The client reads a folder: a link costs no copy, where the system has links."""
    try:
        os.symlink(file.absolute(), place)
    except OSError:
        shutil.copyfile(file, place)
