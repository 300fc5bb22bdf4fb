// All that is kept of a person, as one JSON file for that person. Names as in the API, times in epoch seconds.
import type { PersonAudit } from '../audit/person-audit.ts';
import type { Clock } from '../clock.ts';
import { definedOnly } from '../defined-only.ts';
import type { AccountRecord } from '../storage/storage.ts';
import type { ApiKeyRecord, ApiKeyRecords } from '../storage/storage-api-keys.ts';
import type { StoredMails } from '../storage/storage-mails.ts';
import { publicKey } from './api-keys/public-key.ts';
import type { Devices } from './devices.ts';
import { factorFacts, recoveryCodesLeft } from './factors/factor-facts.ts';
import type { PersonApps } from './person-apps.ts';
import type { PersonSessions } from './person-sessions.ts';
import type { Pictures } from './pictures.ts';

/** @throws AppError `unavailable` */
export type ExportPerson = (account: AccountRecord) => Promise<PersonExport>;

type Facts = Readonly<Record<string, unknown>>;

export interface PersonExport {
  readonly exported_at: number;
  /** Without secrets and hashes. */
  readonly account: Facts;
  readonly sessions: readonly Facts[];
  readonly apps: readonly Facts[];
  readonly devices: readonly Facts[];
  /** Those of an operator too. Neither secrets nor their hashes. */
  readonly keys: readonly Facts[];
  /** Newest first; the newest thousand. Neither text, code nor link. */
  readonly mails: readonly Facts[];
  /** Newest first; the newest ten thousand. */
  readonly audit: readonly Facts[];
}

export interface PersonExportParts {
  readonly sessions: Pick<PersonSessions, 'list'>;
  readonly apps: Pick<PersonApps, 'list'>;
  readonly devices: Pick<Devices, 'list'>;
  readonly personAudit: PersonAudit;
  readonly pictures: Pick<Pictures, 'find'>;
  readonly keys: Pick<ApiKeyRecords, 'list'>;
  readonly mails: Pick<StoredMails, 'ofAccount'>;
  readonly clock: Clock;
}

const pageSize = 500;
const mostEntries = 10_000;
const mostMails = 1000;

export const createPersonExport =
  (parts: PersonExportParts): ExportPerson =>
  async (account) => {
    const { sub } = account;
    const [sessions, apps, devices, keys, audit, mails, picture] = await Promise.all([
      parts.sessions.list(sub),
      parts.apps.list(sub),
      inPages((afterId) => parts.devices.list({ sub, limit: pageSize, ...definedOnly({ afterId }) })),
      inPages((afterId) => parts.keys.list({ sub, limit: pageSize, ...definedOnly({ afterId }) })),
      inPages((beforeId) => parts.personAudit.list({ sub, limit: pageSize, ...definedOnly({ beforeId }) })),
      parts.mails.ofAccount(sub, mostMails),
      account.pictureId === undefined ? undefined : parts.pictures.find(sub, account.pictureId),
    ]);
    return {
      exported_at: toSeconds(parts.clock.now()),
      account: {
        ...accountFacts(account),
        ...(picture === undefined ? {} : { picture: `data:image/jpeg;base64,${picture.toString('base64')}` }),
      },
      sessions: sessions.map(({ id, signedInAt, expiresAt, clients, services, origin }) => ({
        id,
        ...definedOnly({ signed_in_at: signedInAt }),
        expires_at: expiresAt,
        client_ids: clients,
        services,
        ...definedOnly({ address: origin?.address, user_agent: origin?.userAgent }),
      })),
      apps: apps.map(({ clientId, scopes, resources, grantedAt, expiresAt }) => ({
        client_id: clientId,
        ...{ scopes, resources, granted_at: grantedAt, expires_at: expiresAt },
      })),
      devices: devices.map(({ id, clientId, name, model, serial, createdAt, lastSeenAt }) => ({
        id,
        client_id: clientId,
        ...definedOnly({ name, model, serial }),
        created_at: toSeconds(createdAt),
        last_seen_at: toSeconds(lastSeenAt),
      })),
      keys: keys.map(keyFacts),
      mails: mails.map(({ purpose, address, state, createdAt, lastAttemptAt }) => ({
        ...{ purpose, address, state, created_at: toSeconds(createdAt) },
        ...(lastAttemptAt === undefined ? {} : { last_attempt_at: toSeconds(lastAttemptAt) }),
      })),
      audit: audit.map(({ at, clientId, ...entry }) => ({
        ...entry,
        at: toSeconds(at),
        ...definedOnly({ client_id: clientId }),
      })),
    };
  };

const keyFacts = (key: ApiKeyRecord): Facts => {
  const {
    id,
    createdAt,
    expiresAt,
    lastUsedAt,
    lastUsedFrom,
    isOwn = false,
    secrets,
    ...rest
  } = publicKey(key);
  const { note, roles, scopes, services, resources, networks } = rest;
  return {
    ...{ id, own: isOwn, public_ids: secrets.map(({ publicId }) => publicId) },
    ...definedOnly({ note, roles, scopes, services, resources, networks, last_used_from: lastUsedFrom }),
    created_at: toSeconds(createdAt),
    ...(expiresAt === undefined ? {} : { expires_at: toSeconds(expiresAt) }),
    ...(lastUsedAt === undefined ? {} : { last_used_at: toSeconds(lastUsedAt) }),
  };
};

const toSeconds = (epochMs: number): number => Math.floor(epochMs / 1000);

/** A member that is not named here is not in the file: a new one may be a secret. */
const accountFacts = (account: AccountRecord): Facts => ({
  sub: account.sub,
  username: account.username,
  logins: account.logins,
  ...definedOnly({ email: account.email, email_verified: account.emailVerified }),
  ...(account.formerEmails === undefined
    ? {}
    : {
        former_emails: account.formerEmails.map(({ email, until }) => ({ email, until: toSeconds(until) })),
      }),
  claims: account.claims,
  ...definedOnly({ chosen_locale: account.chosenLocale }),
  groups: account.groups,
  roles: account.roles,
  has_password: account.passwordHash !== undefined,
  identities: (account.identities ?? []).map(({ source, issuer, subject, linkedAt, checkedAt, goneAt }) => ({
    source,
    ...definedOnly({ issuer }),
    subject,
    linked_at: toSeconds(linkedAt),
    checked_at: toSeconds(checkedAt),
    ...(goneAt === undefined ? {} : { gone_at: toSeconds(goneAt) }),
  })),
  factors: factorFacts(account).map(({ type, name, createdAt, lastUsedAt }) => ({
    type,
    name,
    created_at: toSeconds(createdAt),
    ...(lastUsedAt === undefined ? {} : { last_used_at: toSeconds(lastUsedAt) }),
  })),
  recovery_codes_left: recoveryCodesLeft(account),
  created_at: toSeconds(account.createdAt),
  updated_at: toSeconds(account.updatedAt),
});

const inPages = async <Item extends { readonly id: string }>(
  read: (cursor: string | undefined) => Promise<readonly Item[]>,
): Promise<readonly Item[]> => {
  const found: Item[] = [];
  let page = await read(undefined);
  found.push(...page);
  while (page.length === pageSize && found.length < mostEntries) {
    page = await read(page.at(-1)?.id);
    found.push(...page);
  }
  return found;
};
