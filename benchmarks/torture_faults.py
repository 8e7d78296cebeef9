"""Faults other than kills: disk, permissions, damage, locks, clocks, engines."""

from __future__ import annotations

import contextlib
import ctypes
import os
import resource
import shutil
import socket
import subprocess
import time
from collections.abc import Iterator
from pathlib import Path

from benchmarks.torture_world import Child, Finding, World

CLOCK = r"""
#define _GNU_SOURCE
#include <dlfcn.h>
#include <stdlib.h>
#include <sys/time.h>
#include <time.h>
static long ahead(void) { const char *text = getenv("TORTURE_CLOCK_AHEAD_S"); return text ? atol(text) : 0; }
int clock_gettime(clockid_t which, struct timespec *now) {
    static int (*real)(clockid_t, struct timespec *);
    if (!real) real = dlsym(RTLD_NEXT, "clock_gettime");
    int done = real(which, now);
    if (which == CLOCK_REALTIME || which == CLOCK_REALTIME_COARSE) now->tv_sec += ahead();
    return done;
}
int gettimeofday(struct timeval *now, void *zone) {
    struct timespec fine;
    clock_gettime(CLOCK_REALTIME, &fine);
    now->tv_sec = fine.tv_sec; now->tv_usec = fine.tv_nsec / 1000;
    return 0;
}
time_t time(time_t *out) {
    struct timespec fine;
    clock_gettime(CLOCK_REALTIME, &fine);
    if (out) *out = fine.tv_sec;
    return fine.tv_sec;
}
"""
"""A library that sets the clock of a process and its workers: the machine's own is not ours to set."""


def small_disk(world: World, times: int) -> Finding:
    """The data folder on a tmpfs that fills up; afterwards it is made larger."""
    with _tmpfs(world.data, size_kb=600) as mounted:
        if not mounted:
            world.found.notes.append("no tmpfs can be mounted here (needs root): not injected")
            return world.found
        for number in range(times):
            world.drop(10)
            filler = world.data / "filler"
            free = os.statvfs(world.data).f_bavail * os.statvfs(world.data).f_frsize
            with contextlib.suppress(OSError):
                filler.write_bytes(b"x" * max(0, free - world.chance.randrange(1024, 120_000)))
            _hurt(world, world.child("flow"))
            filler.unlink(missing_ok=True)
            if number == times - 1:
                subprocess.run(["mount", "-o", "remount,size=256m", str(world.data)], check=True)
        world.finish()
    return world.found


def size_limit(world: World, times: int) -> Finding:
    """No file may grow beyond a few hundred bytes up to a few hundred kilobytes."""
    for _ in range(times):
        world.drop(6)
        limit = int(2 ** world.chance.uniform(8, 19))

        def limited(limit: int = limit) -> None:
            resource.setrlimit(resource.RLIMIT_FSIZE, (limit, limit))

        _hurt(world, world.child("flow", preexec_fn=limited))
    return world.finish()


def read_only(world: World, times: int) -> Finding:
    """The data folder may be read and not written. Root ignores permissions, so its child gives up that right first."""
    world.drop(3)
    child = world.child("flow")
    child.wait()
    world.note(child)
    for _ in range(times):
        world.drop(3)
        before = _contents(world.data)
        _allow(world.data, writing=False)
        child = world.child("flow", preexec_fn=_without_override)
        code = child.wait()
        _allow(world.data, writing=True)
        world.found.faults += 1
        world.note(child)
        if code == 0 or not any(line.startswith("error StoreError") for line in child.lines()):
            world.problem(f"no word about a folder that cannot be written: {code} {child.lines()[-2:]}")
        if _contents(world.data) != before:
            world.problem("something was written all the same")
    return world.finish()


def _without_override() -> None:
    """Drop CAP_DAC_OVERRIDE and CAP_DAC_READ_SEARCH from what the next exec may have (PR_CAPBSET_DROP)."""
    libc = ctypes.CDLL(None)
    for capability in (1, 2):
        libc.prctl(24, capability, 0, 0, 0)


