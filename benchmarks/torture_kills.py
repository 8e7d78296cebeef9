"""Kills with -9 at random moments."""

from __future__ import annotations

import contextlib
import os
import signal
import time

from benchmarks.torture_world import Finding, World


def flow(world: World, times: int) -> Finding:
    """The process that plans, hands out and keeps; two of three after it has begun, else at any moment."""
    for number in range(times):
        world.drop(world.chance.randint(1, 5))
        child = world.child("flow")
        if number % 3:
            child.wait_for("go")
            time.sleep(world.chance.uniform(0, 1.5))
        else:
            time.sleep(world.chance.uniform(0, 2.0))
        child.kill()
        world.found.faults += 1
        world.note(child)
    return world.finish()


def worker(world: World, times: int) -> Finding:
    """A worker process at a random moment; the batch goes on without it."""
    while world.found.faults < times:
        world.drop(8)
        child = world.child("flow")
        child.wait_for("go")
        until = time.monotonic() + 30
        while child.process.poll() is None and time.monotonic() < until and world.found.faults < times:
            time.sleep(world.chance.uniform(0.05, 0.6))
            victims = child.children()
            if victims:
                with contextlib.suppress(ProcessLookupError):
                    os.kill(world.chance.choice(victims), signal.SIGKILL)
                    world.found.faults += 1
        if child.wait() != 0:
            world.problem(f"the batch did not survive its worker: {child.lines()[-2:]}")
        world.note(child)
    return world.finish()


def ingester(world: World, times: int) -> Finding:
    """The process that builds the database, also in the midst of a rebuild."""
    for number in range(times):
        if number % 5 == 0:
            world.drop(6)
            filling = world.child("flow")
            filling.wait()
            world.note(filling)
        child = world.child("ingester", f"{number}-{world.chance.getrandbits(30)}")
        child.wait_for("go")
        time.sleep(world.chance.uniform(0.05, 1.2))
        child.kill()
        world.found.faults += 1
        world.note(child)
    return world.finish()


def server(world: World, times: int) -> Finding:
    """The process that has the store open for all others (the web app's part), while they read and write through it."""
    writer = None
    for number in range(times):
        world.drop(2)
        serving = world.child("server")
        serving.wait_for("go")
        if writer is None or writer.process.poll() is not None:
            if writer:
                if writer.wait() != 0:
                    world.problem(f"a writer did not survive the server: {writer.lines()[-2:]}")
                world.note(writer)
            writer = world.child("facts", "60")
        filling = world.child("flow") if number % 4 == 0 else None
        time.sleep(world.chance.uniform(0.3, 1.6))
        serving.kill()
        world.found.faults += 1
        if filling:
            if filling.wait() != 0:
                world.problem(f"a flow did not survive the server: {filling.lines()[-2:]}")
            world.note(filling)
    if writer:
        writer.wait()
        world.note(writer)
    return world.finish()


def watchers(world: World, times: int) -> Finding:
    """Two watchers on one folder, half-copied and renamed files; in the midst one is told to stop, one killed."""
    for _ in range(times):
        pair = [world.child("watch"), world.child("watch")]
        for child in pair:
            child.wait_for("go")
        until = time.monotonic() + 120
        while time.monotonic() < until and not any(child.acknowledged() for child in pair):
            path = world.drop(1)[0]
            content = path.read_text()
            path.write_text(content[:2])
            time.sleep(world.chance.uniform(0.1, 0.4))
            path.write_text(content)
            moved = path.with_name(f"moved-{path.name}")
            if world.chance.random() < 0.3:
                path.rename(moved)
                world.dropped[world.dropped.index(path)] = moved
            time.sleep(0.2)
        world.drop(6)
        time.sleep(world.chance.uniform(0.5, 6.0))
        pair[0].process.send_signal(signal.SIGTERM)
        if pair[0].wait(90) != 0 or "stopped" not in pair[0].lines():
            world.problem(f"a watcher did not stop in order: {pair[0].lines()[-2:]}")
        pair[1].kill()
        left = [claim.read_text() for claim in (world.data / "claims").glob("*.claim")]
        if any(f'"pid": {pair[0].process.pid},' in text for text in left):
            world.problem("a watcher that was told to stop left claims")
        for child in pair:
            with contextlib.suppress(ProcessLookupError):
                os.killpg(child.process.pid, signal.SIGKILL)
            world.note(child)
        world.found.faults += 2
    return world.finish()


def prefect(world: World, times: int) -> Finding:
    """The whole flow under Prefect, its server included, once calls are being done."""
    for _ in range(times):
        world.drop(4)
        child = world.child("prefect")
        until = time.monotonic() + 120
        while time.monotonic() < until and child.process.poll() is None and not child.acknowledged():
            time.sleep(0.05)
        time.sleep(world.chance.uniform(0, 0.5))
        # its temporary server is a child of its own and would be left to itself: the kill takes the whole group
        with contextlib.suppress(ProcessLookupError):
            os.killpg(child.process.pid, signal.SIGKILL)
        child.process.wait()
        world.found.faults += 1
        world.note(child)
    return world.finish()
