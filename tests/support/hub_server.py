"""A local server that answers as the Hugging Face hub does to those who read and write files of repositories."""

from __future__ import annotations

import base64
import hashlib
import http.server
import json
import re
import threading
from typing import Any
from urllib.parse import unquote, urlsplit

RESOLVE = re.compile(r"/(?:(datasets)/)?([^/]+/[^/]+)/resolve/([^/]+)/(.+)")
INFO = re.compile(r"/api/(?:datasets|models)/([^/]+/[^/]+)(?:/revision/([^/]+))?")
TREE = re.compile(r"/api/(?:datasets|models)/([^/]+/[^/]+)/tree/([^/]+)")
WRITE = re.compile(r"/api/datasets/([^/]+/[^/]+)/(preupload|commit)/main")


class HubServer:
    """Holds repositories in memory.

    Attributes:
        repos: repository -> its commits {id: {file: bytes}}, the last one the newest.
        asked: method and path of each request.
        forbidden: whether writing is refused with status 403.
    """

    def __init__(self) -> None:
        self.repos: dict[str, dict[str, dict[str, bytes]]] = {}
        self.asked: list[str] = []
        self.forbidden = False
        outer = self

        class Handler(http.server.BaseHTTPRequestHandler):
            protocol_version = "HTTP/1.1"

            def do_GET(self) -> None:
                outer._asked(self, b"")

            def do_HEAD(self) -> None:
                outer._asked(self, b"")

            def do_POST(self) -> None:
                outer._asked(self, self.rfile.read(int(self.headers["Content-Length"] or 0)))

            def log_message(self, *_: Any) -> None:
                pass

        self._server = http.server.ThreadingHTTPServer(("127.0.0.1", 0), Handler)
        self.address = f"http://127.0.0.1:{self._server.server_port}"
        threading.Thread(target=self._server.serve_forever, kwargs={"poll_interval": 0.01}, daemon=True).start()

    def close(self) -> None:
        self._server.shutdown()
        self._server.server_close()

    def add(self, repo: str, files: dict[str, bytes]) -> str:
        """Adds a commit; files of the last one that are not named stay. Returns its id."""
        commits = self.repos.setdefault(repo, {})
        whole = {**(list(commits.values())[-1] if commits else {}), **files}
        commit = hashlib.sha1(repr((repo, len(commits), sorted(whole.items()))).encode()).hexdigest()
        commits[commit] = whole
        return commit

    def _asked(self, handler: http.server.BaseHTTPRequestHandler, body: bytes) -> None:
        path = unquote(urlsplit(handler.path).path)
        self.asked.append(f"{handler.command} {path}")
        status, headers, data = self._post(path, body) if handler.command == "POST" else self._get(path)
        handler.send_response(status)
        for name, value in {**headers, "Content-Length": str(len(data))}.items():
            handler.send_header(name, value)
        handler.end_headers()
        if handler.command != "HEAD":
            handler.wfile.write(data)

    def _get(self, path: str) -> tuple[int, dict[str, str], bytes]:
        if found := RESOLVE.fullmatch(path):
            _, repo, revision, file = found.groups()
            commit, error = self._commit(repo, revision)
            if commit is None:
                return 404, {"X-Error-Code": error, "X-Error-Message": error}, b""
            if file not in self.repos[repo][commit]:
                return 404, {"X-Error-Code": "EntryNotFound", "X-Repo-Commit": commit}, b""
            data = self.repos[repo][commit][file]
            tag = hashlib.sha1(data).hexdigest()
            return 200, {"ETag": f'"{tag}"', "X-Repo-Commit": commit}, data
        if found := TREE.fullmatch(path):
            commit, error = self._commit(*found.groups())
            if commit is None:
                return 404, {"X-Error-Code": error}, b""
            files = self.repos[found[1]][commit]
            return _json([
                {"type": "file", "path": name, "size": len(data), "oid": hashlib.sha1(data).hexdigest()}
                for name, data in files.items()
            ])  # fmt: skip
        if found := INFO.fullmatch(path):
            commit, error = self._commit(found[1], found[2] or "main")
            if commit is None:
                return 404, {"X-Error-Code": error}, b""
            files = [{"rfilename": name} for name in self.repos[found[1]][commit]]
            return _json(
                {"id": found[1], "sha": commit, "siblings": files, "private": False, "downloads": 0, "tags": []}
            )
        return 404, {}, b""

    def _post(self, path: str, body: bytes) -> tuple[int, dict[str, str], bytes]:
        if self.forbidden and path != "/api/validate-yaml":
            return 403, {}, b'{"error": "no"}'
        if path == "/api/validate-yaml":
            return _json({"warnings": [], "errors": []})
        if path == "/api/repos/create":
            asked = json.loads(body)
            repo = f"{asked['organization']}/{asked['name']}"
            if repo in self.repos:
                return 409, {}, json.dumps({"url": f"{self.address}/datasets/{repo}"}).encode()
            self.add(repo, {".gitattributes": b""})
            return _json({"url": f"{self.address}/datasets/{repo}"})
        if found := WRITE.fullmatch(path):
            if found[2] == "preupload":
                names = [one["path"] for one in json.loads(body)["files"]]
                return _json({
                    "files": [{"path": name, "uploadMode": "regular", "shouldIgnore": False, "oid": None} for name in names]
                })  # fmt: skip
            lines = [json.loads(line) for line in body.splitlines()]
            files = {
                line["value"]["path"]: base64.b64decode(line["value"]["content"])
                for line in lines
                if line["key"] == "file"
            }
            commit = self.add(found[1], files)
            url = f"{self.address}/datasets/{found[1]}/commit/{commit}"
            return _json({"commitOid": commit, "commitUrl": url, "success": True})
        return 404, {}, b""

    def _commit(self, repo: str, revision: str) -> tuple[str | None, str]:
        commits = self.repos.get(repo)
        if commits is None:
            return None, "RepoNotFound"
        if revision == "main":
            return list(commits)[-1], ""
        return (revision, "") if revision in commits else (None, "RevisionNotFound")


def _json(value: Any) -> tuple[int, dict[str, str], bytes]:
    return 200, {"Content-Type": "application/json"}, json.dumps(value).encode()
