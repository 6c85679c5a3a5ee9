"""Pictures that claim more than they are: one line each, and no memory taken for the claim."""

import re
import struct
import tracemalloc
import zlib
from pathlib import Path

import numpy as np
import pytest
import tifffile
from PIL import Image

from keras_upsample.data._masks import read_masks
from keras_upsample.examples._pictures import read_picture
from keras_upsample.images import _claims
from keras_upsample.images._pictures import sources_in
from keras_upsample.images._sources import ImageError


def tiff(
    *,
    size: tuple[int, int] = (8, 8),
    rows: int = 8,
    deflate: bool = True,
    data: bytes | None = None,
    count: int | None = None,
    photometric: int = 1,
) -> bytes:
    """One strip of grey bytes, its tags free to lie."""
    data = zlib.compress(bytes(64)) if data is None else data
    tags = (
        (256, 4, size[1]), (257, 4, size[0]), (258, 3, 8), (259, 3, 8 if deflate else 1),
        (262, 3, photometric), (273, 4, 8 + 2 + 9 * 12 + 4), (277, 3, 1), (278, 4, rows),
        (279, 4, len(data) if count is None else count),
    )  # fmt: skip
    entries = b"".join(
        struct.pack("<HHI" + ("HH" if kind == 3 else "I"), tag, kind, 1, value, *[0] * (kind == 3))
        for tag, kind, value in tags
    )
    return struct.pack("<2sHIH", b"II", 42, 8, len(tags)) + entries + bytes(4) + data


def described(path: Path, text: str, **options) -> Path:
    tifffile.imwrite(path, np.zeros((8, 8), "uint8"), description=text, metadata=None, **options)
    return path


def ome(frames: int) -> str:
    return (
        '<?xml version="1.0"?><OME xmlns="http://www.openmicroscopy.org/Schemas/OME/2016-06">'
        '<Image ID="Image:0"><Pixels ID="Pixels:0" DimensionOrder="XYCZT" Type="uint8" SizeX="8" '
        f'SizeY="8" SizeC="1" SizeZ="1" SizeT="{frames}"><TiffData/></Pixels></Image></OME>'
    )


def png(width: int, height: int) -> bytes:
    def chunk(kind: bytes, data: bytes) -> bytes:
        sum_ = zlib.crc32(data, zlib.crc32(kind))
        return struct.pack(">I", len(data)) + kind + data + struct.pack(">I", sum_)

    header = struct.pack(">IIBBBBB", width, height, 8, 2, 0, 0, 0)
    body = chunk(b"IHDR", header) + chunk(b"IDAT", zlib.compress(bytes(99))) + chunk(b"IEND", b"")
    return b"\x89PNG\r\n\x1a\n" + body


def refused(path: Path, message: str) -> None:
    """By the reader of pictures and by that of masks, without memory."""
    for read in (lambda: [s.rows(0, 1) for s in sources_in(path, None)], lambda: read_masks(path)):
        tracemalloc.start()
        with pytest.raises(ImageError, match=message) as info:
            read()
        _, most = tracemalloc.get_traced_memory()
        tracemalloc.stop()
        assert "\n" not in str(info.value)
        assert most < 40e6


CLAIMS = {
    "width of 0": (tiff(size=(8, 0), deflate=False), "holds no pixel"),
    "height of 0": (tiff(size=(0, 8)), "holds no pixel"),
    "strips of no rows": (tiff(rows=0), "its strips or tiles are 0x8 pixels"),
    "a strip of 2.5 GiB": (tiff(size=(45000, 60000), rows=45000), r"in 2\.5 GiB; at most 1 GiB"),
    "a wide strip": (tiff(size=(8, 2**31)), r"8x2147483648 pixels"),
    "a strip behind the end": (tiff(count=2**32 - 1), r"would end at byte 4,294,967,\d+ of \d+"),
    "uncompressed": (
        tiff(size=(10**6, 10**6), rows=10**6, deflate=False, data=bytes(100)),
        r"claims 1,000,000,000,000 bytes of values .* and has \d+ bytes",
    ),
    "a palette behind the end": (tiff(count=2**31, photometric=0), "would end at byte"),
}


