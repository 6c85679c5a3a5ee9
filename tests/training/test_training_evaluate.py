"""Scores against plain loops, bootstrap intervals, thresholds."""

import dataclasses
import json
import math

import keras
import numpy as np
import pytest
from toy_discs import discs

from keras_upsample import metadata
from keras_upsample.data import LabelledImages, photograph
from keras_upsample.predict import load_model
from keras_upsample.training import evaluate, write_threshold

RNG = np.random.default_rng(5)


def channel_scores(count: int, kind: str = "logits", classes: tuple[str, ...] = ()):
    """A model whose output is its input."""
    image = keras.Input((None, None, count), name="image")
    model = keras.Model(image, keras.layers.Activation("linear", name="scores")(image))
    output = metadata.Output("scores", kind=kind, class_names=classes)
    task = "segmentation" if count > 1 else "binary_segmentation"
    scaling = metadata.Scaling()
    return metadata.attach(
        model,
        metadata.Metadata(
            "given",
            task=task,
            inputs=(metadata.Input("image", scaling=scaling),),
            outputs=(output,),
        ),
    )


def scored(count: int = 3, images: int = 3) -> LabelledImages:
    """Random scores of random labels, images of odd sizes, some pixels of no class."""
    sizes = RNG.integers(5, 14, (images, 2))
    pictures = [RNG.random((h, w, count), "float32") for h, w in sizes]
    labels = [RNG.integers(0, max(count, 2), (h, w)).astype("u1") for h, w in sizes]
    for label in labels:
        label[0, :2] = 255
    names = tuple(map(str, range(images)))
    classes = ("a", "b", "c")[: max(count, 2)]
    return LabelledImages(tuple(pictures), tuple(labels), classes, names)


def counts(labelled: LabelledImages, chosen, predict) -> list[list[int]]:
    """The confusion matrix by loops over pixels."""
    classes = len(labelled.classes)
    table = [[0] * classes for _ in range(classes)]
    for i in chosen:
        image, label = labelled.images[i], labelled.labels[i]
        for y in range(label.shape[0]):
            for x in range(label.shape[1]):
                if label[y, x] != 255:
                    table[label[y, x]][predict(image[y, x])] += 1
    return table


def quotients(table: list[list[int]], names: tuple[str, ...]) -> dict[str, float]:
    found = {}
    for c, name in enumerate(names):
        tp = table[c][c]
        fp = sum(table[r][c] for r in range(len(names))) - tp
        fn = sum(table[c]) - tp
        found[f"iou {name}"] = tp / (tp + fp + fn)
        found[f"precision {name}"] = tp / (tp + fp)
        found[f"recall {name}"] = tp / (tp + fn)
        found[f"f1 {name}"] = 2 * tp / (2 * tp + fp + fn)
    found["mean_iou"] = sum(found[f"iou {name}"] for name in names) / len(names)
    return found


def band(mask: np.ndarray, width: int) -> set[tuple[int, int]]:
    """The pixels of a mask within `width` of a pixel outside, by loops."""
    height, columns = mask.shape
    found = set()
    for y in range(height):
        for x in range(columns):
            for v in range(y - width, y + width + 1):
                for u in range(x - width, x + width + 1):
                    outside = not (0 <= v < height and 0 <= u < columns) or not mask[v, u]
                    if mask[y, x] and outside:
                        found.add((y, x))
    return found


def test_scores_are_those_of_loops():
    labelled = scored()
    found = evaluate(channel_scores(3), labelled, bootstrap=0)
    table = counts(labelled, range(3), lambda pixel: int(np.argmax(pixel)))
    assert [list(row) for row in found.confusion] == table
    expected = quotients(table, labelled.classes)
    each = []
    for image, label in zip(labelled.images, labelled.labels, strict=True):
        guess = np.where(label == 255, 254, np.argmax(image, -1))
        values = []
        for c in range(3):
            a, b = band(label == c, 2), band(guess == c, 2)
            if a | b:
                values.append(len(a & b) / len(a | b))
        each.append(sum(values) / len(values))
    expected["boundary_iou"] = sum(each) / len(each)
    assert found.scores == pytest.approx(expected)
    assert found.intervals == {} and found.bootstrap == {}


