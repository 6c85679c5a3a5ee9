"""TFLite Metadata in `.tflite` files: the model in them is untouched, and what they say is true."""

import errno
import io
import os
import tracemalloc
import zipfile

import keras
import media
import numpy as np
import pytest
from ai_edge_litert import schema_py_generated as schema

from keras_upsample.export import to_tflite
from keras_upsample.metadata import IMAGENET, Input, Metadata, Output, Scaling, attach, read
from keras_upsample.metadata._tflite import write_tflite
from keras_upsample.metadata._tflite_file import ALIGNED, add_entries
from keras_upsample.runtimes import load

NAMES = ("Himmel", "Straße", "空 und mehr")


def network(channels=3, classes=3, seed=0, height=16, width=12):
    image = keras.Input((height, width, channels), name="image")
    x = keras.layers.Conv2D(4, 3, padding="same", activation="relu")(image)
    scores = keras.layers.Conv2D(classes, 1, name="scores")(x)
    model = keras.Model(image, scores, name="net")
    rng = np.random.default_rng(seed)
    for weight in model.weights:
        weight.assign(rng.normal(0, 0.5, weight.shape))
    return model


def described(scaling=None, *, names=NAMES, kind="logits", task="segmentation", **options):
    model = network(**options)
    return attach(
        model,
        Metadata(
            "net",
            version="2.1",
            task=task,
            author="Å. Nyström",
            licence="CC0-1.0",
            description="Wörter",
            inputs=(Input("image", scaling=scaling or Scaling()),),
            outputs=(Output("scores", kind, names),),
        ),
    )


def plain_file(model, folder, **options):
    """A file as the converter makes it."""
    import tensorflow as tf

    model.export(str(folder / "saved"), verbose=False)
    converter = tf.lite.TFLiteConverter.from_saved_model(str(folder / "saved"))
    for name, value in options.items():
        setattr(converter, name, value)
    path = folder / "plain.tflite"
    path.write_bytes(converter.convert())
    return path


def data_places(content):
    """Where the data of each buffer begins."""
    model = schema.Model.GetRootAs(content, 0)
    for index in range(model.BuffersLength()):
        table = model.Buffers(index)._tab
        offset = table.Offset(4)
        if offset:
            yield table.Vector(offset)


def test_the_old_file_follows_byte_for_byte(tmp_path):
    path = plain_file(network(), tmp_path)
    old = path.read_bytes()
    write_tflite(path, Metadata("x", outputs=(Output(class_names=NAMES),)))
    new = path.read_bytes()
    start = new.find(old)
    assert start > 0 and start % ALIGNED == 0
    assert new[4:8] == b"TFL3"
    model = schema.ModelT.InitFromPackedBuf(new)
    names = [entry.name for entry in model.metadata]
    assert {b"min_runtime_version", b"CONVERSION_METADATA"} <= set(names)
    assert {b"TFLITE_METADATA", b"KERAS_UPSAMPLE_METADATA"} <= set(names)
    before = schema.ModelT.InitFromPackedBuf(old)
    assert len(model.buffers) == len(before.buffers) + 2
    assert model.description == before.description and model.version == before.version
    assert len(model.signatureDefs) == len(before.signatureDefs)
    kept, moved = list(data_places(old)), list(data_places(new))
    assert moved[: len(kept)] == [start + place for place in kept]  # aligned as they were
    assert all(place % 16 == 0 for place in moved[len(kept) :])
    assert not list(tmp_path.glob("*.described"))


@pytest.mark.parametrize("offsets", [False, True])
def test_the_model_computes_what_it_did(tmp_path, offsets):
    """Also where the data lie behind the tables, as in files above 2 GiB."""
    path = plain_file(network(), tmp_path, _experimental_use_buffer_offset=offsets)
    model = schema.Model.GetRootAs(path.read_bytes(), 0)
    outside = [model.Buffers(i).Offset() for i in range(model.BuffersLength())]
    assert offsets == any(place > 1 for place in outside)
    x = np.random.default_rng(1).random((1, 16, 12, 3), "float32")
    runner = load(path)
    feeds = {runner.inputs[0].name: x}
    before, operators = runner(feeds), runner.operator_counts()
    write_tflite(path, Metadata("x"))
    after = load(path)
    assert after.operator_counts() == operators
    for name, value in after(feeds).items():
        np.testing.assert_array_equal(value, before[name])
    assert read(path).name == "x"


def test_what_is_written_twice_is_there_once(tmp_path):
    path = plain_file(network(), tmp_path)
    write_tflite(path, Metadata("first"))
    add_entries(path, {"KERAS_UPSAMPLE_METADATA": Metadata("second").to_json().encode()}, {})
    assert read(path).name == "second"
    model = schema.ModelT.InitFromPackedBuf(path.read_bytes())
    names = [entry.name for entry in model.metadata]
    assert len(set(names)) == len(names)


