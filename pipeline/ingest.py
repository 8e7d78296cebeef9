"""Find files, tell what each is, hash it (the hash is the call's identity), and read what place and sidecar say of it.

Nothing here decodes audio or reads a transcript's content beyond what tells the two apart.
"""

from __future__ import annotations

import contextlib
import datetime as dt
import hashlib
import json
import os
import re
import stat
from collections.abc import Callable, Iterable, Iterator, Mapping
from dataclasses import dataclass, field
from pathlib import Path

from pipeline.beside import Beside
from pipeline.encodings import decode
from pipeline.errors import InputError
from pipeline.names import NOT_CALLS, is_furniture, is_half_made, is_passed_over
from pipeline.own_files import passed_over
from pipeline.settings_check import ANYTHING
from pipeline.sidecar import SIDECAR_SUFFIXES, TABLES, is_table, read_sidecar
from pipeline.types import CallMeta, SourceKind
from pipeline.written_days import read_day

Sniff = Callable[[Path], str | None]

CALL_ID_DIGITS = 16
TEXT_SUFFIXES = (".json", ".jsonl", ".txt", ".vtt", ".srt", ".docx", ".doc", ".csv", ".xml", ".html", ".pdf")
"""A file of these that is no known transcript is reported as an unknown transcript, not as damaged audio."""
_COMPANION_ENDS = (*TEXT_SUFFIXES, ".transcript.vtt", ".cc.vtt")
"""Zoom leaves `GMT20261006-140000_Recording.transcript.vtt` beside `GMT20261006-140000_Recording_1920x1080.mp4`."""
_PICTURE = re.compile(r"(?:(?<=_Recording)_[a-z]+)?_\d{3,4}x\d{3,4}$")
"""A size, and the view where Zoom's own name stands before it (`_gallery`): elsewhere a word tells calls apart, and
`2026-10-06.vtt` is not of `2026-10-06_acme_1280x720.mp4`."""
_CHUNK = 1 << 20
_DAY = r"\d{4}[-_.]?\d{2}[-_.]?\d{2}|\d{1,2}-\d{1,2}-\d{4}|\d{1,2}\.\d{1,2}\.\d{4}"
_MONTH_OR_EITHER_DAY = re.compile(r"20\d\d[-_.](0[1-9]|1[0-2])|((0?[1-9]|1[0-2])-){2}20\d\d")


State = tuple[int | None, int | None]
"""Size in bytes and time of the last change in ns: whatever has another state has to be looked at again."""
NOWHERE: State = (None, None)
"""The state of a file that is not there."""
STILL_WRITTEN = (
    "{path}: still being written; when copying has finished the watcher takes it, and `debrief process` when run again"
)


@dataclass(frozen=True, slots=True)
class Found:
    """A file to look at and the folder it was found under (None for a file that was named itself)."""

    path: Path
    root: Path | None = None


@dataclass(frozen=True, slots=True)
class Source:
    """An identified input: where it lies, what it is, and what is known of the call before it is heard or read.

    `format` is the transcript format's name for transcripts, None for audio. `sidecar` is what a file beside it states,
    `from_path` what its folders and name suggest. `companion` is a transcript of the same call that lies beside a
    recording (`""` for `companion_sha256` where there is none). `halves` are the hashes of calls that were made of this
    file's beginning, while the rest of it was on its way.
    """

    path: Path
    sha256: str
    size: int
    mtime_ns: int
    kind: SourceKind
    format: str | None = None
    sidecar: CallMeta = field(default_factory=CallMeta)
    from_path: CallMeta = field(default_factory=CallMeta)
    companion: Path | None = None
    companion_sha256: str = ""
    halves: tuple[str, ...] = ()

    @property
    def call_id(self) -> str:
        """The first 16 hex digits of the content's SHA-256."""
        return self.sha256[:CALL_ID_DIGITS]

    @property
    def state(self) -> State:
        """The state that it was identified in."""
        return self.size, self.mtime_ns

    def changed(self) -> bool:
        """Whether something else lies there now than was identified; a file that has gone is as it was."""
        return state_of(self.path) not in (NOWHERE, self.state)

    def meta(self, stated: CallMeta | None = None) -> CallMeta:
        """All that is known: the sidecar first, then what the transcript states itself, then what the path suggests."""
        return self.sidecar.merged(stated or CallMeta()).merged(self.from_path)


def state_of(path: Path) -> State:
    """The state of a file as it is now."""
    try:
        state = path.stat()
    except (OSError, ValueError):
        return NOWHERE
    return state.st_size, state.st_mtime_ns


