// Keys that people make for themselves, where the tenant allows it. A mail goes to them at each change.
import type { Clock } from '../../clock.ts';
import type { ApiKeyRules } from '../../config/tenant/tenant-definition.ts';
import { definedOnly } from '../../defined-only.ts';
import { AppError } from '../../errors.ts';
import type { MailKind } from '../../mail/mail-content.ts';
import type { AccountRecord } from '../../storage/storage.ts';
import type { ApiKeyRecord } from '../../storage/storage-api-keys.ts';
import type { NotifyOfChange } from '../account-notices.ts';
import type { SessionActor } from '../person-sessions.ts';
import type { TypedCode } from '../verifications.ts';
import { type ApiKeys, type KeyMade, keysOfAnOwner, type MadeKey } from './api-keys.ts';
import { isOver } from './key-lifetimes.ts';
import type { CodeNotSent, KeyCodeRequest, KeyCodeSent, KeyVerifications } from './key-verification.ts';
import { keyName } from './public-key.ts';

export interface NewOwnKey {
  readonly note: string;
  /** Names of services behind the gateway; default: all that the tenant allows. */
  readonly services?: readonly string[];
  /** Default: all of the person. */
  readonly roles?: readonly string[];
  /** Default: as long as the tenant allows. */
  readonly lifetimeSeconds?: number;
  /** For the code of the mail, where the tenant asks for one. */
  readonly code: KeyCodeRequest;
}

export type OwnKeyMade =
  /** `needsCode`: it is refused until `verify`. */
  | (MadeKey & { readonly needsCode: boolean })
  | Extract<KeyMade, { readonly ok: false }>
  | { readonly ok: false; readonly reason: 'not_sent'; readonly code: CodeNotSent };

export type KeyVerified =
  | { readonly ok: true; readonly key: OwnKey }
  /** `code`: wrong, used, too old, or there were too many. */
  | { readonly ok: false; readonly reason: 'code' | 'too_many' };

/** A key as its person finds it. */
export type OwnKey = ApiKeyRecord;

/** All of them throw AppError `unavailable`; a change that cannot be recorded is not made. */
export interface OwnKeys {
  /** Names of the services that they can be made for; empty: people have no keys of their own. */
  readonly services: readonly string[];
  /** Also those that an operator has made for the person. */
  list(sub: string): Promise<readonly OwnKey[]>;
  /** @throws AppError `not_found` where people have no keys of their own */
  create(owner: AccountRecord, wanted: NewOwnKey, by: SessionActor): Promise<OwnKeyMade>;
  /** Another code for a key that waits for one. */
  sendCode(owner: AccountRecord, id: string, asked: KeyCodeRequest): Promise<KeyCodeSent>;
  /** Does a key of the person wait for a code? */
  isWaiting(owner: AccountRecord, id: string): Promise<boolean>;
  /** The key is good from now on. One of all callers has it. */
  verify(owner: AccountRecord, typed: TypedCode & { id: string }, by: SessionActor): Promise<KeyVerified>;
  /** Only of keys that the person has made, and that have not expired: in place of those a new one is made, with its code. */
  rotate(owner: AccountRecord, id: string, by: SessionActor): Promise<KeyMade>;
  /** Undefined when the person has no such key. */
  revoke(owner: AccountRecord, id: string, by: SessionActor): Promise<OwnKey | undefined>;
}

export interface OwnKeysParts {
  readonly rules: Pick<ApiKeyRules, 'ownServices' | 'verification'>;
  readonly apiKeys: Pick<ApiKeys, 'prepare' | 'add' | 'create' | 'find' | 'list' | 'rotate' | 'revoke'>;
  readonly keyVerifications: KeyVerifications;
  readonly notifyOfChange: NotifyOfChange;
  readonly clock: Clock;
}

export const createOwnKeys = ({
  rules,
  apiKeys,
  keyVerifications,
  notifyOfChange,
  clock,
}: OwnKeysParts): OwnKeys => {
  const allowed = rules.ownServices;
  const notice = (kind: MailKind, key: string) => ({ kind, values: { key } });

  return {
    services: allowed,
    list: (sub) => apiKeys.list({ sub, limit: keysOfAnOwner }),

    create: async (owner, { note, services = allowed, roles, lifetimeSeconds, code }, actor) => {
      if (allowed.length === 0)
        throw new AppError('not_found', 'People of this tenant have no keys of their own');
      const foreign = services.find((service) => !allowed.includes(service));
      if (foreign !== undefined || services.length === 0)
        return {
          ok: false,
          reason: 'limits',
          message: `A key of your own is for one or more of these services: ${allowed.join(', ')}.`,
        };
      const wanted = { note, services, isOwn: true, ...definedOnly({ roles, lifetimeSeconds }) } as const;
      if (rules.verification === undefined) {
        const made = await notifyOfChange(owner, notice('key_made', note), {
          make: () => apiKeys.create(owner, wanted, { ...actor, owner: owner.sub }),
          isDone: ({ ok }) => ok,
        });
        return made.ok ? { ...made, needsCode: false } : made;
      }
      const made = await apiKeys.prepare(owner, wanted);
      if (!made.ok) return made;
      const sent = await keyVerifications.begin(owner, made.key, { ...code, by: actor });
      return sent.ok ? { ...made, needsCode: true } : { ok: false, reason: 'not_sent', code: sent };
    },

    sendCode: (owner, id, asked) => keyVerifications.sendAgain(owner, id, asked),

    isWaiting: async (owner, id) => (await keyVerifications.find(owner, id)) !== undefined,

    verify: async (owner, { id, ...typed }, actor) => {
      const key = await keyVerifications.consume(owner, id, typed);
      if (key === undefined) return { ok: false, reason: 'code' };
      const there = await apiKeys.list({ sub: owner.sub, limit: keysOfAnOwner });
      if (there.length >= keysOfAnOwner) return { ok: false, reason: 'too_many' };
      const isAdded = await notifyOfChange(owner, notice('key_made', keyName(key)), {
        make: () => apiKeys.add(key, { ...actor, owner: owner.sub }),
        isDone: (added) => added,
      });
      await keyVerifications.remove(id);
      return isAdded ? { ok: true, key } : { ok: false, reason: 'code' };
    },

    rotate: async (owner, id, actor) => {
      const by = { ...actor, owner: owner.sub };
      const key = await apiKeys.find(id, by);
      if (key?.isOwn !== true || isOver(key, clock.now()))
        return {
          ok: false,
          reason: 'absent',
          message: 'There is no such key of your own, or it has expired.',
        };
      return notifyOfChange(owner, notice('key_rotated', keyName(key)), {
        make: () => apiKeys.rotate(id, by),
        isDone: ({ ok }) => ok,
      });
    },

    revoke: async (owner, id, actor) => {
      const by = { ...actor, owner: owner.sub };
      const key = await apiKeys.find(id, by);
      if (key === undefined) return undefined;
      return notifyOfChange(owner, notice('key_revoked', keyName(key)), {
        make: () => apiKeys.revoke(id, by),
        isDone: (revoked) => revoked !== undefined,
      });
    },
  };
};
