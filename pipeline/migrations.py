"""The database's schema, as an append-only list of SQL scripts: entry `n` takes version `n` to version `n + 1`.

Never edit an entry that was released: append one. ARCHITECTURE.md describes the tables for people who query them.
"""

from __future__ import annotations

_FIRST = """
CREATE TABLE records (
    file      VARCHAR PRIMARY KEY,
    sha256    VARCHAR NOT NULL,
    size      BIGINT NOT NULL,
    mtime_ns  BIGINT NOT NULL,
    problem   VARCHAR
);

CREATE TABLE calls (
    call_id          VARCHAR PRIMARY KEY,
    sha256           VARCHAR NOT NULL,
    record_file      VARCHAR NOT NULL,
    seq              INTEGER NOT NULL,
    kept_at          TIMESTAMP,
    external_id      VARCHAR,
    path             VARCHAR NOT NULL,
    kind             VARCHAR NOT NULL,
    status           VARCHAR NOT NULL,
    reason           VARCHAR NOT NULL,
    rep              VARCHAR,
    team             VARCHAR,
    account          VARCHAR,
    call_date        DATE,
    call_type        VARCHAR,
    industry         VARCHAR,
    title            VARCHAR,
    meta             JSON,
    duration_s       DOUBLE,
    n_turns          INTEGER NOT NULL,
    engine           VARCHAR,
    engine_revision  VARCHAR,
    diarizer         VARCHAR,
    language         VARCHAR,
    expected_wer     DOUBLE,
    roles_method     VARCHAR,
    roles_confidence DOUBLE,
    rubric_id        VARCHAR,
    rubric_version   VARCHAR,
    judge_engine     VARCHAR,
    judge_revision   VARCHAR,
    debrief_version  VARCHAR,
    overall          DOUBLE
);

CREATE TABLE turns (
    call_id VARCHAR NOT NULL,
    turn    INTEGER NOT NULL,
    t0      DOUBLE NOT NULL,
    t1      DOUBLE NOT NULL,
    speaker VARCHAR NOT NULL,
    side    VARCHAR NOT NULL,
    name    VARCHAR NOT NULL,
    text    VARCHAR NOT NULL
);

CREATE TABLE criterion_scores (
    call_id    VARCHAR NOT NULL,
    criterion  VARCHAR NOT NULL,
    level      INTEGER,
    status     VARCHAR NOT NULL,
    confidence DOUBLE NOT NULL,
    reason     VARCHAR NOT NULL
);

CREATE TABLE evidence (
    call_id   VARCHAR NOT NULL,
    criterion VARCHAR NOT NULL,
    turn      INTEGER NOT NULL,
    t0        DOUBLE NOT NULL,
    t1        DOUBLE NOT NULL,
    speaker   VARCHAR NOT NULL,
    quote     VARCHAR NOT NULL,
    why       VARCHAR NOT NULL
);

CREATE TABLE missed (
    call_id   VARCHAR NOT NULL,
    criterion VARCHAR NOT NULL,
    turn      INTEGER NOT NULL,
    why       VARCHAR NOT NULL
);

CREATE TABLE objections (
    call_id VARCHAR NOT NULL,
    turn    INTEGER NOT NULL,
    kind    VARCHAR NOT NULL,
    handled VARCHAR NOT NULL
);

CREATE TABLE metrics (
    call_id             VARCHAR NOT NULL,
    talk_share          DOUBLE,
    longest_monologue_s DOUBLE,
    questions           INTEGER,
    switches_per_min    DOUBLE,
    patience_s          DOUBLE,
    wpm                 DOUBLE,
    fillers_per_min     DOUBLE
);

CREATE TABLE assignments (
    assignment_id VARCHAR PRIMARY KEY,
    rep           VARCHAR NOT NULL,
    team          VARCHAR,
    criterion     VARCHAR NOT NULL,
    level         INTEGER,
    module        VARCHAR,
    title         VARCHAR,
    reason        VARCHAR,
    status        VARCHAR NOT NULL,
    assigned_on   DATE NOT NULL,
    due_on        DATE,
    completed_on  DATE,
    detail        JSON
);

CREATE TABLE failures (
    path     VARCHAR PRIMARY KEY,
    sha256   VARCHAR,
    size     BIGINT,
    mtime_ns BIGINT,
    kind     VARCHAR NOT NULL,
    reason   VARCHAR NOT NULL,
    attempts INTEGER NOT NULL,
    first_at TIMESTAMP,
    last_at  TIMESTAMP
);

CREATE VIEW scores AS
SELECT s.call_id, s.criterion, s.level, s.confidence,
       c.rep, c.team, c.account, c.call_date, c.call_type, c.overall, c.rubric_id, c.rubric_version
FROM criterion_scores s JOIN calls c USING (call_id)
WHERE c.status = 'scored' AND s.status = 'scored' AND s.level IS NOT NULL;

CREATE VIEW rep_criterion_weeks AS
SELECT rep, team, criterion, date_trunc('week', call_date)::DATE AS week,
       count(*)::INTEGER AS n, avg(level) AS mean_level, min(level) AS low, max(level) AS high
FROM scores WHERE rep IS NOT NULL AND call_date IS NOT NULL
GROUP BY ALL;

CREATE VIEW team_criteria AS
SELECT team, rep, criterion, count(*)::INTEGER AS n, avg(level) AS mean_level
FROM scores GROUP BY ALL;
"""

