"""What each vendor's JSON says in its own way: sides, languages, channels, times and answers within answers."""

from __future__ import annotations

import datetime as dt
import json
from pathlib import Path

import pytest
from formats_samples import ENDS, SAMPLES, TEXTS, said
from test_formats import put, refused

from pipeline.formats import read_transcript, sniff


def test_gong_gives_names_sides_and_facts(tmp_path: Path) -> None:
    transcript = read_transcript(put(tmp_path, SAMPLES["gong"]().data))
    assert transcript.meta.extra["sides"] == {"Ann Lee": "rep", "Dana Fox": "buyer"}
    assert (transcript.meta.rep, transcript.meta.account) == ("Ann Lee", "Acme Ltd")
    assert (transcript.meta.title, transcript.meta.date) == ("Acme: first call", dt.date(2026, 3, 5))
    assert transcript.call_id == "7782342274025937895"


def test_gong_without_parties_and_with_twins(tmp_path: Path) -> None:
    data = json.loads(SAMPLES["gong"]().data)
    alone = {"callTranscripts": data["callTranscripts"]}
    assert {t.speaker for t in read_transcript(put(tmp_path, alone)).turns} == {"speaker 11", "speaker 22"}
    for party in data["parties"]:
        party["name"] = "Ann"
    transcript = read_transcript(put(tmp_path, data))
    assert transcript.meta.extra["sides"] == {"Ann (11)": "rep", "Ann (22)": "buyer"}
    assert "holds 2 calls" in refused(put(tmp_path, {"callTranscripts": data["callTranscripts"] * 2}))


def test_gongs_list_of_calls_speaks_of_each_by_its_id(tmp_path: Path) -> None:
    data = json.loads(SAMPLES["gong"]().data)
    own = {key: data.pop(key) for key in ("metaData", "parties", "context")}
    stranger = {"speakerId": "11", "name": "Somebody Else", "affiliation": "External"}
    other = {"metaData": {"id": "1", "title": "Another call", "started": "2026-01-01T10:00:00Z"}, "parties": [stranger]}
    transcript = read_transcript(put(tmp_path, {**data, "calls": [other, own]}))
    assert transcript.meta.extra["sides"] == {"Ann Lee": "rep", "Dana Fox": "buyer"}
    assert (transcript.meta.title, transcript.meta.account) == ("Acme: first call", "Acme Ltd")
    alone = read_transcript(put(tmp_path, {**data, "calls": [other]}))
    assert {turn.speaker for turn in alone.turns} == {"speaker 11", "speaker 22"}
    assert (alone.meta.title, alone.meta.date) == (None, None)


def test_call_analytics_gives_sides(tmp_path: Path) -> None:
    transcript = read_transcript(put(tmp_path, SAMPLES["aws-call-analytics"]().data))
    assert transcript.meta.extra["sides"] == {"AGENT": "rep", "CUSTOMER": "buyer"}
    assert [word.text for word in transcript.turns[0].words] == ["Hello,", "Dana."]


def test_contact_lens_gives_sides_too(tmp_path: Path) -> None:
    data = json.loads(SAMPLES["aws-call-analytics"]().data)
    same = read_transcript(put(tmp_path, data))
    for row in data["Transcript"]:
        row["ParticipantId"] = row.pop("ParticipantRole")
    data |= {"Channel": "VOICE", "CustomerMetadata": {"ContactId": "c-1"}}
    del data["JobName"]
    path = put(tmp_path, data)
    assert sniff(path) == "aws-call-analytics"
    found = read_transcript(path)
    assert (found.turns, found.meta, found.call_id) == (same.turns, same.meta, "c-1")
    ids = {"AGENT": "p-1", "CUSTOMER": "p-2", "OTHER": "p-3"}
    data["Participants"] = [
        {"ParticipantId": name, "ParticipantRole": "AGENT" if role == "OTHER" else role} for role, name in ids.items()
    ]
    for row in data["Transcript"]:
        row["ParticipantId"] = ids[row["ParticipantId"]]
    assert read_transcript(put(tmp_path, data)).meta.extra["sides"] == {"p-1": "rep", "CUSTOMER": "buyer"}


