"""Nuclei found by a preset, and by its 8-bit file for an NPU: the README's picture of a result.

python examples/result_picture.py [OUT.png]    # fetches the image at the first run

Needs `pip install ".[edge,objects,viz]"`. Every figure in the titles is computed here, of the
whole image: from another microscope than those of the training, 512x512 pixels, with nuclei that
its authors outlined by hand.
"""

import os
import sys
import tempfile
from pathlib import Path
from typing import Any

os.environ.setdefault("TF_CPP_MIN_LOG_LEVEL", "3")

import numpy as np

DEVICE, TILE = "ethos_u85_256", 256
COLOURS = ((0, 0, 0), (255, 150, 0))  # of the background, which stays as it is, and of nuclei
INCHES, DPI = (16, 7), 75
SMALLEST = 20  # pixels: what is less is no nucleus


def main() -> None:
    """Predict twice, score, draw."""
    import tifffile

    from keras_upsample import data, export, predict, zoo

    image_path, truth_path = data.fetch("nuclei_stardist")
    image = tifffile.imread(image_path)
    truth = (tifffile.imread(truth_path) > 0).astype("uint8")
    ours = predict.predict("unet:nuclei", image).labels
    with tempfile.TemporaryDirectory() as folder:
        report = export.export(
            zoo.unet(weights="nuclei"), folder, [DEVICE], input_shape=(TILE, TILE, 1)
        )
        (artefact,) = report.artefacts
        small = predict.predict(artefact.path, image, overlap=TILE // 4).labels
    on_cpu = len(artefact.check.left) if artefact.check else "?"

    panels = {
        f"microscope image\n{regions(truth)} regions by hand": np.zeros_like(truth),
        f"unet:nuclei, float32\n{regions(ours)} regions, IoU {iou(truth, ours):.3f}": ours,
        f"8-bit file, Ethos-U85\n{regions(small)} regions, IoU {iou(truth, small):.3f}": small,
    }
    foot = (
        f"8 bits against float32: IoU {iou(ours, small):.4f}. "
        f"{artefact.file_size / 1e6:.1f} MB, {on_cpu} operators on the CPU."
    )
    out = Path(sys.argv[1] if len(sys.argv) > 1 else "docs/result.png")
    draw(image, panels, foot).savefig(out, pil_kwargs={"optimize": True})
    print(*(title.replace("\n", ": ") for title in panels), foot, out, sep="\n")


def iou(one: np.ndarray, other: np.ndarray) -> float:
    """Intersection over union of two masks of 0 and 1."""
    return float((one & other).sum() / (one | other).sum())


def regions(mask: np.ndarray) -> int:
    """Connected regions of a mask; nuclei that touch are one."""
    from keras_upsample.predict import ObjectOptions, find_objects

    return len(find_objects(mask, options=ObjectOptions(least_area=SMALLEST)))


def draw(image: np.ndarray, panels: dict[str, np.ndarray], foot: str) -> Any:
    """The image with each mask over it, side by side under their titles.

    Letters are as large as 9 pixels on a page that is 400 wide.
    """
    from matplotlib.figure import Figure

    from keras_upsample import viz

    figure = Figure(figsize=INCHES, dpi=DPI)
    places = {"left": 0.003, "right": 0.997, "bottom": 0.09, "top": 0.86, "wspace": 0.02}
    axes = figure.subplots(1, len(panels), gridspec_kw=places)
    for panel, (title, mask) in zip(axes, panels.items(), strict=True):
        panel.imshow(viz.overlay_image(image, mask, colours=COLOURS, alpha=0.35))
        panel.set_title(title, fontsize=25)
        panel.set_axis_off()
    figure.text(0.5, 0.025, foot, fontsize=23, ha="center")
    return figure


if __name__ == "__main__":
    main()
