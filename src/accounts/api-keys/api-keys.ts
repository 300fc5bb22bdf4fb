// API keys: made, listed, replaced and revoked by operators and by people for themselves. Each secret is shown once.
import type { Audit } from '../../audit/audit.ts';
import type { AuditAction } from '../../audit/audit-actions.ts';
import type { Clock } from '../../clock.ts';
import type { ApiKeyRules } from '../../config/tenant/tenant-definition.ts';
import { randomId } from '../../crypto/ids.ts';
import { definedOnly } from '../../defined-only.ts';
import type { AccountRecord } from '../../storage/storage.ts';
import type { ApiKeyRecord, ApiKeyRecords } from '../../storage/storage-api-keys.ts';
import type { Revocations } from '../revocations.ts';
import { type KeyActor, keyEvent } from './key-event.ts';
import { expiryOf, inWords, noticeTimeOf, renewedExpiry, type WantedLifetime } from './key-lifetimes.ts';
import { faultOfLimits, type KeyLimits, readNote } from './key-limits.ts';
import type { KeySecrets, MadeSecret } from './key-secrets.ts';
import { createRevokeKey, type RevokeKey } from './revoke-key.ts';

export interface NewKey extends KeyLimits {
  /** Default: a new one. One that is taken is refused. */
  readonly id?: string;
  readonly note?: string;
  /** Seconds; default: as long as the tenant allows. `never`: of system users, where the tenant allows it. */
  readonly lifetimeSeconds?: Exclude<WantedLifetime, undefined>;
  /** The owner makes it. */
  readonly isOwn?: true;
}

export interface MadeKey extends MadeSecret {
  readonly ok: true;
  readonly key: ApiKeyRecord;
}

export type KeyMade =
  | MadeKey
  /**
   * `only`: the owner has a key already, and may have no other. `changed`: somebody else changed it meanwhile. `message` says
   * what to do.
   */
  | {
      readonly ok: false;
      readonly reason: 'absent' | 'only' | 'too_many' | 'limits' | 'note' | 'lifetime' | 'changed';
      readonly message: string;
    };

/** All of them throw AppError `unavailable`; a change that cannot be recorded is not made. */
export interface ApiKeys {
  create(owner: AccountRecord, wanted: NewKey, by: KeyActor): Promise<KeyMade>;
  /** The same, without storing it: nobody can use it before `add`. */
  prepare(owner: AccountRecord, wanted: NewKey): Promise<KeyMade>;
  /** Stores a prepared key. False when it is stored already, or the owner may have no other. */
  add(key: ApiKeyRecord, by: KeyActor): Promise<boolean>;
  find(id: string, by?: Pick<KeyActor, 'owner'>): Promise<ApiKeyRecord | undefined>;
  list: ApiKeyRecords['list'];
  expiring: ApiKeyRecords['expiring'];
  /** A new secret in place of all others, which are refused at once. The key lives as long as a new one would. */
  reassign(id: string, by: KeyActor): Promise<KeyMade>;
  /**
   * A new secret; the one before is accepted for an overlap, and any older one no longer.
   * @param overlapSeconds default and most: as the tenant has it; more is refused
   */
  rotate(id: string, by: KeyActor, overlapSeconds?: number): Promise<KeyMade>;
  readonly revoke: RevokeKey;
}

export interface ApiKeysParts {
  readonly rules: ApiKeyRules;
  readonly records: ApiKeyRecords;
  readonly secrets: Pick<KeySecrets, 'make'>;
  readonly revocations: Pick<Revocations, 'publish'>;
  readonly audit: Audit;
  readonly clock: Clock;
}

export const keysOfAnOwner = 100;