def test_bootstrap_intervals_are_those_of_resampled_images():
    labelled = scored(images=4)
    found = evaluate(channel_scores(3), labelled, bootstrap=50, seed=9)
    rng = np.random.default_rng(9)
    drawn = [
        quotients(
            counts(labelled, rng.integers(4, size=4), lambda pixel: int(np.argmax(pixel))),
            labelled.classes,
        )
        for _ in range(50)
    ]
    for name in drawn[0]:
        values = sorted(one[name] for one in drawn)
        low, high = np.percentile(values, (2.5, 97.5))
        assert found.intervals[name] == pytest.approx((low, high)), name
    assert "50 bootstrap samples of images, seed 9" in str(found)
    assert dict(found.bootstrap) == {"count": 50, "seed": 9, "level": 0.95}
    one = evaluate(channel_scores(3), scored(images=1), bootstrap=50)
    assert one.intervals == {}
    assert "an interval needs at least 2" in str(one)


@pytest.mark.parametrize("kind", ["probabilities", "logits"])
def test_one_channel_and_its_best_threshold(kind):
    labelled = scored(count=1)

    def probability(pixel):
        return pixel[0] if kind == "probabilities" else np.float32(1 / (1 + math.exp(-pixel[0])))

    found = evaluate(channel_scores(1, kind), labelled, choose_threshold="f1", bootstrap=0)
    at_half = counts(labelled, range(3), lambda pixel: int(probability(pixel) >= 0.5))
    assert [list(row) for row in found.confusion] == at_half
    curve = found.curve
    best = -1.0
    for i, threshold in enumerate(curve.thresholds):
        edge = np.float32(threshold)
        table = counts(labelled, range(3), lambda pixel, edge=edge: int(probability(pixel) >= edge))
        tp, fp, fn = table[1][1], table[0][1], table[1][0]
        assert curve.iou[i] == pytest.approx(tp / (tp + fp + fn))
        f1 = 2 * tp / (2 * tp + fp + fn)
        assert curve.f1[i] == pytest.approx(f1)
        best = max(best, curve.f1[i])
    assert curve.f1[curve.thresholds.index(curve.threshold)] == best
    plain = json.loads(json.dumps(found.to_dict(), allow_nan=False))
    assert plain["curve"]["threshold"] == curve.threshold


def test_the_probability_of_one_of_three_classes():
    labelled = scored()
    probabilities = LabelledImages(
        tuple((x / x.sum(-1, keepdims=True)).astype("float32") for x in labelled.images),
        labelled.labels,
        labelled.classes,
        labelled.names,
    )
    model = channel_scores(3, "probabilities")
    found = evaluate(model, probabilities, choose_threshold="iou", class_name="b", bootstrap=0)
    curve = found.curve
    for threshold in (0.2, 0.37, 0.5):
        table = [[0, 0], [0, 0]]
        for image, label in zip(probabilities.images, probabilities.labels, strict=True):
            for pixel, true in zip(image.reshape(-1, 3), label.ravel(), strict=True):
                if true != 255:
                    table[int(true == 1)][int(pixel[1] >= np.float32(threshold))] += 1
        iou = table[1][1] / (table[1][1] + table[0][1] + table[1][0])
        at = curve.thresholds.index(threshold)
        assert curve.iou[at] == pytest.approx(iou)
    with pytest.raises(ValueError, match="`class_name` must be one of a, b, c, whose"):
        evaluate(model, probabilities, choose_threshold="iou")
    with pytest.raises(ValueError, match="Received: 'd'"):
        evaluate(model, probabilities, choose_threshold="iou", class_name="d")


@pytest.mark.parametrize("kind", ["probabilities", "logits"])
def test_a_written_threshold_is_what_predict_uses(kind, tmp_path):
    path = tmp_path / "model.keras"
    channel_scores(1, kind).save(path)
    written = write_threshold(path, tmp_path / "new.keras", 0.3)
    assert load_model(written).threshold == pytest.approx(0.3)
    assert load_model(path).threshold == 0.5
    labelled = scored(count=1)
    default, changed = (evaluate(p, labelled, bootstrap=0) for p in (path, written))
    curve = evaluate(path, labelled, choose_threshold="iou", bootstrap=0).curve
    assert changed.scores["iou b"] == pytest.approx(curve.iou[curve.thresholds.index(0.3)])
    assert default.scores["iou b"] == pytest.approx(curve.iou[curve.thresholds.index(0.5)])
    with pytest.raises(FileExistsError, match="is there already"):
        write_threshold(path, written, 0.4)
    with pytest.raises(ValueError, match=r"must end in \.keras"):
        write_threshold(path, tmp_path / "new.tflite", 0.4)
    with pytest.raises(ValueError, match="has no threshold"):
        write_threshold(channel_scores(3), tmp_path / "three.keras", 0.4)


