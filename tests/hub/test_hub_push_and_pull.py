"""`push` and `pull` of Hugging Face, by its own client, to a server in this process."""

import json
import os
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from hugging_face_server import TOKEN, Hub, Repository, served
from model_files import FACTS, onnx_file, saved_model
from typer.testing import CliRunner

from keras_upsample import hub as ku_hub
from keras_upsample.cli import app
from keras_upsample.errors import HubError
from keras_upsample.hub._card import MARK
from keras_upsample.metadata import Metadata

client = pytest.importorskip("huggingface_hub")


@pytest.fixture
def server(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Hub]:
    """The stand-in, and a client that knows no other server, token or cache."""
    from huggingface_hub import constants

    with served() as hub:
        monkeypatch.setenv("HF_ENDPOINT", hub.url)
        monkeypatch.setenv("HF_TOKEN", TOKEN)
        monkeypatch.setattr(constants, "HF_TOKEN_PATH", str(tmp_path / "no_token"))
        monkeypatch.setattr(constants, "HF_HUB_CACHE", str(tmp_path / "cache"))
        monkeypatch.setattr(constants, "HF_HUB_DISABLE_XET", True)  # the stand-in has none
        monkeypatch.setattr(constants, "HF_HUB_DISABLE_TELEMETRY", True)
        yield hub


def held(hub: Hub, name: str = "me/rivers") -> dict[str, bytes]:
    """Content of each file of the newest commit."""
    return {file: content for file, (content, _) in hub.repositories[name].files().items()}


def test_files_come_back_as_they_were(server: Hub, tmp_path: Path) -> None:
    model = onnx_file(tmp_path / "made" / "rivers.onnx")
    folder = saved_model(tmp_path / "made" / "serving")
    (tmp_path / "made" / "other.onnx").write_bytes(b"not named, so not uploaded")
    lines: list[str] = []
    report = ku_hub.push([model, folder], "hf://me/rivers", tell=lines.append)
    sent = {"rivers.onnx", "rivers.onnx.data", "serving/saved_model.pb", "README.md"}
    sent |= {"serving/variables/variables.index"}
    assert set(report.files) == sent
    assert set(held(server)) == sent | {".gitattributes"}
    assert not server.repositories["me/rivers"].private
    assert report.url == f"{server.url}/me/rivers/commit/{server.repositories['me/rivers'].head}"
    assert lines[0] == "to hf://me/rivers:"
    assert any("rivers.onnx.data" in line and "1,200 bytes" in line for line in lines)
    assert any("notes.txt is not uploaded" in line for line in lines)
    back = ku_hub.pull("hf://me/rivers", tmp_path / "back")
    assert back.revision == server.repositories["me/rivers"].head
    for name in sent - {"README.md"}:
        assert (tmp_path / "back" / name).read_bytes() == (tmp_path / "made" / name).read_bytes()
    found = {file for file in (tmp_path / "back").rglob("*") if file.is_file()}
    assert {file.relative_to(tmp_path / "back").as_posix() for file in found} == set(back.files)
    assert not (tmp_path / "made" / "README.md").exists()


def test_large_files_go_through_git_lfs(server: Hub, tmp_path: Path) -> None:
    server.large = 1000
    model = onnx_file(tmp_path / "rivers.onnx")
    ku_hub.push(model, "hf://me/rivers")
    large = {name: of[1] for name, of in server.repositories["me/rivers"].files().items()}
    assert large["rivers.onnx.data"] and not large["rivers.onnx"]  # 1200 bytes, and about 600
    ku_hub.pull("hf://me/rivers", tmp_path / "back")
    data = "rivers.onnx.data"
    assert (tmp_path / "back" / data).read_bytes() == (tmp_path / data).read_bytes()


def test_the_card(server: Hub, tmp_path: Path) -> None:
    ku_hub.push(onnx_file(tmp_path / "rivers.onnx"), "hf://me/rivers")
    card = client.ModelCard(held(server)["README.md"].decode())
    assert card.data.to_dict() == {
        "license": "cc0-1.0",
        "library_name": "keras",
        "pipeline_tag": "image-segmentation",
        "tags": ["keras-upsample", "segmentation", "onnx"],
    }
    for words in (
        "# rivers",
        "`image`: any×64 pixels, nhwc, float32; channels red, green; scaling (2) u + (-1)",
        "`scores`: logits; classes 0 land, 1 water",
        "CC0-1.0",
        "keras-upsample pull hf://me/rivers --out rivers",
        "model = keras_upsample.runtimes.load('rivers/rivers.onnx')",
    ):
        assert words in card.text


@pytest.mark.parametrize(
    ("task", "licence", "expected"),
    [
        ("super_resolution", "MIT", {"license": "mit", "pipeline_tag": "image-to-image"}),
        ("regression", "My terms", {"license": "other", "license_name": "My terms"}),
        ("", "", {}),
    ],
)
def test_front_matter(task: str, licence: str, expected: dict[str, str]) -> None:
    from keras_upsample.hub._address import address_of
    from keras_upsample.hub._huggingface import HuggingFace

    text = HuggingFace(address_of("hf://a/b")).card(
        "# body\n", Metadata(task=task, licence=licence), ["onnx"]
    )
    facts = client.ModelCard(text).data.to_dict()
    assert {key: facts[key] for key in facts if key not in ("tags", "library_name")} == expected