@pytest.mark.parametrize("failing", [1, 2, 3, 4, 5, 6, 7, None])
def test_a_file_that_can_not_be_opened_is_an_error_and_nothing_is_lost(
    failing, tmp_path, monkeypatch
):
    """Each call of open fails once; zipfile itself would empty the file or call it no archive."""
    path = plain_file(network(), tmp_path)
    write_tflite(path, Metadata("first"))
    before, names, opened = path.read_bytes(), sorted(tmp_path.iterdir()), io.open
    calls = 0

    def open_(*arguments, **options):
        nonlocal calls
        calls += 1
        if calls == failing:
            raise OSError(errno.EIO, os.strerror(errno.EIO), str(arguments[0]))
        return opened(*arguments, **options)

    with monkeypatch.context() as patch:
        patch.setattr(io, "open", open_)
        if failing is None:
            write_tflite(path, Metadata("second"))
            assert calls == 7
        else:
            with pytest.raises(OSError, match="Input/output error"):
                write_tflite(path, Metadata("second"))
    assert sorted(tmp_path.iterdir()) == names
    assert read(path).name == ("first" if failing else "second")
    assert failing is None or path.read_bytes() == before


def test_any_zip_reader_finds_labels_and_the_whole(tmp_path):
    to_tflite(described(), tmp_path / "m.tflite")
    with zipfile.ZipFile(tmp_path / "m.tflite") as archive:
        assert archive.testzip() is None
        assert {item.compress_type for item in archive.infolist()} == {zipfile.ZIP_STORED}
        assert archive.read("labels.txt").decode().splitlines() == list(NAMES)
        whole = Metadata.from_json(archive.read("keras_upsample_metadata.json"))
    assert whole == read(tmp_path / "m.tflite")
    assert whole.author == "Å. Nyström"


def test_the_same_facts_give_the_same_bytes(tmp_path):
    path = plain_file(network(), tmp_path)
    old, files = path.read_bytes(), []
    for _ in range(2):
        path.write_bytes(old)
        write_tflite(path, Metadata("x", outputs=(Output(class_names=NAMES),)))
        files.append(path.read_bytes())
    assert files[0] == files[1]


def test_a_large_file_does_not_come_into_memory(tmp_path):
    model = keras.Sequential([keras.Input((1000,)), keras.layers.Dense(5000)])
    path = plain_file(model, tmp_path)
    assert path.stat().st_size > 19e6
    tracemalloc.start()
    try:
        write_tflite(path, Metadata("x"))
        assert read(path).name == "x"
        _, peak = tracemalloc.get_traced_memory()
    finally:
        tracemalloc.stop()
    assert peak < path.stat().st_size  # a list of its bytes takes eight times that


def test_a_thousand_names_and_none(tmp_path):
    names = tuple(f"Klasse {i} ä" for i in range(1000))
    path = plain_file(network(classes=4), tmp_path)
    old, size = path.read_bytes(), path.stat().st_size
    write_tflite(path, Metadata("x"))
    assert path.stat().st_size - size < 2500  # grows by little where little is known
    with zipfile.ZipFile(path) as archive:
        assert archive.namelist() == ["keras_upsample_metadata.json"]
    path.write_bytes(old)
    write_tflite(path, Metadata("x", outputs=(Output(class_names=names),)))
    assert read(path).class_names == names
    with zipfile.ZipFile(path) as archive:
        assert archive.read("labels.txt").decode() == "\n".join(names) + "\n"


def test_a_file_cut_short_is_refused(tmp_path):
    from keras_upsample.errors import ArtefactError

    to_tflite(described(), tmp_path / "m.tflite")
    content = (tmp_path / "m.tflite").read_bytes()
    for length in (0, 3, 9, 40):
        (tmp_path / "cut.tflite").write_bytes(content[:length])
        with pytest.raises(ArtefactError, match="can't be read"):
            read(tmp_path / "cut.tflite")


# What MediaPipe's own code reads.


def tensors(found):
    (graph,) = found["subgraphMetadata"]
    return graph["inputTensorMetadata"], graph["outputTensorMetadata"], graph["customMetadata"]


@media.needed
def test_the_model_is_described(tmp_path):
    to_tflite(described(), tmp_path / "m.tflite")
    found = media.facts(tmp_path / "m.tflite", tmp_path)
    assert found["identified"]
    for name, value in {
        "name": "net",
        "version": "2.1",
        "author": "Å. Nyström",
        "license": "CC0-1.0",
        "description": "Wörter",
        "minParserVersion": "1.5.0",
    }.items():
        assert found[name] == value
    ((given,), (result,), (custom,)) = tensors(found)
    assert (given["name"], result["name"]) == ("image", "scores")
    properties = given["content"]["contentProperties"]
    assert properties["colorSpace"] == 1  # RGB
    assert properties["defaultSize"] == {"width": 12, "height": 16}
    assert (given["stats"]["min"], given["stats"]["max"]) == ([0], [1])
    assert [(f["name"], f["type"]) for f in result["associatedFiles"]] == [("labels.txt", 2)]
    assert custom["name"] == "SEGMENTER_METADATA"
    assert custom["data"] == {"activation": 2, "minParserVersion": "1.0.0"}


