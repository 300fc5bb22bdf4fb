import { AppError } from '../../errors.ts';
import type { Database } from './driver.ts';

const version1 = `
CREATE TABLE artifacts (
  tenant TEXT NOT NULL, kind TEXT NOT NULL, id TEXT NOT NULL, payload TEXT NOT NULL, expires_at INTEGER NOT NULL,
  grant_id TEXT, session_uid TEXT, account_id TEXT, user_code TEXT, phase TEXT, authorizations TEXT,
  signed_in_at INTEGER,  consumed_at INTEGER, polled_at INTEGER, poll_interval INTEGER, PRIMARY KEY (tenant, kind, id)
) STRICT, WITHOUT ROWID;
CREATE UNIQUE INDEX artifacts_user_code ON artifacts (tenant, user_code) WHERE user_code IS NOT NULL;
CREATE INDEX artifacts_grant ON artifacts (tenant, grant_id) WHERE grant_id IS NOT NULL;
CREATE INDEX artifacts_expiry ON artifacts (expires_at);
CREATE TABLE accounts (
  tenant TEXT NOT NULL, sub TEXT NOT NULL, value TEXT NOT NULL, PRIMARY KEY (tenant, sub)
) STRICT, WITHOUT ROWID;
CREATE TABLE logins (
  tenant TEXT NOT NULL, login TEXT NOT NULL, sub TEXT NOT NULL, PRIMARY KEY (tenant, login),
  FOREIGN KEY (tenant, sub) REFERENCES accounts (tenant, sub) ON DELETE CASCADE
) STRICT, WITHOUT ROWID;
CREATE INDEX logins_sub ON logins (tenant, sub);
CREATE TABLE keys (
  tenant TEXT NOT NULL, slot TEXT NOT NULL, value TEXT NOT NULL, PRIMARY KEY (tenant, slot)
) STRICT, WITHOUT ROWID;
CREATE TABLE counters (
  tenant TEXT NOT NULL, key TEXT NOT NULL, count INTEGER NOT NULL, ends_at INTEGER NOT NULL,
  PRIMARY KEY (tenant, key)
) STRICT, WITHOUT ROWID;
CREATE INDEX counters_end ON counters (ends_at);
CREATE TABLE usage (
  tenant TEXT NOT NULL, client_id TEXT NOT NULL, sub TEXT NOT NULL, count INTEGER NOT NULL,
  last_used_at INTEGER NOT NULL, PRIMARY KEY (tenant, client_id, sub)
) STRICT, WITHOUT ROWID;
CREATE TABLE audit (
  tenant TEXT NOT NULL, id TEXT NOT NULL, at INTEGER NOT NULL, value TEXT NOT NULL, PRIMARY KEY (tenant, id)
) STRICT, WITHOUT ROWID;
CREATE INDEX audit_at ON audit (tenant, at, id);
CREATE TABLE installation (name TEXT PRIMARY KEY, value TEXT NOT NULL) STRICT, WITHOUT ROWID;
`;

/** People of sources, sessions by account, revocation events, and the logout tokens for apps. */
const version2 = `
CREATE INDEX artifacts_account ON artifacts (tenant, account_id) WHERE kind = 'Session' AND account_id IS NOT NULL;
CREATE TABLE identities (
  tenant TEXT NOT NULL, key TEXT NOT NULL, sub TEXT NOT NULL, PRIMARY KEY (tenant, key),
  FOREIGN KEY (tenant, sub) REFERENCES accounts (tenant, sub) ON DELETE CASCADE
) STRICT, WITHOUT ROWID;
CREATE INDEX identities_sub ON identities (tenant, sub);
CREATE TABLE events (
  seq INTEGER PRIMARY KEY AUTOINCREMENT, tenant TEXT NOT NULL, published_at INTEGER NOT NULL, value TEXT NOT NULL
) STRICT;
CREATE INDEX events_published ON events (published_at);
CREATE TABLE deliveries (
  tenant TEXT NOT NULL, id TEXT NOT NULL, client_id TEXT NOT NULL, sub TEXT NOT NULL, sid TEXT NOT NULL,
  reason TEXT NOT NULL, created_at INTEGER NOT NULL, state TEXT NOT NULL, attempts INTEGER NOT NULL,
  next_attempt_at INTEGER NOT NULL, last_attempt_at INTEGER, last_outcome TEXT, expires_at INTEGER NOT NULL,
  PRIMARY KEY (tenant, id)
) STRICT, WITHOUT ROWID;
CREATE INDEX deliveries_due ON deliveries (tenant, next_attempt_at) WHERE state = 'pending';
CREATE INDEX deliveries_expiry ON deliveries (expires_at);
`;

