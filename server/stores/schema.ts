/** The migrations of a SQLite file, oldest first: user_version counts those already run. Never edit one; append. */
export const migrations: readonly string[] = [
  `
  CREATE TABLE buckets (key TEXT PRIMARY KEY, tat INTEGER NOT NULL) STRICT, WITHOUT ROWID;
  CREATE INDEX buckets_by_tat ON buckets (tat);

  CREATE TABLE scopes (
    key TEXT PRIMARY KEY,
    spent INTEGER NOT NULL CHECK (spent >= 0),
    held INTEGER NOT NULL CHECK (held >= 0),
    requests INTEGER NOT NULL,
    output_tokens INTEGER NOT NULL
  ) STRICT, WITHOUT ROWID;

  CREATE TABLE holds (
    id TEXT PRIMARY KEY,
    day TEXT NOT NULL,
    owner TEXT NOT NULL,
    scopes TEXT NOT NULL,
    nano INTEGER NOT NULL CHECK (nano >= 0),
    open INTEGER NOT NULL
  ) STRICT, WITHOUT ROWID;
  CREATE INDEX holds_by_day ON holds (day);

  CREATE TABLE facts (name TEXT PRIMARY KEY, value TEXT NOT NULL) STRICT, WITHOUT ROWID;

  CREATE TABLE sessions (key TEXT PRIMARY KEY, expires INTEGER NOT NULL) STRICT, WITHOUT ROWID;
  CREATE INDEX sessions_by_expiry ON sessions (expires);
  CREATE TABLE turns (
    session TEXT NOT NULL,
    n INTEGER NOT NULL,
    blob BLOB NOT NULL,
    PRIMARY KEY (session, n)
  ) STRICT;
  `,
  // Addresses stood in keys as they are; from here on only their hashes do. An address's share begins anew that day.
  `
  DELETE FROM buckets;
  DELETE FROM scopes WHERE key LIKE 'share:%';
  UPDATE holds SET scopes = (SELECT json_group_array(value) FROM json_each(scopes) WHERE value NOT LIKE 'share:%');
  `,
  // Refusals are counted in the diary, beside all else that a day's report tells.
  `
  CREATE TABLE diary (key TEXT PRIMARY KEY, count INTEGER NOT NULL) STRICT, WITHOUT ROWID;
  DELETE FROM facts WHERE name LIKE 'refusals:%';
  `,
  `
  CREATE TABLE questions (
    n INTEGER PRIMARY KEY,
    owner TEXT NOT NULL,
    at INTEGER NOT NULL,
    expires INTEGER NOT NULL,
    blob BLOB NOT NULL
  ) STRICT;
  `,
  // The process that has a session; nobody when it is missing.
  `
  ALTER TABLE sessions ADD COLUMN owner TEXT;
  `,
]
