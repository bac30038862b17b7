"""The tables of the authority's books, as numbered migrations in SQL."""

import re
from itertools import chain

MIGRATIONS: tuple[tuple[str, ...], ...] = (
    (
        """CREATE TABLE certificate (
            serial {text} PRIMARY KEY,
            profile {text} NOT NULL,
            der {bytes} NOT NULL,
            key_hash {bytes} NOT NULL,
            state {text} NOT NULL,
            issued_at {integer} NOT NULL,
            not_after {integer} NOT NULL,
            confirm_before {integer},
            confirmed_at {integer},
            reason {text},
            revoked_at {integer},
            person {bytes},
            note {text} NOT NULL)""",
        "CREATE INDEX certificate_person ON certificate (person) WHERE person IS NOT NULL",
        "CREATE INDEX certificate_key ON certificate (key_hash)",
        "CREATE INDEX certificate_not_good ON certificate (state) WHERE state <> 'good'",
        """CREATE TABLE transactions (
            id {bytes} PRIMARY KEY,
            requester {text} NOT NULL,
            serial {text} REFERENCES certificate (serial),
            cert_req_id {integer},
            nonce {bytes} NOT NULL)""",
        """CREATE TABLE answer (
            request_hash {bytes} PRIMARY KEY,
            transaction_id {bytes} NOT NULL REFERENCES transactions (id),
            response {bytes} NOT NULL)""",
        """CREATE TABLE authorisation (
            nonce {bytes} NOT NULL,
            profile {text} NOT NULL,
            serial {text} NOT NULL REFERENCES certificate (serial),
            PRIMARY KEY (nonce, profile))""",
        """CREATE TABLE crl (
            name {text} PRIMARY KEY,
            number {integer} NOT NULL,
            revision {integer} NOT NULL,
            fresh_until {integer} NOT NULL,
            der {bytes} NOT NULL)""",
        "CREATE TABLE revision (number {integer} NOT NULL)",
        "INSERT INTO revision VALUES (0)",
    ),
    (
        """CREATE TABLE witness (
            serial {text} PRIMARY KEY REFERENCES certificate (serial),
            journal_head {bytes} NOT NULL)""",
    ),
    ("CREATE INDEX transactions_requester ON transactions (requester)",),
    (
        """CREATE TABLE newest_head (
            requester {text} PRIMARY KEY,
            journal_head {bytes} NOT NULL)""",
    ),
    (
        "ALTER TABLE certificate ADD COLUMN invalid_since {integer}",
        "ALTER TABLE certificate ADD COLUMN generation {integer} NOT NULL DEFAULT 1",
        "CREATE INDEX transactions_serial ON transactions (serial) WHERE serial IS NOT NULL",
        "DROP INDEX certificate_key",
        "CREATE INDEX certificate_key ON certificate (key_hash, profile)",
        # The last number given to a CRL of this name, made or not.
        "CREATE TABLE crl_number (name {text} PRIMARY KEY, number {integer} NOT NULL)",
        "INSERT INTO crl_number SELECT name, number FROM crl",
        # Who is known by a secret that both sides share.
        """CREATE TABLE client (
            reference {bytes} PRIMARY KEY,
            secret {bytes} NOT NULL)""",
        # A certificate that renews another one speaks for the same owner: by the first certificate of the row.
        """CREATE TABLE succession (
            serial {text} PRIMARY KEY REFERENCES certificate (serial),
            owner {text} NOT NULL,
            previous {text} NOT NULL REFERENCES certificate (serial))""",
        # Several rows that are added up: writers do not wait for each other to count.
        "ALTER TABLE revision ADD COLUMN shard {integer} NOT NULL DEFAULT 0",
        *(f"INSERT INTO revision (number, shard) VALUES (0, {shard})" for shard in range(1, 16)),  # noqa: S608  # numbers of ours
    ),
    (
        # The form of a station's journal (kiosk.journal.database).
        """CREATE TABLE journal (
            station {text} NOT NULL,
            seq {integer} NOT NULL,
            body {text} NOT NULL,
            hash {bytes} NOT NULL,
            node {bytes},
            PRIMARY KEY (station, seq))""",
        """CREATE TABLE heads (
            station {text} NOT NULL,
            size {integer} NOT NULL,
            at {integer} NOT NULL,
            root {bytes} NOT NULL,
            signature {bytes} NOT NULL,
            PRIMARY KEY (station, size))""",
    ),
    (
        # Who may ask for a certificate's status where the policy asks for registration.
        """CREATE TABLE relying_party (
            serial {text} PRIMARY KEY REFERENCES certificate (serial),
            name {text} NOT NULL UNIQUE)""",
        # What was told to each, by day.
        """CREATE TABLE told (
            serial {text} NOT NULL REFERENCES relying_party (serial),
            day {text} NOT NULL,
            kind {text} NOT NULL,
            number {integer} NOT NULL,
            PRIMARY KEY (serial, day, kind))""",
    ),
    (
        # By which certificate a transaction was begun; an older one by its owner's first, as was believed then.
        "ALTER TABLE transactions ADD COLUMN signer {text}",
        "UPDATE transactions SET signer = requester WHERE requester IN (SELECT serial FROM certificate)",
    ),
)
"""SQL of each schema version, applied in order and never changed afterwards; what stands in braces is a type."""

TABLES = tuple(re.findall(r"CREATE TABLE (\w+)", " ".join(chain(*MIGRATIONS))))
"""In the order in which they are made: none refers to a later one."""

REVISION_SHARDS = 16
