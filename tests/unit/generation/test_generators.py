"""The endpoint against a server of the test, and vLLM against a stand-in of its interface."""

import http.server
import json
import sys
import threading
import types

import pytest

from hicra.errors import ConfigError, EngineError
from hicra.evaluate.evaluate import evaluate
from hicra.evaluate.settings import settings_of
from hicra.generation.endpoint import Endpoint
from hicra.generation.interface import Request
from hicra.generation.open import open_generator
from hicra.generation.render import render

KEY = "sk-very-secret-0123456789"
PROMPT = [{"role": "user", "content": "What is 2 + 2?"}]


class Server:
    """Answers chat completions: a list of (status, body or None for a right answer), the last one for ever."""

    def __init__(self, *replies):
        self.replies, self.seen, self.lock = list(replies) or [(200, None)], [], threading.Lock()
        outer = self

        class Handler(http.server.BaseHTTPRequestHandler):
            def do_POST(self):
                body = json.loads(self.rfile.read(int(self.headers["Content-Length"])))
                with outer.lock:
                    outer.seen.append((self.path, dict(self.headers), body))
                    status, text = outer.replies.pop(0) if len(outer.replies) > 1 else outer.replies[0]
                made = text if text is not None else json.dumps(outer.answer(body))
                self.send_response(status)
                self.send_header("Location", "/elsewhere")
                self.end_headers()
                self.wfile.write(made.encode())

            def log_message(self, *_):
                pass

        self.server = http.server.ThreadingHTTPServer(("127.0.0.1", 0), Handler)
        self.address = f"http://127.0.0.1:{self.server.server_port}/v1"
        threading.Thread(target=self.server.serve_forever, daemon=True).start()

    def answer(self, body):
        text = f"seed {body['seed']}: \\boxed{{4}}"
        cut = body["seed"] % 2 == 1
        return {
            "choices": [{"message": {"content": text}, "finish_reason": "length" if cut else "stop"}],
            "usage": {"completion_tokens": 7},
        }

    def __enter__(self):
        return self

    def __exit__(self, *_):
        self.server.shutdown()
        self.server.server_close()


def settings(address="", **given):
    return settings_of({"endpoint": address, "max_new_tokens": 50} | given if address else given)


def ask(server, *seeds, **given):
    requests = [Request(PROMPT, seed) for seed in seeds]
    return Endpoint(server.address, "some-model", first_wait_s=0.01).generate(
        requests, settings(server.address, **given)
    )


def test_an_image_is_sent_in_the_place_of_its_part():
    asked = [{"role": "user", "content": [{"type": "image"}, {"type": "text", "text": "Which?"}]}]
    with Server() as server:
        Endpoint(server.address, "m").generate([Request(asked, 10, (b"\x89PNG\r\n\x1a\n",))], settings(server.address))
        ((_, _, body),) = server.seen
    sent = {"type": "image_url", "image_url": {"url": "data:image/png;base64,iVBORw0KGgo="}}
    assert body["messages"] == [{"role": "user", "content": [sent, {"type": "text", "text": "Which?"}]}]


def test_what_is_sent_and_what_comes_back(monkeypatch):
    monkeypatch.setenv("HICRA_API_KEY", KEY)
    with Server() as server:
        first, second = ask(server, 10, 11, temperature=0.5)
        bodies = {body["seed"]: body for _, _, body in server.seen}
        path, headers, _ = server.seen[0]
    assert path == "/v1/chat/completions"
    assert headers["Authorization"] == f"Bearer {KEY}"
    assert bodies[10] == {
        "model": "some-model", "messages": PROMPT, "temperature": 0.5, "top_p": 0.95, "max_tokens": 50, "seed": 10, "n": 1
    }  # fmt: skip
    assert (first.text, first.ended, first.tokens) == ("seed 10: \\boxed{4}", True, 7)
    assert (second.text, second.ended) == ("seed 11: \\boxed{4}", False)


def test_a_busy_server_is_asked_again():
    with Server((429, "slow down"), (503, ""), (200, "not json"), (200, None)) as server:
        (made,) = ask(server, 4)
        assert len(server.seen) == 4
    assert made.text.startswith("seed 4")


def test_it_gives_up_after_some_tries():
    with Server((500, "broken")) as server, pytest.raises(EngineError, match="did not answer in 6 tries.*HTTP 500"):
        ask(server, 4)


@pytest.mark.parametrize("status", [301, 302, 307, 400, 401, 404])
@pytest.mark.slow
def test_refusals_and_redirects_end_at_once_and_never_show_the_key(monkeypatch, status):
    monkeypatch.setenv("OPENAI_API_KEY", KEY)
    with Server((status, f"you sent Bearer {KEY}")) as server:
        with pytest.raises(EngineError, match=f"HTTP {status}") as caught:
            ask(server, 4)
        assert len(server.seen) == 1
    assert KEY not in str(caught.value)
    assert "[key]" in str(caught.value)


@pytest.mark.parametrize("reply", ["[]", "{}", '{"choices": []}', '{"choices": [{"message": {"content": 5}}]}'])
@pytest.mark.slow
def test_what_is_no_completion_is_an_error(reply):
    with Server((200, reply)) as server, pytest.raises(EngineError, match="no chat completion"):
        ask(server, 4)


