"""Which speaker is the rep, which are buyers: from the channel map, metadata, names and introductions, known voices,
and who asks and pitches.

Certain facts (a channel map, a speaker named like the rep, a vendor's role or affiliation) fix speakers; the linear
model of `models/role_model.py` and self-introductions give the rest log-odds, and of three or more people
`models/role_pairs.py` says who stands together. All ways of splitting the speakers into two sides are weighed together,
and the likeliest ones are read by the judge, who says with which the call makes sense (`models/sides.py`);
the confidence is the probability that the main speaker of each side stands on the right one, and that everybody else
who says more than a few words does.
"""

from __future__ import annotations

import itertools
import math
import re
from collections.abc import Callable, Container, Iterable, Mapping
from dataclasses import dataclass, replace
from typing import Any

from models.role_model import seller_logit, words_of
from models.role_pairs import Pair, same_side_logits
from models.sides import told_as
from pipeline.speaker_names import BUYER_LABEL, REP_LABEL, WHO_RINGS, name_of_label, with_heard_rep
from pipeline.types import BUYER, REP, CallMeta, Hearing, Transcript, Turn

_ANONYMOUS = re.compile(
    r"^(?:(?:speaker|spk|channel|participant|person|user|guest|voice)[\s_:#-]*(?:\d+|[a-z]|unknown)?"
    r"|(?:ch|s|unknown|unidentified)?(?:[\s_:#-]*(?:\d+|unknown)?|(?:[\s_:#-]+|^)[a-z]))(?: voice \d+)?$",
    re.IGNORECASE,
)
_INTRODUCTION = re.compile(
    r"\b(?:[Tt]his is|[Ii]t's|[Ii]t is|[Mm]y name is|[Mm]y name's|I'm|I am|[Cc]all me)"
    r"\s+([A-Z][a-z'-]+)(?:\s+([A-Z][\w'-]+))?"
)
_GREETING = re.compile(
    r"\b(?:[Hh]i|[Hh]ey|[Hh]ello|[Mm]orning|[Aa]fternoon|[Tt]hanks|[Tt]hank you)[,!]?\s+([A-Z][a-z'-]+)"
)
_NOT_NAMES = frozenset(
    """a an the not so just very really here there fine good great okay sure sorry glad happy in on at with from calling
    going trying looking afraid all about still also only gonna that this what where how it we you they i our your my
    his her their everyone everybody guys folks team both again well yes no right everything nothing something much for
    to and but monday tuesday wednesday thursday friday saturday sunday january february march july september october
    november december""".split()
)
_ON_THE_LINE = 2
"""Turns of a speaker in which "it's Dana" says who speaks; later it answers who decides, or who is in the office."""
_MAX_EXACT = 8
_PAIRS_TRUST = 0.75
"""Factor on the log-odds of pairs, which do not know of each other; cross-validated 0.5 to 1 do equally well."""
_FEW_WORDS = 0.03
"""Up to this share of the words it does not matter on which side somebody is."""
_FULL_TRUST_WORDS = 200
_INTRODUCED_LIKE_REP = 3.0
_GREETED_LIKE_REP = 1.0
_SOUNDS_LIKE_REP = 3.0
"""Log-odds of a recognised voice: as good as an introduction, never a fact; the words may still outweigh it."""
_JUDGE_TRUST = 1.0
"""Factor on the log-odds that the judge gives; on 51 calls of two that it never saw 0.7 to 3 do equally well."""
_READ = 6
"""Ways of splitting the speakers that the judge reads at most: both of two people, all of three."""
_BEYOND_DOUBT = 7.0
"""Log-odds from which a way of splitting them is not read: it will not be the one."""

Sense = Callable[[Mapping[str, str]], float]
_Outcome = tuple[float, dict[str, str]]


@dataclass(frozen=True, slots=True)
class _Speaker:
    label: str
    turns: tuple[str, ...]
    words: int
    logit: float
    fixed: str = ""
    name: str = ""


