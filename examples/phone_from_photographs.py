"""From photographs and masks of your own to a file for a phone.

python examples/phone_from_photographs.py images/ masks/ --classes background coin --out build/phone

Trains a U-Net on crops of the photographs, and writes `phone.tflite`: 8 bits, takes the bytes of a
camera (uint8, 0 to 255) and gives the class of every pixel (uint8). The last lines run it as an app
would, by LiteRT alone. Masks hold class numbers, or 0 and 255, under the names of the photographs.
"""

import argparse
import os
from pathlib import Path
from typing import Any

os.environ.setdefault("TF_CPP_MIN_LOG_LEVEL", "3")

import numpy as np


def main(arguments: list[str] | None = None) -> dict[str, Any]:
    """Train, export, run; returns the figures that it prints."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("images", type=Path)
    parser.add_argument("masks", type=Path)
    parser.add_argument("--classes", nargs="+", help="names, from class 0 up")
    parser.add_argument("--size", type=int, default=96, help="pixels of the file's picture (96)")
    parser.add_argument("--steps", type=int, default=200, help="of training, 8 crops each (200)")
    parser.add_argument("--out", type=Path, default=Path("build/phone"))
    options = parser.parse_args(arguments)

    import keras

    from keras_upsample import data, export, losses, metrics, zoo
    from keras_upsample.metadata import Input, Metadata, Output, Scaling, attach

    keras.utils.set_random_seed(0)
    own = data.folder(options.images, options.masks, classes=options.classes)
    model = zoo.unet(
        classes=len(own.classes), filters=(8, 16, 32, 64), upsample="bilinear",
        batch_norm_momentum=0.9,  # few steps, see docs/training.md
    )  # fmt: skip
    model.compile(keras.optimizers.Adam(2e-3), losses.CrossEntropyAndDice())
    crops = data.batches(own, size=options.size, seed=0)
    model.fit(crops, steps_per_epoch=options.steps, shuffle=False, verbose=0)

    facts = Metadata(
        task="segmentation",
        inputs=(Input(channels=("red", "green", "blue"), scaling=Scaling()),),
        outputs=(Output(kind="logits", class_names=own.classes),),
    )
    report = export.to_tflite(
        attach(model, facts),
        options.out / "phone.tflite",
        images=_pixels(crops, 2),
        input_shape=(options.size, options.size, 3),
        precision="int8",
        scaling="inside",
        head="argmax",
        representative_data=_pixels(crops, 16),
    )
    print(report)

    pixels, truth = _crops(own, options.size)
    classes = run_on_phone(Path(report.path), pixels)
    ours = np.asarray(model(pixels / np.float32(255), training=False)).argmax(-1)
    found = {
        "classes equal to the model's": float((classes == ours).mean()),
        "mean IoU": metrics.mean_iou(truth, classes, len(own.classes)),
    }
    for name, value in found.items():
        print(f"{name}: {value:.3f}")
    return found


def _pixels(crops: Any, count: int) -> np.ndarray:
    """Crops as they were trained on, as the bytes of a camera."""
    batches = [np.asarray(images) for images, _ in crops.take(-(-count // 8))]
    return np.rint(np.concatenate(batches)[:count] * 255).astype("uint8")


def _crops(own: Any, size: int) -> tuple[np.ndarray, np.ndarray]:
    """The upper left corner of every photograph, as a camera gives it, and its mask."""
    pixels = [np.rint(image[:size, :size] * 255).astype("uint8") for image in own.images]
    return np.stack(pixels), np.stack([label[:size, :size] for label in own.labels])


def run_on_phone(path: Path, pixels: np.ndarray) -> np.ndarray:
    """The classes of a batch of pictures (N, H, W, 3) uint8, one by one."""
    from ai_edge_litert.interpreter import Interpreter

    interpreter = Interpreter(model_path=str(path))
    interpreter.allocate_tensors()
    (taken,), (given,) = interpreter.get_input_details(), interpreter.get_output_details()
    classes = []
    for picture in pixels:
        interpreter.set_tensor(taken["index"], picture[None])
        interpreter.invoke()
        classes.append(interpreter.get_tensor(given["index"])[0])
    return np.stack(classes)


if __name__ == "__main__":
    main()
