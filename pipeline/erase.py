"""Erase calls or a person so that no byte is left in the data folder, and name what lies elsewhere.

First what would go is gathered (`of_call`, `of_person`), so that it can be shown and confirmed; then `erase` does it:
markers of the hashes (a later look at the inbox does not bring the calls back), result files, facts, voices, users, log
lines, caches, clips; the database is built again, because a database keeps freed blocks; last every byte is searched.
"""

from __future__ import annotations

import contextlib
import json
import re
import unicodedata
from collections.abc import Collection, Iterable, Iterator, Sequence
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any

from pipeline import consent, erased, keep, register, superseded
from pipeline.access.book import AccessBook
from pipeline.access.identities import Identities
from pipeline.access.people import User
from pipeline.access.schema import FILE as ACCESS_FILE
from pipeline.beside import Beside
from pipeline.claims import Claims
from pipeline.errors import AccessError, DebriefError, NotThere, StoreError
from pipeline.ingest import HashCache, companions_of, hash_file
from pipeline.listening import forget_archives
from pipeline.scrub import Traces, drop_empty, files, named_folders, remains, same_person, scrub
from pipeline.settings import Settings
from pipeline.sidecar import SIDECAR_SUFFIXES
from pipeline.store import Store
from pipeline.types import Transcript
from pipeline.voices import forget
from pipeline.webhooks.outbox import FILE as NEWS_FILE
from pipeline.webhooks.outbox import Outbox

_SHORTEST_WORD, _LONG_WORD = 6, 16
"""A vendor's id below this is found all over the place; from the second on it need have no figure to be told from a
word."""
_DAY = re.compile(r"\d{4}-?\d\d-?\d\d")


@dataclass(frozen=True, slots=True)
class CallToErase:
    """A kept call: its ids, where its input lies, the hashes of the transcript beside it and of other recordings."""

    call_id: str
    sha256: str
    path: str
    external_id: str = ""
    companion_sha256: str = ""
    copies: tuple[str, ...] = ()

    @property
    def hashes(self) -> tuple[str, ...]:
        """Of all its files."""
        return tuple(sha256 for sha256 in (self.sha256, self.companion_sha256, *self.copies) if sha256)


@dataclass(frozen=True, slots=True)
class Erasure:
    """What is to go: `calls` whole, and every trace of `person` (empty where a call is erased).

    `mentions` counts other calls whose text names the person: they stay, the name in them goes.
    """

    calls: tuple[CallToErase, ...]
    person: str = ""
    mentions: int = 0
    also: tuple[str, ...] = ()
    """What the person is known by beside the name: e-mail and subjects at the sign-in provider."""

    @property
    def traces(self) -> Traces:
        """What may not be found any more."""
        return Traces(
            tuple(text for call in self.calls for text in (*call.hashes, call.call_id) if text),
            tuple(
                word
                for word in (*(call.external_id for call in self.calls if _telling(call.external_id)), *self.also)
                if len(word) >= _SHORTEST_WORD
            ),
            tuple(call.path for call in self.calls if call.path),
            self.person,
        )


@dataclass(frozen=True, slots=True)
class Report:
    """What was done: `calls` erased, files `deleted` and `changed`, `recordings` deleted.

    `left` are files in which something is still found, `elsewhere` what lies outside the data folder and may hold
    copies: recordings that were not to be deleted, backups, exports that were changed since or cannot be deleted.
    """

    calls: int
    deleted: int
    changed: int
    recordings: tuple[str, ...] = ()
    left: tuple[str, ...] = ()
    elsewhere: tuple[str, ...] = ()

    def to_json(self) -> dict[str, Any]:
        """All fields."""
        return asdict(self)


def _telling(external_id: str) -> bool:
    """Does a vendor's id name a call wherever it stands? A word or a day does not: other calls have it, too."""
    figures = any(char.isdigit() for char in external_id) or len(external_id) >= _LONG_WORD
    return figures and len(external_id.split()) == 1 and not _DAY.fullmatch(external_id)


