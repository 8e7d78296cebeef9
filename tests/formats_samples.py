"""One small call in every transcript format, written after each vendor's public documentation (address beside each).

The call is always the same: two speakers, three turns, so that one contract test can read all of them.
"""

from __future__ import annotations

import io
import json
from collections.abc import Callable
from typing import Any, NamedTuple

from pipeline.types import Transcript

TEXTS = ("Hello, Dana.", "Hi. We lose two days.", "What does that cost?")
STARTS = (1.0, 3.0, 6.5)
ENDS = (2.0, 5.0, 8.0)
ORDER = (0, 1, 0)


class Sample(NamedTuple):
    """A file's bytes, the two labels a reader gives, and what it can know: times (to 0.1 s), words, sides."""

    data: bytes
    labels: tuple[str, str]
    timed: bool = True
    words: bool = True
    exact: bool = True


def said() -> list[tuple[int, int, str, float, float, list[tuple[str, float, float]]]]:
    """(turn, speaker, text, t0, t1, words with times) of the call."""
    rows = []
    for turn, (text, t0, t1) in enumerate(zip(TEXTS, STARTS, ENDS, strict=True)):
        words = text.split()
        step = (t1 - t0) / len(words)
        timed = [(w, round(t0 + k * step, 3), round(t0 + (k + 1) * step, 3)) for k, w in enumerate(words)]
        rows.append((turn, ORDER[turn], text, t0, t1, timed))
    return rows


def as_bytes(data: Any) -> bytes:
    return json.dumps(data).encode()


def debrief() -> Sample:
    turns = [
        {"t0": t0, "t1": t1, "speaker": ("rep", "buyer:Dana")[who], "text": text,
         "words": [{"t0": a, "t1": b, "text": w} for w, a, b in words]}
        for _, who, text, t0, t1, words in said()
    ]  # fmt: skip
    return Sample(as_bytes({"call_id": "c1", "meta": {"rep": "Ann"}, "turns": turns}), ("rep", "buyer:Dana"))


def gong() -> Sample:
    """https://gong.app.gong.io/settings/api/documentation#post-/v2/calls/transcript and /v2/calls/extensive"""
    transcript = [
        {"speakerId": ("11", "22")[who], "topic": None,
         "sentences": [{"start": int(t0 * 1000), "end": int(t1 * 1000), "text": text}]}
        for _, who, text, t0, t1, _ in said()
    ]  # fmt: skip
    data = {
        "requestId": "r1",
        "callTranscripts": [{"callId": "7782342274025937895", "transcript": transcript}],
        "metaData": {"id": "7782342274025937895", "title": "Acme: first call", "started": "2026-03-05T17:20:00-08:00",
                     "primaryUserId": "u1", "language": "eng"},
        "parties": [
            {"id": "p1", "userId": "u1", "speakerId": "11", "name": "Ann Lee", "affiliation": "Internal"},
            {"id": "p2", "speakerId": "22", "name": "Dana Fox", "affiliation": "External"},
        ],
        "context": [{"system": "Salesforce", "objects": [
            {"objectType": "Account", "objectId": "a", "fields": [{"name": "Name", "value": "Acme Ltd"}]}]}],
    }  # fmt: skip
    return Sample(as_bytes(data), ("Ann Lee", "Dana Fox"), words=False)


def fireflies() -> Sample:
    """https://docs.fireflies.ai/schema/transcript and /schema/sentence"""
    sentences = [
        {"index": k, "speaker_id": who, "speaker_name": ("Ann Lee", "Dana Fox")[who], "text": text, "raw_text": text,
         "start_time": t0, "end_time": t1}
        for k, who, text, t0, t1, _ in said()
    ]  # fmt: skip
    facts = {"id": "ff1", "title": "Acme", "date": 1772726400000, "organizer_email": "ann@us.example"}
    return Sample(
        as_bytes({"data": {"transcript": {**facts, "sentences": sentences}}}), ("Ann Lee", "Dana Fox"), words=False
    )


def aws_call_analytics() -> Sample:
    """https://docs.aws.amazon.com/transcribe/latest/dg/tca-output-batch.html"""
    rows = []
    for _, who, text, t0, t1, words in said():
        items: list[dict[str, Any]] = []
        for word, a, b in words:
            times = {"BeginOffsetMillis": int(a * 1000), "EndOffsetMillis": int(b * 1000)}
            items.append({"Type": "pronunciation", "Confidence": 0.99, "Content": word.rstrip(".,?"), **times})
            if word[-1] in ".,?":
                items.append({"Type": "punctuation", "Confidence": 0.0, "Content": word[-1]})
        rows.append({"Id": "x", "ParticipantRole": ("AGENT", "CUSTOMER")[who], "Content": text, "Items": items,
                     "BeginOffsetMillis": int(t0 * 1000), "EndOffsetMillis": int(t1 * 1000)})  # fmt: skip
    return Sample(as_bytes({"JobName": "j", "LanguageCode": "en-US", "Transcript": rows}), ("AGENT", "CUSTOMER"))


