"""Samples from an OpenAI-compatible chat endpoint (a vLLM or llama.cpp server, a hosted service), with the standard library only.

The key is read from the environment variable HICRA_API_KEY, else OPENAI_API_KEY, when a request is sent. It is kept in no
setting, file or message; redirects are not followed, and the key is removed from a server's answer before that is shown.
Nobody knows which model a server serves under a name: the recorded identity is address and name, and a server may ignore seeds.
So two evaluations may differ, but an interrupted one still samples nothing twice.

huggingface_hub's client is not used: it follows redirects, sends the machine's Hugging Face token to any address for which no
key is given, refuses even a local server while HF_HUB_OFFLINE is set, and reads replies of any size.
"""

from __future__ import annotations

import base64
import http.client
import json
import os
import random
import time
import urllib.parse
from collections.abc import Iterator, Sequence
from concurrent.futures import ThreadPoolExecutor
from typing import Any

from hicra.errors import ConfigError, EngineError
from hicra.generation.interface import Made, Request, SamplingSettings
from hicra.generation.render import Prompt
from hicra.tasks.images import kind_of

KEYS = ("HICRA_API_KEY", "OPENAI_API_KEY")
AT_ONCE = 8  # number of requests at a time
TIMEOUT_S = 600.0
TRIES, FIRST_WAIT_S, LONGEST_WAIT_S = 6, 1.0, 30.0
AGAIN = {408, 409, 425, 429, 500, 502, 503, 504}
LARGEST_REPLY = 64 * 2**20


class Endpoint:
    """A generator that sends one request per sample to `{address}/chat/completions`.

    Args:
        address: the address, as in "http://localhost:8000/v1".
        model: the server's name of the model.
        first_wait_s: seconds before the second try; later waits are longer.

    Raises:
        ConfigError: the address is no http(s) address or holds a user name or password, or there is no model name.
    """

    def __init__(self, address: str, model: str, first_wait_s: float = FIRST_WAIT_S) -> None:
        try:
            parts = urllib.parse.urlsplit(address)
            usable = address.isascii() and not any(char.isspace() for char in address) and parts.port != 0
        except ValueError:  # a port that is no number, half of an IPv6 address
            parts, usable = urllib.parse.urlsplit(""), False
        if not usable or parts.scheme not in ("http", "https") or not parts.hostname or parts.query or parts.fragment:
            raise ConfigError(
                "the endpoint is no http(s) address", "give one, as in --endpoint http://localhost:8000/v1"
            )
        if parts.username or parts.password:
            raise ConfigError("the endpoint's address holds a user name or password", f"put the key into {KEYS[0]}")
        if not model:
            raise ConfigError("there is no model name for the endpoint", "give --model the name that the server knows")
        self.parts, self.model, self.first_wait_s = parts, model, first_wait_s

    def generate(self, requests: Sequence[Request], settings: SamplingSettings) -> list[Made]:
        """Samples one text per request, as `Generator` says.

        Raises:
            EngineError: the server refuses a request, or does not answer after several tries.
        """
        with ThreadPoolExecutor(min(AT_ONCE, max(1, len(requests)))) as pool:
            jobs = [pool.submit(self._one, request, settings) for request in requests]
            try:
                return [job.result() for job in jobs]
            except BaseException:
                pool.shutdown(wait=False, cancel_futures=True)
                raise

    def close(self) -> None:
        """Does nothing, since nothing is held."""

    def _one(self, request: Request, settings: SamplingSettings) -> Made:
        body = {
            "model": self.model, "messages": messages_of(request.prompt, request.images),
            "temperature": settings.temperature, "top_p": settings.top_p, "max_tokens": settings.max_new_tokens,
            "seed": request.seed, "n": 1,
        }  # fmt: skip
        reply = self._post(json.dumps(body).encode())
        try:
            choice = reply["choices"][0]
            text, reason = choice["message"]["content"] or "", choice.get("finish_reason")
            tokens = (reply.get("usage") or {}).get("completion_tokens")
            if not isinstance(text, str):
                raise TypeError
        except (KeyError, IndexError, TypeError, AttributeError):
            raise EngineError(
                f"{self.parts.hostname} sent no chat completion",
                "give the address without /chat/completions at its end",
            ) from None
        ended = None if reason is None else reason != "length"
        return Made(text, None, tokens if type(tokens) is int else None, ended, None)

    def _post(self, body: bytes) -> Any:
        problem = ""
        for attempt in range(TRIES):
            if attempt:
                longest = min(LONGEST_WAIT_S, self.first_wait_s * 2 ** (attempt - 1))
                time.sleep(
                    longest * random.uniform(0.5, 1.0)
                )  # so that requests that were refused together are not sent again together
            try:
                status, data = self._send(body)
            except (OSError, http.client.HTTPException) as error:
                problem = f"{type(error).__name__}: {error}"
                continue
            if status == 200:
                try:
                    return json.loads(data)
                except (ValueError, RecursionError):
                    problem = "its answer is not JSON"
                    continue
            problem = f"HTTP {status}: {_harmless(data)}"
            if status not in AGAIN:
                raise EngineError(f"{self.parts.hostname} refuses the request, {problem}", _fix(status))
        raise EngineError(
            f"{self.parts.hostname} did not answer in {TRIES} tries; the last problem: {problem}",
            "the samples so far are kept: the same command with --resume goes on",
        )

    def _send(self, body: bytes) -> tuple[int, bytes]:
        kind = http.client.HTTPSConnection if self.parts.scheme == "https" else http.client.HTTPConnection
        connection = kind(self.parts.hostname or "", self.parts.port, timeout=TIMEOUT_S)
        headers = {"Content-Type": "application/json"}
        if key := _key():
            headers["Authorization"] = f"Bearer {key}"
        try:
            connection.request("POST", self.parts.path.rstrip("/") + "/chat/completions", body, headers)
            response = connection.getresponse()
            return response.status, response.read(LARGEST_REPLY)
        finally:
            connection.close()