def test_the_language_is_the_one_that_was_found_out(tmp_path: Path) -> None:
    aws = json.loads(SAMPLES["aws-transcribe"]().data)
    aws["results"].pop("language_code", None)
    aws["results"]["language_codes"] = [
        {"language_code": "en-US", "duration_in_seconds": 3.5},
        {"language_code": "de-DE", "duration_in_seconds": 60.0},
    ]
    assert read_transcript(put(tmp_path, aws)).hearing.language == "de"
    matics = json.loads(SAMPLES["speechmatics"]().data)
    for row in matics["results"]:
        row["alternatives"][0]["language"] = "de"
    matics["metadata"] = {"transcription_config": {"language": "auto"}}
    assert read_transcript(put(tmp_path, matics)).hearing.language == "de"


def test_fireflies_bare_and_downloaded(tmp_path: Path) -> None:
    data = json.loads(SAMPLES["fireflies"]().data)["data"]["transcript"]
    transcript = read_transcript(put(tmp_path, data))
    assert (transcript.meta.title, transcript.meta.date, transcript.call_id) == ("Acme", dt.date(2026, 3, 5), "ff1")
    download = [
        {"sentence": row["text"], "startTime": "00:0" + str(int(row["start_time"])), "endTime": "00:09",
         "speaker_name": row["speaker_name"], "speaker_id": row["speaker_id"]}
        for row in data["sentences"]
    ]  # fmt: skip
    path = put(tmp_path, download)
    assert sniff(path) == "fireflies"
    assert [turn.text for turn in read_transcript(path).turns] == list(TEXTS)


def test_channels_interleave_in_the_order_of_speech(tmp_path: Path) -> None:
    """Deepgram multichannel, AWS channel labels: words of one channel around an answer are two turns."""
    spoken = ((0, "Shall we start?", 0.0), (1, "Yes please.", 2.0), (0, "Good.", 3.5))

    def words(channel: int) -> list[tuple[str, float]]:
        return [(w, t0 + 0.4 * k) for who, text, t0 in spoken if who == channel for k, w in enumerate(text.split())]

    deepgram = [
        {"alternatives": [{"words": [{"word": w, "start": a, "end": a + 0.3} for w, a in words(channel)]}]}
        for channel in (0, 1)
    ]
    turns = read_transcript(put(tmp_path, {"results": {"channels": deepgram}})).turns
    assert [(turn.speaker, turn.text) for turn in turns] == [(f"channel {who}", text) for who, text, _ in spoken]
    aws = [
        {"channel_label": f"ch_{channel}", "items": [
            {"type": "pronunciation", "start_time": f"{a:.2f}", "end_time": f"{a + 0.3:.2f}",
             "alternatives": [{"content": w}]}
            for w, a in words(channel)]}
        for channel in (0, 1)
    ]  # fmt: skip
    data = {"results": {"transcripts": [{"transcript": ""}], "channel_labels": {"channels": aws}}}
    turns = read_transcript(put(tmp_path, data)).turns
    assert [(turn.speaker, turn.text) for turn in turns] == [(f"ch_{who}", text) for who, text, _ in spoken]


