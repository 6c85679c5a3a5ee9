"""Where a preset's file of weights is: in the package, in the cache, or at its address."""

import tempfile
from pathlib import Path

from keras_upsample.data import cache_folder
from keras_upsample.errors import FetchError, first_line
from keras_upsample.files._transfer import transfer
from keras_upsample.zoo._presets import Preset
from keras_upsample.zoo._weight_file import ENDING

SHIPPED = Path(__file__).parent / "weights"


def weight_file(preset: Preset) -> Path:
    """The preset's file, downloaded at the first call if it does not ship.

    pooch downloads to a temporary file, compares the SHA-256 and renames; a file that is there
    with the right hash is not downloaded again. What is larger than it should be, or comes too
    slowly, is stopped.

    Raises:
        FetchError: the file can't be downloaded, is not the expected one, or can't be kept.
    """
    shipped = SHIPPED / f"{preset.folder}{ENDING}"
    if shipped.is_file():
        return shipped
    if preset.url is None or preset.sha256 is None:
        raise FetchError(
            f"The weights of {preset.name} are not in this install: {shipped.name} is missing. "
            "Install the package anew."
        )
    import pooch

    pooch.get_logger().setLevel("WARNING")
    folder = cache_folder() / "weights"
    kept = folder / f"{preset.folder}{ENDING}"
    try:
        folder.mkdir(parents=True, exist_ok=True)
        if not kept.exists():
            tempfile.TemporaryFile(dir=folder).close()
    except OSError as error:  # apart, because requests' errors are OSErrors too
        raise FetchError(
            f"The weights of {preset.name} can't be kept in {str(folder)!r}: {error.strerror}. Set "
            "KERAS_UPSAMPLE_CACHE to a folder that you may write to."
        ) from error
    try:
        pooch.retrieve(
            preset.url,
            f"sha256:{preset.sha256}",
            fname=kept.name,
            path=folder,
            downloader=lambda url, file, _: transfer(url, Path(file), preset.size),
        )
    except Exception as error:  # requests, urllib3 and pooch raise kinds of their own
        raise FetchError(
            f"The weights of {preset.name} could not be downloaded from {preset.url}: "
            f"{first_line(error)}. Check the network, or copy the file to {str(folder)!r} as "
            f"{preset.folder}{ENDING}."
        ) from error
    return kept
