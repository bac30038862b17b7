"""The tables of the authority's books, as numbered migrations in SQL."""

MIGRATIONS: tuple[tuple[str, ...], ...] = (
    (
        """CREATE TABLE certificate (
            serial TEXT PRIMARY KEY,
            profile TEXT NOT NULL,
            der BLOB NOT NULL,
            key_hash BLOB NOT NULL,
            state TEXT NOT NULL,
            issued_at INTEGER NOT NULL,
            not_after INTEGER NOT NULL,
            confirm_before INTEGER,
            confirmed_at INTEGER,
            reason TEXT,
            revoked_at INTEGER,
            person BLOB,
            note TEXT NOT NULL)""",
        "CREATE INDEX certificate_person ON certificate (person) WHERE person IS NOT NULL",
        "CREATE INDEX certificate_key ON certificate (key_hash)",
        "CREATE INDEX certificate_not_good ON certificate (state) WHERE state <> 'good'",
        """CREATE TABLE transactions (
            id BLOB PRIMARY KEY,
            requester TEXT NOT NULL,
            serial TEXT REFERENCES certificate (serial),
            cert_req_id INTEGER,
            nonce BLOB NOT NULL)""",
        """CREATE TABLE answer (
            request_hash BLOB PRIMARY KEY,
            transaction_id BLOB NOT NULL REFERENCES transactions (id),
            response BLOB NOT NULL)""",
        """CREATE TABLE authorisation (
            nonce BLOB NOT NULL,
            profile TEXT NOT NULL,
            serial TEXT NOT NULL REFERENCES certificate (serial),
            PRIMARY KEY (nonce, profile))""",
        """CREATE TABLE crl (
            name TEXT PRIMARY KEY,
            number INTEGER NOT NULL,
            revision INTEGER NOT NULL,
            fresh_until INTEGER NOT NULL,
            der BLOB NOT NULL)""",
        "CREATE TABLE revision (number INTEGER NOT NULL)",
        "INSERT INTO revision VALUES (0)",
    ),
    (
        """CREATE TABLE witness (
            serial TEXT PRIMARY KEY REFERENCES certificate (serial),
            journal_head BLOB NOT NULL)""",
    ),
    ("CREATE INDEX transactions_requester ON transactions (requester)",),
    (
        """CREATE TABLE newest_head (
            requester TEXT PRIMARY KEY,
            journal_head BLOB NOT NULL)""",
    ),
)
"""SQL of each schema version, applied in order and never changed afterwards."""