def resolve_roles(transcript: Transcript, *, threshold: float = 0.8, read: bool = True) -> Transcript:
    """The transcript with `rep`, `rep:Name`, `buyer:Name` for speakers, or unresolved with the reason last in
    `hearing.notes`.

    A transcript that is resolved already passes through. `hearing.roles_confidence` is the probability that the sides
    are not swapped, `hearing.roles_method` what decided: `given`, `channel map`, `labels`, `names`, `affiliation`,
    `known voice` or `words`. Without `read` the judge reads nothing, which takes seconds for a long call: one that is
    still going on cannot wait for it at each turn. Raises `ModelUnavailable` where the judge is damaged.
    """
    if transcript.resolved:
        if transcript.hearing.roles_method:
            return transcript
        return replace(transcript, hearing=replace(transcript.hearing, roles_method="given", roles_confidence=1.0))
    speakers, method = _speakers(transcript)
    if len(speakers) < 2:
        return _unresolved(transcript, 0.0, method, "only one speaker was heard")
    together = same_side_logits(transcript.turns, {s.label: s.name for s in speakers}) if len(speakers) > 2 else {}
    sides, confidence, unsure = _split(speakers, together, _sense(transcript, speakers) if read else None)
    if method == "given" and confidence < 1.0:
        method = "words"
    if confidence < threshold:
        who = f"it is unclear for whom {unsure} speaks" if unsure else "rep and buyer cannot be told apart"
        # rounded down: what is not enough must not read like what is needed
        reason = f"{who} (probability {math.floor(100 * confidence)}%, {threshold:.0%} needed)"
        return _unresolved(transcript, confidence, method, reason)
    labels = _final_labels(speakers, sides, transcript.meta)
    turns = tuple(replace(turn, speaker=labels[turn.speaker]) for turn in transcript.turns)
    hearing = replace(transcript.hearing, roles_method=method, roles_confidence=confidence)
    meta = _with_rep(transcript.meta, speakers, sides)
    # these are by label, and nobody is called that any more
    meta = replace(meta, extra={key: value for key, value in meta.extra.items() if key != "voices"})
    return replace(transcript, turns=turns, hearing=hearing, meta=meta)


def _unresolved(transcript: Transcript, confidence: float, method: str, reason: str) -> Transcript:
    hearing: Hearing = transcript.hearing
    kept = tuple(note for note in hearing.notes if note != reason)
    return replace(
        transcript,
        hearing=replace(hearing, roles_method=method, roles_confidence=confidence, notes=(*kept, reason)),
    )


def _speakers(transcript: Transcript) -> tuple[list[_Speaker], str]:
    """Every speaker with what is known of it, and the strongest kind of evidence found."""
    texts: dict[str, list[str]] = {}
    for turn in transcript.turns:
        texts.setdefault(turn.speaker, []).append(turn.text)
    total = sum(len(words_of(turn.text)) for turn in transcript.turns)
    introduced = _introductions(transcript)
    affiliation = _affiliations(transcript.meta)
    channels = _channel_map(transcript.meta)
    answered = any(REP_LABEL.match(label) for label in texts)
    rep_words = _name_words(transcript.meta.rep or "")
    their_labels = named_rep(texts, transcript.meta.rep or "")
    greeted = _greeted_rep(transcript.turns, rep_words)
    sounds_like = _recognised(transcript.meta)
    trust = _trust(transcript.hearing)
    found: set[str] = set()
    speakers = []
    for label, said in texts.items():
        name = (introduced.get(label) or sounds_like.get(label, "")) if _is_anonymous(label) else name_of_label(label)
        fixed, method = _fixed_side(label, name, channels, affiliation, their_labels)
        if method == "labels" and WHO_RINGS.match(label) and not answered:
            fixed, method = "", ""  # reps ring people up as well
        count = sum(len(words_of(text)) for text in said)
        # The model is trained on whole calls: who says little gives little evidence.
        logit = trust * seller_logit(said, total_words=total, speakers=len(texts))
        logit *= min(1.0, count / _FULL_TRUST_WORDS) ** 0.5
        if not fixed and rep_words & _name_words(introduced.get(label, "")):
            logit += _INTRODUCED_LIKE_REP
            method = "names"
        if not fixed and label in sounds_like:
            logit += _SOUNDS_LIKE_REP
            method = method or "known voice"
        if not fixed and greeted.get(label):
            logit -= _GREETED_LIKE_REP
        if method:
            found.add(method)
        speakers.append(_Speaker(label, tuple(said), count, logit, fixed, name))
    order = ("channel map", "labels", "names", "affiliation", "known voice")
    return speakers, next((method for method in order if method in found), "words")