# Keeping: what the database remembers of itself, quarantine, and rollups. A rollup counts the calls at each level, so
# that it can be brought up to date by adding and taking away; every mean, lowest and highest follows from the counts.
_KEEPING = """
CREATE TABLE store_state (name VARCHAR PRIMARY KEY, value VARCHAR NOT NULL);

ALTER TABLE failures ADD COLUMN status VARCHAR;
ALTER TABLE failures ADD COLUMN next_at TIMESTAMP;
UPDATE failures SET status = CASE kind WHEN 'input' THEN 'refused' ELSE 'retry' END;

CREATE TABLE criterion_weeks (
    rep       VARCHAR,
    team      VARCHAR,
    criterion VARCHAR NOT NULL,
    week      DATE,
    level     INTEGER NOT NULL,
    n         INTEGER NOT NULL
);
INSERT INTO criterion_weeks
SELECT rep, team, criterion, date_trunc('week', call_date)::DATE, level, count(*)::INTEGER FROM scores GROUP BY ALL;

CREATE TABLE call_weeks (
    rep         VARCHAR,
    team        VARCHAR,
    week        DATE,
    status      VARCHAR NOT NULL,
    n           INTEGER NOT NULL,
    n_overall   INTEGER NOT NULL,
    sum_overall DOUBLE NOT NULL
);
INSERT INTO call_weeks
SELECT rep, team, date_trunc('week', call_date)::DATE, status, count(*)::INTEGER, count(overall)::INTEGER,
       coalesce(sum(overall), 0)
FROM calls GROUP BY ALL;

CREATE OR REPLACE VIEW rep_criterion_weeks AS
SELECT rep, team, criterion, week, sum(n)::INTEGER AS n, sum(level * n) / sum(n) AS mean_level,
       min(level) AS low, max(level) AS high
FROM criterion_weeks WHERE rep IS NOT NULL AND week IS NOT NULL
GROUP BY ALL;

CREATE OR REPLACE VIEW team_criteria AS
SELECT team, rep, criterion, sum(n)::INTEGER AS n, sum(level * n) / sum(n) AS mean_level
FROM criterion_weeks GROUP BY ALL;

CREATE VIEW rep_totals AS
SELECT rep, team, sum(n)::INTEGER AS calls, sum(n) FILTER (status = 'scored')::INTEGER AS scored,
       sum(sum_overall) / nullif(sum(n_overall), 0) AS overall, max(week) AS last_week
FROM call_weeks GROUP BY ALL;

CREATE TABLE gaps (
    rep           VARCHAR NOT NULL,
    team          VARCHAR,
    criterion     VARCHAR NOT NULL,
    expected_lift DOUBLE,
    as_of         DATE NOT NULL,
    detail        JSON
);

CREATE VIEW unknown_reps AS
SELECT call_id, path, account, call_date, status,
       'unknown rep: name it in the folder, the file name or a sidecar' AS reason
FROM calls WHERE rep IS NULL;
"""

# People's word on scores: `criterion_scores` holds what counts, the machine's own beside it.
_REVIEWS = """
CREATE TABLE reviews (
    review_id      VARCHAR PRIMARY KEY,
    call_id        VARCHAR NOT NULL,
    criterion      VARCHAR NOT NULL,
    kind           VARCHAR NOT NULL,
    who            VARCHAR NOT NULL,
    why            VARCHAR NOT NULL,
    reviewed_at    TIMESTAMP NOT NULL,
    level          INTEGER,
    na             BOOLEAN NOT NULL,
    machine_level  INTEGER,
    machine_status VARCHAR,
    judge_revision VARCHAR
);

ALTER TABLE criterion_scores ADD COLUMN machine_level INTEGER;
ALTER TABLE criterion_scores ADD COLUMN machine_status VARCHAR;
ALTER TABLE criterion_scores ADD COLUMN overridden_by VARCHAR;
UPDATE criterion_scores SET machine_level = level, machine_status = status;

CREATE TABLE moves (
    call_id VARCHAR NOT NULL,
    turn    INTEGER NOT NULL,
    move    VARCHAR NOT NULL,
    p       DOUBLE NOT NULL
);
"""