def _aws_items() -> list[dict[str, Any]]:
    items: list[dict[str, Any]] = []
    for _, who, _, _, _, words in said():
        for word, a, b in words:
            best = [{"confidence": "0.98", "content": word.rstrip(".,?")}]
            items.append({"start_time": str(a), "end_time": str(b), "alternatives": best, "type": "pronunciation",
                          "speaker_label": f"spk_{who}"})  # fmt: skip
            if word[-1] in ".,?":
                mark = [{"confidence": "0.0", "content": word[-1]}]
                items.append({"alternatives": mark, "type": "punctuation", "speaker_label": f"spk_{who}"})
    return items


def aws_transcribe() -> Sample:
    """https://docs.aws.amazon.com/transcribe/latest/dg/diarization-output-batch.html (labels in segments only)"""
    segments = [
        {"start_time": str(t0), "end_time": str(t1), "speaker_label": f"spk_{who}",
         "items": [{"start_time": str(a), "end_time": str(b), "speaker_label": f"spk_{who}"} for _, a, b in words]}
        for _, who, _, t0, t1, words in said()
    ]  # fmt: skip
    items = [{key: value for key, value in item.items() if key != "speaker_label"} for item in _aws_items()]
    results = {
        "transcripts": [{"transcript": " ".join(TEXTS)}],
        "speaker_labels": {"channel_label": "ch_0", "speakers": 2, "segments": segments},
        "items": items,
    }
    data = {"jobName": "job", "accountId": "111122223333", "results": results, "status": "COMPLETED"}
    return Sample(as_bytes(data), ("spk_0", "spk_1"))


def deepgram() -> Sample:
    """https://developers.deepgram.com/reference/speech-to-text/listen-pre-recorded"""
    words = [
        {"word": w.lower().strip(".,?"), "start": a, "end": b, "confidence": 0.9, "speaker": who, "punctuated_word": w}
        for _, who, _, _, _, timed in said() for w, a, b in timed
    ]  # fmt: skip
    best = {"transcript": " ".join(TEXTS), "confidence": 0.9, "words": words}
    data = {"metadata": {"request_id": "req", "channels": 1}, "results": {"channels": [{"alternatives": [best]}]}}
    return Sample(as_bytes(data), ("speaker 0", "speaker 1"))


def rev() -> Sample:
    """https://docs.rev.ai/api/asynchronous/transcripts/"""
    monologues = []
    for _, who, _, _, _, words in said():
        elements: list[dict[str, Any]] = []
        for word, a, b in words:
            if elements:
                elements.append({"type": "punct", "value": " "})
            elements.append({"type": "text", "value": word.rstrip(".,?"), "ts": a, "end_ts": b, "confidence": 0.9})
            if word[-1] in ".,?":
                elements.append({"type": "punct", "value": word[-1]})
        monologues.append({"speaker": who, "elements": elements})
    return Sample(as_bytes({"monologues": monologues}), ("speaker 0", "speaker 1"))


def azure() -> Sample:
    """https://learn.microsoft.com/azure/ai-services/speech-service/batch-transcription-get"""
    phrases = []
    for _, who, text, t0, t1, words in said():
        stamped = [{"word": w.lower(), "offset": f"PT{a}S", "duration": f"PT{b - a:.3f}S", "offsetInTicks": a * 1e7,
                    "durationInTicks": (b - a) * 1e7, "confidence": 0.9} for w, a, b in words]  # fmt: skip
        best = {
            "confidence": 0.9,
            "lexical": text.lower(),
            "itn": text,
            "maskedITN": text,
            "display": text,
            "words": stamped,
        }
        phrases.append({"recognitionStatus": "Success", "channel": 0, "speaker": who + 1, "offset": f"PT{t0}S",
                        "duration": f"PT{t1 - t0}S", "offsetInTicks": t0 * 1e7, "durationInTicks": (t1 - t0) * 1e7,
                        "nBest": [best]})  # fmt: skip
    combined = [{"channel": 0, "display": " ".join(TEXTS)}]
    data = {"source": "s", "duration": "PT8S", "combinedRecognizedPhrases": combined, "recognizedPhrases": phrases}
    return Sample(as_bytes(data), ("speaker 1", "speaker 2"))