def _trust(hearing: Hearing) -> float:
    """Factor on the log-odds that words give: of misheard ones the models are sure, and wrong."""
    return (1.0 - min(1.0, hearing.expected_wer or 0.0)) ** 2


def _sense(transcript: Transcript, speakers: list[_Speaker]) -> Sense:
    """How much sense the call makes to the judge where the speakers stand on given sides (log-odds)."""
    names = {speaker.label: speaker.name for speaker in speakers}

    def sense(sides: Mapping[str, str]) -> float:
        from models.judge_model import load_judge

        told = told_as(transcript.turns, {label: sides.get(label, BUYER) for label in names}, names)
        return _trust(transcript.hearing) * _JUDGE_TRUST * load_judge().makes_sense(told)

    return sense


def _fixed_side(
    label: str, name: str, channels: Mapping[str, str], affiliation: Mapping[str, str], their_labels: Container[str]
) -> tuple[str, str]:
    """(side, kind of evidence) that leaves no choice for this speaker; ("", "") where nothing does."""
    head = label.partition(":")[0].strip().lower()
    if head in (REP, BUYER):
        return head, "labels"
    channel = label.lower().partition(" voice ")[0]
    if channel in channels:
        return channels[channel], "channel map"
    if not _is_anonymous(label):
        if REP_LABEL.match(label):
            return REP, "labels"
        if BUYER_LABEL.match(label):
            return BUYER, "labels"
        if label in their_labels:
            return REP, "names"
        side = affiliation.get(name.lower()) or affiliation.get(label.lower(), "")
        if side:
            return side, "affiliation"
    elif affiliation.get(label.lower()):
        return affiliation[label.lower()], "affiliation"
    return "", ""


def named_rep(labels: Iterable[str], rep: str) -> set[str]:
    """Labels that name the rep: in full, else in part where that can be one person only; none that is no name.

    A buyer may share the rep's first name: `Chris` beside `Chris Nair` is somebody else.
    """
    names = {label: name_of_label(label) for label in labels if not _is_anonymous(label)}
    alike = {label: _name_words(name) for label, name in names.items() if _same_person(name, rep)}
    in_full = {label for label, words in alike.items() if words == _name_words(rep)}
    return in_full or (set(alike) if len(set(map(frozenset, alike.values()))) == 1 else set())


def _split(
    speakers: list[_Speaker], together: Mapping[Pair, float], sense: Sense | None
) -> tuple[dict[str, str], float, str]:
    """Sides by label, the probability that those who matter are on the right one, and whom that is doubtful of: empty
    where it is the main speaker of either side.

    `together` are the log-odds that two stand on the same side, by pairs of labels; `sense` is the judge's, where it is
    asked.
    """
    free = sorted((speaker for speaker in speakers if not speaker.fixed), key=lambda speaker: -speaker.words)
    weighed, rest = free[:_MAX_EXACT], free[_MAX_EXACT:]
    fixed = {speaker.label: speaker.fixed for speaker in speakers if speaker.fixed}
    among = {speaker.label for speaker in weighed} | fixed.keys()
    near = {pair: logit for pair, logit in together.items() if among.issuperset(pair)}
    outcomes = []
    for choice in itertools.product((REP, BUYER), repeat=len(weighed)):
        sides = fixed | {speaker.label: side for speaker, side in zip(weighed, choice, strict=True)}
        if len(set(sides.values())) == 2:
            outcomes.append((_weight(weighed, sides, near), sides))
    if not outcomes:
        return {}, 0.0, ""
    outcomes = _read_by_judge(outcomes, sense) if sense else outcomes
    top = max(weight for weight, _ in outcomes)
    scaled = [(math.exp(weight - top), sides) for weight, sides in outcomes]
    mass = sum(weight for weight, _ in scaled)
    best = max(scaled, key=lambda item: item[0])[1]

    def right(*labels: str) -> float:
        return sum(weight for weight, sides in scaled if all(sides[who] == best[who] for who in labels)) / mass

    mains = [_main(speakers, best, side) for side in (REP, BUYER)]
    main, in_doubt = right(*(one.label for one in mains)), [one.label for one in mains if not one.fixed]
    total = sum(speaker.words for speaker in speakers)
    others = [(right(speaker.label), speaker.label) for speaker in weighed if speaker.words > _FEW_WORDS * total]
    # only the pairs of whom it is about: in a webinar of hundreds all pairs for each of them take minutes
    for speaker in rest:
        pairs = {(speaker.label, other): _either(together, speaker.label, other) for other in best}
        either = [best | {speaker.label: side} for side in (REP, BUYER)]
        best = max(either, key=lambda sides: _weight([speaker], sides, pairs))
    least, unsure = min(others, default=(1.0, ""))
    return (best, least, unsure) if least < main else (best, main, in_doubt[0] if len(in_doubt) == 1 else "")


