"""OpenVINO is imported without its telemetry, and whole."""

import sys

import pytest
from checked import of

from keras_upsample._others import _openvino

pytest.importorskip("openvino", reason="OpenVINO is not installed (extra openvino)")


@of("openvino")
def test_openvino_without_its_telemetry():
    found = _openvino.openvino()
    assert found is sys.modules["openvino"]
    assert found.Core().available_devices
    assert sys.modules.get("openvino_telemetry", "not there") is not None