@pytest.mark.parametrize("name", CLAIMS)
def test_a_tiff(name, tmp_path) -> None:
    content, message = CLAIMS[name]
    (tmp_path / "a.tif").write_bytes(content)
    if name == "a palette behind the end":  # inverted grey, which Pillow decodes, says it its way
        with pytest.raises(ImageError):
            sources_in(tmp_path / "a.tif", None)
        return
    refused(tmp_path / "a.tif", message)


@pytest.mark.parametrize("compression", [None, "zlib"])
def test_frames_without_number(compression, tmp_path) -> None:
    lots = 10**9
    texts = {
        "ome": ome(lots),
        "imagej": f"ImageJ=1.11a\nimages={lots}\nframes={lots}\n",
        "shaped": f'{{"shape": [{lots}, 8, 8]}}',
    }
    for name, text in texts.items():
        path = described(tmp_path / f"{name}.tif", text, compression=compression)
        if name == "shaped" and compression:
            assert len(sources_in(path, None)) == 1  # tifffile sees that it can't be
            continue
        refused(path, "claims 1,000,000,000 frames; at most 100,000")


def test_frames_that_are_not_there(tmp_path) -> None:
    """tifffile would take them for zeros."""
    path = described(tmp_path / "a.tif", ome(500), compression="zlib")
    with pytest.raises(ImageError, match="claims 500 pages and has 1"):
        sources_in(path, None)


@pytest.mark.parametrize("change", ["compression 999", "compression 2", "cut 8", "cut 24", "bits"])
def test_a_damaged_directory_is_said_in_words(change, tmp_path) -> None:
    path = tmp_path / "a.tif"
    tifffile.imwrite(path, np.zeros((20, 30, 3), "uint8"), compression="zlib")
    content = bytearray(path.read_bytes())
    with tifffile.TiffFile(path) as file:
        tags = file.pages[0].tags
        compression, bits = tags["Compression"].offset, tags["BitsPerSample"].offset
    kind, _, number = change.partition(" ")
    if kind == "compression":
        content[compression + 8 : compression + 10] = int(number).to_bytes(2, "little")
    elif kind == "bits":
        content[bits + 2 : bits + 4] = (36099).to_bytes(2, "little")
    else:
        del content[int(number) :]
    path.write_bytes(content)
    with pytest.raises(ImageError) as caught:
        for source in sources_in(path, 3):
            source.rows(0, 20)
    text = str(caught.value)
    assert "\n" not in text and "has no attribute" not in text.split("(")[0], text
    assert re.search("damaged|imagecodecs|corrupt|needs", text), text


def test_a_strip_that_unpacks_without_end(tmp_path, monkeypatch) -> None:
    monkeypatch.setattr(_claims, "MOST_BYTES", 2**20)
    data = zlib.compress(bytes(60 << 20), 9)
    (tmp_path / "a.tif").write_bytes(tiff(data=data))
    refused(tmp_path / "a.tif", "unpacks to more than 1 GiB")


def test_a_tiff_with_fewer_tiles_than_its_width_takes(tmp_path) -> None:
    path = tmp_path / "a.tif"
    tifffile.imwrite(path, np.zeros((20, 30, 3), "uint8"), tile=(16, 16), compression="zlib")
    content = bytearray(path.read_bytes())
    with tifffile.TiffFile(path) as file:
        width = file.pages[0].tags["ImageWidth"].offset
    content[width + 8 : width + 12] = (2**31).to_bytes(4, "little")
    content[width + 2 : width + 4] = (4).to_bytes(2, "little")  # a LONG
    path.write_bytes(content)
    refused(path, "takes? 268,435,456 strips or tiles, and it lists 4")


def test_pictures_of_more_pixels_than_memory(tmp_path) -> None:
    for side in (50_000, 2**31 - 1):
        (tmp_path / "a.png").write_bytes(png(side, side))
        refused(tmp_path / "a.png", "can only be decoded whole, in more than 1 GiB")
        with pytest.raises(ValueError, match="decoded whole"):
            read_picture(tmp_path / "a.png", 3, "images")


