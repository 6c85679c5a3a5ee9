"""Cloud Optimized GeoTIFF: tiles, overviews and an order that is read over a network by parts.

GDAL writes it, by rasterio (extra `geo`). Reference: OGC Cloud Optimized GeoTIFF 1.0 (21-026).
"""

from pathlib import Path

from .._installed import need

_BLOCK = 512


def check_rasterio() -> None:
    """Raise unless rasterio is installed.

    Raises:
        ModuleNotFoundError: it says how to install it.
    """
    need("rasterio", "Cloud Optimized GeoTIFF needs rasterio.", "keras-upsample[geo]")


def optimize(path: Path, *, numbers: bool) -> None:
    """Write a GeoTIFF anew, in its place, as a Cloud Optimized GeoTIFF.

    Georeference, nodata, palette and metadata stay.

    Args:
        path: the file.
        numbers: whether values are numbers of classes or objects, of which overviews show the most
            frequent; else they show means.
    """
    import rasterio.shutil

    new = path.with_name(f"{path.name}.cog")
    rasterio.shutil.copy(
        path,
        new,
        driver="COG",
        COMPRESS="DEFLATE",
        PREDICTOR="NO" if numbers else "YES",
        BLOCKSIZE=_BLOCK,
        OVERVIEW_RESAMPLING="MODE" if numbers else "AVERAGE",
        BIGTIFF="IF_SAFER",
    )
    new.replace(path)
