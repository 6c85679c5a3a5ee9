"""Pictures a second by workers of Ray, beside one process.

python benchmarks/predict_engines.py [--images 60] [--workers 1 2]

Predicts photographs of 512x512 with `unet:nuclei` as ONNX: in this process with one thread and with
all, and by Ray with workers of one processor each. Prints a Markdown table; Ray's start and the
loading of the model are a column of their own: the time to the first outcome.
"""

import argparse
import os
import tempfile
import time
from pathlib import Path

os.environ.setdefault("TF_CPP_MIN_LOG_LEVEL", "3")


def main() -> None:
    """Measure and print."""
    from PIL import Image

    import keras_upsample as ku
    from keras_upsample import data

    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--images", type=int, default=60)
    parser.add_argument("--workers", type=int, nargs="+", default=[1, 2])
    options = parser.parse_args()
    with tempfile.TemporaryDirectory() as folder:
        place = Path(folder)
        model = place / "nuclei.onnx"
        ku.export.to_onnx(ku.zoo.unet(weights="nuclei"), model)
        picture = Image.fromarray(data.photograph("coffee", (512, 512))).convert("L")
        images = []
        for number in range(options.images):
            images.append(place / f"{number}.png")
            picture.rotate(number).save(images[-1])
        ways = {
            "this process, 1 thread": (None, 1),
            f"this process, {os.cpu_count()} threads": (None, os.cpu_count()),
            **{
                f"Ray, {n} worker{'s' * (n > 1)}": (ku.predict.Ray(workers=n), 1)
                for n in options.workers
            },
        }
        print("| engine | first outcome, s | pictures a second after it |\n|---|---|---|")
        for name, (engine, threads) in ways.items():
            begin = time.perf_counter()
            outcomes = ku.predict.predict_dataset(
                model, images, place / name, engine=engine, load={"threads": threads}
            )
            moments = [time.perf_counter() - begin for outcome in outcomes if not outcome.error]
            rate = (len(moments) - 1) / (moments[-1] - moments[0])
            print(f"| {name} | {moments[0]:.1f} | {rate:.2f} |", flush=True)


if __name__ == "__main__":
    main()
