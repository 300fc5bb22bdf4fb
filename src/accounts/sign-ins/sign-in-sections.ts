// How each kind of sign-in is read: one page of one person, by index.
import type { Clock } from '../../clock.ts';
import { definedOnly } from '../../defined-only.ts';
import type { Artifact, SignInPlace, TenantStorage } from '../../storage/storage.ts';
import type { ApiKeyRecord, ApiKeyRecords } from '../../storage/storage-api-keys.ts';
import { keyName } from '../api-keys/public-key.ts';
import type { Device, Devices } from '../devices.ts';
import { mayHoldTokensSince } from '../standing.ts';
import type { PersonSession, SessionPages } from './session-pages.ts';
import type { SignInEntry, SignInKind } from './sign-in-entry.ts';

/** What a stored refresh token says. */
export interface RefreshTokenFacts {
  readonly clientId: string;
  /** Epoch seconds; absent until it was used. */
  readonly lastUsedAt?: number;
}

export interface Section {
  /** May be fewer than were asked for although there are more: what is no longer good is left out. */
  readonly entries: readonly SignInEntry[];
  /** Of the last one that was looked at. */
  readonly last?: SignInPlace;
  readonly hasMore: boolean;
}

export interface SectionPage {
  readonly after?: SignInPlace;
  /** Zero: only whether there are some. */
  readonly limit: number;
}

/** @throws AppError `unavailable` */
export type ReadSection = (sub: string, page: SectionPage) => Promise<Section>;

export interface SignInSectionsParts {
  readonly storage: Pick<TenantStorage, 'artifacts'>;
  readonly pages: SessionPages;
  readonly devices: Pick<Devices, 'list'>;
  readonly keys: Pick<ApiKeyRecords, 'list'>;
  readonly refreshTokenFactsOf: (token: Artifact) => RefreshTokenFacts;
  readonly clock: Clock;
}

export const createSignInSections = (
  parts: SignInSectionsParts,
): Readonly<Record<SignInKind, ReadSection>> => {
  const { pages, devices, keys, refreshTokenFactsOf, clock } = parts;
  const { artifacts } = parts.storage;

  const refreshTokens = async (sub: string, found: readonly Artifact[]): Promise<readonly SignInEntry[]> => {
    const grantIds = new Set(found.flatMap(({ grantId = [] }) => grantId));
    if (grantIds.size === 0) return [];
    const loaded = await artifacts.load([...grantIds].map((id) => ({ kind: 'Grant', id })));
    const account = loaded.linkedAccounts.find((one) => one.sub === sub);
    // a token that was refreshed while its grant ended is left alone, and of no use
    const granted = new Set(loaded.artifacts.map(({ id }) => id));
    const entries = new Map<string, SignInEntry>();
    for (const token of found) {
      const { grantId = '', signedInAt = 0, expiresAt } = token;
      // of several of one grant, which end together, the latest sign-in comes first
      if (entries.has(grantId) || !granted.has(grantId) || !mayHoldTokensSince(account, signedInAt)) continue;
      const { clientId, ...use } = refreshTokenFactsOf(token);
      entries.set(grantId, {
        ...{ kind: 'refresh_token', id: grantId, revocationId: grantId, clients: [clientId], services: [] },
        ...{ signedInAt, expiresAt, ...use },
      });
    }
    return [...entries.values()];
  };

  return {
    session: (sub, page) =>
      section(page, {
        read: (asked) => pages.atProvider(sub, asked),
        placeOf: placeOfSession,
        toEntries: (found) => found.map((session) => sessionEntry('session', session)),
      }),
    gateway_session: (sub, page) =>
      section(page, {
        read: (asked) => pages.atServices(sub, asked),
        placeOf: placeOfSession,
        toEntries: (found) => found.map((session) => sessionEntry('gateway_session', session)),
      }),
    refresh_token: (sub, page) =>
      section(page, {
        read: (asked) => artifacts.signInsOf(sub, { ...asked, kind: 'RefreshToken' }),
        placeOf: ({ signedInAt = 0, grantId = '' }) => ({ signedInAt, id: grantId }),
        toEntries: (found) => refreshTokens(sub, found),
      }),
    device: (sub, page) =>
      section(page, {
        read: (asked) => devices.list({ sub, ...byId(asked) }),
        placeOf: placeById,
        toEntries: (found) => found.filter(({ isSignedIn }) => isSignedIn).map(deviceEntry),
      }),
    api_key: (sub, page) =>
      section(page, {
        read: (asked) => keys.list({ sub, ...byId(asked) }),
        placeOf: placeById,
        toEntries: (found) => {
          const nowMs = clock.now();
          return found.filter(({ expiresAt = nowMs + 1 }) => expiresAt > nowMs).map(keyEntry);
        },
      }),
  };
};

interface SectionOf<Row> {
  readonly read: (page: SectionPage) => Promise<readonly Row[]>;
  readonly placeOf: (row: Row) => SignInPlace;
  readonly toEntries: (rows: readonly Row[]) => readonly SignInEntry[] | Promise<readonly SignInEntry[]>;
}

/** One more than asked for is read, and says that there are more. */
const section = async <Row>(
  { after, limit }: SectionPage,
  { read, placeOf, toEntries }: SectionOf<Row>,
): Promise<Section> => {
  const rows = await read({ ...definedOnly({ after }), limit: limit + 1 });
  const taken = rows.slice(0, limit);
  const last = taken.at(-1);
  return {
    entries: await toEntries(taken),
    hasMore: rows.length > limit,
    ...(last === undefined ? {} : { last: placeOf(last) }),
  };
};

const placeOfSession = ({ signedInAt = 0, id }: PersonSession): SignInPlace => ({ signedInAt, id });

/** Devices and keys are listed by id alone. */
const placeById = ({ id }: { readonly id: string }): SignInPlace => ({ signedInAt: 0, id });

const byId = ({ after, limit }: SectionPage) => ({ limit, ...definedOnly({ afterId: after?.id }) });

const sessionEntry = (kind: SignInKind, { id, ...session }: PersonSession): SignInEntry => ({
  ...{ kind, id, revocationId: id },
  ...session,
});

const deviceEntry = (device: Device): SignInEntry => ({
  ...{
    kind: 'device',
    id: device.id,
    revocationId: device.grantId,
    clients: [device.clientId],
    services: [],
  },
  ...definedOnly({ name: device.name ?? device.model }),
  signedInAt: toSeconds(device.createdAt),
  lastUsedAt: toSeconds(device.lastSeenAt),
  expiresAt: toSeconds(device.expiresAt),
});

const keyEntry = (key: ApiKeyRecord): SignInEntry => ({
  ...{ kind: 'api_key', id: key.id, revocationId: key.id, clients: [], services: [], name: keyName(key) },
  signedInAt: toSeconds(key.createdAt),
  ...(key.lastUsedAt === undefined ? {} : { lastUsedAt: toSeconds(key.lastUsedAt) }),
  ...(key.expiresAt === undefined ? {} : { expiresAt: toSeconds(key.expiresAt) }),
});

const toSeconds = (epochMs: number): number => Math.floor(epochMs / 1000);