def beside_state(path: Path, beside: Beside | None = None) -> str:
    """Sizes and times of what lies beside a file and says what is in it: another text when one of them changed.

    That is what states its data, and beside a recording a transcript of the same call.
    """
    beside = beside or Beside()
    words = _companions(path, beside) if _may_have_companion(path) else []
    found = []
    for file in sorted({*beside.find(path, SIDECAR_SUFFIXES, TABLES), *words}):
        size, mtime_ns = state_of(file)
        if size is not None:
            found.append(f"{file.name} {size} {mtime_ns}")
    return "; ".join(found)


def discover(paths: Iterable[Path], *, sniff: Sniff | None = None) -> list[Found]:
    """Files to look at: each named file as it is, each folder's files recursively in name order, without doubles.

    Hidden and temporary names, sidecars, transcripts of a recording beside them, files that are never calls, and what
    debrief itself wrote (data folders, exports, backups) are passed over inside folders. A named path that does not
    exist is kept, so that `identify` reports it.
    """
    seen: dict[Path, Found] = {}
    for path in paths:
        if os.path.isdir(path):
            for found in _walk(path, sniff):
                seen.setdefault(_absolute(found.path), found)
        else:
            seen.setdefault(_absolute(path), Found(path))
    listed = Beside()
    companions = {_absolute(words) for item in seen.values() for words in companions_of(item.path, sniff, listed)}
    return [found for path, found in seen.items() if path not in companions]


def _absolute(path: Path) -> Path:
    return Path(os.path.abspath(path))


def _walk(root: Path, sniff: Sniff | None) -> Iterator[Found]:
    limit = root.resolve()
    shut: list[Path] = []
    for folder, subfolders, names in os.walk(root, onerror=lambda error: shut.append(Path(error.filename))):
        ours, written = passed_over(Path(folder), subfolders, names)
        subfolders[:] = sorted(name for name in subfolders if not is_furniture(name) and name not in ours)
        names = [name for name in names if name not in written]
        stems: dict[str, set[str]] = {}
        for name in names:
            stems.setdefault(Path(name).stem, set()).add(name)
        for name in sorted(names):
            path = Path(folder, name)
            if is_passed_over(name) or _sidecar_of(path, stems, sniff):
                continue
            if path.is_symlink() and not _within(path, limit):
                continue
            yield Found(path, root)
    # a folder that may not be looked into holds calls that would be missed in silence
    yield from (Found(path, root) for path in shut if os.path.isdir(path))


def _within(path: Path, folder: Path) -> bool:
    """True when a link ends in `folder` (a loop ends nowhere)."""
    try:
        return folder in path.resolve().parents
    except (OSError, RuntimeError):
        return False


def _sidecar_of(path: Path, stems: dict[str, set[str]], sniff: Sniff | None) -> bool:
    """True when a `.json` or `.csv` belongs to a file beside it (by whole name or stem) and is no transcript."""
    if is_table(path.name):
        return True
    if path.suffix.lower() not in (".json", ".csv") or not path.is_file():
        return False
    same_stem = {name for name in stems.get(path.stem, ()) if not name.lower().endswith(SIDECAR_SUFFIXES)}
    owner_named = path.stem in stems.get(Path(path.stem).stem, ())
    return bool(same_stem or owner_named) and _sniffer(sniff)(path) is None


def _may_have_companion(path: Path) -> bool:
    return path.suffix.lower() not in (*TEXT_SUFFIXES, *NOT_CALLS, *SIDECAR_SUFFIXES, "")


def companion_of(path: Path, sniff: Sniff | None = None, beside: Beside | None = None) -> Path | None:
    """The transcript of the same call beside a recording: `call.mp3.vtt` or `call.vtt` beside `call.mp3`, and what
    Zoom calls it.

    A name alone proves nothing: the file must be a transcript by its content, and `path` must not be text itself.
    """
    return next(companions_of(path, sniff, beside), None)


def companions_of(path: Path, sniff: Sniff | None = None, beside: Beside | None = None) -> Iterator[Path]:
    """All transcripts of the same call beside a recording, as Teams has it in two formats; the first is the one that
    is read, and none is a call of its own."""
    if not _may_have_companion(path):
        return
    for candidate in _companions(path, beside or Beside()):
        if os.path.isfile(candidate) and os.path.isfile(path) and _sniffer(sniff)(candidate):
            yield candidate


def may_be_words(words: Path, path: Path, beside: Beside) -> bool:
    """Whether a file is by its name a transcript of the recording `path`."""
    return _absolute(words) in _companions(_absolute(path), beside)


def _companions(path: Path, beside: Beside) -> list[Path]:
    """What may be the transcript of a recording by its name, the likeliest first."""
    found = beside.find(path, _COMPANION_ENDS)
    plain = _PICTURE.sub("", path.stem)
    return found if plain == path.stem else [*found, *beside.find(path.with_name(plain + path.suffix), _COMPANION_ENDS)]


