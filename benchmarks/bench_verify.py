"""Claim: the verifier judges at least 2,000 plain and 100 algebra answers a second on 2 cores, no answer takes more than
2.5 s, bombs stall no neighbour, and a loaded machine changes no verdict.

    python benchmarks/bench_verify.py                # idle and under 6 busy processes; some ten minutes
    python benchmarks/bench_verify.py --n 20 --busy 0 --no-write

Peers, same cases in the same run: math-verify in a thread (its timeouts are off there, as it demands), math-verify in a
forked process per answer with a 2 s kill, and TRL's `accuracy_reward` (gold in dollars, as it wants it) on the main thread.
Each system and class runs in a process of its own with a wall limit; a class that does not end is `stuck` after so many
answers. Latency is per answer, one at a time; `batch_per_s` hands hicra all answers at once. A verdict counts as off when
it is not the one that the generator made the answer for.
"""

from __future__ import annotations

import argparse
import contextlib
import json
import logging
import multiprocessing
import os
import random
import statistics
import subprocess
import sys
import time
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

sys.path.insert(0, str(Path(__file__).parent))
from machine import machine

SYSTEMS = ("hicra", "math_verify_thread", "math_verify_process", "trl_accuracy_reward")
LIMIT_S = 240.0  # wall time of one system on one class
STUCK_S = 20.0  # one answer
KILL_S = 2.0
MOST_S, LEAST_PLAIN, LEAST_ALGEBRA, LEAST_MIXED_S = 2.5, 2000.0, 100.0, 20.0
Item = tuple[str, str, bool]
BOMBS = (
    r"9^{9^{9^{9}}}", "100000000!", "(x+y+z+w+1)^{500}", r"10^{10^{10}}", "((9!)!)!", r"\sqrt[10^9]{2^{10^9}}",
    r"\binom{10^9}{5\cdot 10^8}", r"\sin(10^{10^6})", r"99999^{99999}", r"\sum_{k=1}^{10^{12}} k^k",
)  # fmt: skip