def test_deepgrams_utterance_is_split_among_its_words_speakers(tmp_path: Path) -> None:
    said = [("Shall", 0), ("we?", 0), ("Yes.", 1), ("Good.", 0)]
    words = [
        {"word": word.lower(), "punctuated_word": word, "start": 0.4 * k, "end": 0.4 * k + 0.3, "speaker": who}
        for k, (word, who) in enumerate(said)
    ]
    utterance = {"start": 0.0, "end": 1.5, "channel": 0, "speaker": 0, "transcript": "Shall we? Yes. Good."}
    for channels, labels in ((1, ("speaker 0", "speaker 1")), (2, ("channel 0 speaker 0", "channel 0 speaker 1"))):
        results = {"channels": [{"alternatives": []}] * channels, "utterances": [{**utterance, "words": words}]}
        turns = read_transcript(put(tmp_path, {"results": results})).turns
        assert [(turn.speaker, turn.text) for turn in turns] == [
            (labels[0], "Shall we?"),
            (labels[1], "Yes."),
            (labels[0], "Good."),
        ]


def test_whisperx_splits_a_segment_among_its_words_speakers(tmp_path: Path) -> None:
    words = [
        {"word": "Ready?", "start": 0.0, "end": 0.4, "score": 0.9, "speaker": "SPEAKER_00"},
        {"word": "Yes,", "start": 0.6, "end": 0.9, "score": 0.9, "speaker": "SPEAKER_01"},
        {"word": "45,000", "speaker": "SPEAKER_01"},
        {"word": "dollars.", "start": 1.5, "end": 1.9, "score": 0.8, "speaker": "SPEAKER_01"},
    ]
    segment = {
        "start": 0.0,
        "end": 1.9,
        "text": " Ready? Yes, 45,000 dollars.",
        "words": words,
        "speaker": "SPEAKER_01",
    }
    turns = read_transcript(put(tmp_path, {"segments": [segment], "language": "en"})).turns
    assert [(turn.speaker, turn.text) for turn in turns] == [
        ("SPEAKER_00", "Ready?"),
        ("SPEAKER_01", "Yes, 45,000 dollars."),
    ]
    assert (turns[1].words[1].t0, turns[1].words[1].t1) == pytest.approx((0.9, 1.5))


def test_openai_verbose_json_shares_out_its_words(tmp_path: Path) -> None:
    segments = [{"id": k, "seek": 0, "start": t0, "end": t1, "text": " " + text} for k, _, text, t0, t1, _ in said()]
    words = [{"word": w.strip(".,?"), "start": a, "end": b} for *_, timed in said() for w, a, b in timed]
    data = {
        "task": "transcribe",
        "language": "english",
        "duration": 8.0,
        "text": "",
        "segments": segments,
        "words": words,
    }
    path = put(tmp_path, data)
    assert sniff(path) == "openai"
    transcript = read_transcript(path)
    assert transcript.hearing.language == "en"
    assert [turn.text for turn in transcript.turns] == [" ".join(TEXTS)]
    assert len(transcript.turns[0].words) == len(words)


def test_google_v2_offsets_and_a_missing_zero(tmp_path: Path) -> None:
    words = [
        {"endOffset": "0.500s", "word": "Hello.", "speakerLabel": "1"},
        {"startOffset": "0.700s", "endOffset": "1.100s", "word": "Hi.", "speakerLabel": "2"},
    ]
    data = {"results": [{"alternatives": [{"transcript": "Hello. Hi.", "words": words}], "languageCode": "en-US"}]}
    turns = read_transcript(put(tmp_path, {"name": "op", "response": data})).turns
    assert [(turn.speaker, turn.t0, turn.t1) for turn in turns] == [("speaker 1", 0.0, 0.5), ("speaker 2", 0.7, 1.1)]
    proto = {
        "start_time": {"seconds": 1, "nanos": 500000000},
        "end_time": {"seconds": "2"},
        "word": "Hi",
        "speaker_tag": 1,
    }
    turns = read_transcript(
        put(tmp_path, {"results": [{"alternatives": [{"transcript": "Hi", "words": [proto]}]}]})
    ).turns
    assert (turns[0].t0, turns[0].t1) == (1.5, 2.0)


