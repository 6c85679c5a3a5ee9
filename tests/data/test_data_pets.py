"""Oxford-IIIT Pet: a small stand-in in its own form, through TensorFlow Datasets' own builder."""

import sys

import numpy as np
import pytest
from PIL import Image

from keras_upsample.data import batches, oxford_iiit_pet
from keras_upsample.errors import FetchError

TRAIN, TEST = 20, 3


def test_without_tensorflow_datasets(monkeypatch):
    monkeypatch.setitem(sys.modules, "tensorflow_datasets", None)
    with pytest.raises(ModuleNotFoundError, match="pip install tensorflow-datasets"):
        oxford_iiit_pet("test")


def test_bad_arguments():
    with pytest.raises(ValueError, match=r"`split` must be one of train, validation, test.*'all'"):
        oxford_iiit_pet("all")
    with pytest.raises(ValueError, match=r"`size` must be a whole number from 1 up.*0"):
        oxford_iiit_pet("test", size=0)


def trimap(index):
    """Rows of 1 (pet), 2 (background) and 3 (outline) in blocks, another size for each image."""
    height, width = 24 + 4 * (index % 3), 32
    return (np.indices((height, width)).sum(axis=0) // 4 % 3 + 1).astype("uint8")


@pytest.fixture(scope="module")
def prepared(tmp_path_factory):
    """`data_dir` with TFRecords that the real builder wrote, and the photographs' folder."""
    tfds = pytest.importorskip(
        "tensorflow_datasets", reason="needs: pip install tensorflow-datasets importlib-resources"
    )
    place = tmp_path_factory.mktemp("pets")
    images, notes = place / "images", place / "annotations"
    (images / "images").mkdir(parents=True)
    (notes / "annotations" / "trimaps").mkdir(parents=True)
    lines = []
    for i in range(TRAIN + TEST):
        name, mask = f"Abyssinian_{i}", trimap(i)
        # Its grey tells the class: 60, 120, 180.
        Image.fromarray(np.stack([mask * 60] * 3, axis=-1)).save(
            images / "images" / f"{name}.jpg", quality=100, subsampling=0
        )
        Image.fromarray(mask).save(notes / "annotations" / "trimaps" / f"{name}.png")
        lines.append(f"{name} 1 1 1\n")
    (notes / "annotations" / "trainval.txt").write_text("".join(lines[:TRAIN]))
    (notes / "annotations" / "test.txt").write_text("".join(lines[TRAIN:]))
    data_dir = place / "prepared"
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(
            tfds.download.DownloadManager,
            "download_and_extract",
            lambda self, addresses: {"images": images, "annotations": notes},
        )
        tfds.builder("oxford_iiit_pet", data_dir=data_dir).download_and_prepare()
    return data_dir, images / "images"


def test_splits(prepared):
    parts = {
        split: oxford_iiit_pet(split, size=16, data_dir=prepared[0], download=False)
        for split in ("train", "validation", "test")
    }
    assert {split: len(part) for split, part in parts.items()} == {
        "train": 18,
        "validation": 2,
        "test": 3,
    }
    names = [name for part in parts.values() for name in part.names]
    assert {*names} == {f"Abyssinian_{i}.jpg" for i in range(TRAIN + TEST)}
    assert {*parts["test"].names} == {f"Abyssinian_{i}.jpg" for i in range(TRAIN, TRAIN + TEST)}


def test_classes_and_resizing(prepared):
    import tensorflow as tf

    size = 20
    part = oxford_iiit_pet("test", size=size, data_dir=prepared[0], download=False)
    assert part.classes == ("background", "pet", "outline")
    for name, image, label in zip(part.names, part.images, part.labels, strict=True):
        assert (image.shape, image.dtype) == ((size, size, 3), np.float32)
        assert (label.shape, label.dtype) == ((size, size), np.uint8)
        mask = trimap(int(name.removesuffix(".jpg").split("_")[1]))
        for i in range(size):
            for j in range(size):
                # Half-pixel centres; floor((i + 1/2) s) is the pixel that the centre lies in.
                row = int((i + 0.5) * mask.shape[0] / size)
                column = int((j + 0.5) * mask.shape[1] / size)
                assert label[i, j] == {1: 1, 2: 0, 3: 2}[mask[row, column]]
        # TensorFlow's decoder is coarse: up to 5 from Pillow's.
        whole = tf.io.decode_jpeg((prepared[1] / name).read_bytes()).numpy()
        resized = Image.fromarray(whole).resize((size, size), Image.Resampling.BILINEAR)
        assert np.abs(image * 255 - np.asarray(resized, "float32")).max() <= 1.01


def test_the_same_every_time_and_ready_for_crops(prepared):
    first, second = (
        oxford_iiit_pet("train", size=16, data_dir=prepared[0], download=False) for _ in range(2)
    )
    assert first.names == second.names
    x, y = next(iter(batches(first, size=12, batch_size=2)))
    assert x.shape == (2, 12, 12, 3)
    assert set(np.unique(y)) <= {0, 1, 2}


def test_not_there(prepared, tmp_path):
    with pytest.raises(FetchError, match=r"can't be loaded by TensorFlow Datasets: .*`data_dir`"):
        oxford_iiit_pet("test", data_dir=tmp_path, download=False)