export const createApiKeys = (parts: ApiKeysParts): ApiKeys => {
  const { rules, records, secrets, revocations, audit, clock } = parts;

  const find: ApiKeys['find'] = async (id, { owner } = {}) => {
    const found = await records.find(id);
    return owner === undefined || found?.sub === owner ? found : undefined;
  };

  const forget = ({ id }: ApiKeyRecord, reason: string): Promise<void> =>
    revocations.publish({ what: 'key', id, reason });

  /** @param keep the secrets that stay beside the new one */
  const replace = async (
    id: string,
    by: KeyActor,
    {
      action,
      keep,
    }: { readonly action: AuditAction; readonly keep: (key: ApiKeyRecord) => ApiKeyRecord['secrets'] },
  ): Promise<KeyMade> => {
    const key = await find(id, by);
    if (key === undefined) return absent;
    if (by.version !== undefined && by.version !== key.version) return changedMeanwhile;
    const nowMs = clock.now();
    const { kept, ...shown } = secrets.make(nowMs);
    const { noticeAt: _, ...former } = key;
    const expiresAt = renewedExpiry(key, rules, nowMs);
    const next = {
      ...former,
      secrets: [kept, ...keep(key)],
      ...definedOnly({ expiresAt, noticeAt: noticeTimeOf(nowMs, expiresAt) }),
      version: key.version + 1,
    };
    const event = keyEvent(action, key, by);
    await audit.noteBefore({ ...event, outcome: 'success' });
    if (!(await records.replace(next))) {
      await audit.note({ ...event, outcome: 'failure', reason: 'changed' });
      return changedMeanwhile;
    }
    await forget(key, action);
    return { ok: true, key: next, ...shown };
  };

  const prepare: ApiKeys['prepare'] = async (
    owner,
    { id = randomId(12), note: typed = '', lifetimeSeconds, isOwn, ...limits },
  ) => {
    const fault = faultOfLimits(limits, owner);
    if (fault !== undefined) return refused('limits', fault);
    const note = typed === '' ? undefined : readNote(typed);
    if (typed !== '' && note === undefined)
      return refused('note', 'A note is plain text of at most 200 characters.');
    const nowMs = clock.now();
    const expiresAt = expiryOf(lifetimeSeconds, { owner, rules, nowMs });
    if (typeof expiresAt === 'object') return refused('lifetime', expiresAt.fault);
    const own = await records.list({ sub: owner.sub, limit: keysOfAnOwner });
    if (own.length >= keysOfAnOwner)
      return refused('too_many', `${owner.username} has ${keysOfAnOwner} keys: revoke one first.`);
    const isOnly = rules.onePerSystemUser && owner.origin === 'system';
    if (isOnly && own.length > 0) return only(owner);
    const { kept, ...shown } = secrets.make(nowMs);
    const key: ApiKeyRecord = {
      ...{ id, sub: owner.sub, secrets: [kept], createdAt: nowMs, version: 1 },
      ...definedOnly({ ...limits, isOwn, note, expiresAt, isOnly: isOnly || undefined }),
      ...definedOnly({ noticeAt: noticeTimeOf(nowMs, expiresAt) }),
    };
    return { ok: true, key, ...shown };
  };

  const add: ApiKeys['add'] = async (key, by) => {
    const event = keyEvent('key.create', key, by);
    await audit.noteBefore({ ...event, outcome: 'success' });
    if (await records.insert(key)) return true;
    await audit.note({ ...event, outcome: 'failure', reason: 'only' });
    return false;
  };

  return {
    find,
    list: (page) => records.list(page),
    expiring: (page) => records.expiring(page),
    prepare,
    add,

    create: async (owner, wanted, by) => {
      const made = await prepare(owner, wanted);
      return !made.ok || (await add(made.key, by)) ? made : only(owner);
    },

    reassign: (id, by) => replace(id, by, { action: 'key.reassign', keep: () => [] }),

    rotate: async (id, by, overlapSeconds = rules.overlapSeconds) => {
      if (overlapSeconds > rules.overlapSeconds)
        return refused(
          'lifetime',
          `After a rotation the old key of this tenant is accepted for at most ${inWords(rules.overlapSeconds)} (apiKeys.rotationOverlap in its file).`,
        );
      const until = clock.now() + overlapSeconds * 1000;
      const keep = ({ secrets: [newest], expiresAt = until }: ApiKeyRecord): ApiKeyRecord['secrets'] =>
        newest === undefined ? [] : [{ ...newest, expiresAt: Math.min(until, expiresAt) }];
      return replace(id, by, { action: 'key.rotate', keep });
    },

    revoke: createRevokeKey(parts),
  };
};

type Refused = Extract<KeyMade, { readonly ok: false }>;

const refused = (reason: Refused['reason'], message: string): Refused => ({ ok: false, reason, message });

const absent = refused('absent', 'There is no such key.');
const changedMeanwhile = refused(
  'changed',
  'Somebody else changed this key meanwhile; look at it, and try again.',
);

const only = ({ username }: AccountRecord): Refused =>
  refused('only', `${username} has a key, and may have no other: reassign or rotate that one.`);
