"""What a session's threads cost: nothing while it is idle, and little beside another session."""

from __future__ import annotations

import threading
import time

import numpy as np
import onnx_ir as ir
import pytest
from onnx import helper

from slim.lower import lower
from slim.runtime import Session
from tests.nets import net

rng = np.random.default_rng(3)


@pytest.fixture(scope="module")
def program() -> bytes:
    """Eight layers of about 0.1 ms."""
    weights = {f"w{i}": rng.normal(size=(64, 64, 1, 1)).astype(np.float32) / 8 for i in range(8)}
    nodes = [helper.make_node("Conv", [f"x{i}", f"w{i}"], [f"x{i + 1}"]) for i in range(8)]
    return bytes(lower(ir.from_proto(net(nodes, {"x0": (1, 64, 28, 28)}, ["x8"], weights))))


def test_threads_sleep_within_a_millisecond_of_the_last_run(program: bytes) -> None:
    session = Session(program, threads=4)
    spent = []
    for _ in range(5):
        session.run_bound()
        start = time.process_time()
        time.sleep(0.1)
        spent.append(time.process_time() - start)
    assert min(spent) < 0.003, "three threads that spun for 1 ms would have taken so long"


def processor_seconds(program: bytes, threads: int, runs: int = 60) -> float:
    """Of this process, while two sessions of so many threads run at once."""
    sessions = [Session(program, threads=threads) for _ in range(2)]
    for session in sessions:
        session.run_bound()
    callers = [threading.Thread(target=lambda s=s: [s.run_bound() for _ in range(runs)]) for s in sessions]
    start = time.process_time()
    for caller in callers:
        caller.start()
    for caller in callers:
        caller.join()
    return time.process_time() - start


def test_two_sessions_of_two_threads_take_little_more_time_than_of_one(program: bytes) -> None:
    pairs = [(processor_seconds(program, 1), processor_seconds(program, 2)) for _ in range(7)]
    one, two = (min(times) for times in zip(*pairs, strict=True))
    assert two < 1.2 * one


def test_two_sessions_at_once_take_no_longer_than_one_after_the_other(program: bytes) -> None:
    """Wall time; the least ratio of several, because the machine may be busy with other work."""
    sessions = [Session(program, threads=2) for _ in range(2)]

    def seconds(*, together: bool) -> float:
        callers = [threading.Thread(target=lambda s=s: [s.run_bound() for _ in range(60)]) for s in sessions]
        start = time.perf_counter()
        for caller in callers:
            caller.start()
            if not together:
                caller.join()
        for caller in callers:
            caller.join()
        return time.perf_counter() - start

    ratios = [seconds(together=True) / seconds(together=False) for _ in range(7)]
    assert min(ratios) < 1.3, ratios