def speechmatics() -> Sample:
    """https://docs.speechmatics.com/speech-to-text/batch/output"""
    results: list[dict[str, Any]] = []
    for _, who, _, _, _, words in said():
        for word, a, b in words:
            best = {"content": word.rstrip(".,?"), "confidence": 0.9, "language": "en", "speaker": f"S{who + 1}"}
            results.append({"type": "word", "start_time": a, "end_time": b, "alternatives": [best]})
            if word[-1] in ".,?":
                mark = {"content": word[-1], "confidence": 1.0, "language": "en", "speaker": f"S{who + 1}"}
                results.append({"type": "punctuation", "start_time": b, "end_time": b, "attaches_to": "previous",
                                "is_eos": word[-1] != ",", "alternatives": [mark]})  # fmt: skip
    config = {"type": "transcription", "transcription_config": {"language": "en", "diarization": "speaker"}}
    data = {"format": "2.9", "job": {"id": "job7", "duration": 8}, "metadata": config, "results": results}
    return Sample(as_bytes(data), ("S1", "S2"))


def ibm() -> Sample:
    """https://cloud.ibm.com/docs/speech-to-text?topic=speech-to-text-speaker-labels"""
    results, labels = [], []
    for _, who, text, _, _, words in said():
        plain = [(w.strip(".,?").lower(), a, b) for w, a, b in words]
        best = {"timestamps": [list(item) for item in plain], "confidence": 0.9, "transcript": text.lower() + " ",
                "word_confidence": [[w, 0.9] for w, _, _ in plain]}  # fmt: skip
        results.append({"final": True, "alternatives": [best]})
        labels += [{"from": a, "to": b, "speaker": who, "confidence": 0.5, "final": False} for _, a, b in plain]
    data = {"result_index": 0, "results": results, "speaker_labels": labels}
    return Sample(as_bytes(data), ("speaker 0", "speaker 1"), exact=False)


def google() -> Sample:
    """https://cloud.google.com/speech-to-text/docs/multiple-voices: the last result repeats all words with tags"""
    plain, tagged = [], []
    for _, who, text, _, t1, words in said():
        stamped = [{"startTime": f"{a}s", "endTime": f"{b}s", "word": w, "confidence": 0.9} for w, a, b in words]
        best = {"transcript": text, "confidence": 0.9, "words": stamped}
        plain.append({"alternatives": [best], "resultEndTime": f"{t1}s", "languageCode": "en-us"})
        tagged += [{**word, "speakerTag": who + 1} for word in stamped]
    return Sample(as_bytes({"results": [*plain, {"alternatives": [{"words": tagged}]}]}), ("speaker 1", "speaker 2"))


