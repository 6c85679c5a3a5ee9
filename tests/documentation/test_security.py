"""The figures of SECURITY.md are those of the code, and so are the functions that take `trust`."""

import ast
import re
from collections.abc import Iterator
from pathlib import Path

import pytest

from keras_upsample import _keras_first_read
from keras_upsample.files import _hdf5_structure, _npm, _transfer
from keras_upsample.images import _claims
from keras_upsample.interchange import _fold, _net
from keras_upsample.predict import _load
from keras_upsample.runtimes import _first_load, _first_load_process, _onnx_memory
from keras_upsample.training import Recipe


def _power(number: int) -> str:
    """2**24 -> "2²⁴"."""
    exponent = number.bit_length() - 1
    assert number == 2**exponent
    return "2" + str(exponent).translate(str.maketrans("0123456789", "⁰¹²³⁴⁵⁶⁷⁸⁹"))


PAGE = " ".join((Path(__file__).parents[2] / "SECURITY.md").read_text(encoding="utf-8").split())
GIB, MIB = 2**30, 2**20


@pytest.mark.parametrize(
    "sentence",
    [
        f"at most {_keras_first_read.MEMORY // GIB} GiB above that of the libraries and "
        f"{_keras_first_read.SECONDS} seconds (and one more for each "
        f"{_keras_first_read.SPEED / 1e6:g} MB)",
        f"at most {_hdf5_structure.MOST_EXPANSION} times the file "
        f"({_hdf5_structure.LEAST_CLAIM // MIB} MiB for small files)",
        f"at most {1 + 1 / _keras_first_read.SHARE:g} times the elements in the file, and "
        f"{_power(_keras_first_read.SPARE)}",
        f"the first load is ended after {_first_load.LOAD_SECONDS} seconds; one run (on zeros, "
        f"open sizes at {_first_load_process.OPEN_SIZE}) after {_first_load.RUN_SECONDS}, and one "
        f"more for each {_first_load.SPEED / 1e6:g} MB; both, for a file below "
        f"{_first_load.SMALL / 1e6:g} MB on Linux, at {_first_load.MEMORY / GIB:g} GiB of memory",
        f"ONNX Runtime gets at most {_onnx_memory.LEAST // GIB} GiB, and {_onnx_memory.OF_FILE} "
        "times the file's size, for each image",
        f"a network of open size may have at most {_load._MOST_CHANNELS:,}",
        f"than the machine has ({_first_load_process._LEAST_MEMORY // GIB} GiB at least)",
        f"may have at most {_claims.MOST_BYTES // GIB} GiB, and at most "
        f"{_claims._MOST_IN_ANY_FILE // 10**6} million pixels and {_claims._MOST_IN_A_BYTE:,} for "
        "each byte of its file",
        f"only the decoders of {', '.join(_claims.FORMATS[:-1])} and {_claims.FORMATS[-1]} are "
        "opened".replace("WEBP", "WebP"),
        f"at most {_power(_net.MOST_ELEMENTS)} elements each, and together that and "
        f"{_fold.GROWTH} times the file's own",
        f"({_transfer.MOST // GIB} GiB where there is none) and after {_transfer.SECONDS} seconds, "
        f"and one more for each {_transfer.SLOWEST // 1000} kB; npm's on Linux at "
        f"{_npm.LISTS // MIB} MiB more than the size",
    ],
)
def test_figures(sentence: str) -> None:
    assert sentence in PAGE


def takers(folder: Path) -> Iterator[str]:
    """Public functions of a package, and of its classes, with an argument `trust`."""
    exported = set()
    for node in ast.parse((folder / "__init__.pyi").read_text(encoding="utf-8")).body:
        if isinstance(node, ast.ImportFrom):
            exported |= {each.asname or each.name for each in node.names}
    for file in folder.glob("*.py"):
        text = file.read_text(encoding="utf-8")
        for node in ast.parse(text).body if "trust" in text else ():
            inner = node.body if isinstance(node, ast.ClassDef) else []
            for each in (node, *inner):
                if isinstance(each, ast.FunctionDef) and not each.name.startswith("_"):
                    named = [argument.arg for argument in each.args.kwonlyargs]
                    if node.name in exported and "trust" in named:
                        assert each.args.kw_defaults[named.index("trust")].value is False
                        within = f"{node.name}." if each is not node else ""
                        yield f"{folder.name}.{within}{each.name}"
                    assert "trust" not in [argument.arg for argument in each.args.args]


def test_who_takes_trust() -> None:
    package = Path(__file__).parents[2] / "keras_upsample"
    found = {name for stub in package.glob("*/__init__.pyi") for name in takers(stub.parent)}
    (listed,) = re.findall(r"These take it: (.*?)\. Without it", PAGE)
    assert found == set(re.findall(r"`([\w.]+)`", listed))


def test_a_function_in_a_recipe(tmp_path) -> None:
    (tmp_path / "beside.py").write_text("raise SystemExit('was imported')")
    path = tmp_path / "recipe.yaml"
    path.write_text("augmentation: {function: 'beside:change'}")
    with pytest.raises(ValueError, match=r"Python code, and it was not run.*trust=True"):
        Recipe.from_yaml(path)
    path.write_text("augmentation: {function: 'json:dumps'}")
    assert Recipe.from_yaml(path, trust=True).augmentation == {"function": "json:dumps"}


def test_time_of_a_transfer() -> None:
    assert _transfer.Limit(5_000_000).seconds == 300 + 100
    limit = _transfer.Limit(None)
    assert (limit.most, limit.seconds) == (2**30, 300 + 2**30 / 50_000)
