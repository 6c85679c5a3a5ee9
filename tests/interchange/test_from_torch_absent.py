"""What says that PyTorch is missing, with or without PyTorch."""

import pytest

from keras_upsample import interchange


def test_the_extra_to_install_is_named(monkeypatch):
    monkeypatch.setattr("keras_upsample._installed.find_spec", lambda name: None)
    with pytest.raises(
        ModuleNotFoundError, match=r'pip install "keras-upsample\[torch\]"'
    ) as caught:
        interchange.from_torch(object(), (1, 3, 8, 8))
    assert "\n" not in str(caught.value)