/** Devices that people have connected. */
const version3 = `
CREATE TABLE devices (
  tenant TEXT NOT NULL, id TEXT NOT NULL, sub TEXT NOT NULL, client_id TEXT NOT NULL, name TEXT, model TEXT,
  serial TEXT, created_at INTEGER NOT NULL, last_seen_at INTEGER NOT NULL, grant_id TEXT NOT NULL, session_id TEXT,
  expires_at INTEGER NOT NULL, PRIMARY KEY (tenant, id)
) STRICT, WITHOUT ROWID;
CREATE INDEX devices_owner ON devices (tenant, sub, id);
CREATE INDEX devices_expiry ON devices (expires_at);
`;

/** Grants of an account, and the audit record of a person. */
const version4 = `
CREATE INDEX artifacts_grants_of ON artifacts (tenant, account_id, id) WHERE kind = 'Grant' AND account_id IS NOT NULL;
CREATE INDEX audit_actor ON audit (tenant, json_extract(value, '$.actor'), at, id);
CREATE INDEX audit_object ON audit (tenant, json_extract(value, '$.object'), at, id);
`;

/** Mails to people. */
const version5 = `
CREATE TABLE mails (
  tenant TEXT NOT NULL, id TEXT NOT NULL, purpose TEXT NOT NULL, sub TEXT, address TEXT NOT NULL, content TEXT,
  created_at INTEGER NOT NULL, state TEXT NOT NULL, attempts INTEGER NOT NULL, next_attempt_at INTEGER NOT NULL,
  last_attempt_at INTEGER, last_outcome TEXT, expires_at INTEGER NOT NULL, PRIMARY KEY (tenant, id)
) STRICT, WITHOUT ROWID;
CREATE INDEX mails_due ON mails (tenant, next_attempt_at) WHERE state = 'pending';
CREATE INDEX mails_expiry ON mails (expires_at);
`;

/** Pictures of people. */
const version6 = `
CREATE TABLE pictures (
  tenant TEXT NOT NULL, sub TEXT NOT NULL, id TEXT NOT NULL, data TEXT NOT NULL, PRIMARY KEY (tenant, sub)
) STRICT;
`;

/** Accounts that are to be deleted. */
const version7 = `
CREATE INDEX accounts_deletion ON accounts (tenant, json_extract(value, '$.deleteAt'))
  WHERE json_extract(value, '$.deleteAt') IS NOT NULL;
`;

/** Gateway sessions of an account. */
const version8 = `
CREATE INDEX artifacts_gateway_sessions ON artifacts (tenant, account_id)
  WHERE kind = 'GatewaySession' AND account_id IS NOT NULL;
`;

/** Accounts with addresses of before, which come to an end. */
const version9 = `
CREATE INDEX accounts_former_emails ON accounts (tenant, json_extract(value, '$.formerEmails[0].until'))
  WHERE json_extract(value, '$.formerEmails[0].until') IS NOT NULL;
`;

/** API keys of system users and people. */
const version10 = `
CREATE TABLE api_keys (
  tenant TEXT NOT NULL, id TEXT NOT NULL, sub TEXT NOT NULL, value TEXT NOT NULL, only_of TEXT, expires_at INTEGER,
  last_used_at INTEGER, last_used_from TEXT, PRIMARY KEY (tenant, id)
) STRICT, WITHOUT ROWID;
CREATE INDEX api_keys_owner ON api_keys (tenant, sub, id);
CREATE UNIQUE INDEX api_keys_only ON api_keys (tenant, only_of) WHERE only_of IS NOT NULL;
CREATE INDEX api_keys_expiry ON api_keys (tenant, expires_at, id) WHERE expires_at IS NOT NULL;
CREATE TABLE api_key_secrets (
  tenant TEXT NOT NULL, public_id TEXT NOT NULL, id TEXT NOT NULL, PRIMARY KEY (tenant, public_id),
  FOREIGN KEY (tenant, id) REFERENCES api_keys (tenant, id) ON DELETE CASCADE
) STRICT, WITHOUT ROWID;
CREATE INDEX api_key_secrets_key ON api_key_secrets (tenant, id);
`;

