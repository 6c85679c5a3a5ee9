"""From microscope images to masks and counts.

python examples/count_nuclei.py scans/*.tif --out build/nuclei

Writes for each image its mask and an overlay, and `counts.csv` with a line an image: the number of
nuclei and their median area in pixels. Nuclei that touch count as one. Counting needs the extra
`objects`.
"""

import argparse
import csv
import os
from pathlib import Path

os.environ.setdefault("TF_CPP_MIN_LOG_LEVEL", "3")

import numpy as np

SMALLEST = 20  # pixels: what is less is no nucleus


def main(arguments: list[str] | None = None) -> None:
    """Predict, count, write."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("images", type=Path, nargs="+")
    parser.add_argument("--model", default="unet:nuclei", help="a preset or a file")
    parser.add_argument("--out", type=Path, default=Path("build/nuclei"))
    options = parser.parse_args(arguments)

    from keras_upsample import predict

    model = predict.load_model(options.model)
    rows = []
    for image in options.images:
        written = predict.predict_to_files(model, image, options.out)
        for mask in sorted(p for p in written.written + written.kept if "_classes" in p.name):
            areas = areas_of(_mask(mask))
            middle = float(np.median(areas)) if areas else 0.0
            rows.append((mask.name, len(areas), f"{middle:.1f}"))
            print(f"{mask.name}: {len(areas)} nuclei, median area {middle:.1f} pixels")
    with open(options.out / "counts.csv", "w", newline="", encoding="utf-8") as file:
        csv.writer(file).writerows([("mask", "nuclei", "median_area_pixels"), *rows])


def _mask(path: Path) -> np.ndarray:
    from PIL import Image

    with Image.open(path) as picture:
        return np.asarray(picture) == 1


def areas_of(mask: np.ndarray) -> list[int]:
    """Pixels of every connected region of a mask (H, W), corners included."""
    from keras_upsample.predict import ObjectOptions, find_objects

    found = find_objects(mask, options=ObjectOptions(least_area=SMALLEST))
    return [nucleus.pixels for nucleus in found]


if __name__ == "__main__":
    main()