def of_call(settings: Settings, store: Store, call_id: str) -> Erasure:
    """One call, by its id, the beginning of it, or its vendor's id. Raises `NotThere`, or `StoreError` for several."""
    record = store.record(call_id)
    if record is None:
        raise NotThere(f"{call_id}: no such call; `debrief scorecard` lists them")
    return Erasure(tuple(calls_to_erase(settings.data, [str(record["source"]["sha256"])])))


def of_person(settings: Settings, store: Store, person: str) -> Erasure:
    """Everything about a person: the calls they sold or spoke in, and every other mention of the whole name.

    Raises `NotThere` where nothing is kept under that name.
    """
    name = " ".join(unicodedata.normalize("NFC", person).split())
    if len(name) < 2:
        raise NotThere("name the person to erase, as the calls have it")
    mine = store.query(
        f"SELECT DISTINCT sha256 FROM calls WHERE {_plain('rep')} = {_plain('$name')} OR call_id IN "
        f"(SELECT call_id FROM turns WHERE {_plain('name')} = {_plain('$name')}) ORDER BY sha256",
        {"name": name},
    )
    shas = [str(row["sha256"]) for row in mine]
    others = store.query(
        "SELECT count(DISTINCT call_id) AS n FROM turns JOIN calls USING (call_id) "
        f"WHERE contains({_plain('text')}, {_plain('$name')}) AND NOT list_contains($shas, sha256)",
        {"name": name, "shas": shas},
    )
    found = Erasure(tuple(calls_to_erase(settings.data, shas)), name, int(others[0]["n"]), _also(settings.data, name))
    if not found.calls and not remains(settings.data, found.traces, skip=(settings.inbox_folder,)):
        raise NotThere(f"{name}: nothing is kept under that name; `debrief scorecard` lists reps and calls")
    return found


def _plain(text: str) -> str:
    """SQL for a text as `scrub.same_person` compares it, but for blanks."""
    return f"replace(nfc_normalize(lower({text})), chr(8217), chr(39))"


def calls_to_erase(data: Path, shas: Iterable[str]) -> Iterable[CallToErase]:
    """Kept calls by their hashes."""
    copies = superseded.copies(data)
    for sha256 in shas:
        record = keep.latest_record(data, sha256) or {}
        source = record.get("source", {})
        meta = (record.get("transcript") or {}).get("meta", {})
        yield CallToErase(
            sha256[:16],
            sha256,
            str(source.get("path", "")),
            str(meta.get("external_id") or ""),
            str(source.get("known", {}).get("companion") or ""),
            tuple(copies.get(sha256, ())),
        )


def erase(
    settings: Settings,
    store: Store,
    what: Erasure,
    *,
    recordings: bool = False,
    again: bool = False,
) -> Report:
    """Erase; `recordings` deletes the input files too, `again` lets the same content in when it comes once more,
    but for what a person refused consent to.

    May be repeated after any interruption. Raises `StoreError`, with nothing erased where a call is being worked on.
    """
    data, inbox = settings.data, settings.inbox_folder
    kept = (erased.folder(data), *(_refusals(data, what.calls) if again else ()))
    if what.person:
        _forget_user(data, what.person)
    others = _names_used_again(data, what.calls)
    with Claims(data / "claims") as claims, _held(claims, what.calls):
        for call in what.calls if not again else ():
            for sha256 in call.hashes:
                erased.mark(data, sha256)
            for words in companions_of(Path(call.path)) if call.path not in others else ():
                # the same words in another format, which would be a call of its own once the recording is gone
                erased.mark(data, hash_file(words))
        erased.touch(data)
        gone = tuple(map(str, _recordings(settings, what, others))) if recordings else ()
        if recordings:
            # `Ann Lee` is another's than `Ann`, and her next call comes into her folder
            drop_empty(inbox, what.traces.finder(), called=True)
        if what.person:
            forget(data, what.person)
        for call in what.calls:
            forget_answers(data, call.sha256)
        forget_archives(data)
        _forget_news(data, what.traces)
        # first, while it is known where they are: of one in a folder by the person's name the line goes with the name
        deleted_exports, elsewhere, stuck = register.drop_exports(data)
        counts = scrub(data, what.traces, skip=(inbox, *kept, data / "claims"))
        for aside in (*data.glob("store.damaged-*"), *data.glob("store.rebuilding*")):
            aside.unlink(missing_ok=True)
    store.rebuild()
    left = remains(data, what.traces, skip=(inbox, *kept))
    named = [*_own_files(what, inbox, skip=(*gone, *others), recordings=recordings), *elsewhere, *stuck]
    return Report(
        len(what.calls),
        counts["deleted"] + deleted_exports,
        counts["changed"],
        gone,
        tuple(map(str, left)),
        tuple(dict.fromkeys(named)),
    )