def test_a_readme_of_the_user_is_kept(server: Hub, tmp_path: Path) -> None:
    model = onnx_file(tmp_path / "rivers.onnx")
    own = tmp_path / "README.md"
    own.write_text("# mine\n")
    report = ku_hub.push(model, "hf://me/rivers")
    assert MARK in held(server)["README.md"].decode()  # beside the model: not taken unasked
    assert any("--readme" in note for note in report.notes) and own.read_text() == "# mine\n"
    ku_hub.push(onnx_file(model, FACTS.with_class_names(["a", "b"])), "hf://me/rivers")
    assert "0 a, 1 b" in held(server)["README.md"].decode()  # a card of ours is replaced
    ku_hub.push(model, "hf://me/rivers", readme=own)
    assert held(server)["README.md"] == b"# mine\n"
    report = ku_hub.push(model, "hf://me/rivers")
    assert held(server)["README.md"] == b"# mine\n"
    assert any("is kept" in note for note in report.notes)


def test_the_report_tells_no_folders(server: Hub, tmp_path: Path) -> None:
    model = onnx_file(tmp_path / "rivers.onnx")
    plain = {
        "model": "rivers",
        "artefacts": [
            {
                "path": str(model),
                "shown": [{"source": f"pictures of {tmp_path}/my pictures/a.png, 1 / 2"}],
                "sha256": {"serving/saved_model.pb": "00"},
            }
        ],
        "versions": {},
    }
    (tmp_path / "report.json").write_text(json.dumps(plain))
    ku_hub.push(model, "hf://me/rivers")
    text = held(server)["report.json"].decode()
    assert str(tmp_path) not in text
    entry = json.loads(text)["artefacts"][0]
    assert entry["path"] == "rivers.onnx" and entry["sha256"] == {"serving/saved_model.pb": "00"}
    assert entry["shown"] == [{"source": "pictures of a.png, 1 / 2"}]
    plain["artefacts"][0]["path"] = "others.onnx"  # type: ignore[index]
    (tmp_path / "report.json").write_text(json.dumps(plain))
    report = ku_hub.push(model, "hf://me/others")
    assert "report.json" not in held(server, "me/others")
    assert any("report.json is not uploaded" in note for note in report.notes)


def test_private(server: Hub, tmp_path: Path) -> None:
    model = onnx_file(tmp_path / "rivers.onnx")
    ku_hub.push(model, "hf://me/secret", private=True)
    assert server.repositories["me/secret"].private
    server.repositories["me/open"] = Repository(private=False)
    server.repositories["me/open"].add({})
    with pytest.raises(HubError, match="is public"):
        ku_hub.push(model, "hf://me/open", private=True)
    assert held(server, "me/open") == {}


def test_what_a_gitignore_leaves_out_is_said(server: Hub, tmp_path: Path) -> None:
    server.ignored = {"rivers.onnx.data"}
    with pytest.raises(HubError, match=r"does not hold 'rivers.onnx.data' after the push"):
        ku_hub.push(onnx_file(tmp_path / "rivers.onnx"), "hf://me/rivers")


def test_nothing_damaged_is_written(server: Hub, tmp_path: Path) -> None:
    for large in (1 << 30, 100):
        server.large = large
        name = f"me/rivers{large}"
        ku_hub.push(onnx_file(tmp_path / "rivers.onnx"), f"hf://{name}")
        content = bytearray(held(server, name)["rivers.onnx.data"])
        content[7] ^= 1
        server.damaged = {"rivers.onnx.data": bytes(content)}
        with pytest.raises(HubError, match=r"rivers.onnx.data' is not the file whose hash"):
            ku_hub.pull(f"hf://{name}", tmp_path / "back")
        assert not (tmp_path / "back").exists()
        assert not list(tmp_path.glob(".*in-progress"))


@pytest.mark.parametrize(
    "name", ["../out.txt", "/tmp/out.txt", "a\\b", "c:d", "a//b", "\x1b[2J", ".cache/huggingface/x"]
)
def test_names_that_lead_out_are_refused(server: Hub, tmp_path: Path, name: str) -> None:
    server.repositories["me/bad"] = Repository(private=False)
    server.repositories["me/bad"].add({name: (b"bad", False)})
    with pytest.raises(HubError, match="whose name is refused") as caught:
        ku_hub.pull("hf://me/bad", tmp_path / "in" / "back")
    assert "\x1b" not in str(caught.value)
    assert not (tmp_path / "in").exists() and not (tmp_path / "out.txt").exists()