def corrupt_result(world: World, times: int) -> Finding:
    """Result files cut short, overwritten, emptied: noticed, and made again from the recording."""
    from pipeline import keep
    from pipeline.store import Store

    for _ in range(times):
        world.drop(4)
        child = world.child("flow")
        child.wait()
        world.note(child)
        files = list(keep.all_record_files(world.data))
        hurt = world.chance.sample(files, min(3, len(files)))
        for file, damage in zip(hurt, ("cut", "noise", "empty"), strict=False):
            content = file.read_bytes()
            file.write_bytes(
                {"cut": content[: len(content) // 2], "noise": world.chance.randbytes(500), "empty": b""}[damage]
            )
            world.found.faults += 1
        with Store(world.data) as store:
            if len(store.ingest().damaged) != len(hurt):
                world.problem("a damaged result file was not noticed")
    return world.finish()


def corrupt_database(world: World, times: int) -> Finding:
    """The database overwritten at a random place, cut short, or replaced by noise; its log too."""
    for number in range(times):
        world.drop(5)
        child = world.child("flow")
        child.wait()
        world.note(child)
        file = world.data / "store.duckdb"
        size = file.stat().st_size
        if number % 3 == 0:
            with file.open("r+b") as handle:
                handle.seek(world.chance.randrange(size))
                handle.write(world.chance.randbytes(8192))
        elif number % 3 == 1:
            os.truncate(file, world.chance.randrange(size))
        else:
            file.write_bytes(world.chance.randbytes(50_000))
            file.with_name("store.duckdb.wal").write_bytes(world.chance.randbytes(5_000))
        world.found.faults += 1
    return world.finish()


def dead_holder(world: World, times: int) -> Finding:
    """Lock, address and claims that killed processes left; claims of another machine that says nothing any more."""
    from pipeline.ingest import hash_file

    for _ in range(times):
        made = world.drop(4)
        holder = world.child("server")
        claiming = world.child("claims", ",".join(hash_file(path) for path in made[:3]))
        holder.wait_for("go")
        claiming.wait_for("go")
        holder.kill()
        claiming.kill()
        foreign = world.data / "claims" / f"{hash_file(made[3])}.claim"
        foreign.write_text(f'{{"pid": 1, "host": "not-{socket.gethostname()}", "started": "1"}}')
        os.utime(foreign, (time.time() - 600, time.time() - 600))
        world.found.faults += 3
        child = world.child("flow")
        if child.wait() != 0:
            world.problem(f"stopped by what the dead left: {child.lines()[-2:]}")
        world.note(child)
        if any(row.get("status") == "busy" for row in child.acknowledged()):
            world.problem("a dead claim kept a call from being done")
    return world.finish()


def clock_back(world: World, times: int) -> Finding:
    """A clock a year ahead, then a year behind, while files carry times of the future; failures wait for their time."""
    source, library = world.folder / "clock.c", world.folder / "clock.so"
    source.write_text(CLOCK)
    compiler = shutil.which("cc")
    if not compiler:
        world.found.notes.append("no C compiler here to build the clock with: not injected")
        return world.found
    subprocess.run([compiler, "-shared", "-fPIC", "-o", str(library), str(source), "-ldl"], check=True)
    for number in range(times):
        for path in world.drop(5, ("ok", "ok", "engine")):
            if world.chance.random() < 0.5:
                os.utime(path, (time.time() + 4e7, time.time() + 4e7))
        for ahead in (32_000_000, -32_000_000)[:: 1 if number % 2 else -1]:
            child = world.child(
                "flow", "limited", env={"TORTURE_CLOCK_AHEAD_S": str(ahead), "LD_PRELOAD": str(library)}
            )
            if child.wait() != 0:
                world.problem(f"the clock stopped it: {child.lines()[-2:]}")
            world.found.faults += 1
            world.note(child)
    return world.finish()


def bad_engine(world: World, times: int) -> Finding:
    """Recordings on which the engine dies, hangs, asks for all memory, or fails: after three tries quarantined."""
    from pipeline import keep

    words = ("ok", "ok", "killed", "segfault", "hangs", "hungry", "engine", "bug", "silence", "noisy", "strangers")
    for _ in range(times):
        made = world.drop(len(words), ("ok",))
        for path, word in zip(made, words, strict=True):
            path.write_text(f"{word} {path.name}")
        for _ in range(3):
            child = world.child("flow", env={"TORTURE_TIMEOUT_S": "4.0"})
            if child.wait() != 0:
                world.problem(f"an engine stopped the batch: {child.lines()[-2:]}")
            world.note(child)
        world.found.faults += 8
        states = {
            Path(row["path"]).read_text().split()[0]: row["status"]
            for row in keep.read_failures(world.data)
            if Path(row["path"]) in made
        }
        poison = ("killed", "segfault", "hangs", "hungry", "engine", "bug")
        if {states.get(word) for word in poison} != {"quarantined"} or states.get("silence") != "refused":
            world.problem(f"not quarantined: {states}")
    child = world.child("flow", "limited", env={"TORTURE_TIMEOUT_S": "4.0"})
    child.wait()
    if child.acknowledged():
        world.problem("a quarantined file was tried again by itself")
    world.count()
    return world.found


def two_at_once(world: World, times: int) -> Finding:
    """Two debriefs at the same inbox and data folder."""
    for _ in range(times):
        world.drop(12)
        pair = [world.child("flow"), world.child("flow")]
        for child in pair:
            if child.wait() != 0:
                world.problem(f"two at once: {child.lines()[-2:]}")
            world.note(child)
        world.found.faults += 1
    return world.finish()


def _hurt(world: World, child: Child) -> None:
    """Wait for a child that may fail, with one line and nothing worse."""
    code = child.wait()
    world.found.faults += 1
    world.note(child)
    if code not in (0, 1) or any("Traceback" in line for line in child.lines()):
        world.problem(f"ended with {code}: {child.lines()[-3:]}")


@contextlib.contextmanager
def _tmpfs(folder: Path, *, size_kb: int) -> Iterator[bool]:
    folder.mkdir()
    done = subprocess.run(
        ["mount", "-t", "tmpfs", "-o", f"size={size_kb}k", "tmpfs", str(folder)], capture_output=True, check=False
    )
    if done.returncode:
        yield False
        return
    try:
        yield True
    finally:
        subprocess.run(["umount", "-l", str(folder)], check=False)


def _contents(folder: Path) -> list[tuple[str, int]]:
    return sorted((str(path), path.stat().st_size) for path in folder.rglob("*") if path.is_file())


def _allow(folder: Path, *, writing: bool) -> None:
    for path in (folder, *folder.rglob("*")):
        if path.is_dir() or path.is_file():
            path.chmod((0o700 if writing else 0o500) if path.is_dir() else (0o600 if writing else 0o400))