def whisper_cpp() -> Sample:
    """https://github.com/ggml-org/whisper.cpp: `whisper-cli -ojf -di` on a stereo file"""
    rows = []
    for _, who, text, t0, t1, words in said():
        tokens: list[dict[str, Any]] = [{"text": "[_BEG_]", "offsets": {"from": int(t0 * 1000), "to": int(t0 * 1000)}}]
        for word, a, b in words:
            cut = max(1, len(word) // 2)
            middle = int((a + b) / 2 * 1000)
            parts = ((" " + word[:cut], int(a * 1000), middle), (word[cut:], middle, int(b * 1000)))
            tokens += [
                {"text": part, "offsets": {"from": x, "to": y}, "id": 5, "p": 0.9} for part, x, y in parts if part
            ]
        span = {"from": int(t0 * 1000), "to": int(t1 * 1000)}
        rows.append({"offsets": span, "text": " " + text, "tokens": tokens, "speaker": str(who)})
    data = {"systeminfo": "", "model": {"type": "base"}, "params": {"language": "en"}, "result": {"language": "en"}}
    return Sample(as_bytes({**data, "transcription": rows}), ("speaker 0", "speaker 1"))


def _whisper(prob: str, *, named: bool) -> list[dict[str, Any]]:
    rows = []
    for k, who, text, t0, t1, words in said():
        label = {"speaker": f"SPEAKER_{who:02}"} if named else {}
        timed = [{"word": " " + w, "start": a, "end": b, prob: 0.9, **label} for w, a, b in words]
        rows.append({"id": k, "start": t0, "end": t1, "text": " " + text, "words": timed, **label})
    return rows


def whisperx() -> Sample:
    """https://github.com/m-bain/whisperX: JSON output after alignment and assign_word_speakers"""
    data = {"segments": _whisper("score", named=True), "word_segments": [], "language": "en"}
    return Sample(as_bytes(data), ("SPEAKER_00", "SPEAKER_01"))


def faster_whisper() -> Sample:
    """https://github.com/SYSTRAN/faster-whisper: `[dataclasses.asdict(s) for s in segments]`, speakers unknown"""
    return Sample(as_bytes(_whisper("probability", named=False)), ("unknown", "unknown"))


def openai() -> Sample:
    """https://developers.openai.com/api/reference/resources/audio: `diarized_json`"""
    segments = [
        {"type": "transcript.text.segment", "id": f"s{k}", "start": t0, "end": t1, "text": text, "speaker": "AB"[who]}
        for k, who, text, t0, t1, _ in said()
    ]
    data = {"task": "transcribe", "duration": 8.0, "text": " ".join(TEXTS), "segments": segments}
    return Sample(as_bytes(data), ("A", "B"), words=False)


def assemblyai() -> Sample:
    """https://www.assemblyai.com/docs/api-reference/transcripts/get"""
    utterances = []
    for _, who, text, t0, t1, words in said():
        timed = [{"text": w, "start": int(a * 1000), "end": int(b * 1000), "confidence": 0.9, "speaker": "AB"[who]}
                 for w, a, b in words]  # fmt: skip
        utterances.append({"speaker": "AB"[who], "text": text, "start": int(t0 * 1000), "end": int(t1 * 1000),
                           "confidence": 0.9, "words": timed})  # fmt: skip
    data = {
        "id": "aa1",
        "status": "completed",
        "language_code": "en_us",
        "text": " ".join(TEXTS),
        "utterances": utterances,
    }
    return Sample(as_bytes(data), ("A", "B"))


def stamp(seconds: float, mark: str = ".") -> str:
    return f"00:00:{seconds:06.3f}".replace(".", mark)


def webvtt() -> Sample:
    """Zoom: https://support.zoom.com/hc/en/article?id=zm_kb&sysparm_article=KB0065911"""
    cues = [
        f"{k + 1}\n{stamp(t0)} --> {stamp(t1)}\n{('Ann Lee', 'Dana Fox')[who]}: {text}\n"
        for k, who, text, t0, t1, _ in said()
    ]
    return Sample("\r\n".join(["WEBVTT\n", *cues]).encode(), ("Ann Lee", "Dana Fox"), words=False)


def srt() -> Sample:
    cues = [
        f"{k + 1}\n{stamp(t0, ',')} --> {stamp(t1, ',')}\n{('Ann Lee', 'Dana Fox')[who]}: {text}\n"
        for k, who, text, t0, t1, _ in said()
    ]
    return Sample("\n".join(cues).encode(), ("Ann Lee", "Dana Fox"), words=False)


def text() -> Sample:
    lines = [f"{('Ann Lee', 'Dana Fox')[who]}: {words}" for _, who, words, _, _, _ in said()]
    return Sample("\n".join(lines).encode(), ("Ann Lee", "Dana Fox"), timed=False, words=False)


def docx() -> Sample:
    """Teams' download as Word saves it: name in bold, time, line break, words."""
    import docx as word

    document = word.Document()
    document.add_paragraph("Acme-20260305_172000-Meeting Recording")
    document.add_paragraph("March 5, 2026, 5:20PM")
    document.add_paragraph("Ann Lee started transcription")
    for _, who, words, t0, _, _ in said():
        paragraph = document.add_paragraph()
        paragraph.add_run(("Ann Lee", "Dana Fox")[who]).bold = True
        paragraph.add_run(f"   0:{int(t0):02d}").add_break()
        paragraph.add_run(words)
    document.add_paragraph("Ann Lee stopped transcription")
    saved = io.BytesIO()
    document.save(saved)
    return Sample(saved.getvalue(), ("Ann Lee", "Dana Fox"), timed=False, words=False)


SAMPLES: dict[str, Callable[[], Sample]] = {
    "debrief": debrief,
    "gong": gong,
    "fireflies": fireflies,
    "aws-call-analytics": aws_call_analytics,
    "aws-transcribe": aws_transcribe,
    "deepgram": deepgram,
    "rev": rev,
    "azure": azure,
    "speechmatics": speechmatics,
    "ibm": ibm,
    "google": google,
    "whisper.cpp": whisper_cpp,
    "whisperx": whisperx,
    "faster-whisper": faster_whisper,
    "openai": openai,
    "assemblyai": assemblyai,
    "webvtt": webvtt,
    "srt": srt,
    "text": text,
    "docx": docx,
}


def holds(transcript: Transcript) -> None:
    """What every imported transcript keeps to."""
    assert transcript.turns
    previous = 0.0
    for turn in transcript.turns:
        assert turn.text.strip()
        assert turn.speaker.strip() == turn.speaker != ""
        assert 0 <= previous <= turn.t0 <= turn.t1
        previous = turn.t0
        assert not any(ord(char) < 32 for char in turn.text + turn.speaker)
        for word in turn.words:
            assert word.text
            assert 0 <= word.t0 <= word.t1
            assert word.prob is None or 0 <= word.prob <= 1
    json.dumps(transcript.to_json(), allow_nan=False).encode()
