// A key that a person has asked for is nowhere until a code that was mailed to them is presented: it waits beside the keys, and
// ends by itself.
import type { Audit } from '../../audit/audit.ts';
import { type Clock, epochSeconds } from '../../clock.ts';
import type { Locale, TenantDefinition } from '../../config/tenant/tenant-definition.ts';
import { hashId } from '../../crypto/ids.ts';
import { definedOnly } from '../../defined-only.ts';
import type { TenantMail } from '../../mail/tenant-mail.ts';
import { canonicalLogin } from '../../protocol/canonical-login.ts';
import { maskAddress } from '../../protocol/email-address.ts';
import type { AccountRecord, Artifact, Artifacts } from '../../storage/storage.ts';
import type { ApiKeyRecord } from '../../storage/storage-api-keys.ts';
import { languageOf } from '../account-notices.ts';
import type { SessionActor } from '../person-sessions.ts';
import type { Throttle } from '../throttle.ts';
import { codeSeconds, type TypedCode, type Verifications } from '../verifications.ts';
import { keyEvent } from './key-event.ts';
import { keyName } from './public-key.ts';

export interface KeyCodeRequest {
  /** A secret of the browser or app; the code of the mail works with it alone. */
  readonly browser: string;
  /** Of the page; default: the person's own, or the tenant's. */
  readonly locale?: Locale;
}

export type KeyCodeSent = { readonly ok: true } | CodeNotSent;

export type CodeNotSent =
  /** `address`: the person has no verified one. `absent`: no such key waits. */
  | { readonly ok: false; readonly reason: 'address' | 'absent' }
  | { readonly ok: false; readonly reason: 'throttled'; readonly retryAfterSeconds: number };

/** All of them throw AppError `unavailable`. */
export interface KeyVerifications {
  /** Keeps the key, and writes the mail with the code. */
  begin(
    owner: AccountRecord,
    key: ApiKeyRecord,
    asked: KeyCodeRequest & { readonly by: SessionActor },
  ): Promise<KeyCodeSent>;
  /** Another code; the key waits as long as that one is good. */
  sendAgain(owner: AccountRecord, id: string, asked: KeyCodeRequest): Promise<KeyCodeSent>;
  /** The key of this person that waits. */
  find(owner: AccountRecord, id: string): Promise<ApiKeyRecord | undefined>;
  /** The same by a code, which is used up. One of all callers gets it. */
  consume(owner: AccountRecord, id: string, typed: TypedCode): Promise<ApiKeyRecord | undefined>;
  remove(id: string): Promise<void>;
}

export interface KeyVerificationsParts {
  readonly definition: Pick<TenantDefinition, 'locale'>;
  readonly artifacts: Pick<Artifacts, 'load' | 'write'>;
  readonly verifications: Pick<Verifications, 'create' | 'consumeCode'>;
  readonly throttle: Pick<Throttle, 'spend'>;
  readonly mail: Pick<TenantMail, 'send'>;
  readonly audit: Audit;
  readonly clock: Clock;
}

const kind = 'PendingApiKey';
const purpose = 'api-key';
/** Longer than a code, which is sent after the key is kept. */
const keptSeconds = codeSeconds + 300;
const mails = { points: 5, windowSeconds: 3600 } as const;
const mailsOfTenant = { points: 1000, windowSeconds: 3600 } as const;

/** Undefined: no code can be sent. */
const addressOf = ({ email, emailVerified = false }: AccountRecord): string | undefined =>
  emailVerified ? email : undefined;

/** Where the codes go, with most letters left out. */
export const codeAddressOf = (account: AccountRecord): string => maskAddress(addressOf(account) ?? '');

export const createKeyVerifications = (parts: KeyVerificationsParts): KeyVerifications => {
  const { definition, artifacts, verifications, throttle, mail, clock } = parts;

  /** @param onlyIfStored false: a new one; a key that was verified meanwhile does not come back */
  const keep = (key: ApiKeyRecord, onlyIfStored: boolean): Promise<void> => {
    const expiresAt = epochSeconds(clock) + keptSeconds;
    const artifact = {
      kind,
      id: key.id,
      accountId: key.sub,
      payload: JSON.stringify(key),
      expiresAt,
    } as const;
    return artifacts.write([{ op: 'put', artifact, onlyIfStored }]);
  };

  const find: KeyVerifications['find'] = async ({ sub }, id) => {
    const { artifacts: found } = await artifacts.load([{ kind, id }]);
    const key = readKey(found.find((artifact) => artifact.id === id));
    return key?.sub === sub ? key : undefined;
  };

  const charge = async ({ sub }: AccountRecord): Promise<KeyCodeSent> => {
    const charges = [
      [`key-verification/account/${hashId(sub)}`, mails],
      ['key-verification/tenant', mailsOfTenant],
    ] as const;
    for (const [name, allowance] of charges) {
      const { isAllowed, retryAfterSeconds } = await throttle.spend(name, allowance);
      if (!isAllowed) return { ok: false, reason: 'throttled', retryAfterSeconds };
    }
    return { ok: true };
  };

  const sendCode = async (
    owner: AccountRecord,
    key: ApiKeyRecord,
    { browser, locale, to }: KeyCodeRequest & { readonly to: string },
  ): Promise<void> => {
    const { sub, username } = owner;
    const place = { browser: boundTo(owner, key.id, browser), seconds: codeSeconds };
    const { code } = await verifications.create({ purpose, address: to, sub, ...place });
    await mail.send({
      ...{ kind: 'key_code', to, sub, codeSeconds, values: { username, key: keyName(key) } },
      locale: locale ?? languageOf(owner) ?? definition.locale,
      ...definedOnly({ code }),
    });
  };

  return {
    find,

    begin: async (owner, key, { by, ...asked }) => {
      const to = addressOf(owner);
      if (to === undefined) return { ok: false, reason: 'address' };
      const charged = await charge(owner);
      if (!charged.ok) return charged;
      await parts.audit.noteBefore({ ...keyEvent('key.begin', key, by), outcome: 'success' });
      await keep(key, false);
      await sendCode(owner, key, { ...asked, to });
      return { ok: true };
    },

    sendAgain: async (owner, id, asked) => {
      const key = await find(owner, id);
      if (key === undefined) return { ok: false, reason: 'absent' };
      const to = addressOf(owner);
      if (to === undefined) return { ok: false, reason: 'address' };
      const charged = await charge(owner);
      if (!charged.ok) return charged;
      await keep(key, true);
      await sendCode(owner, key, { ...asked, to });
      return { ok: true };
    },

    consume: async (owner, id, { browser, code }) => {
      const bound = boundTo(owner, id, browser);
      const verified = await verifications.consumeCode(purpose, { browser: bound, code });
      const to = addressOf(owner);
      // another address since then: nobody has proven that one
      if (verified === undefined || to === undefined) return undefined;
      return canonicalLogin(verified.address) === canonicalLogin(to) ? find(owner, id) : undefined;
    },

    remove: (id) => artifacts.write([{ op: 'remove', kind, id }]),
  };
};

/** A code is good for one key of one person, in one browser. */
const boundTo = ({ sub }: AccountRecord, id: string, browser: string): string => `${sub} ${id} ${browser}`;

/** As it was written by `keep`. */
const readKey = (artifact: Artifact | undefined): ApiKeyRecord | undefined =>
  artifact === undefined ? undefined : (JSON.parse(artifact.payload) as ApiKeyRecord);