# Coaching: what no recording tells.
_COACHING = """
CREATE TABLE sessions (
    session_id VARCHAR PRIMARY KEY,
    rep        VARCHAR NOT NULL,
    team       VARCHAR,
    coach      VARCHAR,
    held_on    DATE NOT NULL,
    minutes    INTEGER,
    topic      VARCHAR,
    status     VARCHAR NOT NULL
);

CREATE TABLE quotas (
    quota_id  VARCHAR PRIMARY KEY,
    rep       VARCHAR NOT NULL,
    team      VARCHAR,
    measure   VARCHAR NOT NULL,
    starts_on DATE NOT NULL,
    ends_on   DATE NOT NULL,
    target    DOUBLE NOT NULL,
    result    DOUBLE
);

CREATE TABLE activities (
    activity_id VARCHAR PRIMARY KEY,
    rep         VARCHAR NOT NULL,
    team        VARCHAR,
    measure     VARCHAR NOT NULL,
    starts_on   DATE NOT NULL,
    count       DOUBLE NOT NULL
);
"""

# What people say at a moment of a call; one that its writer took back keeps its row and loses its words.
_COMMENTS = """
CREATE TABLE comments (
    comment_id VARCHAR PRIMARY KEY,
    call_id    VARCHAR NOT NULL,
    at_s       DOUBLE,
    who        VARCHAR NOT NULL,
    text       VARCHAR NOT NULL,
    written_at TIMESTAMP NOT NULL,
    removed_at TIMESTAMP
);
"""

# Stretches of calls that trainers keep; one that was taken away keeps its row, so that it is not offered again.
_SNIPPETS = """
CREATE TABLE snippets (
    snippet_id VARCHAR PRIMARY KEY,
    call_id    VARCHAR NOT NULL,
    t0         DOUBLE NOT NULL,
    t1         DOUBLE NOT NULL,
    title      VARCHAR NOT NULL,
    who        VARCHAR NOT NULL,
    kept_at    TIMESTAMP NOT NULL,
    turn       INTEGER,
    criterion  VARCHAR,
    level      INTEGER,
    verdict    VARCHAR NOT NULL,
    tags       JSON,
    playlists  JSON,
    hidden     JSON,
    note       VARCHAR NOT NULL,
    shared     BOOLEAN NOT NULL,
    removed_at TIMESTAMP
);
"""

# The turns that a person's level rests on, as a list of their numbers.
_REVIEW_EVIDENCE = """
ALTER TABLE reviews ADD COLUMN evidence JSON;
"""

# What the machine cited for its own level is no evidence for the one that a person gave instead.
_EVIDENCE_OF_THE_LEVEL = """
DELETE FROM evidence WHERE EXISTS (
    SELECT 1 FROM criterion_scores s WHERE s.call_id = evidence.call_id AND s.criterion = evidence.criterion
    AND s.overridden_by IS NOT NULL AND s.level IS DISTINCT FROM s.machine_level
);
"""

# Calls that were taken in before moves were have theirs in their records only: these are read again.
_MOVES_OF_EARLIER_CALLS = """
DELETE FROM records WHERE sha256 IN (
    SELECT sha256 FROM calls WHERE NOT EXISTS (SELECT 1 FROM moves m WHERE m.call_id = calls.call_id)
);
DELETE FROM store_state WHERE name = 'complete';
"""

# Scored again, a call is no younger: what has no date counts from when it was kept first.
_KEPT_SINCE = """
ALTER TABLE calls ADD COLUMN kept_since TIMESTAMP;
UPDATE calls SET kept_since = kept_at;
"""

# A day alone is no appointment.
_SESSION_TIMES = """
ALTER TABLE sessions ADD COLUMN starts_at VARCHAR;
"""

# How sure the judge was of an objection's kind; calls judged before do not tell.
_SURE_OF_THE_KIND = """
ALTER TABLE objections ADD COLUMN kind_p DOUBLE;
"""

MIGRATIONS: tuple[str, ...] = (
    _FIRST,
    _KEEPING,
    _REVIEWS,
    _COACHING,
    _COMMENTS,
    _SNIPPETS,
    _REVIEW_EVIDENCE,
    _EVIDENCE_OF_THE_LEVEL,
    _MOVES_OF_EARLIER_CALLS,
    _KEPT_SINCE,
    _SESSION_TIMES,
    _SURE_OF_THE_KIND,
)
"""Scripts in order; the database's version is how many of them it has run."""