def test_pictures_of_more_pixels_than_their_bytes_hold(tmp_path) -> None:
    (tmp_path / "a.png").write_bytes(png(4000, 4000))
    refused(tmp_path / "a.png", "claims 4000x4000 pixels in")
    Image.new("RGB", (23, 19)).save(tmp_path / "a.webp", lossless=True, save_all=True,
                                    append_images=[Image.new("RGB", (23, 19), "red")])  # fmt: skip
    content = bytearray((tmp_path / "a.webp").read_bytes())
    at = content.index(b"VP8X") + 12
    content[at : at + 3] = (4_194_326).to_bytes(3, "little")  # the width of the canvas, less one
    (tmp_path / "a.webp").write_bytes(content)
    refused(tmp_path / "a.webp", "claims 4194327x19 pixels in")


def test_the_emptiest_png_that_is_honest_is_read(tmp_path) -> None:
    Image.new("1", (6000, 6000)).save(tmp_path / "a.png")
    assert (tmp_path / "a.png").stat().st_size < 36_000_000 / 7_000
    (source,) = sources_in(tmp_path / "a.png", 1)
    assert not source.rows(5990, 6000).any()


@pytest.mark.parametrize("name", ["a.png", "a.jpg", "a.webp", "a.gif"])
def test_postscript_is_not_run(name, tmp_path, monkeypatch) -> None:
    from PIL import EpsImagePlugin

    def run(*arguments: object, **options: object) -> None:
        raise AssertionError("PostScript was run")

    monkeypatch.setattr(EpsImagePlugin, "Ghostscript", run)
    Image.fromarray(np.zeros((9, 9, 3), "uint8")).save(tmp_path / "a.eps")
    (tmp_path / name).write_bytes((tmp_path / "a.eps").read_bytes())
    with pytest.raises(ImageError, match="cannot identify image file"):
        sources_in(tmp_path / name, 3)
    if not name.endswith("jpg"):
        with pytest.raises(ImageError, match="cannot identify image file"):
            read_masks(tmp_path / name)
    with pytest.raises(ValueError, match="cannot identify image file"):
        read_picture(tmp_path / name, 3, "images")


def test_only_the_decoders_that_are_named() -> None:
    """Nothing in the package opens pictures without saying which."""
    import keras_upsample

    folder = Path(keras_upsample.__file__).parent
    for file in folder.rglob("*.py"):
        for line in file.read_text(encoding="utf-8").splitlines():
            assert "Image.open(" not in line or "formats=" in line, f"{file}: {line}"


@pytest.mark.parametrize("suffix", ["png", "jpg", "bmp", "gif", "webp", "tif"])
def test_honest_pictures_are_read(suffix, tmp_path) -> None:
    values = np.full((9, 11, 3), 200, "uint8")
    Image.fromarray(values).save(tmp_path / f"a.{suffix}")
    (source,) = sources_in(tmp_path / f"a.{suffix}", 3)
    assert np.abs(source.rows(0, 9)[..., :3].astype(int) - values).max() < 8


@pytest.mark.parametrize("big", [False, True], ids=["tiff", "bigtiff"])
@pytest.mark.parametrize("back", [0, 2])
def test_pages_that_lead_in_a_circle(back, big, tmp_path) -> None:
    path = tmp_path / "a.tif"
    with tifffile.TiffWriter(path, bigtiff=big) as writer:
        for value in range(3):
            writer.write(np.full((8, 9), value, "uint8"), metadata=None, contiguous=False)
    assert len(sources_in(path, 1)) == 3
    with tifffile.TiffFile(path) as file:
        offset, kind = file.pages[back].offset, file.tiff
        last = file.pages[2].offset
    content = bytearray(path.read_bytes())
    (tags,) = struct.unpack_from(kind.tagnoformat, content, last)
    struct.pack_into(
        kind.offsetformat, content, last + kind.tagnosize + tags * kind.tagsize, offset
    )
    path.write_bytes(content)
    with pytest.raises(ImageError, match="its page 3 leads back to an earlier one"):
        sources_in(path, 1)
    with pytest.raises(ImageError, match="its page 3 leads back to an earlier one"):
        read_masks(path)
