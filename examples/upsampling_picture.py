"""One small photograph, enlarged four times by each layer: the picture in the README.

python examples/upsampling_picture.py [OUT.png]
"""

import os
import sys

os.environ.setdefault("TF_CPP_MIN_LOG_LEVEL", "3")

import numpy as np
from PIL import Image, ImageDraw, ImageFont

from keras_upsample import layers
from keras_upsample.data import photograph

SCALE = 4
CELL = 224  # pixels of one panel


def panels() -> dict[str, np.ndarray]:
    # The cat's eye, 56 x 56 pixels, as a batch of one in [0, 1].
    eye = photograph("chelsea")[84:140, 176:232].astype("float32")[None] / 255
    learned = layers.TransposedConv2D(
        3, SCALE, kernel_size=2 * SCALE, initializer="bilinear", use_bias=False
    )
    crossed = layers.TransposedConv2D(3, SCALE, kernel_size=5, use_bias=False)
    crossed.build(eye.shape)
    # A kernel of 5 at stride 4 overlaps on every fourth row: the checkerboard that a constant
    # kernel shows and that training must unlearn.
    kernel = np.full((5, 5, 1, 1), SCALE**2 / 5**2, "float32") * np.eye(3, dtype="float32")
    crossed.set_weights([kernel])
    return {
        "NearestUpSampling2D": layers.NearestUpSampling2D(SCALE)(eye),
        "BilinearUpSampling2D": layers.BilinearUpSampling2D(SCALE)(eye),
        "BicubicUpSampling2D": layers.BicubicUpSampling2D(SCALE)(eye),
        "TransposedConv2D, bilinear": learned(eye),
        "TransposedConv2D, 5 at stride 4": crossed(eye),
    }


def main() -> None:
    out = sys.argv[1] if len(sys.argv) > 1 else "docs/upsampling.png"
    shown = panels()
    font = ImageFont.load_default(size=13)
    sheet = Image.new("RGB", (len(shown) * (CELL + 8) - 8, CELL + 22), "white")
    draw = ImageDraw.Draw(sheet)
    for column, (name, batch) in enumerate(shown.items()):
        pixels = (np.asarray(batch)[0].clip(0, 1) * 255).round().astype("uint8")
        sheet.paste(Image.fromarray(pixels), (column * (CELL + 8), 22))
        draw.text((column * (CELL + 8), 2), name, fill="black", font=font)
    sheet.save(out, optimize=True)
    print(out, sheet.size)


if __name__ == "__main__":
    main()
