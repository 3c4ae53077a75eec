"""A run folder with a payload in every field that holds text: what a page must never act on."""

from __future__ import annotations

import json
from pathlib import Path

import polars as pl

from hicra.findings import Finding
from hicra.findings.finding import save_judgement
from hicra.runs import RunFolder

RUN = "window.ran=1"
PAYLOADS = [
    f"<script>{RUN}</script>",
    f"</script><script>{RUN}</script>",
    f"</SCRIPT ><ScRiPt>{RUN}</sCrIpT>",
    f"<!--<script>{RUN}</script>-->",
    f"--><script>{RUN}</script><!--",
    f"]]><script>{RUN}</script>",
    f"<img src=x onerror={RUN}>",
    f'"><img src=x onerror={RUN}>',
    f"'><img src=x onerror={RUN}>",
    f"<svg onload={RUN}>",
    f"</svg><svg onload={RUN}>",
    f"</desc></title><script>{RUN}</script>",
    f"</style><script>{RUN}</script>",
    f"</textarea><script>{RUN}</script>",
    f"</noscript><img src=x onerror={RUN}>",
    f"<iframe srcdoc='<script>parent.{RUN}</script>'></iframe>",
    f"<iframe src=javascript:parent.{RUN}></iframe>",
    f"<a href=javascript:{RUN}>x</a>",
    f"javascript:{RUN}",
    f"<math><mi xlink:href=javascript:{RUN}>x",
    f"<details open ontoggle={RUN}>",
    f"<body onload={RUN}>",
    f"<input autofocus onfocus={RUN}>",
    f"<video><source onerror={RUN}></video>",
    f"<object data=javascript:{RUN}>",
    "<link rel=stylesheet href=http://127.0.0.1:9/x.css>",
    "<base href=http://127.0.0.1:9/>",
    "<meta http-equiv=refresh content='0;url=http://127.0.0.1:9/'>",
    "<form action=http://127.0.0.1:9/><button>x",
    "<style>body{display:none}</style>",
    '" autofocus onfocus=window.ran=1 x="',
    "' onmouseover=window.ran=1 x='",
    "{{ 7 * 7 }}{% include 'x' %}",
    "${window.ran=1}`;window.ran=1;`",
    "\\u003cscript>window.ran=1\\u003c/script>",
    "&lt;script&gt;window.ran=1&lt;/script&gt;",
    "\u2028window.ran=1\u2029",
    "\u202e\u2066<script>window.ran=1</script>",
    "\x00<script>window.ran=1</script>\x1b[31m\r\n\x0b",
    "\U0001f600</script\U0001f600><script/x>window.ran=1</script >" + "A" * 300,
    "__proto__",
    "<h1>second</h1></main></html>",
]


def hostile_run(path: Path, method: str, seed: int) -> Path:
    """A run with a payload in every field that holds text, a rollout a payload."""
    named = dict(zip(PAYLOADS, PAYLOADS, strict=True))
    folder = RunFolder.create(
        path,
        method=method,
        seed=seed,
        config={
            "model": PAYLOADS[0],
            "lexicon": PAYLOADS[1],
            "task": {"name": PAYLOADS[2]},
            "preset": PAYLOADS[3],
            "baseline": {"name": PAYLOADS[4], "settings": {PAYLOADS[5]: PAYLOADS[6]}},
            "method": {"name": PAYLOADS[7], "then": [{"name": PAYLOADS[8]}, PAYLOADS[9]]},
            "loss": PAYLOADS[10],
            **{p: p for p in PAYLOADS},
        },
        inputs=named,
        versions=named,
    )
    folder.log(1, {"hicra/accuracy": 0.5, **{f"hicra/{payload}": 1.0 for payload in PAYLOADS}})
    folder.log(2, {"hicra/accuracy": 0.6, "hicra/text": None, **dict.fromkeys(PAYLOADS, 1.0)})
    rows = [
        {
            "step": 1,
            "id": payload,
            "group_id": payload,
            "prompt": payload,
            "response": payload,
            "answer": payload,
            "extracted": payload,
            "reward": 1.0,
            "correct": True,
            "spans": [{"start": 0, "end": len(payload), "gram": payload}],
            "token_ends": [1, len(payload)],
            "planning_mask": [1, 0],
            "advantage": 0.5,
            "advantages": [0.6, 0.5],
            "entropies": [0.1, 0.2],
            "labels": [payload, payload],
            "images": [payload],
            "tool_outputs": [{"at": 0, "text": payload}, {"at": len(payload), "text": payload}],
        }
        for payload in PAYLOADS
    ]
    folder.write_rollouts(1, pl.DataFrame(rows))
    return path


def hostile_findings(path: Path) -> Path:
    """A run of six saved steps whose alarms name rollouts, grams and a judge's words that are payloads; also trees and subgoals.

    Every response is wrong and cut, so that there are alarms; each payload is a rollout of one step.
    """
    folder = RunFolder.create(path, method=PAYLOADS[1], seed=3, config={"lexicon": PAYLOADS[0]})
    for step in range(1, 7):
        folder.log(step, {"hicra/accuracy": 0.0, "hicra/planning_share": 1.0})
        rows = [
            {
                "step": step,
                "id": payload,
                "group_id": str(number % 2),
                "prompt": PAYLOADS[step],
                "response": payload * 3,
                "reward": 0.0,
                "correct": False,
                "truncated": True,
                "spans": [{"start": 0, "end": len(payload), "gram": payload}],
                "tree": json.dumps([[-1, payload, 0.5, None], [0, payload, 0.5, 0.5], [0, payload, 0.5, -0.5]]),
                "subgoals": [payload, payload],
            }
            for number, payload in enumerate(PAYLOADS[step - 1 :: 6])
        ]
        folder.write_rollouts(step, pl.DataFrame(rows))
    save_judgement(path, Finding("judged_errors", "\n".join(PAYLOADS), {payload: payload for payload in PAYLOADS}))
    return path
