"""The tables of the store, as numbered migrations in SQL for SQLite and PostgreSQL."""

MIGRATIONS: tuple[tuple[str, ...], ...] = (
    (
        """CREATE TABLE cases (
            pseudonym {text} PRIMARY KEY,
            station {text} NOT NULL,
            number {text} NOT NULL,
            attempt INTEGER NOT NULL,
            person {text},
            card {text},
            state {text} NOT NULL,
            code {text},
            seal {bytes},
            UNIQUE (number, attempt))""",
        """CREATE TABLE effects (
            pseudonym {text} NOT NULL REFERENCES cases (pseudonym),
            step {text} NOT NULL,
            state {text} NOT NULL,
            intent {bytes},
            outcome {bytes},
            PRIMARY KEY (pseudonym, step))""",
        """CREATE TABLE journal (
            station {text} NOT NULL,
            seq {integer} NOT NULL,
            body {text} NOT NULL,
            hash {bytes} NOT NULL,
            PRIMARY KEY (station, seq))""",
        """CREATE TABLE receipts (
            number {integer} PRIMARY KEY,
            pseudonym {text} NOT NULL UNIQUE REFERENCES cases (pseudonym))""",
    ),
    (
        # The root of the largest complete subtree of the Merkle tree that ends with the entry, at even places.
        "ALTER TABLE journal ADD COLUMN node {bytes}",
        """CREATE TABLE heads (
            station {text} NOT NULL,
            size {integer} NOT NULL,
            at {integer} NOT NULL,
            root {bytes} NOT NULL,
            signature {bytes} NOT NULL,
            PRIMARY KEY (station, size))""",
        "ALTER TABLE receipts ADD COLUMN proof {text}",
        "CREATE INDEX cases_person ON cases (person)",
        "CREATE INDEX cases_card ON cases (card)",
        "CREATE INDEX cases_state ON cases (station, state)",
    ),
    (
        "ALTER TABLE cases RENAME COLUMN state TO stage",
        """UPDATE cases SET stage = COALESCE((
            SELECT CASE MAX(CASE step
                    WHEN 'application' THEN 1 WHEN 'identity_check' THEN 2 WHEN 'authorise' THEN 3
                    WHEN 'generate_key' THEN 4 WHEN 'request' THEN 5 WHEN 'certify' THEN 6 WHEN 'write' THEN 7
                    WHEN 'read_back' THEN 8 WHEN 'fee' THEN 9 WHEN 'confirm' THEN 10 WHEN 'take_card' THEN 11
                    WHEN 'receipt' THEN 12 END)
                WHEN 1 THEN 'filed' WHEN 2 THEN 'identified' WHEN 3 THEN 'authorised' WHEN 4 THEN 'key_ready'
                WHEN 5 THEN 'requested' WHEN 6 THEN 'pending' WHEN 7 THEN 'written' WHEN 8 THEN 'delivered'
                WHEN 9 THEN 'settled' WHEN 10 THEN 'confirmed' WHEN 11 THEN 'returned' WHEN 12 THEN 'receipted' END
            FROM effects WHERE effects.pseudonym = cases.pseudonym AND effects.state = 'done'), 'opened')
            WHERE stage = 'open'""",
    ),
    (
        # What two clerks said about an effect that nobody else could tell of, sealed like intent and outcome.
        "ALTER TABLE effects ADD COLUMN testimony {bytes}",
    ),
    (
        # Who can be asked, by what key what he alone may read is sealed, and that the authority knows him.
        """CREATE TABLE stations (
            name {text} PRIMARY KEY,
            public_key {bytes} NOT NULL,
            certificate {bytes} NOT NULL,
            signature {bytes} NOT NULL)""",
        """CREATE TABLE questions (
            id {text} PRIMARY KEY,
            place INTEGER NOT NULL,
            asker {text} NOT NULL,
            asked {text} NOT NULL,
            kind {text} NOT NULL,
            state {text} NOT NULL,
            question {bytes} NOT NULL,
            answer {bytes})""",
    ),
    (
        # Forms that were printed for residents of the register: found by the hash of the code on the paper.
        """CREATE TABLE printed_forms (
            code {bytes} PRIMARY KEY,
            station {text} NOT NULL,
            number {text} NOT NULL UNIQUE,
            printed_at {integer} NOT NULL,
            seal {bytes},
            resident {bytes} NOT NULL)""",
        # Who waits today, by number alone.
        """CREATE TABLE tickets (
            day {text} NOT NULL,
            number INTEGER NOT NULL,
            purpose {text} NOT NULL,
            state {text} NOT NULL,
            counter {text},
            given_at {integer} NOT NULL,
            changed_at {integer} NOT NULL,
            PRIMARY KEY (day, number))""",
        # What was counted in a station's drawer, signed by whoever counted.
        """CREATE TABLE cash_counts (
            station {text} NOT NULL,
            place INTEGER NOT NULL,
            kind {text} NOT NULL,
            day {text} NOT NULL,
            count {bytes} NOT NULL,
            signatures {bytes} NOT NULL,
            PRIMARY KEY (station, place))""",
    ),
    (
        # The case's key as the clerk's station alone can read it, and which station that is.
        "ALTER TABLE cases ADD COLUMN escrow {bytes}",
        "ALTER TABLE cases ADD COLUMN escrowed_to {text}",
    ),
    (
        # How each station's devices are, for whoever looks after all of them.
        """CREATE TABLE station_devices (
            station {text} PRIMARY KEY,
            told_at {integer} NOT NULL,
            devices {bytes} NOT NULL)""",
    ),
)
"""SQL of each schema version, applied in order and never changed afterwards; what stands in braces is a type."""

COLUMN_TYPES = {
    "sqlite": {"text": "TEXT", "bytes": "BLOB", "integer": "INTEGER"},
    # Ordered by bytes as in SQLite; a locale's order may differ between a server and its standby.
    "postgresql": {"text": 'TEXT COLLATE "C"', "bytes": "BYTEA", "integer": "BIGINT"},
}
"""How each kind of store writes the types of columns in the migrations."""

APPEND_ONLY = {
    "sqlite": tuple(
        f"""CREATE TRIGGER journal_no_{verb.lower()} BEFORE {verb} ON journal
            BEGIN SELECT RAISE(ABORT, 'the journal is append-only'); END"""
        for verb in ("UPDATE", "DELETE")
    ),
    "postgresql": (
        """CREATE FUNCTION journal_append_only() RETURNS trigger LANGUAGE plpgsql AS
            $$ BEGIN RAISE EXCEPTION 'the journal is append-only'; END $$""",
        """CREATE TRIGGER journal_append_only BEFORE UPDATE OR DELETE OR TRUNCATE ON journal
            FOR EACH STATEMENT EXECUTE FUNCTION journal_append_only()""",
    ),
}
"""What keeps each kind of store from changing an entry of the journal."""