def workload(n: int, seed: int = 0) -> dict[str, list[Item]]:
    """`n` cases a class (completion, gold, right); at most 10 bombs."""
    draw = random.Random(seed)
    found: dict[str, list[Item]] = {name: [] for name in ("plain", "notation", "algebra", "long_text")}
    for index in range(n):
        right = index % 2 == 0
        number = draw.randint(1, 10**6)
        said = number if right else number + 1
        found["plain"].append((f"We get \\boxed{{{said}}}.", str(number), right))
        top, bottom, factor = draw.randint(1, 99), draw.randint(2, 99), draw.randint(2, 9)
        spelled = rf"\frac{{{top * factor + (not right)}}}{{{bottom * factor}}}"
        found["notation"].append((rf"So \boxed{{{spelled}}}", rf"\frac{{{top}}}{{{bottom}}}", right))
        a, b, c = draw.randint(2, 99), draw.randint(2, 99), draw.randint(2, 9)
        shapes = [
            (f"(x+{a})(x+{b + (not right)})", f"x^2+{a + b}x+{a * b}"),
            (rf"\frac{{{c}}}{{\sqrt{{{a}}}}}", rf"\frac{{{c}\sqrt{{{a}}}}}{{{a + (not right)}}}"),
            (rf"{a}\sin^2 t + {a + (not right)}\cos^2 t + {b}", rf"{a + b}"),
        ]
        answer, gold = shapes[index // 2 % 3]
        found["algebra"].append((rf"\boxed{{{answer}}}", gold, right))
        found["long_text"].append(("Let us see, 3 of 4. " * 2000 + rf"\boxed{{{said}}}", str(number), right))
    found["bombs"] = [(rf"\boxed{{{bomb}}}", "7", False) for bomb in BOMBS[: max(1, min(n, len(BOMBS)))]]
    return found


def with_hicra() -> Callable[[Item], bool | None]:
    from hicra import verify

    verifier = verify.Verifier(workers=2, timeout=KILL_S)
    verifier.check([r"\boxed{x+1}"], ["x"])  # warm

    def ask(item: Item) -> bool | None:
        verdict = verifier.check([item[0]], [item[1]])[0].verdict
        return None if verdict in ("timeout", "error") else verdict == "correct"

    return ask


def _math_verify(item: Item, seconds: int | None) -> bool:
    from math_verify import parse, verify

    gold = parse(f"${item[1]}$", parsing_timeout=seconds)
    return bool(verify(gold, parse(item[0], parsing_timeout=seconds), timeout_seconds=seconds))


def with_math_verify_thread() -> Callable[[Item], bool | None]:
    from concurrent.futures import ThreadPoolExecutor

    pool = ThreadPoolExecutor(1)
    pool.submit(_math_verify, (r"\boxed{x}", "x", True), None).result()
    return lambda item: pool.submit(_math_verify, item, None).result()


def with_math_verify_process() -> Callable[[Item], bool | None]:
    _math_verify((r"\boxed{x}", "x", True), None)
    context = multiprocessing.get_context("fork")

    def ask(item: Item) -> bool | None:
        ours, theirs = context.Pipe()
        process = context.Process(target=lambda: theirs.send(_math_verify(item, None)))
        process.start()
        theirs.close()
        try:
            return bool(ours.recv()) if ours.poll(KILL_S) else None
        except EOFError:
            return None
        finally:
            process.kill()
            process.join()

    return ask


def with_trl_accuracy_reward() -> Callable[[Item], bool | None]:
    from trl.rewards import accuracy_reward

    def ask(item: Item) -> bool | None:
        reward = accuracy_reward([[{"role": "assistant", "content": item[0]}]], [f"${item[1]}$"])[0]
        return None if reward is None else reward == 1.0

    ask((r"\boxed{x}", "x", True))
    return ask


def serve(system: str) -> None:
    """In a process of its own: cases from standard input, one line an answer out (seconds and verdict)."""
    logging.disable(logging.CRITICAL)
    out = os.fdopen(os.dup(1), "w", buffering=1)
    os.dup2(2, 1)
    ask = globals()[f"with_{system}"]()
    for line in sys.stdin:
        item = json.loads(line)
        start = time.perf_counter()
        try:
            said = ask(item)
        except Exception as error:
            said = type(error).__name__
        out.write(json.dumps([time.perf_counter() - start, said]) + "\n")
    out.flush()
    os._exit(0)


def measure(system: str, items: list[Item]) -> dict[str, Any]:
    """One system on one class."""
    command = [sys.executable, __file__, "--serve", system]
    # A group of its own to kill, but no session of its own: Linux shares the cores out by session, and a system in
    # another one than the busy processes would hardly feel them.
    child = subprocess.Popen(
        command, stdin=subprocess.PIPE, stdout=subprocess.PIPE, stderr=subprocess.DEVNULL, process_group=0
    )
    found: list[tuple[float, Any]] = []
    end = time.monotonic() + LIMIT_S
    stuck = False
    assert child.stdin is not None
    assert child.stdout is not None
    os.set_blocking(child.stdout.fileno(), False)
    try:
        for item in items:
            child.stdin.write(json.dumps(item).encode() + b"\n")
            child.stdin.flush()
            line = _line(child.stdout.fileno(), min(end, time.monotonic() + STUCK_S + (60 if not found else 0)))
            if line is None:
                stuck = True
                break
            found.append(tuple(json.loads(line)))
    finally:
        with contextlib.suppress(ProcessLookupError):
            os.killpg(child.pid, 9)
        child.wait()
    seconds = sorted(one[0] for one in found)
    off = sum(said is not None and said != item[2] for (_, said), item in zip(found, items, strict=False))
    row: dict[str, Any] = {
        "n": len(found),
        "stuck": stuck,
        "off": off,
        "no_verdict": sum(one[1] is None for one in found),
    }
    if seconds:
        row |= {
            "per_s": round(len(seconds) / sum(seconds), 1), "median_ms": round(1e3 * statistics.median(seconds), 3),
            "p99_ms": round(1e3 * seconds[min(len(seconds) - 1, int(0.99 * len(seconds)))], 2), "max_s": round(seconds[-1], 3),
        }  # fmt: skip
    return row


def _line(descriptor: int, end: float) -> bytes | None:
    import select

    data = b""
    while not data.endswith(b"\n"):
        if not select.select([descriptor], [], [], max(0.0, end - time.monotonic()))[0]:
            return None
        block = os.read(descriptor, 65536)
        if not block:
            return None
        data += block
    return data


def batches(work: dict[str, list[Item]]) -> dict[str, Any]:
    """hicra with all answers at once: per second by class, and 512 answers with 1 % bombs."""
    from hicra import verify

    found: dict[str, Any] = {}
    with verify.Verifier(workers=2, timeout=KILL_S) as verifier:
        verifier.check([r"\boxed{x+1}", r"\boxed{x+2}"], ["x", "x"])
        for name in ("plain", "notation", "algebra"):
            items = work[name]
            start = time.perf_counter()
            verifier.check([item[0] for item in items], [item[1] for item in items])
            found[f"{name}_per_s"] = round(len(items) / (time.perf_counter() - start), 1)
        mixed = workload(507, seed=2)["algebra"] + work["bombs"][:5]
        random.Random(1).shuffle(mixed)
        verifier.close()
        verifier._known.clear()
        start = time.perf_counter()
        answers = verifier.check([item[0] for item in mixed], [item[1] for item in mixed])
        found["mixed_512_with_bombs_s"] = round(time.perf_counter() - start, 2)
        found["mixed_off"] = sum(
            (one.verdict == "correct") != item[2] for one, item in zip(answers, mixed, strict=True)
        )
        found["mixed_slowest_s"] = round(max(one.seconds for one in answers), 3)
    return found


def _burn() -> None:
    while os.getppid() != 1:
        sum(range(10_000))


@contextlib.contextmanager
def load(busy: int) -> Iterator[None]:
    """So many processes that do nothing but work."""
    context = multiprocessing.get_context("spawn")
    processes = [context.Process(target=_burn, daemon=True) for _ in range(busy)]
    for process in processes:
        process.start()
    try:
        time.sleep(3.0 if busy else 0.0)  # they are at work before anything is timed
        yield
    finally:
        for process in processes:
            process.kill()
            process.join()


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--n", type=int, default=300, help="cases a class")
    parser.add_argument("--busy", type=int, default=6, help="busy processes of the loaded run; 0: no loaded run")
    parser.add_argument("--systems", nargs="*", default=SYSTEMS, choices=SYSTEMS)
    parser.add_argument("--no-write", action="store_true")
    parser.add_argument("--serve", choices=SYSTEMS, help=argparse.SUPPRESS)
    arguments = parser.parse_args()
    if arguments.serve:
        serve(arguments.serve)
    work = workload(arguments.n)
    result: dict[str, Any] = {
        **machine("math-verify", "sympy", "trl"),
        "cases_a_class": arguments.n,
        "busy": arguments.busy,
    }
    for condition, busy in (("idle", 0), ("loaded", arguments.busy)):
        if condition == "loaded" and not busy:
            continue
        with load(busy):
            rows: dict[str, Any] = {"hicra_batch": batches(work)}
            print(condition, "hicra_batch", rows["hicra_batch"], flush=True)
            for system in arguments.systems:
                rows[system] = {}
                for name, items in work.items():
                    rows[system][name] = measure(system, items)
                    print(condition, system, name, rows[system][name], flush=True)
        result[condition] = rows
    if not arguments.no_write:
        out = Path(__file__).parent / "baselines" / "bench_verify.json"
        out.write_text(json.dumps(result, indent=2) + "\n")
    sys.exit("; ".join(short(result)) or None)


def short(result: dict[str, Any]) -> list[str]:
    """Where the claim falls short."""
    found = []
    idle = result["idle"]["hicra_batch"]
    if idle["plain_per_s"] < LEAST_PLAIN or idle["algebra_per_s"] < LEAST_ALGEBRA:
        found.append(f"{idle['plain_per_s']} plain and {idle['algebra_per_s']} algebra answers a second")
    if idle["mixed_512_with_bombs_s"] > LEAST_MIXED_S:
        found.append(f"512 answers with bombs took {idle['mixed_512_with_bombs_s']} s")
    for condition in ("idle", "loaded"):
        for name, row in result.get(condition, {}).get("hicra", {}).items():
            if row["stuck"] or row["off"] or row["no_verdict"] or row["max_s"] > MOST_S:
                found.append(f"hicra {condition} {name}: {row}")
    return found


if __name__ == "__main__":
    main()
