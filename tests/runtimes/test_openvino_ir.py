"""OpenVINO files of others: what is refused before OpenVINO reads them."""

import re
import shutil

import numpy as np
import pytest
from compare import assert_close

from keras_upsample import runtimes
from keras_upsample.errors import ArtefactError
from keras_upsample.files import _tried
from keras_upsample.runtimes import _first_load

openvino = pytest.importorskip("openvino", reason="OpenVINO is not installed")


@pytest.fixture(scope="module")
def foreign(tmp_path_factory):
    """A file that OpenVINO alone wrote: a convolution, channels first."""
    from openvino import opset13 as ops

    path = tmp_path_factory.mktemp("foreign") / "net.xml"
    kernel = np.arange(54, dtype="float32").reshape(2, 3, 3, 3) / 54
    image = ops.parameter([1, 3, 7, 5], np.float32, name="image")
    result = ops.convolution(image, kernel, [1, 1], [1, 1], [1, 1], [1, 1])
    result.output(0).get_tensor().set_names({"scores"})
    openvino.save_model(openvino.Model([result], [image], "net"), str(path), compress_to_fp16=False)
    return path


@pytest.fixture
def net(foreign, tmp_path):
    for suffix in (".xml", ".bin"):
        shutil.copy(foreign.with_suffix(suffix), tmp_path / f"net{suffix}")
    return tmp_path / "net.xml"


def test_a_whole_one_is_run(net):
    from keras_upsample.metadata import read

    runner = runtimes.load(net)
    assert read(net) is None
    assert (runner.layout, runner.layout_known) == ("nchw", True)
    x = np.random.default_rng(3).random((1, 3, 7, 5), "float32")
    kernel = np.arange(54, dtype="float64").reshape(2, 3, 3, 3) / 54
    padded = np.pad(x.astype("float64"), ((0, 0), (0, 0), (1, 1), (1, 1)))
    windows = np.lib.stride_tricks.sliding_window_view(padded, (3, 3), (2, 3))
    expected = np.einsum("nchwij,ocij->nohw", windows, kernel)
    (found,) = runner({runner.inputs[0].name: x}).values()
    assert_close(found, expected.astype("float32"), of_range=5e-5)


ENTITIES = '<!DOCTYPE net [<!ENTITY a "aaaaaaaaaa"><!ENTITY b "&a;&a;&a;&a;&a;&a;&a;&a;">]>\n<net'
DAMAGES = {
    "entities": (r"<net", ENTITIES, "has a document type"),
    "an external entity": (
        r"<net",
        '<!DOCTYPE net SYSTEM "file:///etc/passwd">\n<net',
        "has a document type",
    ),
    "an overflow": (
        r'offset="\d+" size="216"',
        'offset="18446744073709551400" size="216"',
        r"at 18446744073709551400 to 18446744073709551616, and net.bin has \d+ bytes",
    ),
    "beyond the end": (r'offset="\d+" size="216"', 'offset="1" size="4096"', "to 4097, and net"),
    "below the start": (r'offset="\d+" size="216"', 'offset="-8" size="216"', "no whole numbers"),
    "a shape that overflows": (
        r'shape="2, 3, 3, 3"',
        'shape="4294967296, 4294967296"',
        "fewer values than its shape needs",
    ),
    "strings": (r'element_type="f32" shape="2', 'element_type="string" shape="2', "type 'string'"),
    "an extension": (
        r'type="Convolution" version="opset1"',
        'type="Convolution" version="extension"',
        "the operator 'Convolution' of the extension 'extension', and no extension is loaded",
    ),
    "another root": (r"<(/?)net", r"<\1svg", "it is no OpenVINO IR, but XML of <svg>"),
    "a part": (r"(?s)<edges.*", "", "it is no XML"),
    "another encoding": (r"(?s).*", lambda m: m[0].encode("utf-16"), "no XML in UTF-8"),
}


@pytest.mark.parametrize("name", DAMAGES)
def test_refused(name, net, monkeypatch):
    def loaded(*arguments):
        raise AssertionError("OpenVINO was given the file")

    monkeypatch.setattr(_first_load, "_refusal", loaded)
    pattern, new, message = DAMAGES[name]
    text = net.read_text()
    changed = new(re.match(pattern, text)) if callable(new) else re.sub(pattern, new, text)
    assert changed != text
    net.write_bytes(changed if isinstance(changed, bytes) else changed.encode())
    with pytest.raises(ArtefactError, match=rf"`.*\.xml` can't be loaded by OpenVINO: .*{message}"):
        runtimes.load(net)


def test_without_its_values(net):
    net.with_suffix(".bin").unlink()
    with pytest.raises(ArtefactError, match=r"its values are missing: net\.bin must be beside it"):
        runtimes.load(net)


def test_the_first_load_is_in_a_separate_process(net, tmp_path, monkeypatch):
    monkeypatch.setenv("KERAS_UPSAMPLE_CACHE", str(tmp_path / "cache"))
    monkeypatch.setattr(_tried, "_known", set())
    tried = []
    monkeypatch.setattr(_first_load, "_refusal", lambda *arguments: tried.append(arguments))
    runtimes.load(net, trust=True)
    assert not tried
    for _ in range(2):
        runtimes.load(net)
    assert tried == [(net, "openvino")]
    runtimes.load(net, runtime="openvino_default")
    assert tried[1:] == [(net, "openvino_default")]
    monkeypatch.setattr(_first_load, "_refusal", lambda *arguments: "it ended the process")
    net.with_suffix(".bin").write_bytes(bytes(net.with_suffix(".bin").stat().st_size))
    with pytest.raises(ArtefactError, match="it ended the process"):
        runtimes.load(net)


def test_the_values_are_a_part_of_what_is_recognised(net):
    """A file that was loaded before is not the same one with other values."""
    from keras_upsample.files._digest import digest_of, digests_of

    before = digest_of(net)
    assert set(digests_of(net)) == {"net.xml", "net.bin"}
    values = net.with_suffix(".bin")
    values.write_bytes(values.read_bytes()[:-1] + b"\x01")
    assert digest_of(net) != before


@pytest.mark.parametrize("name", ["[1] ü.xml", "a.b.xml"])
def test_names(name, net):
    for suffix in (".xml", ".bin"):
        net.with_suffix(suffix).rename(net.with_name(name).with_suffix(suffix))
    assert runtimes.load(net.with_name(name)).outputs[0].shape == (1, 2, 7, 5)