@media.needed
@pytest.mark.parametrize(
    ("scaling", "mean", "std"),
    [
        (Scaling(), [0], [255]),
        (Scaling.to_range(-1, 1), [127.5], [127.5]),
        (Scaling.to_range(0, 255), [0], [1]),
        (IMAGENET, [123.675, 116.28, 103.53], [58.395, 57.12, 57.375]),  # as torchvision has them
        (Scaling("stored", (1,), (-104.0,)), [104], [1]),
        (Scaling("percentiles"), None, None),
    ],
)
def test_normalization_is_in_pixels(tmp_path, scaling, mean, std):
    path = plain_file(network(), tmp_path)
    write_tflite(path, Metadata("x", inputs=(Input("image", scaling=scaling),)))
    ((given,), _, custom) = tensors(media.facts(path, tmp_path))
    assert custom is None
    if mean is None:
        assert not given["processUnits"]
        return
    (unit,) = given["processUnits"]
    assert unit["optionsType"] == 1
    np.testing.assert_allclose(unit["options"]["mean"], mean, rtol=1e-6, atol=1e-9)
    np.testing.assert_allclose(unit["options"]["std"], std, rtol=1e-6)


@media.needed
@pytest.mark.parametrize(
    ("channels", "names", "kind"),
    [(3, (), 2), (3, ("red", "green", "blue"), 2), (3, ("nir", "red", "green"), 1), (1, (), 2),
     (2, (), 1)],
)  # fmt: skip
def test_only_what_is_a_picture_is_called_one(tmp_path, channels, names, kind):
    path = plain_file(network(channels), tmp_path)
    write_tflite(path, Metadata("x", inputs=(Input("image", channels=names),)))
    ((given,), _, _) = tensors(media.facts(path, tmp_path))
    assert given["content"]["contentPropertiesType"] == kind
    if kind == 2:
        assert given["content"]["contentProperties"]["colorSpace"] == {3: 1, 1: 2}[channels]


@media.needed
def test_every_output_has_its_own_names(tmp_path):
    image = keras.Input((8, 8, 3), name="image")
    outputs = {
        "zoo": keras.layers.Conv2D(2, 1)(image),
        "area": keras.layers.Conv2D(3, 1, activation="sigmoid")(image),
        "depth": keras.layers.Conv2D(1, 1)(image),
    }
    facts = Metadata(
        "three",
        inputs=(Input("image", scaling=Scaling()),),
        outputs=(
            Output("zoo", "logits", ("ape", "bear")),
            Output("area", "probabilities", ("a", "b", "c"), threshold=0.25),
            Output("depth", "regression", value_range=(0.5, 80), unit="m"),
        ),
    )
    model = attach(keras.Model(image, outputs, name="three"), facts)
    to_tflite(model, tmp_path / "m.tflite")
    runner = load(tmp_path / "m.tflite")
    shapes = {info.name: info.shape[-1] for info in runner.outputs}
    _, results, _ = tensors(media.facts(tmp_path / "m.tflite", tmp_path))
    graph = schema.ModelT.InitFromPackedBuf((tmp_path / "m.tflite").read_bytes()).subgraphs[0]
    stored = [int(graph.tensors[index].shape[-1]) for index in graph.outputs]
    assert [shapes[item["name"]] for item in results] == stored
    by_name = {item["name"]: item for item in results}
    with zipfile.ZipFile(tmp_path / "m.tflite") as archive:
        for name, labels in {"zoo": ["ape", "bear"], "area": ["a", "b", "c"]}.items():
            (file,) = by_name[name]["associatedFiles"]
            assert archive.read(file["name"]).decode().splitlines() == labels
    assert not by_name["depth"]["associatedFiles"]
    assert by_name["depth"]["stats"]["max"] == [80] and "m" in by_name["depth"]["description"]
    (unit,) = by_name["area"]["processUnits"]
    assert unit["options"] == {"globalScoreThreshold": 0.25}


@media.needed
def test_a_class_map_names_its_values(tmp_path):
    to_tflite(described(), tmp_path / "m.tflite", head="argmax")
    _, (result,), custom = tensors(media.facts(tmp_path / "m.tflite", tmp_path))
    assert custom is None  # nothing is to be applied to a class map
    assert [f["type"] for f in result["associatedFiles"]] == [3]


@media.needed
def test_several_inputs(tmp_path):
    image, other = keras.Input((8, 8, 3), name="image"), keras.Input((4,), name="gains")
    model = keras.Model([image, other], keras.layers.Conv2D(2, 1)(image) * other[:, None, None, :2])
    attach(model, Metadata("two", inputs=(Input("image", scaling=Scaling()), Input("gains"))))
    to_tflite(model, tmp_path / "m.tflite")
    given, _, _ = tensors(media.facts(tmp_path / "m.tflite", tmp_path))
    graph = schema.ModelT.InitFromPackedBuf((tmp_path / "m.tflite").read_bytes()).subgraphs[0]
    ranks = [len(graph.tensors[index].shape) for index in graph.inputs]
    assert [item["name"] for item in given] == [{4: "image", 2: "gains"}[rank] for rank in ranks]
    assert all(bool(item["processUnits"]) == (item["name"] == "image") for item in given)
