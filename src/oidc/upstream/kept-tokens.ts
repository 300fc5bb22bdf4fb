import { type Clock, epochSeconds } from '../../clock.ts';
import type { UpstreamTokens } from '../../connectors/connector.ts';
import { hashId } from '../../crypto/ids.ts';
import { openSealed, seal } from '../../crypto/sealed-box.ts';
import type { Artifact, Artifacts } from '../../storage/storage.ts';

/** Whose tokens, and of which source. */
export interface Holder {
  readonly sub: string;
  readonly source: string;
}

/** What is stored of one person and one source. */
export type StoredTokens =
  | (UpstreamTokens & {
      /** The sign-in that `refreshToken` belongs to. */
      readonly signIn?: string;
      /** Those of earlier sign-ins, the latest first: the sign-in of one browser may end before another's. */
      readonly earlier?: readonly RefreshToken[];
      /** Epoch seconds, of tokens of which the upstream does not say how long they live. */
      readonly receivedAt?: number;
    })
  /** The upstream refreshed none of them, and the person has not signed in since. */
  | { readonly isRefused: true };

export interface RefreshToken {
  readonly token: string;
  /** `signInOf` the first token, which stays when the upstream replaces the token. */
  readonly signIn: string;
}

/** Names a sign-in by the refresh token that the upstream gave there. */
export const signInOf = (refreshToken: string): string => hashId(refreshToken);

export interface Kept {
  readonly stored: StoredTokens;
  /** Changes with each renewal and each sign-in. */
  readonly generation: string;
}

/** The records of the upstream's tokens, sealed. All throw AppError `unavailable`. */
export interface KeptTokens {
  load(holder: Holder): Promise<Kept | undefined>;
  write(holder: Holder, stored: StoredTokens): Promise<Kept>;
  remove(holder: Holder): Promise<void>;
  /** What is stored, and whether another request is renewing the tokens of that generation. */
  look(holder: Holder, seen: Kept): Promise<{ readonly kept?: Kept; readonly isLeased: boolean }>;
  /** False while another request renews the tokens of that generation. */
  lease(holder: Holder, seen: Kept): Promise<boolean>;
  release(holder: Holder, seen: Kept): Promise<void>;
}

export interface KeptTokensParts {
  readonly tenant: string;
  readonly artifacts: Pick<Artifacts, 'load' | 'write' | 'tryInsert'>;
  /** 32 bytes, derived from the master key. */
  readonly sealingKey: Buffer;
  /** Seconds for which tokens that can be renewed are kept. */
  readonly keptSeconds: number;
  readonly clock: Clock;
}

/** Lifetime of tokens without `expires_in` that cannot be renewed. */
const unknownLifeSeconds = 3600;
/** Longer than a renewal can take. */
const leaseSeconds = 45;

export const createKeptTokens = (parts: KeptTokensParts): KeptTokens => {
  const { artifacts, clock, sealingKey } = parts;
  const idOf = ({ sub, source }: Holder): string => hashId(JSON.stringify([sub, source]));
  const bindingOf = ({ sub, source }: Holder): string =>
    `upstream tokens ${JSON.stringify([parts.tenant, sub, source])}`;
  const leaseId = ({ sub, source }: Holder, { generation }: Kept): string =>
    hashId(JSON.stringify([sub, source, generation]));

  const open = (holder: Holder, { payload }: Artifact): Kept => ({
    stored: JSON.parse(openSealed(sealingKey, payload, bindingOf(holder)).toString('utf8')) as StoredTokens, // sealed by write
    generation: hashId(payload),
  });

  const expiryOf = (stored: StoredTokens): number => {
    const now = epochSeconds(clock);
    return 'isRefused' in stored || refreshTokensOf(stored).length > 0
      ? now + parts.keptSeconds
      : (stored.expiresAt ?? now + unknownLifeSeconds);
  };

  return {
    load: async (holder) => {
      const [artifact] = (await artifacts.load([{ kind: 'UpstreamTokens', id: idOf(holder) }])).artifacts;
      return artifact === undefined ? undefined : open(holder, artifact);
    },
    write: async (holder, stored) => {
      const artifact: Artifact = {
        kind: 'UpstreamTokens',
        id: idOf(holder),
        payload: seal(sealingKey, Buffer.from(JSON.stringify(stored)), bindingOf(holder)),
        expiresAt: expiryOf(stored),
      };
      await artifacts.write([{ op: 'put', artifact }]);
      return { stored, generation: hashId(artifact.payload) };
    },
    remove: (holder) => artifacts.write([{ op: 'remove', kind: 'UpstreamTokens', id: idOf(holder) }]),
    look: async (holder, seen) => {
      const found = await artifacts.load([
        { kind: 'UpstreamTokens', id: idOf(holder) },
        { kind: 'UpstreamLease', id: leaseId(holder, seen) },
      ]);
      const artifact = found.artifacts.find(({ kind }) => kind === 'UpstreamTokens');
      return {
        ...(artifact === undefined ? {} : { kept: open(holder, artifact) }),
        isLeased: found.artifacts.some(({ kind }) => kind === 'UpstreamLease'),
      };
    },
    lease: (holder, seen) =>
      artifacts.tryInsert({
        kind: 'UpstreamLease',
        id: leaseId(holder, seen),
        payload: '',
        expiresAt: epochSeconds(clock) + leaseSeconds,
      }),
    release: (holder, seen) =>
      artifacts.write([
        {
          op: 'put',
          // over since long, so that the next one need not wait
          artifact: { kind: 'UpstreamLease', id: leaseId(holder, seen), payload: '', expiresAt: 1 },
        },
      ]),
  };
};

/** In the order in which they are tried. */
export const refreshTokensOf = (stored: StoredTokens): readonly RefreshToken[] => {
  if ('isRefused' in stored) return [];
  const { refreshToken: token, signIn, earlier = [] } = stored;
  if (token === undefined) return earlier;
  const latest = { token, signIn: signIn ?? signInOf(token) };
  return [latest, ...earlier.filter((one) => one.token !== token)];
};