def _sniffer(sniff: Sniff | None) -> Sniff:
    if sniff is not None:
        return sniff
    from pipeline.formats import sniff as known

    return known


def identify(
    found: Found,
    *,
    pattern: str,
    sniff: Sniff | None = None,
    hashes: HashCache | None = None,
    beside: Beside | None = None,
) -> Source:
    """Hash a file and gather what is known of it. `pattern` is the settings' `path_pattern`.

    Raises `InputError` for a file that is missing, empty, unreadable, not a file, or still being written.
    """
    path = found.path
    before = check_file(path)
    known = hashes.get(path, before) if hashes else None
    try:
        digest = known or hash_file(path)
        after = path.stat()
    except OSError as error:
        raise InputError(f"{path}: cannot be read ({_cause(error)}); check its permissions or copy it again") from error
    if (before.st_size, before.st_mtime_ns) != (after.st_size, after.st_mtime_ns):
        raise InputError(STILL_WRITTEN.format(path=path))
    if hashes:
        hashes.put(path, after, digest)
    form = _sniffer(sniff)(path)
    beside = beside or Beside()
    companion = None if form else companion_of(path, sniff, beside)
    return Source(
        path=path,
        sha256=digest,
        size=after.st_size,
        mtime_ns=after.st_mtime_ns,
        kind="transcript" if form or path.suffix.lower() in TEXT_SUFFIXES else "audio",
        format=form,
        sidecar=read_sidecar(path, root=found.root, beside=beside),
        from_path=meta_from_path(path, root=found.root, pattern=pattern),
        companion=companion,
        companion_sha256=hash_file(companion) if companion else "",
    )


def check_file(path: Path) -> os.stat_result:
    """The file's stat; raises `InputError` when it is missing, no regular file, empty, or half-copied by its name."""
    try:
        state = path.stat()
    except FileNotFoundError:
        raise InputError(f"{path}: no such file; check the path") from None
    except (OSError, ValueError) as error:
        raise InputError(f"{path}: cannot be read ({_cause(error)}); check its permissions") from error
    if stat.S_ISDIR(state.st_mode) and not os.access(path, os.R_OK | os.X_OK):
        raise InputError(f"{path}: the folder cannot be read (permission denied); check its permissions")
    if not stat.S_ISREG(state.st_mode):
        raise InputError(f"{path}: not a file; name a recording, a transcript or a folder")
    if is_half_made(path.name):
        raise InputError(f"{path}: half-copied by its name; process it again when copying has finished")
    if state.st_size == 0:
        raise InputError(f"{path}: empty file (0 bytes); copy or export it again")
    return state


def _cause(error: Exception) -> str:
    return (getattr(error, "strerror", None) or str(error) or type(error).__name__).lower()


def hash_file(path: Path) -> str:
    """SHA-256 of the content, 64 hex digits. Raises `OSError`."""
    digest = hashlib.sha256()
    with path.open("rb") as file:
        while chunk := file.read(_CHUNK):
            digest.update(chunk)
    return digest.hexdigest()


def hash_beginnings(path: Path, sizes: Iterable[int]) -> dict[int, str]:
    """SHA-256 of the content's first bytes, by how many, read once for all of them. Raises `OSError`."""
    found, done, digest = {}, 0, hashlib.sha256()
    with path.open("rb") as file:
        for size in sorted(set(sizes)):
            while chunk := file.read(min(_CHUNK, size - done)):
                digest.update(chunk)
                done += len(chunk)
            found[size] = digest.hexdigest()
    return found


def meta_from_path(path: Path, *, root: Path | None, pattern: str) -> CallMeta:
    """What the folders and the name suggest, by a pattern such as `{team}/{rep}/{date}_{account}`.

    The pattern's parts are matched from the right (the file's name without its suffix is the last, with or without one
    in the pattern), each on its own, and only below `root`; without a root only the name is matched. Dates are ISO
    dates, with or without dashes, or `31.12.2026`. A folder that is a day or a month, as recorders make them, is
    nobody's name: a day dates what lies in it.
    """
    try:
        parts = path.relative_to(root).parts if root else (path.name,)
    except ValueError:
        parts = (path.name,)
    pattern = re.sub(r"\.(\w{1,5}|\*)$", "", pattern)
    wanted = pattern.split("/")
    folders, stem = [_readable(folder) for folder in parts[:-1]], _readable(Path(parts[-1]).stem)
    row: dict[str, str] = {}
    # whoever wrote of days or of any folder in the pattern has counted all of them
    if not any(word in folder for word in ("{date}", f"{{{ANYTHING}}}") for folder in wanted[:-1]):
        row.update(("date", day) for folder in folders if (day := _day_folder(folder)))
        folders = [folder for folder in folders if _day_folder(folder) is None]
    for part, name in zip(reversed(wanted), reversed([*folders, stem]), strict=False):
        match = _compiled(part).fullmatch(name)
        row.update({key: _tidy(key, text) for key, text in match.groupdict().items()} if match else {})
    return CallMeta.from_json(row)


