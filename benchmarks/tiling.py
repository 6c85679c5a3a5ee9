"""How fast and in how much memory large images are predicted in tiles.

python benchmarks/tiling.py           # pixel rates, against the runtime's own calls on one tile
python benchmarks/tiling.py memory    # largest resident memory, 10,000 x 10,000 pixels
python benchmarks/tiling.py memory plain.tif    # of one format: plain.tif, tiled.tif, image.png

The network is a U-Net of 0.5 million parameters. Rates are medians in megapixels a second. *own* is
the runtime called on a tile that lies ready; *computed* counts every pixel that the tiled run sends
through the network, overlaps as often as they are sent; *output* counts the pixels of the image.
The share of own is the ratio of the computed rates within a round: its median, and all of them.
"""

import os
import re
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

os.environ.setdefault("TF_CPP_MIN_LOG_LEVEL", "3")

import numpy as np

TILE, OVERLAP = 512, 64
SIDE = 10_000
ROUNDS = 7


def main() -> None:
    if sys.argv[1:2] == ["memory"]:
        memory(sys.argv[2:] or ["plain.tif", "tiled.tif", "image.png"])
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
    from keras_upsample.images._writers import PngWriter
    from keras_upsample.predict import load_model, predict, predict_to_files

    image = np.tile(photograph("retina"), (2, 2, 1))[:2752, :2752]  # 6 x 6 whole tiles
    ready = np.ascontiguousarray(image[:TILE, :TILE], "float32") / 255
    print(f"image {image.shape[1]}x{image.shape[0]}, tile {TILE}, overlap {OVERLAP}")
    print(f"{'runtime':<14} {'what':<18} {'computed':>8} {'output':>8}  share of own, by round")
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

            ways = {"own": own, "predict": tiled, "predict_to_files": files}
            times = {what: np.array(seconds) for what, seconds in rounds(ways, ROUNDS).items()}
            for what, seconds in times.items():
                rate, rest = computed / np.median(seconds), output / np.median(seconds)
                shares = np.sort(times["own"] / seconds)
                listed = " ".join(f"{share:.2f}" for share in shares)
                print(
                    f"{runtime:<14} {what:<18} {rate:8.3f} {rest:8.3f}  "
                    f"{np.median(shares):.3f} ({listed})",
                    flush=True,
                )


def rounds(ways: dict[str, Callable[[], None]], count: int) -> dict[str, list[float]]:
    """Seconds by way, every way once a round, after one round that does not count."""
    times: dict[str, list[float]] = {what: [] for what in ways}
    for number in range(count + 1):
        for what, run in ways.items():
            start = time.perf_counter()
            run()
            if number:
                times[what].append(time.perf_counter() - start)
    return times


def memory(formats: list[str]) -> None:
    import tifffile
    from PIL import Image

    from keras_upsample.data import photograph

    with tempfile.TemporaryDirectory() as name:
        folder = Path(name)
        models(folder)
        repeats = -(-SIDE // 1411)
        image = np.tile(photograph("retina"), (repeats, repeats, 1))[:SIDE, :SIDE]
        if "image.png" in formats:
            Image.fromarray(image).save(folder / "image.png", compress_level=1)
        if "plain.tif" in formats:
            tifffile.imwrite(folder / "plain.tif", image, photometric="rgb")
        if "tiled.tif" in formats:
            options = {"tile": (256, 256), "compression": "zlib"}
            tifffile.imwrite(folder / "tiled.tif", image, photometric="rgb", **options)
        del image
        for file in formats:
            command = [sys.executable, __file__, "one", folder / "unet.onnx", folder / file]
            subprocess.run([*command, folder / "results"], check=True)


def one(model: Path, image: Path, out: Path) -> None:
    from keras_upsample.predict import predict_to_files

    start = time.perf_counter()
    files = predict_to_files(model, image, out, tile=TILE, overlap=OVERLAP)
    seconds = time.perf_counter() - start
    # Not getrusage's figure, which a process takes over from the one that started it.
    status = Path("/proc/self/status").read_text()
    most = int(re.search(r"VmHWM:\s+(\d+) kB", status)[1]) / 2**20
    sizes = ", ".join(f"{p.name} {p.stat().st_size / 1e6:.0f} MB" for p in files.written)
    print(
        f"{image.name:<10} {most:.2f} GiB resident at most, {seconds:.0f} s ({sizes})", flush=True
    )


if __name__ == "__main__":
    main()