def _read_by_judge(outcomes: list[_Outcome], sense: Sense) -> list[_Outcome]:
    """The likeliest outcomes weighed by the sense that they make as well, if it can change anything. Those that are
    not read gain as much as the best one: they are no less in doubt for it."""
    outcomes = sorted(outcomes, key=lambda outcome: -outcome[0])
    if len(outcomes) == 1 or outcomes[0][0] - outcomes[1][0] > _BEYOND_DOUBT:
        return outcomes
    near = [sides for weight, sides in outcomes[:_READ] if outcomes[0][0] - weight <= _BEYOND_DOUBT]
    gains = [sense(sides) for sides in near]
    gains += [max(gains)] * (len(outcomes) - len(gains))
    return [(weight + gain, sides) for (weight, sides), gain in zip(outcomes, gains, strict=True)]


def _either(together: Mapping[Pair, float], one: str, other: str) -> float:
    return together.get((one, other), together.get((other, one), 0.0))


def _weight(free: list[_Speaker], sides: Mapping[str, str], together: Mapping[Pair, float]) -> float:
    """Log-weight of a way to split the speakers: what the `free` ones say, and who talks to whom."""
    weight = sum(_log_chance(one.logit if sides[one.label] == REP else -one.logit) for one in free)
    for (one, other), logit in together.items():
        if one in sides and other in sides:
            weight += _PAIRS_TRUST * _log_chance(logit if sides[one] == sides[other] else -logit)
    return weight


def _log_chance(logit: float) -> float:
    """log(1 / (1 + e^-x)) that does not overflow: who says a whole book has log-odds in the thousands."""
    return -max(-logit, 0.0) - math.log1p(math.exp(-abs(logit)))


def _main(speakers: list[_Speaker], sides: Mapping[str, str], side: str) -> _Speaker:
    return max((s for s in speakers if sides.get(s.label) == side), key=lambda s: s.words)


def _final_labels(speakers: list[_Speaker], sides: Mapping[str, str], meta: CallMeta) -> dict[str, str]:
    """`rep` for the main seller, `rep:Name` for others, `buyer:Name` for buyers; unnamed buyers are numbered."""
    main = _main_rep(speakers, sides, meta)
    labels: dict[str, str] = {}
    taken: set[str] = set()
    for speaker in sorted(speakers, key=lambda speaker: -speaker.words):
        side = sides[speaker.label]
        if speaker.label == main:
            labels[speaker.label] = REP
            continue
        name = speaker.name or ("Buyer" if side == BUYER else "Colleague")
        label, number = f"{side}:{name}", 2
        while label in taken:
            label, number = f"{side}:{name} {number}", number + 1
        taken.add(label)
        labels[speaker.label] = label
    return labels


def _main_rep(speakers: list[_Speaker], sides: Mapping[str, str], meta: CallMeta) -> str:
    """The seller named in the metadata, else the one who talks most."""
    sellers = [speaker for speaker in speakers if sides[speaker.label] == REP]
    theirs = [speaker for speaker in sellers if meta.rep and _same_person(speaker.name, meta.rep)]
    in_full = [speaker for speaker in theirs if _name_words(speaker.name) == _name_words(meta.rep or "")]
    return max(in_full or theirs or sellers, key=lambda speaker: speaker.words).label


def _with_rep(meta: CallMeta, speakers: list[_Speaker], sides: Mapping[str, str]) -> CallMeta:
    if meta.rep:
        return meta
    main = _main_rep(speakers, sides, meta)
    return with_heard_rep(meta, next(speaker.name for speaker in speakers if speaker.label == main))


