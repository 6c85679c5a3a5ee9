"""What is known of Python's own import system."""

import sys

from keras_upsample._others import _python


def test_a_module_that_is_being_imported(tmp_path, monkeypatch):
    (tmp_path / "half_way.py").write_text(
        "import sys\n"
        "from keras_upsample._others._python import is_being_imported\n"
        "begun = is_being_imported(sys.modules[__name__])\n"
    )
    monkeypatch.syspath_prepend(tmp_path)
    import half_way

    assert half_way.begun
    for module in (half_way, sys, None):
        assert not _python.is_being_imported(module)
