// The devices that people have connected: their list, their names, and how one of them is signed out alone.

import type { Audit, AuditEvent } from '../audit/audit.ts';
import type { AuditAction } from '../audit/audit-actions.ts';
import type { Clock } from '../clock.ts';
import type { Artifact, ArtifactRef, Loaded, TenantStorage } from '../storage/storage.ts';
import type { DeviceRecord } from '../storage/storage-devices.ts';
import { findLiveSession, type SessionAuthorization, servesGrant } from './live-session.ts';
import { readPlainText } from './plain-text.ts';
import type { Revocations } from './revocations.ts';
import { mayHoldTokensSince } from './standing.ts';

export interface Device extends DeviceRecord {
  /** Can the device still get tokens? */
  readonly isSignedIn: boolean;
}

/** The actor of a change, for the audit record. */
export interface DeviceActor {
  /** A sub, or `cli`. */
  readonly actor: string;
  /** Only devices of this person; absent: of all. */
  readonly owner?: string;
  /** Only devices of this app; absent: of all. */
  readonly ofClient?: string;
  readonly address?: string;
  readonly requestId?: string;
}

/** All but `seen` also throw AppError `unavailable` when a change cannot be recorded. */
export interface Devices {
  /** Stores a device that has just signed in, and ends its sign-in from before, if there was one. */
  signedIn(device: DeviceRecord, from: Pick<DeviceActor, 'address' | 'requestId'>): Promise<void>;
  /** Stores the time at which it got a token, at most once a minute. */
  seen(id: string): Promise<void>;
  /** By id, ascending, after `afterId`; of one person, or of all. */
  list(page: {
    readonly sub?: string;
    readonly afterId?: string;
    readonly limit: number;
  }): Promise<readonly Device[]>;
  /** `invalid`: the name is empty, too long or no plain text. */
  rename(id: string, name: unknown, by: DeviceActor): Promise<Device | 'absent' | 'invalid'>;
  /**
   * Ends the device's grant, with all its tokens at once on every instance, and removes the device. The person's
   * sessions and other devices are not affected. Undefined when there is no such device.
   */
  revoke(id: string, by: DeviceActor): Promise<DeviceRecord | undefined>;
}

export interface DevicesParts {
  readonly storage: Pick<TenantStorage, 'devices' | 'artifacts'>;
  readonly revocations: Pick<Revocations, 'endGrant'>;
  readonly authorizationsOf: (session: Artifact) => readonly SessionAuthorization[];
  readonly audit: Audit;
  readonly clock: Clock;
}

const minimumGapMs = 60_000;

export const createDevices = (parts: DevicesParts): Devices => {
  const { revocations, audit, clock } = parts;
  const { devices: records, artifacts } = parts.storage;

  const findOwn = async (id: string, { owner, ofClient }: DeviceActor): Promise<DeviceRecord | undefined> => {
    const found = await records.find(id);
    const isOwn = owner === undefined || found?.sub === owner;
    return isOwn && (ofClient === undefined || found?.clientId === ofClient) ? found : undefined;
  };

  const withStatus = async (found: readonly DeviceRecord[]): Promise<readonly Device[]> => {
    if (found.length === 0) return [];
    const loaded = await artifacts.load(found.flatMap(refsOf));
    const isSignedIn = (device: DeviceRecord): boolean =>
      isGranted(device, loaded) && isSessionAlive(device, loaded, parts.authorizationsOf);
    return found.map((device) => ({ ...device, isSignedIn: isSignedIn(device) }));
  };

  return {
    signedIn: async (device, from) => {
      const before = await records.signIn(device);
      if (before !== undefined && before.grantId !== device.grantId)
        await revocations.endGrant({ id: before.grantId, sub: before.sub }, 'device.sign_in');
      await audit.note({
        ...eventOf('device.sign_in', device, { actor: device.sub, ...from }),
        clientId: device.clientId,
        ...(before === undefined ? {} : { reason: 'again' }),
      });
    },
    seen: (id) => records.seen(id, { nowMs: clock.now(), minimumGapMs }),
    list: async (page) => withStatus(await records.list(page)),
    rename: async (id, wanted, by) => {
      const name = readDeviceText(wanted);
      if (name === undefined) return 'invalid';
      const device = await findOwn(id, by);
      if (device === undefined) return 'absent';
      await audit.noteBefore(eventOf('device.rename', device, by));
      if (!(await records.rename(id, name))) return 'absent';
      const [renamed] = await withStatus([{ ...device, name }]);
      return renamed ?? 'absent';
    },
    revoke: async (id, by) => {
      const device = await findOwn(id, by);
      if (device === undefined) return undefined;
      await audit.noteBefore(eventOf('device.revoke', device, by));
      const end = (grantId: string): Promise<void> =>
        revocations.endGrant({ id: grantId, sub: device.sub }, 'device.revoke');
      // the tokens come first: a device that is no longer listed must not be signed in
      await end(device.grantId);
      const removed = await records.remove(id);
      if (removed !== undefined && removed.grantId !== device.grantId) await end(removed.grantId);
      return device;
    },
  };
};

const eventOf = (
  action: AuditAction,
  device: DeviceRecord,
  { owner: _owner, ofClient: _client, ...by }: DeviceActor,
): AuditEvent => ({
  ...by,
  action,
  object: `device ${device.id} of ${device.sub}`,
  outcome: 'success',
});

const refsOf = ({ grantId, sessionId }: DeviceRecord): readonly ArtifactRef[] => [
  { kind: 'Grant', id: grantId },
  ...(sessionId === undefined ? [] : [{ kind: 'Session' as const, id: sessionId }]),
];

/** Its last token is as late as its sign-in, and a sign-in that was ended for good gets no later one. */
const isGranted = ({ grantId, sub, lastSeenAt }: DeviceRecord, loaded: Loaded): boolean =>
  loaded.artifacts.some(({ kind, id }) => kind === 'Grant' && id === grantId) &&
  mayHoldTokensSince(
    loaded.linkedAccounts.find((account) => account.sub === sub),
    Math.floor(lastSeenAt / 1000),
  );

const isSessionAlive = (
  { sessionId, grantId, sub }: DeviceRecord,
  loaded: Loaded,
  authorizationsOf: DevicesParts['authorizationsOf'],
): boolean => {
  if (sessionId === undefined) return true;
  const session = findLiveSession(loaded.artifacts, { sessionId, sub });
  return session !== undefined && servesGrant(authorizationsOf(session), grantId);
};

/** Characters. */
export const longestDeviceText = 100;

/** A name or description of a device. Undefined when it is empty, too long or no plain text. */
export const readDeviceText = (value: unknown): string | undefined => readPlainText(value, longestDeviceText);
