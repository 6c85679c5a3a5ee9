"""`push` and `pull` of Kaggle, by its own client, to a server in this process."""

import json
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from kaggle_server import TOKEN, Hub, served
from model_files import FACTS, onnx_file, saved_model
from typer.testing import CliRunner

from keras_upsample import hub as ku_hub
from keras_upsample.cli import app
from keras_upsample.errors import HubError

pytest.importorskip("kagglehub")

PLACE = "kaggle://me/rivers/keras/small"
VARIATION = "me/rivers/MODEL_FRAMEWORK_KERAS/small"


@pytest.fixture
def server(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Hub]:
    """The stand-in, at the place of the client's `LOCALHOST`, whose port 80 is not ours to take."""
    from kagglesdk import kaggle_env

    with served() as hub:
        monkeypatch.setenv("KAGGLE_API_ENVIRONMENT", "LOCALHOST")
        monkeypatch.setitem(kaggle_env._env_to_endpoint, kaggle_env.KaggleEnv.LOCAL, hub.url)
        monkeypatch.setenv("KAGGLE_API_TOKEN", TOKEN)
        monkeypatch.setenv("HOME", str(tmp_path / "home"))
        monkeypatch.setenv("KAGGLE_CONFIG_DIR", str(tmp_path / "home"))
        for name in ("KAGGLE_USERNAME", "KAGGLE_KEY", "KAGGLE_KERNEL_RUN_TYPE"):
            monkeypatch.delenv(name, raising=False)
        yield hub


def test_files_come_back_as_they_were(server: Hub, tmp_path: Path) -> None:
    made = tmp_path / "made"
    model, folder = onnx_file(made / "rivers.onnx"), saved_model(made / "serving")
    report = ku_hub.push([model, folder], PLACE)
    sent = {"rivers.onnx", "rivers.onnx.data", "README.md"}
    sent |= {"serving/saved_model.pb", "serving/variables/variables.index"}
    assert set(report.files) == sent == set(server.versions[VARIATION][0])
    assert server.models == {"me/rivers": True}
    assert server.licences == {VARIATION: "CC0: Public Domain"}
    assert report.url == f"{server.url}/models/me/rivers/keras/small"
    card = server.versions[VARIATION][0]["README.md"].decode()
    assert "classes 0 land, 1 water" in card and f"keras-upsample pull {PLACE} --out rivers" in card
    back = ku_hub.pull(PLACE, tmp_path / "back")  # the list has three pages
    assert back.revision == "1" and set(back.files) == sent
    for name in sent - {"README.md"}:
        assert (tmp_path / "back" / name).read_bytes() == (made / name).read_bytes()
    found = {file for file in (tmp_path / "back").rglob("*") if file.is_file()}
    assert {file.relative_to(tmp_path / "back").as_posix() for file in found} == sent


def test_versions(server: Hub, tmp_path: Path) -> None:
    model = onnx_file(tmp_path / "rivers.onnx")
    ku_hub.push(model, PLACE)
    first = model.read_bytes()
    ku_hub.push(onnx_file(model, FACTS.with_class_names(["a", "b"])), PLACE)
    assert len(server.versions[VARIATION]) == 2
    ku_hub.pull(PLACE, tmp_path / "new")
    ku_hub.pull(f"{PLACE}/1", tmp_path / "old")
    assert (tmp_path / "new" / "rivers.onnx").read_bytes() == model.read_bytes() != first
    assert (tmp_path / "old" / "rivers.onnx").read_bytes() == first


def test_nothing_damaged_is_written(server: Hub, tmp_path: Path) -> None:
    ku_hub.push(onnx_file(tmp_path / "rivers.onnx"), PLACE)
    content = bytearray(server.versions[VARIATION][0]["rivers.onnx.data"])
    content[7] ^= 1
    server.damaged = {"rivers.onnx.data": bytes(content)}
    with pytest.raises(HubError, match=r"'rivers.onnx.data' is not the file whose hash"):
        ku_hub.pull(PLACE, tmp_path / "back")
    server.states_md5, server.damaged = False, {"rivers.onnx.data": bytes(content)[:-1]}
    with pytest.raises(HubError, match=r"'rivers.onnx.data' is not as large"):
        ku_hub.pull(PLACE, tmp_path / "back")
    assert not (tmp_path / "back").exists() and not list(tmp_path.glob(".*in-progress"))


