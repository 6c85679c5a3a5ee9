"""A large picture through a network in tiles.

python examples/large_picture.py                     # the Hubble deep field, 1000x872 pixels
python examples/large_picture.py PICTURE --out build/large

Enlarges it twice by `espcn:photos_x2`, band by band into a file, and then a part of it at once, to
show that tiles leave no seams: an overlap that is as wide as the network sees makes both equal.
"""

import argparse
import os
from pathlib import Path
from tempfile import TemporaryDirectory

os.environ.setdefault("TF_CPP_MIN_LOG_LEVEL", "3")

import numpy as np

TILE, OVERLAP, PART = 128, 32, 300


def main(arguments: list[str] | None = None) -> int:
    """Enlarge in tiles and at once; returns the largest difference, in grey levels of 255."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("picture", type=Path, nargs="?")
    parser.add_argument("--out", type=Path, default=Path("build/large"))
    options = parser.parse_args(arguments)

    from PIL import Image

    from keras_upsample import data, predict

    model = predict.load_model("espcn:photos_x2")
    with TemporaryDirectory() as folder:
        picture = options.picture or Path(folder) / "hubble.png"
        if options.picture is None:
            Image.fromarray(data.photograph("hubble")).save(picture)
        files = predict.predict_to_files(
            model, picture, options.out, tile=TILE, overlap=OVERLAP, overwrite=True
        )
        with Image.open(picture) as given:
            part = np.asarray(given.convert("RGB").crop((0, 0, PART, PART)))
    (path,) = files.written
    with Image.open(path) as enlarged:
        print(f"{path.name}: {enlarged.width}x{enlarged.height} pixels")
        tiled = np.asarray(enlarged.convert("RGB"), "int16")
    whole = predict.predict(model, part, tile=PART).picture.astype("int16")
    inner = np.s_[
        : 2 * (PART - OVERLAP), : 2 * (PART - OVERLAP)
    ]  # of whose surroundings all is there
    difference = int(np.abs(tiled[inner] - whole[inner]).max())
    print(f"largest difference from the same part at once: {difference} of 255")
    return difference


if __name__ == "__main__":
    main()