@pytest.mark.parametrize("target", ["onnx", "tflite", "saved_model"])
def test_a_threshold_in_an_exported_file(target, tmp_path):
    from keras_upsample import export

    image = keras.Input((16, 16, 1), name="image")
    model = keras.Model(image, keras.layers.Conv2D(1, 1, name="logits")(image))
    output = metadata.Output("logits", kind="logits")
    inputs = (metadata.Input("image", scaling=metadata.Scaling()),)
    metadata.attach(
        model,
        metadata.Metadata("m", task="binary_segmentation", inputs=inputs, outputs=(output,)),
    )
    export.export(model, tmp_path / "files", [target], name="m")
    name = "saved_model" if target == "saved_model" else f"m.{target}"
    path = tmp_path / "files" / name
    written = write_threshold(path, tmp_path / name, 0.25)
    assert load_model(written).threshold == pytest.approx(0.25)
    assert load_model(path).threshold == 0.5
    picture = RNG.random((16, 16, 1), "float32")
    np.testing.assert_array_equal(load_model(path).run(picture), load_model(written).run(picture))


def test_classes_must_be_the_models():
    labelled = scored()
    with pytest.raises(ValueError, match="in this order"):
        evaluate(channel_scores(3, classes=("c", "b", "a")), labelled)
    with pytest.raises(ValueError, match="has 2 classes"):
        evaluate(channel_scores(2), labelled)
    other = evaluate(channel_scores(3, classes=("x", "y", "z")), labelled, bootstrap=0)
    assert "Classes are compared by number" in other.notes[0]
    unnamed = dataclasses.replace(labelled, classes=("class 0", "class 1", "class 2"))
    named = evaluate(channel_scores(3, classes=("x", "y", "z")), unnamed, bootstrap=0)
    assert named.classes == ("x", "y", "z") and named.notes == ()


def test_images_of_percentiles_are_not_scaled_again():
    """Labelled sets are in [0, 1] already; a model that says percentiles must not do it anew."""
    model = channel_scores(3, "probabilities")
    changed = model.metadata.with_input(scaling=metadata.Scaling("percentiles"))
    labelled = scored()
    before = evaluate(model, labelled, bootstrap=0)
    assert evaluate(metadata.attach(model, changed), labelled, bootstrap=0).scores == before.scores


def test_super_resolution_of_nearest_lies_below_bicubic():
    image = keras.Input((None, None, 3), name="image")
    model = keras.Model(image, keras.layers.UpSampling2D(2, name="enlarged")(image))
    pictures = {"cat": photograph("chelsea", (41, 62)), "coins": photograph("coins", (33, 30))}
    found = evaluate(model, pictures, bootstrap=20)
    assert found.task == "super_resolution"
    # By loops: the luma of a pixel, a border of 2 left out.
    from PIL import Image

    large = pictures["cat"][:40, :62]
    small = np.asarray(Image.fromarray(large).resize((31, 20), Image.Resampling.BICUBIC))
    squares = []
    for y in range(2, 38):
        for x in range(2, 60):
            difference = large[y, x].astype(float) - small[y // 2, x // 2]
            luma = difference @ np.array([65.481, 128.553, 24.966]) / 255 / 255
            squares.append(luma**2)
    expected = -10 * math.log10(sum(squares) / len(squares))
    assert found.scores["cat psnr_y"] == pytest.approx(expected)
    assert found.scores["cat gain_y"] < 0
    mean = (found.scores["cat gain_y"] + found.scores["coins gain_y"]) / 2
    assert found.scores["mean gain_y"] == pytest.approx(mean)
    assert set(found.intervals) == {
        "mean gain_y", "mean gain_rgb", "mean psnr_y", "mean psnr_rgb",
    }  # fmt: skip


def test_what_does_not_fit_is_refused():
    labelled = discs(1)
    with pytest.raises(ValueError, match="`bootstrap` must be a whole number from 0 up"):
        evaluate(channel_scores(3), labelled, bootstrap=-1)
    with pytest.raises(ValueError, match="`choose_threshold` must be one of iou, f1"):
        evaluate(channel_scores(3), labelled, choose_threshold="dice")
    with pytest.raises(ValueError, match="pictures without masks are for super-resolution"):
        evaluate(channel_scores(3), {"cat": photograph("chelsea")})
    with pytest.raises(ValueError, match="holds no image"):
        evaluate(channel_scores(3), {})
    empty = LabelledImages(
        (np.zeros((4, 4, 1), "float32"),), (np.zeros((4, 4), "u1"),), ("a", "b"), ("0",)
    )
    with pytest.raises(ValueError, match="no pixel of 'b'"):
        evaluate(channel_scores(1), empty, choose_threshold="iou")