@pytest.mark.parametrize("name", ["../out.txt", "/tmp/out.txt", "a/../../b", ".complete/x"])
def test_names_that_lead_out_are_refused(server: Hub, tmp_path: Path, name: str) -> None:
    server.versions[VARIATION] = [{"fine.txt": b"fine", name: b"bad"}]
    with pytest.raises(HubError, match="whose name is refused"):
        ku_hub.pull(PLACE, tmp_path / "in" / "back")
    assert not (tmp_path / "in").exists() and "DownloadModelInstanceVersion" not in server.asked


def test_private(server: Hub, tmp_path: Path) -> None:
    model = onnx_file(tmp_path / "rivers.onnx")
    server.models["me/rivers"] = False
    with pytest.raises(HubError, match="is public"):
        ku_hub.push(model, PLACE, private=True)
    assert server.versions == {}
    server.models["me/rivers"] = True
    ku_hub.push(model, PLACE, private=True)
    ku_hub.push(model, "kaggle://me/lakes/keras/small", private=True)
    assert server.models == {"me/rivers": True, "me/lakes": True}


def test_an_unknown_licence_is_said(server: Hub, tmp_path: Path) -> None:
    from dataclasses import replace

    model = onnx_file(tmp_path / "rivers.onnx", replace(FACTS, licence="My terms"))
    report = ku_hub.push(model, PLACE)
    assert server.licences == {VARIATION: None}
    assert any("no licence 'My terms'" in note for note in report.notes)


def test_errors_are_one_line(
    server: Hub, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capfd: pytest.CaptureFixture
) -> None:
    def refused(*arguments: Any) -> str:
        capfd.readouterr()
        assert CliRunner().invoke(app, [*map(str, arguments)]).exit_code == 2
        line = capfd.readouterr().err
        assert line.count("\n") == 1
        return line

    model, out = onnx_file(tmp_path / "rivers.onnx"), tmp_path / "out"
    assert "must be kaggle://" in refused("pull", "kaggle://me/rivers", "--out", out)
    assert "not a valid ModelFramework" in refused("pull", "kaggle://a/b/c/d", "--out", out)
    assert "no such model" in refused("pull", PLACE, "--out", out)
    server.versions[VARIATION] = [{}]
    assert "is empty" in refused("pull", PLACE, "--out", out)
    assert "no such model or version" in refused("pull", f"{PLACE}/9", "--out", out)
    assert "makes a new version" in refused("push", model, f"{PLACE}/1")
    monkeypatch.setenv("KAGGLE_API_TOKEN", "another")
    assert "refuses access (401)" in refused("push", model, PLACE)
    monkeypatch.delenv("KAGGLE_API_TOKEN")
    assert "needs a token. Set KAGGLE_API_TOKEN" in refused("push", model, PLACE)
    monkeypatch.setattr("keras_upsample._installed.find_spec", lambda name: None)
    assert 'pip install "keras-upsample[kaggle]"' in refused("pull", PLACE, "--out", out)
    assert not out.exists() and server.versions == {VARIATION: [{}]}


def test_the_command_says_what_it_sends(server: Hub, tmp_path: Path) -> None:
    model = onnx_file(tmp_path / "rivers.onnx")
    (tmp_path / "report.json").write_text(
        json.dumps({"model": "rivers", "artefacts": [{"path": str(model)}], "versions": {}})
    )
    result = CliRunner().invoke(app, ["push", str(model), PLACE])
    assert result.exit_code == 0, result.output
    lines = result.stdout.splitlines()
    assert lines[0] == f"to {PLACE}:"
    assert lines[-1] == f"{PLACE}: {server.url}/models/me/rivers/keras/small"
    names = {line.split()[0] for line in lines[1:-1]}
    assert names == {"rivers.onnx", "rivers.onnx.data", "README.md", "report.json"}
