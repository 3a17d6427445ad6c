/**
 * The database's schema as numbered steps: append only, never edited once released. `user_version` counts them, in the
 * same transaction as the step, so that a step that fails leaves the database as it was.
 *
 * Words: a *stream* is one pipe fed from one source instance; everything that a change of instance must not carry over
 * hangs on it. HubSpot ids hang on the portal, and the database is bound to one portal.
 */
export const MIGRATIONS: readonly string[] = [
  `
  CREATE TABLE meta (key TEXT PRIMARY KEY, value TEXT NOT NULL) STRICT;

  CREATE TABLE streams (
    id INTEGER PRIMARY KEY,
    pipe TEXT NOT NULL,
    instance TEXT NOT NULL,           -- which ERP or Square account: fingerprint of its address
    environment TEXT NOT NULL,
    mapper TEXT,                      -- version of the mapping the mirror was last mapped with
    created_at INTEGER NOT NULL,
    UNIQUE (pipe, instance)
  ) STRICT;

  CREATE TABLE cursors (
    stream INTEGER NOT NULL REFERENCES streams (id),
    partition TEXT NOT NULL,
    position TEXT NOT NULL,           -- instant of the source's clock; read inclusively, less the look-back
    moved_at INTEGER NOT NULL,
    run TEXT NOT NULL,
    PRIMARY KEY (stream, partition)
  ) STRICT, WITHOUT ROWID;

  -- The mirror: the latest payload of each record in scope; of an excluded one only id and rule.
  CREATE TABLE records (
    stream INTEGER NOT NULL REFERENCES streams (id),
    id TEXT NOT NULL,
    modified_at TEXT NOT NULL,
    content TEXT NOT NULL,            -- digest of raw
    raw TEXT,
    rule TEXT,
    run TEXT NOT NULL,                -- run that stored this content
    PRIMARY KEY (stream, id),
    CHECK (raw IS NULL OR rule IS NULL)
  ) STRICT;

  CREATE TABLE entities (
    stream INTEGER NOT NULL REFERENCES streams (id),
    id TEXT NOT NULL,
    state TEXT NOT NULL CHECK (state IN ('pending', 'sending', 'held', 'clean', 'excluded', 'dead')),
    rule TEXT,
    oldest TEXT NOT NULL,             -- the earliest change not yet settled: no cursor passes it
    run TEXT NOT NULL,
    PRIMARY KEY (stream, id)
  ) STRICT, WITHOUT ROWID;
  CREATE INDEX entities_open ON entities (stream, state, id) WHERE state IN ('pending', 'sending', 'held');

  CREATE TABLE membership (
    stream INTEGER NOT NULL,
    entity TEXT NOT NULL,
    record TEXT NOT NULL,
    PRIMARY KEY (stream, entity, record)
  ) STRICT, WITHOUT ROWID;
  CREATE INDEX membership_by_record ON membership (stream, record);

  -- What was last sent and acknowledged for each HubSpot object this stream writes.
  CREATE TABLE objects (
    stream INTEGER NOT NULL REFERENCES streams (id),
    object TEXT NOT NULL,
    key TEXT NOT NULL,
    entity TEXT NOT NULL,
    fingerprint TEXT,                 -- of the content HubSpot acknowledged
    properties TEXT,                  -- that content, as sent: references resolved
    intent TEXT,                      -- fingerprint of a content about to be sent, outcome not known
    intent_at INTEGER,
    late TEXT,                        -- fingerprint of an earlier content that may still land; '*' for several
    late_until INTEGER,
    owed TEXT,                        -- create-only properties not yet sent, as JSON
    run TEXT,
    PRIMARY KEY (stream, object, key)
  ) STRICT;
  CREATE INDEX objects_by_entity ON objects (stream, entity);
  CREATE INDEX objects_owing ON objects (stream, object) WHERE owed IS NOT NULL;

  -- Which entities map to which keys now. Two spellings of one key are a collision; two entities with the very same key
  -- are one thing that moved: the entity that changed last owns it.
  CREATE TABLE claims (
    stream INTEGER NOT NULL REFERENCES streams (id),
    object TEXT NOT NULL,
    folded TEXT NOT NULL,             -- the key without case, width and spaces
    key TEXT NOT NULL,
    entity TEXT NOT NULL,
    modified_at TEXT NOT NULL,
    PRIMARY KEY (stream, object, folded, key, entity)
  ) STRICT, WITHOUT ROWID;
  CREATE INDEX claims_by_entity ON claims (stream, entity);

  -- Values that HubSpot lets only one object hold, such as a contact's e-mail.
  CREATE TABLE exclusive_values (
    stream INTEGER NOT NULL REFERENCES streams (id),
    object TEXT NOT NULL,
    property TEXT NOT NULL,
    value TEXT NOT NULL,
    key TEXT NOT NULL,
    entity TEXT NOT NULL,
    PRIMARY KEY (stream, object, property, value, key)
  ) STRICT, WITHOUT ROWID;
  CREATE INDEX exclusive_by_entity ON exclusive_values (stream, entity);

  -- Records of another pipe that a record is mapped with: when one of them changes, the entity is mapped again.
  CREATE TABLE joined (
    stream INTEGER NOT NULL REFERENCES streams (id),
    record TEXT NOT NULL,
    pipe TEXT NOT NULL,
    id TEXT NOT NULL,
    PRIMARY KEY (stream, record, pipe, id)
  ) STRICT, WITHOUT ROWID;
  CREATE INDEX joined_by_id ON joined (pipe, id);

  -- Of the portal, whichever stream wrote it. Two pipes write deals, each with a key property of its own.
  CREATE TABLE hubspot_ids (
    object TEXT NOT NULL,
    key_property TEXT NOT NULL,
    key TEXT NOT NULL,
    hubspot_id TEXT NOT NULL,
    PRIMARY KEY (object, key_property, key)
  ) STRICT, WITHOUT ROWID;
  CREATE INDEX hubspot_ids_by_key ON hubspot_ids (key, object);

  CREATE TABLE dead_letters (
    id INTEGER PRIMARY KEY,
    stream INTEGER NOT NULL REFERENCES streams (id),
    subject TEXT NOT NULL,            -- 'record <id>', 'row <digest>' or '<object> <key>'
    entity TEXT,
    stage TEXT NOT NULL CHECK (stage IN ('read', 'scope', 'map', 'write', 'link')),
    category TEXT NOT NULL,
    reason TEXT NOT NULL,
    raw TEXT,
    mapper TEXT NOT NULL,
    first_seen INTEGER NOT NULL,
    last_seen INTEGER NOT NULL,
    attempts INTEGER NOT NULL,
    run TEXT NOT NULL,
    state TEXT NOT NULL CHECK (state IN ('open', 'resolved', 'discarded')),
    UNIQUE (stream, subject)
  ) STRICT;
  CREATE INDEX dead_letters_by_entity ON dead_letters (stream, entity) WHERE state = 'open';

  CREATE TABLE runs (
    id TEXT PRIMARY KEY,
    pipe TEXT NOT NULL,
    stream INTEGER REFERENCES streams (id),
    trigger TEXT NOT NULL,
    mode TEXT NOT NULL,
    started_at INTEGER NOT NULL,
    ended_at INTEGER,
    pid INTEGER NOT NULL,
    status TEXT NOT NULL CHECK (status IN ('running', 'ok', 'partial', 'failed', 'stopped', 'crashed')),
    exit INTEGER,
    report TEXT                       -- the whole report, as --json prints it
  ) STRICT;
  CREATE INDEX runs_by_pipe ON runs (pipe, started_at);

  CREATE TABLE run_partitions (
    run TEXT NOT NULL REFERENCES runs (id),
    partition TEXT NOT NULL,
    proof TEXT NOT NULL,
    PRIMARY KEY (run, partition)
  ) STRICT, WITHOUT ROWID;

  -- Links wanted between objects; the engine resolves both ends from hubspot_ids.
  CREATE TABLE links (
    stream INTEGER NOT NULL REFERENCES streams (id),
    from_object TEXT NOT NULL,
    from_key TEXT NOT NULL,
    to_object TEXT NOT NULL,
    by_property TEXT NOT NULL,
    value TEXT NOT NULL,
    label TEXT NOT NULL,
    state TEXT NOT NULL CHECK (state IN ('pending', 'made', 'unwanted')),
    made_from TEXT,
    made_to TEXT,
    if_there INTEGER NOT NULL DEFAULT 0, -- made when the target is there at the end of the run, else dropped
    since INTEGER NOT NULL,
    PRIMARY KEY (stream, from_object, from_key, to_object, by_property, value, label)
  ) STRICT, WITHOUT ROWID;
  CREATE INDEX links_open ON links (state, to_object, value) WHERE state <> 'made';

  -- Contacts this tool created, until a later run has seen that they are still not billable.
  CREATE TABLE contact_checks (
    hubspot_id TEXT PRIMARY KEY,
    run TEXT NOT NULL,
    checked INTEGER NOT NULL DEFAULT 0
  ) STRICT, WITHOUT ROWID;

  -- What is known of each slice of a source from earlier runs: how large, how slow, how it had to be cut.
  CREATE TABLE partition_memory (
    stream INTEGER NOT NULL REFERENCES streams (id),
    partition TEXT NOT NULL,
    label TEXT NOT NULL,
    records INTEGER,
    ms INTEGER,
    verdict TEXT NOT NULL,
    cut TEXT,                         -- the parts that worked, as JSON; null: asked whole
    cut_at INTEGER,
    run TEXT NOT NULL,
    PRIMARY KEY (stream, partition)
  ) STRICT, WITHOUT ROWID;

  -- Shadow reads of the production instance, and what was decided on them.
  CREATE TABLE cutover (
    pipe TEXT NOT NULL,
    at INTEGER NOT NULL,
    agrees INTEGER NOT NULL,
    records INTEGER,
    reason TEXT NOT NULL,
    PRIMARY KEY (pipe, at)
  ) STRICT, WITHOUT ROWID;

  -- The story of each record: what was created, updated, refused or settled, by which run.
  CREATE TABLE journal (
    id INTEGER PRIMARY KEY,
    at INTEGER NOT NULL,
    run TEXT NOT NULL,
    stream INTEGER,
    kind TEXT NOT NULL,
    subject TEXT NOT NULL,
    detail TEXT
  ) STRICT;
  CREATE INDEX journal_by_subject ON journal (subject);
  CREATE INDEX journal_by_run ON journal (run);
  `,
  `
  -- The ledger of the schedule: one row for each job and local date it is planned for, made before its time has come.
  CREATE TABLE slots (
    job TEXT NOT NULL,                -- its pipes with '+' between, or 'reconcile' or 'prune'
    date TEXT NOT NULL,               -- YYYY-MM-DD in the schedule's zone
    planned_at INTEGER NOT NULL,      -- the instant of the plan, without jitter
    not_before INTEGER NOT NULL,      -- of the next attempt: planned_at and jitter, later the pause after a failure
    state TEXT NOT NULL CHECK (state IN
      ('open', 'running', 'ok', 'partial', 'failed', 'superseded', 'missed', 'skipped')),
    attempts INTEGER NOT NULL DEFAULT 0,
    owner_pid INTEGER,                -- of the process that runs it; null unless running
    trigger TEXT,                     -- who started the last attempt
    started_at INTEGER,               -- of the first attempt
    ended_at INTEGER,                 -- of the last attempt
    exit INTEGER,                     -- of the last attempt
    runs TEXT NOT NULL DEFAULT '[]',  -- run ids of all attempts, as JSON
    reason TEXT,                      -- why it is not ok, or ran late
    hint TEXT,                        -- the next command to type
    PRIMARY KEY (job, date)
  ) STRICT, WITHOUT ROWID;
  CREATE INDEX slots_by_state ON slots (state, planned_at);
  `,
  `
  -- When a letter with a passing cause is tried again by a run; null: only when its record changes or a person asks.
  ALTER TABLE dead_letters ADD COLUMN next_attempt INTEGER;
  ALTER TABLE dead_letters ADD COLUMN retries INTEGER NOT NULL DEFAULT 0;  -- of these tries, how many there were
  CREATE INDEX dead_letters_due ON dead_letters (stream, next_attempt) WHERE state = 'open' AND next_attempt IS NOT NULL;

  -- Proven to be deleted at the source; the row is kept, so that nothing takes it for unread.
  ALTER TABLE records ADD COLUMN gone INTEGER NOT NULL DEFAULT 0;

  -- Records that one proven pass over the whole source did not have; a second pass concludes.
  CREATE TABLE absences (
    stream INTEGER NOT NULL REFERENCES streams (id),
    record TEXT NOT NULL,
    run TEXT NOT NULL,                -- the pass that lacked it first
    since INTEGER NOT NULL,
    PRIMARY KEY (stream, record)
  ) STRICT, WITHOUT ROWID;

  -- What a comparison with HubSpot found; the newest of each stream is shown by status.
  CREATE TABLE reconciliations (
    stream INTEGER NOT NULL REFERENCES streams (id),
    at INTEGER NOT NULL,
    counts TEXT NOT NULL,             -- differences left, by kind, as JSON
    PRIMARY KEY (stream, at)
  ) STRICT, WITHOUT ROWID;
  `,
  `
  -- Statistics of samples: figures, codes and shapes of values, nobody's data.
  CREATE TABLE probes (
    id INTEGER PRIMARY KEY,
    system TEXT NOT NULL,             -- erp, square, hubspot
    resource TEXT NOT NULL,
    instance TEXT NOT NULL,           -- the source instance, as streams name it
    kind TEXT NOT NULL CHECK (kind IN ('sample', 'gate')),
    at INTEGER NOT NULL,
    summary TEXT NOT NULL             -- as JSON
  ) STRICT;
  CREATE INDEX probes_by_subject ON probes (system, resource, instance, kind, at);
  `,
  `
  CREATE INDEX objects_intended ON objects (stream) WHERE intent IS NOT NULL;
  `,
  `
  -- What people were told of: one open row per key, closed when the trouble is over.
  CREATE TABLE incidents (
    id INTEGER PRIMARY KEY,
    key TEXT NOT NULL,                -- kind, pipe or channel, and cause
    kind TEXT NOT NULL,
    subject TEXT NOT NULL,
    cause TEXT NOT NULL,
    figures TEXT NOT NULL,            -- numbers that its message names, as JSON
    run TEXT,                         -- the run that showed it last
    since INTEGER NOT NULL,           -- when the trouble began
    opened_at INTEGER NOT NULL,
    seen_at INTEGER NOT NULL,
    notified_at INTEGER,              -- first message that a channel took
    reminded_at INTEGER,
    resolved_at INTEGER,
    recovery_at INTEGER               -- the recovery was told; 0: there was nothing to tell
  ) STRICT;
  CREATE UNIQUE INDEX incidents_open ON incidents (key) WHERE resolved_at IS NULL;

  CREATE TABLE alert_channels (
    channel TEXT PRIMARY KEY,
    ok_at INTEGER,
    failed_at INTEGER,                -- since when it fails; null while it works
    reason TEXT                       -- a code: 'status 410', 'timeout', 'ECONNREFUSED'
  ) STRICT, WITHOUT ROWID;

  -- Work that ended before it could put a run on record, until it gets further.
  CREATE TABLE alert_signals (
    job TEXT PRIMARY KEY,             -- a job, a pipe, 'tick' or 'service'
    cause TEXT NOT NULL,
    since INTEGER NOT NULL
  ) STRICT, WITHOUT ROWID;
  `,
  `
  -- Few records ever go: whoever counts those that stay need not read the payload of each.
  CREATE INDEX records_gone ON records (stream, id) WHERE gone = 1;
  `,
  `
  -- Where and when the content of a record was read; page and slice are null for one that was asked for by its id.
  ALTER TABLE records ADD COLUMN partition TEXT;
  ALTER TABLE records ADD COLUMN page INTEGER;
  ALTER TABLE records ADD COLUMN read_at INTEGER;

  -- Which of the run's requests it was, the trace id that went with it, and what HubSpot answered.
  ALTER TABLE journal ADD COLUMN batch INTEGER;
  ALTER TABLE journal ADD COLUMN trace TEXT;
  ALTER TABLE journal ADD COLUMN answer TEXT;

  -- The run whose values were taken back; null once the source's values were written again.
  ALTER TABLE objects ADD COLUMN undone TEXT;
  `,
  `
  -- Readings that were begun and are not proven: the next run reads that much again, whatever the cursor says.
  CREATE TABLE owed_readings (
    stream INTEGER NOT NULL REFERENCES streams (id),
    partition TEXT NOT NULL,          -- '*': all slices, because something was in none of them
    since TEXT,                       -- from where it was read; null: as a whole
    at INTEGER NOT NULL,              -- since when it is owed
    run TEXT NOT NULL,
    PRIMARY KEY (stream, partition)
  ) STRICT, WITHOUT ROWID;
  INSERT INTO owed_readings (stream, partition, since, at, run)
    SELECT stream, partition, NULL, 0, run FROM partition_memory WHERE verdict = 'unproven';
  `,
  `
  -- What an earlier request may still overwrite: a handful, asked for at each start.
  CREATE INDEX objects_late ON objects (stream) WHERE late IS NOT NULL;
  `,
  `
  -- An entity goes from pending to sending to clean: without the state among its columns the index is touched only when
  -- one opens and when it is settled. The few that are open are looked up for their state.
  DROP INDEX entities_open;
  CREATE INDEX entities_open ON entities (stream, id) WHERE state IN ('pending', 'sending', 'held');
  `,
  `
  -- What changed since: the few rows of a joined pipe that a later run stored.
  CREATE INDEX records_by_run ON records (stream, run);

  -- Up to which run the changed rows of a joined stream have been followed to what hangs on them.
  CREATE TABLE joins_followed (
    stream INTEGER NOT NULL REFERENCES streams (id),
    joined_stream INTEGER NOT NULL REFERENCES streams (id),
    run TEXT NOT NULL,
    PRIMARY KEY (stream, joined_stream)
  ) STRICT, WITHOUT ROWID;
  `,
];
