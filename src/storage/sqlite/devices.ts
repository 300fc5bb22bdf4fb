import type { Clock } from '../../clock.ts';
import { definedOnly } from '../../defined-only.ts';
import type { DeviceRecord, DeviceRecords } from '../storage-devices.ts';
import type { Connection } from './connection.ts';
import type { Statements } from './statements.ts';

const columns =
  'id, sub, client_id, name, model, serial, created_at, last_seen_at, grant_id, session_id, expires_at';

export const deviceSql = {
  putDevice: `INSERT OR REPLACE INTO devices (tenant, ${columns}) VALUES (?,?,?,?,?,?,?,?,?,?,?,?)`,
  findDevice: `SELECT ${columns} FROM devices WHERE tenant = ? AND id = ? AND expires_at > ?`,
  listDevices: `SELECT ${columns} FROM devices WHERE tenant = ? AND id > ? AND expires_at > ? ORDER BY id LIMIT ?`,
  listDevicesOf: `SELECT ${columns} FROM devices
    WHERE tenant = ? AND sub = ? AND id > ? AND expires_at > ? ORDER BY id LIMIT ?`,
  renameDevice: 'UPDATE devices SET name = ?4 WHERE tenant = ?1 AND id = ?2 AND expires_at > ?3',
  deviceSeen: `UPDATE devices SET last_seen_at = ?3
    WHERE tenant = ?1 AND id = ?2 AND last_seen_at <= ?3 - ?4 AND expires_at > ?5`,
  removeDevice: `DELETE FROM devices WHERE tenant = ? AND id = ? AND expires_at > ? RETURNING ${columns}`,
} as const;

interface DeviceRow {
  readonly id: string;
  readonly sub: string;
  readonly client_id: string;
  readonly name: string | null;
  readonly model: string | null;
  readonly serial: string | null;
  readonly created_at: number;
  readonly last_seen_at: number;
  readonly grant_id: string;
  readonly session_id: string | null;
  readonly expires_at: number;
}

/** @param row of a statement that selects or returns `columns` */
const toDevice = (row: unknown): DeviceRecord => {
  const device = row as DeviceRow;
  return {
    id: device.id,
    sub: device.sub,
    clientId: device.client_id,
    ...definedOnly({
      name: device.name ?? undefined,
      model: device.model ?? undefined,
      serial: device.serial ?? undefined,
    }),
    createdAt: device.created_at,
    lastSeenAt: device.last_seen_at,
    grantId: device.grant_id,
    ...definedOnly({ sessionId: device.session_id ?? undefined }),
    expiresAt: device.expires_at,
  };
};

export const putDevice = (sql: Statements, tenant: string, device: DeviceRecord): void => {
  sql(deviceSql.putDevice).run(
    tenant,
    device.id,
    device.sub,
    device.clientId,
    device.name ?? null,
    device.model ?? null,
    device.serial ?? null,
    device.createdAt,
    device.lastSeenAt,
    device.grantId,
    device.sessionId ?? null,
    device.expiresAt,
  );
};

export const createDevices = (connection: Connection, clock: Clock, tenant: string): DeviceRecords => ({
  signIn: (device) =>
    connection.write('device.signIn', (sql) => {
      const row = sql(deviceSql.findDevice).get(tenant, device.id, clock.now());
      if (row === undefined) {
        putDevice(sql, tenant, device);
        return undefined;
      }
      const before = toDevice(row);
      const { createdAt, name } = before;
      putDevice(sql, tenant, { ...device, createdAt, ...definedOnly({ name }) });
      return before;
    }),

  find: (id) =>
    connection.read('device.find', (sql) => {
      const row = sql(deviceSql.findDevice).get(tenant, id, clock.now());
      return row === undefined ? undefined : toDevice(row);
    }),

  list: ({ sub, afterId = '', limit }) =>
    connection.read('device.list', (sql) => {
      const rows =
        sub === undefined
          ? sql(deviceSql.listDevices).all(tenant, afterId, clock.now(), limit)
          : sql(deviceSql.listDevicesOf).all(tenant, sub, afterId, clock.now(), limit);
      return rows.map(toDevice);
    }),

  rename: (id, name) =>
    connection.write('device.rename', (sql) => {
      const { changes } = sql(deviceSql.renameDevice).run(tenant, id, clock.now(), name);
      return Number(changes) > 0;
    }),

  seen: (id, { nowMs, minimumGapMs }) =>
    connection.write('device.seen', (sql) => {
      sql(deviceSql.deviceSeen).run(tenant, id, nowMs, minimumGapMs, clock.now());
    }),

  remove: (id) =>
    connection.write('device.remove', (sql) => {
      const row = sql(deviceSql.removeDevice).get(tenant, id, clock.now());
      return row === undefined ? undefined : toDevice(row);
    }),
});
