"""The library inside one process: threads, forks, and a long run."""

import json
import multiprocessing
import os
import time
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import Any

from reliability_study.forked import Limits, run_function
from reliability_study.report import Stop

SIZE = (40, 56, 3)
_WARM = 0.1  # of a soak, before memory is measured


def in_a_fork(
    work: Callable[[Path], dict[str, Any]], folder: Path, seconds: float
) -> dict[str, Any]:
    """What a function finds in a process of its own."""
    folder.mkdir(parents=True, exist_ok=True)
    note = folder / "found.json"
    outcome = run_function(
        lambda: note.write_text(json.dumps(work(folder))), folder, limits=Limits(seconds, 12 << 30)
    )
    found: dict[str, Any] = json.loads(note.read_text()) if note.exists() else {}
    if outcome.status:
        found["died"] = f"{outcome.status} {outcome.stopped} {outcome.errors[-1500:]}"
    return found


def exports_in_threads(seeds: Path, count: int) -> Callable[[Path], dict[str, Any]]:
    """One model, `count` threads at once, each to a folder of its own."""

    def work(folder: Path) -> dict[str, Any]:
        import keras_upsample as ku

        model = ku.export.load_source(seeds / "models" / "a.keras")
        images = seeds / "labelled" / "images"

        def one(number: int) -> str:
            try:
                report = ku.export.export(
                    model, folder / str(number), ["tflite", "onnx"], images, name="a",
                    input_shape=(32, 32, 3),
                )  # fmt: skip
            except Exception as error:
                return f"{type(error).__name__}: {error}"
            return "" if not report.failures else str(report.failures)

        with ThreadPoolExecutor(count) as pool:
            said = list(pool.map(one, range(count)))
        return {
            "exports": count,
            "right": said.count(""),
            "errors": sorted({text for text in said if text}),
        }

    return work


def predictors_in_threads(seeds: Path, count: int, each: int) -> Callable[[Path], dict[str, Any]]:
    """`count` threads, each with a predictor of its own, then all with one; results are compared
    with those of one thread."""

    def work(folder: Path) -> dict[str, Any]:
        import numpy as np

        from keras_upsample.predict import load_model

        path = seeds / "models" / "a.tflite"
        images = [
            np.random.default_rng(n).integers(0, 256, SIZE, "uint8") for n in range(count * each)
        ]
        alone = load_model(path)
        expected = [_labels(alone, image) for image in images]
        found: dict[str, Any] = {"threads": count, "predictions": 2 * count * each}
        wrong, errors = 0, []
        for shared in (False, True):

            def one(number: int, shared: bool = shared) -> int:
                mine = alone if shared else load_model(path)
                part = range(number * each, (number + 1) * each)
                return sum(not np.array_equal(_labels(mine, images[n]), expected[n]) for n in part)

            with ThreadPoolExecutor(count) as pool:
                for future in [pool.submit(one, number) for number in range(count)]:
                    try:
                        wrong += future.result()
                    except Exception as error:
                        errors.append(f"{type(error).__name__}: {error}")
        return {**found, "wrong": wrong, "errors": sorted(set(errors))}

    return work


def fork_after_use(seeds: Path, count: int) -> Callable[[Path], dict[str, Any]]:
    """A pool of forks, once a predictor was used here."""

    def work(folder: Path) -> dict[str, Any]:
        import numpy as np

        from keras_upsample.predict import load_model

        found: dict[str, Any] = {"forks": count}
        image = np.random.default_rng(0).integers(0, 256, SIZE, "uint8")
        for name in ("a.tflite", "a.onnx", "a.keras"):
            path = seeds / "models" / name
            used = load_model(path)
            expected = _labels(used, image)
            pool = multiprocessing.get_context("fork").Pool(count, _keep, (used, path, image))
            for new in (False, True):
                said = "right"
                try:
                    answers = pool.map_async(_predict, [new] * count).get(60)
                    if not all(np.array_equal(a, expected) for a in answers):
                        said = "wrong"
                except multiprocessing.TimeoutError:
                    said = "hangs"
                except Exception as error:
                    said = f"error: {type(error).__name__}: {str(error)[:200]}"
                found[f"{name}, {'loaded in the fork' if new else 'used before'}"] = said
                if said == "hangs":
                    break
            pool.terminate()
        return found

    return work


_KEPT: list[Any] = []


def _keep(*what: Any) -> None:
    _KEPT[:] = what


def _predict(new: bool) -> Any:
    from keras_upsample.predict import load_model

    used, path, image = _KEPT
    return _labels(load_model(path) if new else used, image)


def soak_predictions(seeds: Path, count: int, stop: Stop) -> Callable[[Path], dict[str, Any]]:
    """Resident memory over `count` predictions with one file."""

    def work(folder: Path) -> dict[str, Any]:
        import numpy as np

        from keras_upsample.predict import load_model

        predictor = load_model(seeds / "models" / "a.tflite")
        image = np.random.default_rng(0).integers(0, 256, SIZE, "uint8")
        return _soak(lambda: _labels(predictor, image), count, stop)

    return work


def soak_exports(seeds: Path, count: int, stop: Stop) -> Callable[[Path], dict[str, Any]]:
    """Resident memory over `count` exports of one model."""

    def work(folder: Path) -> dict[str, Any]:
        import keras_upsample as ku

        model = ku.export.load_source(seeds / "models" / "a.keras")
        images = seeds / "labelled" / "images"

        def one() -> None:
            ku.export.export(
                model, folder / "out", ["tflite"], images, name="a", input_shape=(32, 32, 3)
            )

        return _soak(one, count, stop)

    return work


def _soak(work: Callable[[], Any], count: int, stop: Stop) -> dict[str, Any]:
    resident, done, start = [], 0, time.monotonic()
    while done < count and not stop():
        work()
        done += 1
        resident.append(_resident())
    warm = max(1, int(_WARM * done))
    first, last = resident[warm - 1], resident[-1]
    return {
        "runs": done,
        "MiB after warm-up": first / 2**20,
        "MiB at the end": last / 2**20,
        "growth": last / first - 1,
        "seconds": time.monotonic() - start,
    }


def _resident() -> int:
    pages = int(Path("/proc/self/statm").read_text().split()[1])
    return pages * os.sysconf("SC_PAGE_SIZE")


def _labels(predictor: Any, image: Any) -> Any:
    from keras_upsample.predict import predict

    return predict(predictor, image).labels
