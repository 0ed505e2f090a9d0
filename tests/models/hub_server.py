"""A small hub on a free port of this machine: the few endpoints that an upload needs, with faults to order.

It speaks what huggingface_hub 2 asks for (whoami, create, preupload, git LFS, commit) and keeps what was committed.
"""

import base64
import hashlib
import json
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any

import pytest

from core.models.publishing import TOKEN_NAMES

TOKEN = "hf_aSecretThatNobodyMaySee1234567890"
OWNER = "ada"


class HubServer(ThreadingHTTPServer):
    """The state of the hub: repositories with their files, and what is to go wrong."""

    daemon_threads = True

    def __init__(self) -> None:
        super().__init__(("127.0.0.1", 0), Handler)
        self.address = f"http://127.0.0.1:{self.server_port}"
        self.repos: dict[str, dict[str, Any]] = {}
        self.objects: dict[str, bytes] = {}
        self.asked: list[str] = []
        self.faults: dict[str, tuple[int, str]] = {}
        """Part of a path -> (status, what is said); status 0: the connection is dropped."""

    def add_repo(self, name: str, *, is_private: bool = True, type_: str = "model") -> None:
        self.repos[name] = {"is_private": is_private, "type": type_, "files": {}, "commits": []}

    def __enter__(self) -> "HubServer":
        threading.Thread(target=self.serve_forever, args=(0.01,), daemon=True).start()
        return self

    def __exit__(self, *_: object) -> None:
        self.shutdown()
        self.server_close()


@contextmanager
def open_hub_server(monkeypatch: pytest.MonkeyPatch) -> Iterator[HubServer]:
    """A hub, and the library told by its own settings to go there, to upload by git LFS, and that no token is kept."""
    from huggingface_hub import constants

    monkeypatch.setattr(constants, "HF_HUB_DISABLE_XET", True)
    monkeypatch.setattr(constants, "HF_TOKEN_PATH", "/nowhere")
    for name in TOKEN_NAMES:
        monkeypatch.delenv(name, raising=False)
    with HubServer() as server:
        monkeypatch.setenv("HF_ENDPOINT", server.address)
        yield server


class Handler(BaseHTTPRequestHandler):
    """Answers one request."""

    server: HubServer
    protocol_version = "HTTP/1.1"
    wbufsize = -1  # head and body leave together: apart, each reply would wait 40 ms for the other side's word

    def log_message(self, *_: object) -> None:
        pass

    def reply(self, status: int, value: Any = None) -> None:
        data = json.dumps(value).encode()
        self.send_response(status)
        self.send_header("Content-Type", "application/json")
        self.send_header("Content-Length", str(len(data)))
        self.end_headers()
        self.wfile.write(data)

    def answer(self) -> None:
        self.server.asked.append(f"{self.command} {self.path}")
        body = self.read_body()
        for part, (status, said) in self.server.faults.items():
            if part in self.path:
                if status == 0:
                    self.close_connection = True
                    return None
                return self.reply(status, {"error": said})
        if "/objects/" not in self.path.replace("/objects/batch", "") and not self.is_known():
            return self.reply(401, {"error": "Invalid user token."})
        return self.route(body)

    do_GET = do_POST = do_PUT = answer

    def read_body(self) -> bytes:
        if self.headers.get("Transfer-Encoding") != "chunked":
            return self.rfile.read(int(self.headers.get("Content-Length") or 0))
        parts = []
        while size := int(self.rfile.readline(), 16):
            parts.append(self.rfile.read(size))
            self.rfile.readline()
        self.rfile.readline()
        return b"".join(parts)

    def is_known(self) -> bool:
        return self.headers.get("Authorization") == f"Bearer {TOKEN}"

    def route(self, body: bytes) -> None:
        path = self.path.split("?")[0]
        if path == "/api/whoami-v2":
            return self.reply(200, {"type": "user", "name": OWNER, "auth": {"accessToken": {"role": "write"}}})
        if path == "/api/validate-yaml":
            return self.reply(200, {"errors": [], "warnings": []})
        if path == "/api/repos/create":
            return self.create(json.loads(body))
        if path.startswith("/objects/"):
            self.server.objects[path.split("/")[-1]] = body
            return self.reply(200)
        is_dataset = path.startswith(("/api/datasets/", "/datasets/"))
        prefixes = ("/api/datasets", "/datasets") if is_dataset else ("/api/models",)
        parts = (
            next((path.removeprefix(each) for each in prefixes if path.startswith(each)), path).strip("/").split("/")
        )
        name = "/".join(parts[:2]).removesuffix(".git")
        if name not in self.server.repos or self.server.repos[name]["type"] != ("dataset" if is_dataset else "model"):
            return self.reply(404, {"error": "Repository not found"})
        rest = "/".join(parts[2:])
        if rest == "":
            about = self.server.repos[name]
            return self.reply(200, {"id": name, "private": about["is_private"], "sha": "0" * 40, "tags": []})
        if rest == "preupload/main":
            files = json.loads(body)["files"]
            modes = [{"path": each["path"], "uploadMode": mode_of(each["path"]), "shouldIgnore": False, "oid": None}
                     for each in files]  # fmt: skip
            return self.reply(200, {"files": modes})
        if rest == "info/lfs/objects/batch":
            wanted = json.loads(body)["objects"]
            made = [{**one, "actions": {"upload": {"href": f"{self.server.address}/objects/{one['oid']}"}}}
                    for one in wanted]  # fmt: skip
            return self.reply(200, {"transfer": "basic", "objects": made})
        if rest == "commit/main":
            return self.commit(name, [json.loads(line) for line in body.splitlines()])
        return self.reply(404, {"error": f"There is no {path} here."})

    def create(self, wish: dict[str, Any]) -> None:
        name = f"{wish.get('organization') or OWNER}/{wish['name']}"
        if name in self.server.repos:
            return self.reply(409, {"error": "You already created this model repo"})
        if not name.startswith(f"{OWNER}/"):
            return self.reply(403, {"error": f"You don't have the rights to create a model under {name}"})
        type_ = wish.get("type") or "model"
        self.server.add_repo(name, is_private=wish.get("visibility") == "private", type_=type_)
        return self.reply(200, {"url": f"{self.server.address}/{name}", "name": name})

    def commit(self, name: str, lines: list[dict[str, Any]]) -> None:
        files = {}
        for line in lines:
            value = line["value"]
            if line["key"] == "file":
                files[value["path"]] = base64.b64decode(value["content"])
            elif line["key"] == "lfsFile":
                content = self.server.objects[value["oid"]]
                assert hashlib.sha256(content).hexdigest() == value["oid"]
                files[value["path"]] = content
        repo = self.server.repos[name]
        repo["files"] |= files
        repo["commits"].append(lines[0]["value"]["summary"])
        commit = f"{len(repo['commits']):040d}"
        self.reply(200, {"commitUrl": f"{self.server.address}/{name}/commit/{commit}", "commitOid": commit})


def mode_of(path: str) -> str:
    return "lfs" if path.endswith((".safetensors", ".parquet")) else "regular"