def test_folders_in_the_way(server: Hub, tmp_path: Path) -> None:
    ku_hub.push(onnx_file(tmp_path / "rivers.onnx"), "hf://me/rivers")
    first = server.repositories["me/rivers"].head
    out = tmp_path / "back"
    out.mkdir()
    ku_hub.pull("hf://me/rivers", out)  # an empty one is none
    (out / "mine" / "deep.txt").parent.mkdir()
    (out / "mine" / "deep.txt").write_text("mine")
    ku_hub.push(onnx_file(tmp_path / "rivers.onnx", None), "hf://me/rivers")
    before = (out / "rivers.onnx").read_bytes()
    with pytest.raises(ValueError, match="--overwrite"):
        ku_hub.pull("hf://me/rivers", out)
    assert (out / "rivers.onnx").read_bytes() == before
    ku_hub.pull("hf://me/rivers", out, overwrite=True)
    assert (out / "rivers.onnx").read_bytes() == (tmp_path / "rivers.onnx").read_bytes() != before
    assert (out / "mine" / "deep.txt").read_text() == "mine"
    ku_hub.pull(f"hf://me/rivers@{first}", tmp_path / "older")
    assert (tmp_path / "older" / "rivers.onnx").read_bytes() == before
    with pytest.raises(ValueError, match="is no folder"):
        ku_hub.pull("hf://me/rivers", tmp_path / "rivers.onnx", overwrite=True)


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
    assert "must be hf://USER/NAME" in refused("pull", "s3://me/rivers", "--out", out)
    assert "must be hf://USER/NAME" in refused("pull", "hf://me", "--out", out)
    assert "no such repository" in refused("pull", "hf://me/none", "--out", out)
    server.repositories["me/rivers"] = Repository(private=False)
    server.repositories["me/rivers"].add({})
    assert "is empty" in refused("pull", "hf://me/rivers", "--out", out)
    assert "no such revision" in refused("pull", "hf://me/rivers@v9", "--out", out)
    assert "does not exist" in refused("push", tmp_path / "no.onnx", "hf://me/rivers")
    (tmp_path / "a.txt").write_text("")
    assert "of another kind" in refused("push", tmp_path / "a.txt", "hf://me/rivers")
    assert "no SavedModel" in refused("push", tmp_path, "hf://me/rivers")
    assert "newest revision" in refused("push", model, "hf://me/rivers@v1")
    asked = len(server.asked)
    monkeypatch.delenv("HF_TOKEN")
    assert "needs a token. Log in by `hf auth login`" in refused("push", model, "hf://me/rivers")
    assert len(server.asked) == asked
    monkeypatch.setenv("HF_TOKEN", "hf_another")
    assert "refuses this token (401)" in refused("push", model, "hf://you/none")
    monkeypatch.setattr("keras_upsample._installed.find_spec", lambda name: None)
    assert 'pip install "keras-upsample[hf]"' in refused("pull", "hf://me/rivers", "--out", out)
    assert not out.exists() and held(server) == {}


def test_no_server(server: Hub, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("HF_ENDPOINT", "http://127.0.0.1:9")
    with pytest.raises(HubError, match=r"hf://me/rivers: .*onnection") as caught:
        ku_hub.pull("hf://me/rivers", tmp_path / "out")
    assert "\n" not in str(caught.value)


def test_two_files_of_one_name(server: Hub, tmp_path: Path) -> None:
    files = [onnx_file(tmp_path / folder / "net.onnx") for folder in "ab"]
    with pytest.raises(ValueError, match=r"Two files would be 'net.onnx'"):
        ku_hub.push(files, "hf://me/rivers")
    assert server.asked == []


def test_commands_in_a_process_of_their_own(server: Hub, tmp_path: Path) -> None:
    """As a user calls them: the client itself reads HF_ENDPOINT and HF_TOKEN."""
    environment = {
        **os.environ,
        "HF_ENDPOINT": server.url,
        "HF_TOKEN": TOKEN,
        "HF_HOME": str(tmp_path / "home"),
        "HF_HUB_DISABLE_XET": "1",
        "HF_HUB_DISABLE_TELEMETRY": "1",
    }
    onnx_file(tmp_path / "rivers.onnx")
    (tmp_path / "run.py").write_text(
        "import sys\n"
        "from keras_upsample.cli import app\n"
        "app(sys.argv[1:], standalone_mode=False)\n"
        "readers = {'onnx', 'onnxruntime', 'keras', 'tensorflow'}\n"
        "print(sorted(readers & {*sys.modules}))\n"
    )
    lines = []
    for command in ("push rivers.onnx hf://me/rivers", "pull hf://me/rivers --out back"):
        done = subprocess.run(
            [sys.executable, "run.py", *command.split()],
            cwd=tmp_path, env=environment, capture_output=True, text=True, check=False,
        )  # fmt: skip
        assert done.returncode == 0, done.stderr
        lines += done.stdout.splitlines()
    assert lines[0] == "to hf://me/rivers:"
    assert lines[-3:] == [
        "from hf://me/rivers to back",
        f"hf://me/rivers at {server.repositories['me/rivers'].head}: 4 files in back",
        "[]",  # nothing that could load a file was imported
    ]
    assert (tmp_path / "back" / "rivers.onnx").read_bytes() == (
        tmp_path / "rivers.onnx"
    ).read_bytes()
