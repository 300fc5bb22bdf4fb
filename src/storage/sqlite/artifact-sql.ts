import { artifactColumns, insertColumns } from './artifact-rows.ts';

const insertOne = `INSERT INTO artifacts (${insertColumns}) VALUES (?,?,?,?,?,?,?,?,?,?,?,?)`;
const replaced = insertColumns
  .split(', ')
  .slice(3)
  .map((column) => `${column} = excluded.${column}`)
  .join(', ');

/** All statements on artifacts; a test shows by EXPLAIN QUERY PLAN that none of them scans. */
export const artifactSql = {
  byId: `SELECT ${artifactColumns} FROM artifacts WHERE tenant = ? AND kind = ? AND id = ? AND expires_at > ?`,
  byUserCode: `SELECT ${artifactColumns} FROM artifacts WHERE tenant = ? AND user_code = ? AND expires_at > ?`,
  insert: `${insertOne} ON CONFLICT (tenant, kind, id) DO NOTHING`,
  put: `${insertOne} ON CONFLICT (tenant, kind, id) DO UPDATE SET ${replaced}, consumed_at = NULL, polled_at = NULL, poll_interval = NULL`,
  remove: 'DELETE FROM artifacts WHERE tenant = ? AND kind = ? AND id = ?',
  removeExpiredUserCode: 'DELETE FROM artifacts WHERE tenant = ? AND user_code = ? AND expires_at <= ?',
  // Without the index hint the planner takes the primary key and reads all tokens of the tenant.
  removeByGrant: `DELETE FROM artifacts INDEXED BY artifacts_grant WHERE tenant = ? AND grant_id = ?
    AND kind IN ('AccessToken', 'RefreshToken', 'AuthorizationCode', 'DeviceCode')`,
  tokensOfGrant: `SELECT ${artifactColumns} FROM artifacts INDEXED BY artifacts_grant WHERE tenant = ? AND grant_id = ?
    AND kind IN ('AccessToken', 'RefreshToken', 'AuthorizationCode', 'DeviceCode') AND expires_at > ?`,
  consume: `UPDATE artifacts SET consumed_at = ?
    WHERE tenant = ? AND kind = ? AND id = ? AND expires_at > ? AND consumed_at IS NULL`,
  replaceInPhase: `UPDATE artifacts SET payload = ?, expires_at = ?, grant_id = ?, session_uid = ?, account_id = ?,
    user_code = ?, phase = ?, authorizations = ?, signed_in_at = ?
    WHERE tenant = ? AND kind = 'DeviceCode' AND id = ? AND expires_at > ? AND consumed_at IS NULL
    AND phase IN (SELECT value FROM json_each(?))`,
  // The planner cannot know that an account has few sessions and a tenant many.
  sessionsOf: `SELECT ${artifactColumns} FROM artifacts INDEXED BY artifacts_sessions_of
    WHERE tenant = ? AND kind = 'Session' AND account_id = ? AND expires_at > ?`,
  gatewaySessionsOf: `SELECT ${artifactColumns} FROM artifacts INDEXED BY artifacts_gateway_sessions_of
    WHERE tenant = ? AND kind = 'GatewaySession' AND account_id = ? AND session_uid IS NULL AND expires_at > ?`,
  gatewaySessionsWith: `SELECT ${artifactColumns} FROM artifacts INDEXED BY artifacts_gateway_sessions_with
    WHERE tenant = ? AND kind = 'GatewaySession' AND session_uid IN (SELECT value FROM json_each(?))
    AND expires_at > ? LIMIT ?`,
  signInsBySession: `SELECT ${artifactColumns} FROM artifacts INDEXED BY artifacts_sessions_of
    WHERE tenant = ? AND kind = 'Session' AND account_id = ? AND (signed_in_at, id) < (?, ?) AND expires_at > ?
    ORDER BY signed_in_at DESC, id DESC LIMIT ?`,
  signInsByGatewaySession: `SELECT ${artifactColumns} FROM artifacts INDEXED BY artifacts_gateway_sessions_of
    WHERE tenant = ? AND kind = 'GatewaySession' AND account_id = ? AND session_uid IS NULL
    AND (signed_in_at, id) < (?, ?) AND expires_at > ? ORDER BY signed_in_at DESC, id DESC LIMIT ?`,
  signInsByRefreshToken: `SELECT ${artifactColumns} FROM artifacts INDEXED BY artifacts_refresh_tokens_of
    WHERE tenant = ? AND kind = 'RefreshToken' AND account_id = ? AND consumed_at IS NULL
    AND signed_in_at IS NOT NULL AND (signed_in_at, grant_id) < (?, ?) AND expires_at > ? ORDER BY signed_in_at DESC, grant_id DESC LIMIT ?`,
  grantsOf: `SELECT ${artifactColumns} FROM artifacts INDEXED BY artifacts_grants_of
    WHERE tenant = ? AND kind = 'Grant' AND account_id = ? AND id > ? AND expires_at > ? ORDER BY id LIMIT ?`,
  notePoll: `UPDATE artifacts SET polled_at = ?, poll_interval = ? WHERE tenant = ? AND kind = 'DeviceCode' AND id = ?`,
} as const;