def test_googles_channels_without_words_run_side_by_side(tmp_path: Path) -> None:
    said = [("Hello, how are you?", 1, "4s"), ("Well.", 2, "3.9s"), ("Good.", 1, "9s"), ("Yes.", 2, "8s")]
    results = [
        {"alternatives": [{"transcript": text, "words": [{"word": "x", "confidence": 0.9}]}], "channelTag": channel,
         "resultEndTime": end}
        for text, channel, end in said
    ]  # fmt: skip
    turns = read_transcript(put(tmp_path, {"results": results}), merge=False).turns
    assert [(turn.speaker, turn.t0, turn.t1) for turn in turns] == [
        ("channel 1", 0.0, 4.0),
        ("channel 2", 0.0, 3.9),
        ("channel 2", 3.9, 8.0),
        ("channel 1", 4.0, 9.0),
    ]


@pytest.mark.parametrize("inline", ["inlineResult", "inline_result", "transcript"])
def test_googles_batches_that_answer_inline(inline: str, tmp_path: Path) -> None:
    word = {"startOffset": "60.5s", "endOffset": "61s", "word": "Hello.", "speakerLabel": "1"}
    silence = [{"resultEndOffset": f"{k}s"} for k in range(60)]
    told = {"results": [*silence, {"alternatives": [{"transcript": "Hello.", "words": [word]}]}]}
    answer = {"gs://calls/a.wav": {"uri": "gs://b", inline: told if inline == "transcript" else {"transcript": told}}}
    for data in ({"name": "op", "done": True, "response": {"results": answer}}, {"results": answer}):
        path = put(tmp_path, data)
        assert sniff(path) == "google"
        turns = read_transcript(path).turns
        assert [(turn.speaker, turn.text, turn.t0) for turn in turns] == [("speaker 1", "Hello.", 60.5)]
    assert "holds 2 calls" in refused(put(tmp_path, {"results": {**answer, "gs://calls/b.wav": {"transcript": told}}}))


def test_ibms_asynchronous_jobs_hold_their_answers_in_a_list(tmp_path: Path) -> None:
    answer = json.loads(SAMPLES["ibm"]().data)
    halves = [{**answer, "results": part} for part in (answer["results"][:1], answer["results"][1:])]
    for results in ([answer], halves):
        path = put(tmp_path, {"id": "4bd7", "status": "completed", "results": results})
        assert sniff(path) == "ibm"
        assert read_transcript(path).turns == read_transcript(put(tmp_path, answer, "plain.json")).turns


def test_azure_fast_transcription(tmp_path: Path) -> None:
    phrases = [
        {"channel": 0, "speaker": who, "offsetMilliseconds": int(t0 * 1000),
         "durationMilliseconds": int((t1 - t0) * 1000),
         "text": text, "words": [], "locale": "en-US", "confidence": 0.9}
        for _, who, text, t0, t1, _ in said()
    ]  # fmt: skip
    data = {"durationMilliseconds": 8000, "combinedPhrases": [{"text": " ".join(TEXTS)}], "phrases": phrases}
    path = put(tmp_path, data)
    assert sniff(path) == "azure"
    assert [turn.t1 for turn in read_transcript(path).turns] == pytest.approx(ENDS)


def test_google_and_ibm_without_word_times(tmp_path: Path) -> None:
    google = [
        {"alternatives": [{"transcript": text}], "resultEndTime": f"{t1}s"}
        for text, t1 in zip(TEXTS, ENDS, strict=True)
    ]
    turns = read_transcript(put(tmp_path, {"results": google})).turns
    assert [(turn.t0, turn.t1, turn.text) for turn in turns] == [(0.0, 8.0, " ".join(TEXTS))]
    ibm = [
        {"final": True, "alternatives": [{"transcript": "%HESITATION hi "}]},
        {"final": False, "alternatives": [{"transcript": "x"}]},
    ]
    path = put(tmp_path, {"result_index": 0, "results": ibm})
    assert sniff(path) == "ibm"
    assert [turn.text for turn in read_transcript(path).turns] == ["hi"]
