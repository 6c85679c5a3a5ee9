"""How fast and in how much memory large images are predicted in tiles.

python benchmarks/tiling.py           # pixel rates, against the runtime's own calls on one tile
python benchmarks/tiling.py memory    # largest resident memory, 10,000 x 10,000 pixels

The network is a U-Net of 0.5 million parameters. Rates are in megapixels a second: *own* is the
runtime called on a tile that lies ready; *computed* counts every pixel that the tiled run sends
through the network, overlaps as often as they are sent; *output* counts the pixels of the image.
"""

import os
import resource
import subprocess
import sys
import tempfile
import time
from pathlib import Path
from typing import Any

os.environ.setdefault("TF_CPP_MIN_LOG_LEVEL", "3")

import numpy as np
from _rounds import interleaved

TILE, OVERLAP = 512, 64
SIDE = 10_000


def main() -> None:
    if sys.argv[1:] == ["memory"]:
        memory()
    elif sys.argv[1:2] == ["one"]:
        one(*map(Path, sys.argv[2:]))
    else:
        rates()


def models(folder: Path) -> dict[str, Any]:
    """The same network in each runtime."""
    import keras

    import keras_upsample as ku

    keras.utils.set_random_seed(20)
    model = ku.zoo.unet((None, None, 3), 3, filters=(16, 32, 64, 128), upsample="bilinear")
    ku.export.to_onnx(model, folder / "unet.onnx")
    ku.export.to_tflite(model, folder / "unet.tflite", input_shape=(TILE, TILE, 3))
    return {
        "TensorFlow": model,
        "ONNX Runtime": folder / "unet.onnx",
        "LiteRT": folder / "unet.tflite",
    }


def rates() -> None:
    from keras_upsample.data import photograph
    from keras_upsample.predict import load_model, predict, predict_to_files
    from keras_upsample.predict._writers import PngWriter

    image = np.tile(photograph("retina"), (2, 2, 1))[:2304, :2304]
    ready = np.ascontiguousarray(image[:TILE, :TILE], "float32") / 255
    print(f"image {image.shape[1]}x{image.shape[0]}, tile {TILE}, overlap {OVERLAP}")
    print(f"{'runtime':<14} {'what':<28} {'min':>7} {'median':>7}  share of own (min, median)")
    with tempfile.TemporaryDirectory() as name:
        folder = Path(name)
        with PngWriter(folder / "image.png", image.shape[:2], channels=3) as writer:
            writer.write(image)
        for runtime, source in models(folder).items():
            model = load_model(source)
            tile = None if model.network.size[0] else TILE
            rows, columns, _ = model.tiles(*image.shape[:2], tile, OVERLAP)
            count = len(rows) * len(columns)
            computed = sum(y.length for y in rows) * sum(x.length for x in columns) / 1e6
            output = image.shape[0] * image.shape[1] / 1e6

            def own(model: Any = model, count: int = count) -> None:
                for _ in range(count):
                    model.network.run(ready)

            def tiled(model: Any = model, tile: int | None = tile) -> None:
                predict(model, image, tile=tile, overlap=OVERLAP)

            def files(model: Any = model, tile: int | None = tile) -> None:
                path = folder / "image.png"
                predict_to_files(model, path, folder, tile=tile, overlap=OVERLAP, overwrite=True)

            times = interleaved({"own": own, "arrays": tiled, "files": files}, rounds=5)
            base = [count * TILE * TILE / 1e6 / seconds for seconds in times["own"]]
            for what, pixels, key in (
                ("own", count * TILE * TILE / 1e6, "own"),
                ("predict, computed", computed, "arrays"),
                ("predict, output", output, "arrays"),
                ("predict_to_files, computed", computed, "files"),
                ("predict_to_files, output", output, "files"),
            ):
                fast, usual = (pixels / seconds for seconds in times[key])
                shares = f"{fast / base[0]:.3f}, {usual / base[1]:.3f}"
                print(f"{runtime:<14} {what:<28} {fast:7.3f} {usual:7.3f}  {shares}", flush=True)


def memory() -> None:
    import tifffile
    from PIL import Image

    from keras_upsample.data import photograph

    with tempfile.TemporaryDirectory() as name:
        folder = Path(name)
        models(folder)
        repeats = -(-SIDE // 1411)
        image = np.tile(photograph("retina"), (repeats, repeats, 1))[:SIDE, :SIDE]
        Image.MAX_IMAGE_PIXELS = None
        Image.fromarray(image).save(folder / "image.png", compress_level=1)
        tifffile.imwrite(folder / "plain.tif", image)
        tifffile.imwrite(
            folder / "tiled.tif", image, tile=(256, 256), compression="zlib", photometric="rgb"
        )
        del image
        for file in ("plain.tif", "tiled.tif", "image.png"):
            command = [sys.executable, __file__, "one", folder / "unet.onnx", folder / file]
            subprocess.run([*command, folder / "results"], check=True)


def one(model: Path, image: Path, out: Path) -> None:
    from keras_upsample.predict import predict_to_files

    start = time.perf_counter()
    files = predict_to_files(model, image, out, tile=TILE, overlap=OVERLAP)
    seconds = time.perf_counter() - start
    most = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 2**20
    sizes = ", ".join(f"{p.name} {p.stat().st_size / 1e6:.0f} MB" for p in files.written)
    print(
        f"{image.name:<10} {most:.2f} GiB resident at most, {seconds:.0f} s ({sizes})", flush=True
    )


if __name__ == "__main__":
    main()