def _is_anonymous(label: str) -> bool:
    return bool(_ANONYMOUS.match(label.strip()))


def _recognised(meta: CallMeta) -> dict[str, str]:
    """Reps by label whose enrolled voice was recognised (`pipeline/voices.py`)."""
    voices = meta.extra.get("voices")
    return {str(label): str(rep) for label, rep in voices.items()} if isinstance(voices, dict) else {}


def _name_words(name: str) -> set[str]:
    return {word for word in re.findall(r"[^\W\d_]+", name.lower()) if len(word) > 1}


def _same_person(one: str, other: str) -> bool:
    """True when the shorter name's words all occur in the longer: `Priya` and `Priya Nair`."""
    mine, theirs = _name_words(one), _name_words(other)
    return bool(mine and theirs) and (mine <= theirs or theirs <= mine)


def _channel_map(meta: CallMeta) -> dict[str, str]:
    """Sides by `channel N` from `rep_channel: 0` or `channels: {"0": "rep", "1": "buyer"}` in the metadata."""
    channels = meta.extra.get("channels")
    mapped = (
        {f"channel {key}": str(side).lower() for key, side in channels.items()} if isinstance(channels, dict) else {}
    )
    if str(meta.extra.get("rep_channel", "")).isdecimal():
        rep = int(str(meta.extra["rep_channel"]))
        mapped |= {f"channel {channel}": REP if channel == rep else BUYER for channel in (0, 1)}
    return {label: side for label, side in mapped.items() if side in (REP, BUYER)}


def _affiliations(meta: CallMeta) -> dict[str, str]:
    """Sides by lower-case name or speaker id from vendors' `Internal` / `External` affiliations in `meta.extra`."""
    sides: dict[str, str] = {}
    for key in ("sides", "affiliations"):
        direct = meta.extra.get(key)
        if isinstance(direct, dict):
            sides |= {str(label).lower(): _affiliated(value) for label, value in direct.items()}
    for key in ("participants", "parties", "speakers", "attendees"):
        people = meta.extra.get(key)
        for person in people if isinstance(people, list | tuple) else ():
            if isinstance(person, dict):
                side = _affiliated(person.get("affiliation") or person.get("role") or person.get("side"))
                for field in ("name", "id", "speakerId", "speaker", "label", "email"):
                    if side and person.get(field):
                        sides[str(person[field]).lower()] = side
    return {key: side for key, side in sides.items() if side}


def _affiliated(value: Any) -> str:
    text = str(value or "").strip().lower()
    if text in ("internal", "agent", "seller", "host", "employee", REP):
        return REP
    return BUYER if text in ("external", "customer", "prospect", "client", BUYER) else ""


def _introductions(transcript: Transcript) -> dict[str, str]:
    """Names by label from self-introductions at the start of a speaker (`this is Priya`)."""
    names: dict[str, str] = {}
    spoken: dict[str, int] = {}
    for turn in transcript.turns:
        spoken[turn.speaker] = spoken.get(turn.speaker, 0) + 1
        if turn.speaker in names or spoken[turn.speaker] > 4:
            continue
        for match in _INTRODUCTION.finditer(turn.text):
            first, second = match.group(1), match.group(2)
            if match.group().lower().startswith("it") and spoken[turn.speaker] > _ON_THE_LINE:
                continue
            # "it's Dana's colleague" is not Dana
            if first.lower() in _NOT_NAMES or first.endswith("'s") or turn.text[match.end(1) :].startswith("’s"):
                continue
            last = second if second and second.lower() not in _NOT_NAMES else ""
            names[turn.speaker] = f"{first} {last}".strip()
            break
    people = list(names.values())
    return {label: name for label, name in names.items() if people.count(name) == 1}


def _greeted_rep(turns: tuple[Turn, ...], rep_words: set[str]) -> dict[str, bool]:
    """Labels that greet or thank the rep by name: nobody greets himself."""
    greeted: dict[str, bool] = {}
    for turn in turns:
        for match in _GREETING.finditer(turn.text):
            if match.group(1).lower() in rep_words:
                greeted[turn.speaker] = True
    return greeted