/** Mails about an account. */
const version11 = `
CREATE INDEX mails_account ON mails (tenant, sub, id) WHERE sub IS NOT NULL;
`;

/** The chain of the audit record. */
const version12 = `
ALTER TABLE audit ADD COLUMN is_marked INTEGER;
CREATE INDEX audit_unmarked ON audit (tenant, at, id) WHERE is_marked IS NULL;
CREATE TABLE audit_links (
  tenant TEXT NOT NULL, seq INTEGER NOT NULL, record_id TEXT NOT NULL, digest TEXT NOT NULL, hash TEXT NOT NULL,
  mac TEXT NOT NULL, PRIMARY KEY (tenant, seq)
) STRICT, WITHOUT ROWID;
CREATE UNIQUE INDEX audit_links_record ON audit_links (tenant, record_id);
CREATE TABLE audit_checkpoints (
  tenant TEXT NOT NULL, seq INTEGER NOT NULL, at INTEGER NOT NULL, jws TEXT NOT NULL, PRIMARY KEY (tenant, seq)
) STRICT, WITHOUT ROWID;
`;

/** API keys of which a mail is to say that they expire. */
const version13 = `
CREATE INDEX api_keys_notice ON api_keys (tenant, json_extract(value, '$.noticeAt'))
  WHERE json_extract(value, '$.noticeAt') IS NOT NULL;
`;

/** What an account is signed in by, the latest sign-in first. */
const version14 = `
DROP INDEX artifacts_account;
CREATE INDEX artifacts_sessions_of ON artifacts (tenant, account_id, signed_in_at DESC, id DESC)
  WHERE kind = 'Session' AND account_id IS NOT NULL;
DROP INDEX artifacts_gateway_sessions;
CREATE INDEX artifacts_gateway_sessions_of ON artifacts (tenant, account_id, signed_in_at DESC, id DESC)
  WHERE kind = 'GatewaySession' AND account_id IS NOT NULL AND session_uid IS NULL;
CREATE INDEX artifacts_gateway_sessions_with ON artifacts (tenant, session_uid)
  WHERE kind = 'GatewaySession' AND session_uid IS NOT NULL;
CREATE INDEX artifacts_refresh_tokens_of ON artifacts (tenant, account_id, signed_in_at DESC, grant_id DESC)
  WHERE kind = 'RefreshToken' AND account_id IS NOT NULL AND signed_in_at IS NOT NULL AND consumed_at IS NULL;
`;

/** How far audit records were delivered to other systems. */
const version15 = `
CREATE TABLE audit_streams (
  tenant TEXT NOT NULL, target TEXT NOT NULL, seq INTEGER NOT NULL, failures INTEGER NOT NULL,
  next_attempt_at INTEGER NOT NULL, last_attempt_at INTEGER, last_outcome TEXT, holder TEXT NOT NULL,
  lease_until INTEGER NOT NULL, PRIMARY KEY (tenant, target)
) STRICT, WITHOUT ROWID;
`;

/** System users, which are few among many people. */
const version16 = `
CREATE INDEX accounts_system ON accounts (tenant, sub) WHERE json_extract(value, '$.origin') = 'system';
`;

/** One migration for each release that changed the schema; a file runs those that it lacks. */
export const schemaSteps: readonly string[] = [
  version1,
  version2,
  version3,
  version4,
  version5,
  version6,
  version7,
  version8,
  version9,
  version10,
  version11,
  version12,
  version13,
  version14,
  version15,
  version16,
];

const readVersion = (database: Database): number =>
  (database.prepare('PRAGMA user_version').get() as { user_version: number }).user_version;

/**
 * Migrates the file to the schema of this release. Throws `AppError('unavailable')` when the file is from a later
 * one.
 */
export const migrate = (database: Database): void => {
  if (readVersion(database) === schemaSteps.length) return;
  database.exec('BEGIN IMMEDIATE');
  try {
    const version = readVersion(database);
    if (version > schemaSteps.length) {
      throw new AppError(
        'unavailable',
        'The store was written by a later release of Drawbridge; update this one',
      );
    }
    for (const step of schemaSteps.slice(version)) database.exec(step);
    database.exec(`PRAGMA user_version = ${schemaSteps.length}`);
    database.exec('COMMIT');
  } catch (error) {
    database.exec('ROLLBACK');
    throw error;
  }
};