@pytest.mark.parametrize(
    "address",
    [
        "localhost:8000",
        "file:///etc/passwd",
        "http://",
        "http://a/v1?key=1",
        "http://u:p@a/v1",
        "http://a:99999/v1",
        "http://a:abc/v1",
        "http://[::1",
        "http://a/ö",
        "http://a/a b",
    ],
)
def test_bad_addresses(address):
    with pytest.raises(ConfigError) as caught:
        Endpoint(address, "m")
    assert "p@a" not in str(caught.value)


@pytest.mark.parametrize("key", ["sec\nret-key", "sëcret-key", "secret\x1b-key"])
def test_a_key_that_no_header_holds_is_refused_and_not_shown(monkeypatch, key):
    monkeypatch.setenv("HICRA_API_KEY", key)
    with Server() as server, pytest.raises(ConfigError, match="the key in HICRA_API_KEY") as caught:
        ask(server, 4)
    assert key not in str(caught.value)
    assert "ret" not in str(caught.value).replace("character", "")


def test_an_answer_without_end_and_signs_of_a_terminal_do_no_harm():
    with Server((200, "[" * 200_000), (200, None)) as server:
        assert ask(server, 4)[0].text.startswith("seed 4")
    with Server((400, "\x1b[31mred")) as server, pytest.raises(EngineError) as caught:
        ask(server, 4)
    assert "\x1b" not in str(caught.value)


def test_a_whole_evaluation_through_an_endpoint(tmp_path, monkeypatch):
    monkeypatch.setenv("HICRA_API_KEY", KEY)
    bench = tmp_path / "b.jsonl"
    bench.write_text('{"question": "What is 2 + 2?", "answer": "4"}\n{"question": "3?", "answer": "3"}\n')
    with Server() as server:
        found, again = (
            evaluate(
                out=tmp_path / "out", settings=settings(server.address, k="1,4"), model="some-model", data=[str(bench)],
                resume=True,
            )
            for _ in range(2)
        )  # fmt: skip
        assert len(server.seen) == 8
    entry = found["files"][str(bench)]
    assert entry["avg_at_n"] == 0.5
    assert entry["length"] == {"unit": "tokens", "mean": 7.0, "median": 7.0, "p95": 7.0, "max": 7}
    assert again["files"] == found["files"]
    for file in (tmp_path / "out").rglob("*"):
        assert not file.is_file() or KEY.encode() not in file.read_bytes()


class Tokenizer:
    chat_template = None

    def __call__(self, text, add_special_tokens=True):
        return {"input_ids": [ord(letter) for letter in text]}

    def decode(self, ids, skip_special_tokens=True):
        return "".join(chr(each) for each in ids if each)


def test_vllm_behind_the_same_interface(tmp_path, monkeypatch):
    seen = {}

    class LLM:
        def __init__(self, **given):
            seen["engine"] = given
            self.llm_engine = types.SimpleNamespace(model_config=types.SimpleNamespace(max_model_len=100))

        def get_tokenizer(self):
            return Tokenizer()

        def generate(self, prompts, parameters, use_tqdm):
            seen["prompts"], seen["parameters"] = prompts, parameters
            return [
                types.SimpleNamespace(outputs=[types.SimpleNamespace(token_ids=[104, 105, 0], finish_reason=reason)])
                for _, reason in zip(prompts, ("stop", "length"), strict=True)
            ]

    fake = types.SimpleNamespace(LLM=LLM, SamplingParams=lambda **given: given)
    monkeypatch.setitem(sys.modules, "vllm", fake)
    for name in ("config.json", "tokenizer.json", "model.safetensors"):
        (tmp_path / name).write_text("{}")
    given = settings_of({"engine": "vllm", "max_new_tokens": 40, "temperature": 0.7})
    generator = open_generator(str(tmp_path), given)
    long = "x" * 200
    made = generator.generate([Request("ab", 1), Request(long, 2), Request("y" * 90, 3)], given)
    assert [(one.text, one.tokens, one.ended, one.too_long) for one in made] == [
        ("hi", 3, True, False), ("", 0, False, True), ("hi", 3, False, False)
    ]  # fmt: skip
    assert [prompt["prompt_token_ids"][:2] for prompt in seen["prompts"]] == [[97, 98], [121, 121]]
    assert seen["parameters"] == [
        {"n": 1, "temperature": 0.7, "top_p": 0.95, "max_tokens": room, "seed": seed}
        for room, seed in ((40, 1), (10, 3))
    ]
    assert seen["engine"]["trust_remote_code"] is False
    generator.close()


def test_vllm_that_is_not_installed(tmp_path, monkeypatch):
    monkeypatch.setitem(sys.modules, "vllm", None)
    for name in ("config.json", "tokenizer.json", "model.safetensors"):
        (tmp_path / name).write_text("{}")
    with pytest.raises(ConfigError, match="vllm.*not installed"):
        open_generator(str(tmp_path), settings_of({"engine": "vllm"}))


def test_prompts_by_chat_template_or_as_plain_text():
    chat = types.SimpleNamespace(
        chat_template="x", apply_chat_template=lambda messages, **given: f"<{messages[0]['content']}>{given}"
    )
    assert render(chat, PROMPT) == ("<What is 2 + 2?>{'tokenize': False, 'add_generation_prompt': True}", False)
    assert render(Tokenizer(), PROMPT) == ("Question: What is 2 + 2?\n\nAnswer:", True)
    assert render(chat, "raw") == ("raw", True)