def _day_folder(name: str) -> str | None:
    """The ISO day that a folder's whole name is, empty for a month or a day that may be two; None for a name, and for
    digits that are no day of this century, as an extension or a telephone number."""
    with contextlib.suppress(ValueError):
        if re.fullmatch(_DAY, name) and dt.date.fromisoformat(day := _tidy("date", name)).year // 100 == 20:
            return day
    return "" if _MONTH_OR_EITHER_DAY.fullmatch(name) else None


def _readable(name: str) -> str:
    """A name whose bytes are no UTF-8 (from an old Windows disk) as what it was meant to be."""
    return decode(os.fsencode(name)) if any("\udc80" <= char <= "\udcff" for char in name) else name


def _compiled(part: str) -> re.Pattern[str]:
    pieces = re.split(r"\{(\w+)\}", part)
    literals = [re.escape(piece) for piece in pieces[0::2]]
    made = literals[0]
    for key, literal in zip(pieces[1::2], literals[1:], strict=True):
        # `2026-10-06 Acme` and `2026-10-06 - Acme` are meant by {date}_{account} too
        meant = r"(?:_|\s+(?:[-–]\s+)?)" if key == "date" and literal.startswith("_") else literal[:1]
        made += _field(key) + meant + literal[1:]
    return re.compile(made)


def _field(key: str) -> str:
    if key == ANYTHING:
        return ".+?"
    return rf"(?P<date>{_DAY})" if key == "date" else rf"(?P<{key}>.+?)"


def _tidy(key: str, text: str) -> str:
    """`dana-whitfield` and `dana_whitfield` are Dana Whitfield; a name written with capitals or spaces keeps them."""
    if key == "date":
        digits = re.sub(r"\D", "", text)
        written = f"{digits[:4]}-{digits[4:6]}-{digits[6:8]}" if re.match(r"\d{4}", text) else text
        with contextlib.suppress(ValueError):
            return read_day(written).isoformat()
        return written
    words = text.replace("_", " ")
    if words == words.lower():
        # `joe's garage` is Joe's, and `ann o'neil` O'Neil
        words = re.sub(r"(?<=\w)['’]\w\b", lambda end: end[0].lower(), words.replace("-", " ").title())
    return " ".join(words.split())


class HashCache:
    """Remembers hashes by path, size and modification time, so that an inbox of thousands is not read at every start.

    A cache only: an unreadable file or line is as good as none. `save` writes what was added.
    """

    def __init__(self, file: Path) -> None:
        self._file = file
        self._known: dict[str, tuple[int, int, str]] = {}
        self._before: dict[str, dict[str, int]] = {}
        self._added: list[str] = []
        try:
            lines = file.read_text(encoding="utf-8").splitlines()
        except (OSError, UnicodeDecodeError):
            lines = []
        for line in lines:
            try:
                path, size, mtime_ns, digest = json.loads(line)
                self._note(str(path), (int(size), int(mtime_ns), str(digest)))
            except (ValueError, TypeError):
                continue

    def get(self, path: Path, state: os.stat_result) -> str | None:
        """The hash, when size and modification time are the same as when it was taken."""
        size, mtime_ns, digest = self._known.get(str(_absolute(path)), (-1, -1, ""))
        return digest if (size, mtime_ns) == (state.st_size, state.st_mtime_ns) else None

    def put(self, path: Path, state: os.stat_result, digest: str) -> None:
        """Remember a hash; nothing is written before `save`."""
        key = str(_absolute(path))
        row = (state.st_size, state.st_mtime_ns, digest)
        if self._known.get(key) != row:
            self._note(key, row)
            self._added.append(json.dumps([key, *row]))

    def _note(self, key: str, row: tuple[int, int, str]) -> None:
        size, _, digest = self._known.get(key, row)
        if digest != row[2]:
            self._before.setdefault(key, {})[digest] = size
        self._known[key] = row

    def before(self, path: Path) -> Mapping[str, int]:
        """The hashes of what lay there before, with the size of each."""
        return self._before.get(str(_absolute(path)), {})

    def save(self) -> None:
        """Append what is new; a folder that cannot be written costs only time."""
        if not self._added:
            return
        try:
            self._file.parent.mkdir(parents=True, exist_ok=True)
            with self._file.open("a", encoding="utf-8") as file:
                file.write("\n".join(self._added) + "\n")
            self._added.clear()
        except OSError:
            return