def messages_of(prompt: Prompt, images: Sequence[bytes]) -> list[dict[str, Any]]:
    """Returns a prompt as the chat interface takes it: each image part holds its image as a `data:` address."""
    if isinstance(prompt, str):
        return [{"role": "user", "content": prompt}]
    left = iter(images)
    return [
        message | {"content": [_sent(part, left) for part in message["content"]]}
        if isinstance(message["content"], list)
        else message
        for message in prompt
    ]


def _sent(part: dict[str, Any], images: Iterator[bytes]) -> dict[str, Any]:
    if part["type"] != "image":
        return part
    data = next(images)
    address = f"data:image/{kind_of(data)};base64,{base64.b64encode(data).decode()}"
    return {"type": "image_url", "image_url": {"url": address}}


def _key() -> str:
    """Returns the key, "" where there is none.

    Raises:
        ConfigError: it holds what no header can; the message does not show it.
    """
    name = next((name for name in KEYS if os.environ.get(name)), None)
    key = os.environ[name].strip() if name else ""
    if not (key.isascii() and key.isprintable()):
        raise ConfigError(f"the key in {name} holds a line end or another character that no key has", "set it again")
    return key


def _harmless(data: bytes) -> str:
    """Returns the beginning of a server's message, without the key."""
    text = data[:2000].decode("utf-8", "replace")
    key = _key()
    shown = (text.replace(key, "[key]") if key else text)[:300]
    return "".join(char if char.isprintable() else " " for char in shown).strip()


def _fix(status: int) -> str:
    if status in (401, 403):
        return f"put the key into the environment variable {KEYS[0]}"
    if status == 404:
        return "check the address (it usually ends in /v1) and the model's name"
    return "check the model's name and --max-new-tokens"