def _refusals(data: Path, calls: Iterable[CallToErase]) -> Iterator[Path]:
    """The facts that consent was refused: forgotten with what it is about, a refusal would let the call in again."""
    for sha256 in {sha for call in calls for sha in call.hashes}:
        if consent.stated(data, sha256) == "no":
            yield keep.fact_file(data, consent.FACT, sha256)


@contextlib.contextmanager
def _held(claims: Claims, calls: Iterable[CallToErase]) -> Iterator[None]:
    """Inside, nobody else works on the calls. Raises `StoreError` where somebody does."""
    taken: list[str] = []
    try:
        for call in calls:
            if not claims.take(call.sha256):
                raise StoreError(f"{call.call_id}: is being worked on; erase it again in a few minutes")
            taken.append(call.sha256)
        yield
    finally:
        for sha256 in taken:
            claims.release(sha256)


def _own_files(what: Erasure, inbox: Path, *, skip: Collection[str], recordings: bool) -> Iterator[str]:
    """The files and folders that only their owner can deal with, each with what to do; not what is gone or is another
    call's."""
    for call in () if recordings else what.calls:
        if call.path and call.path not in skip and Path(call.path).exists():
            yield f"{call.path}: the recording itself; delete it, or let `debrief erase --recordings` do it"
    if what.person:
        finder = what.traces.finder()
        for path in files(inbox):
            if finder.search(path.relative_to(inbox).as_posix()) and str(path) not in skip:
                yield f"{path}: the name of this file; rename or delete it"
        for folder in named_folders(inbox, finder):
            if not any(folder.iterdir()):
                yield f"{folder}: the name of this folder; rename or delete it"


def _forget_user(data: Path, person: str) -> None:
    """Remove the person's own sign-in. Raises `AccessError` for the last admin's."""
    if not (data / ACCESS_FILE).is_file():
        return
    with AccessBook(data) as book:
        for user in _users_of(book, person):
            # together: once the user is gone, nothing tells any more which address was theirs
            with book.rows.writing():
                for text in Identities(book).traces_of(user):
                    if len(text) >= _SHORTEST_WORD:
                        book.forget_lines_with(text)
                book.remove_user(user.name)
                book.forget_name(user.name)
            _forget_login(data, user.name)


def _forget_login(data: Path, login: str) -> None:
    """What a user said of calls is said by `erased`: a login need not be the person's name, and may be anybody's word,
    so that it counts only where it says who did something."""
    for file in (data / "facts").glob("*/[!.]*.json"):
        with contextlib.suppress(StoreError):
            row = keep.read_json(file)
            if same_person(row.get("who"), login):
                keep.write_atomically(file, keep.encode({**row, "who": "erased"}))


def _forget_news(data: Path, traces: Traces) -> None:
    """Drop what is told, or still to be told, to webhooks about them."""
    if (data / NEWS_FILE).is_file():
        with Outbox(data) as outbox:
            outbox.drop(traces.finder().search)


def _also(data: Path, person: str) -> tuple[str, ...]:
    if not (data / ACCESS_FILE).is_file():
        return ()
    with AccessBook(data) as book:
        return tuple(text for user in _users_of(book, person) for text in Identities(book).traces_of(user))


def _users_of(book: AccessBook, person: str) -> list[User]:
    return [user for user in book.users() if same_person(user.name, person) or same_person(user.rep, person)]


def forget_answers(data: Path, sha256: str) -> None:
    """What an optional judge answered about the call, as any of its records has it."""
    if not (data / "judge").is_dir():
        return
    from pipeline.chat import forget as forget_of

    for file in keep.record_files(data, sha256):
        with contextlib.suppress(DebriefError):
            kept = keep.read_json(file).get("transcript")
            if kept:
                forget_of(data, Transcript.from_json(kept).turns)


def _names_used_again(data: Path, calls: Iterable[CallToErase]) -> frozenset[str]:
    """Paths of calls at which another call lies by now that is kept and stays: recorders use a name again."""
    mine = {sha256 for call in calls for sha256 in call.hashes}
    known, found = HashCache(data / "hashes.jsonl"), set()
    for path in {call.path for call in calls if call.path}:
        with contextlib.suppress(OSError, ValueError):
            sha256 = known.get(Path(path), Path(path).stat())
            if sha256 and sha256 not in mine and keep.record_files(data, sha256):
                found.add(path)
    return frozenset(found)


def _recordings(settings: Settings, what: Erasure, others: Collection[str]) -> Sequence[Path]:
    """Delete the input files themselves, every copy that is known, with what lies beside them and states their data;
    `others` are paths of other calls now."""
    hashes = {sha256 for call in what.calls for sha256 in call.hashes}
    places = {Path(call.path) for call in what.calls if call.path and call.path not in others} | set(
        _copies(settings.data, hashes)
    )
    gone: list[Path] = []
    for path in sorted(places):
        for file in (path, *beside(path, hashes)):
            try:
                file.unlink()
                gone.append(file)
            except FileNotFoundError:
                continue
            except OSError as error:
                raise StoreError(f"{file}: cannot be deleted ({error.strerror or error}); delete it by hand") from error
    return gone


def _copies(data: Path, hashes: set[str]) -> Iterable[Path]:
    """Where the hash cache has seen the same content, if it still lies there."""
    with contextlib.suppress(OSError):
        for line in (data / "hashes.jsonl").read_text(encoding="utf-8", errors="replace").splitlines():
            with contextlib.suppress(ValueError, TypeError, OSError):
                path, _, _, digest = json.loads(line)
                if digest in hashes and hash_file(Path(path)) == digest:
                    yield Path(path)


def beside(path: Path, hashes: set[str]) -> list[Path]:
    """The recording's own metadata files and transcripts, and files by its name with one of the hashes; never another
    recording's."""
    own = Beside().find(path, SIDECAR_SUFFIXES)
    siblings = {item.name for item in path.parent.glob("*") if item.stem == path.stem and item != path}
    alone = all(Path(name).suffix.lower() in SIDECAR_SUFFIXES for name in siblings)
    found = [item for item in own if alone or item.name.startswith(path.name)]
    found += companions_of(path)
    for item in path.parent.glob("*"):
        with contextlib.suppress(OSError):
            if item.name.startswith(path.stem) and item.is_file() and item != path and hash_file(item) in hashes:
                found.append(item)
    return [item for item in dict.fromkeys(found) if item.is_file()]


def note(data: Path, who: str, role: str, kind: str, what: str, detail: str = "") -> None:
    """A line in the audit log, where there is one; never a name of what was erased."""
    with contextlib.suppress(AccessError), AccessBook(data) as book:
        book.note(who, role, kind, what, detail)
