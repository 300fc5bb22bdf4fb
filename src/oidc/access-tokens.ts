import type { AdapterPayload } from 'oidc-provider';
import type { Accounts } from '../accounts/accounts.ts';
import { isSessionCurrent } from '../accounts/standing.ts';
import { findStanding } from '../accounts/standing-now.ts';
import type { TenantDefinition } from '../config/tenant-definition.ts';
import { hashId } from '../crypto/ids.ts';
import type { AccountRecord, Artifact, ArtifactRef, Loaded, TenantStorage } from '../storage/storage.ts';
import { looksLikeJwt, type VerifyAccessTokenJwt } from './access-token-jwt.ts';
import { authorizationsOf } from './artifact-payload.ts';
import { findClient } from './clients.ts';

/** An access token of ours that is good now. */
export interface LiveAccessToken {
  readonly clientId: string;
  /** Absent: the client acts for itself. */
  readonly account?: AccountRecord;
  readonly scopes: readonly string[];
  /** Resources that it is for; empty for one that is good for userinfo and the gateway. */
  readonly audiences: readonly string[];
  /** Epoch seconds. */
  readonly expiresAt: number;
  /** Epoch seconds of the sign-in. */
  readonly authTime?: number;
  readonly acr?: string;
  readonly amr: readonly string[];
  /**
   * Ids of revocation events with which it ends: its grant, its session if it is known, or its client where that
   * acts for itself; and its own. A JWT does not know its session: what ends with that, the event's `sub` says.
   */
  readonly endsWith: readonly string[];
  /** RFC 9449 or RFC 8705: good only together with a proof that the gateway does not see. */
  readonly isSenderConstrained: boolean;
}

export interface AccessTokens {
  /**
   * A JWT is verified here, an opaque one is looked up; for both the grant, the session and the account must live
   * (security.md 4.8). One trip at most. Undefined when it is not good.
   * @throws AppError `unavailable`
   */
  verify(token: string): Promise<LiveAccessToken | undefined>;
}

export interface AccessTokensParts {
  readonly definition: TenantDefinition;
  readonly artifacts: Pick<TenantStorage['artifacts'], 'load'>;
  readonly verifyJwt: VerifyAccessTokenJwt;
  readonly recheck: Accounts['recheck'];
}

/** A token and what the store knows about it. */
interface Found {
  /** Where the token itself, or its revocation, is kept. */
  readonly id: string;
  readonly payload: AdapterPayload;
  readonly loaded: Loaded;
}

/** Longer than any of ours; nobody makes us decode or hash more. Characters. */
const longestToken = 16 * 1024;
/** Opaque ones have 43 of these characters. */
const opaqueForm = /^[\w-]{32,128}$/;

export const createAccessTokens = (parts: AccessTokensParts): AccessTokens => {
  const { artifacts, definition } = parts;

  const findJwt = async (token: string): Promise<Found | undefined> => {
    const jwt = await parts.verifyJwt(token);
    if (jwt === undefined) return undefined;
    const { payload, revocationId: id } = jwt;
    const refs: ArtifactRef[] = [{ kind: 'RevokedToken', id }];
    if (payload.grantId !== undefined) refs.push({ kind: 'Grant', id: hashId(payload.grantId) });
    const loaded = await artifacts.load(refs);
    return loaded.artifacts.some(({ kind }) => kind === 'RevokedToken') ? undefined : { id, payload, loaded };
  };
  const findOpaque = async (token: string): Promise<Found | undefined> => {
    if (!opaqueForm.test(token)) return undefined;
    const id = hashId(token);
    const loaded = await artifacts.load([
      { kind: 'AccessToken', id },
      { kind: 'ClientCredentials', id },
    ]);
    const [artifact] = loaded.artifacts;
    if (artifact === undefined) return undefined;
    return { id, payload: JSON.parse(artifact.payload) as AdapterPayload, loaded }; // written by toArtifact
  };

  /** The person of a token whose grant and session live and are of this very token. */
  const findPerson = async ({ payload, loaded }: Found): Promise<AccountRecord | undefined> => {
    const { accountId, extra, iat } = payload;
    if (!isGranted(payload, loaded) || !isSessionAlive(payload, loaded)) return undefined;
    const stored = loaded.linkedAccounts.find(({ sub }) => sub === accountId);
    const account = await findStanding(parts, stored);
    const provenAt = signInOf(extra).authTime ?? iat ?? 0;
    return account !== undefined && isSessionCurrent(account, provenAt) ? account : undefined;
  };

  return {
    verify: async (token) => {
      if (token.length > longestToken) return undefined;
      const found = looksLikeJwt(token) ? await findJwt(token) : await findOpaque(token);
      if (found === undefined) return undefined;
      const { id, payload } = found;
      const { kind, clientId, exp } = payload;
      if (clientId === undefined || exp === undefined) return undefined;
      if (findClient(definition, clientId) === undefined) return undefined;
      if (kind === 'ClientCredentials')
        return { ...factsOf(payload, exp), clientId, endsWith: [clientId, id] };
      const account = await findPerson(found);
      if (account === undefined) return undefined;
      return { ...factsOf(payload, exp), clientId, account, endsWith: [...linksOf(payload), id] };
    },
  };
};

const linksOf = ({ grantId, sessionUid }: AdapterPayload): readonly string[] =>
  [grantId, sessionUid].flatMap((id) => (id === undefined ? [] : [hashId(id)]));

const factsOf = (payload: AdapterPayload, expiresAt: number) => ({
  scopes: (payload.scope ?? '').split(' ').filter((scope) => scope !== ''),
  audiences: payload.aud === undefined ? [] : [payload.aud].flat(),
  expiresAt,
  isSenderConstrained: payload.jkt !== undefined || payload['x5t#S256'] !== undefined,
  ...signInOf(payload.extra),
});

/** RFC 9068 section 2.2.1: how the person signed in, where the token was told. */
const signInOf = (extra: unknown): Pick<LiveAccessToken, 'authTime' | 'acr' | 'amr'> => {
  const { auth_time, acr, amr } = (extra ?? {}) as { auth_time?: number; acr?: string; amr?: string[] }; // ours
  return {
    amr: amr ?? [],
    ...(auth_time === undefined ? {} : { authTime: auth_time }),
    ...(acr === undefined ? {} : { acr }),
  };
};

const artifactOf = (loaded: Loaded, kind: Artifact['kind'], id: string): Artifact | undefined =>
  [...loaded.artifacts, ...loaded.linkedArtifacts].find((each) => each.kind === kind && each.id === id);

const isGranted = ({ grantId, clientId, accountId }: AdapterPayload, loaded: Loaded): boolean => {
  const grant = grantId === undefined ? undefined : artifactOf(loaded, 'Grant', hashId(grantId));
  if (grant === undefined || accountId === undefined) return false;
  const granted = JSON.parse(grant.payload) as AdapterPayload; // written by toArtifact
  return granted.clientId === clientId && granted.accountId === accountId;
};

/** What ends with its session needs it to be alive, and to have this grant for this app still. */
const isSessionAlive = (payload: AdapterPayload, loaded: Loaded): boolean => {
  const { expiresWithSession, sessionUid, accountId, clientId, grantId } = payload;
  if (expiresWithSession !== true) return true;
  if (sessionUid === undefined || grantId === undefined) return false;
  const session = artifactOf(loaded, 'Session', hashId(sessionUid));
  if (session === undefined || session.accountId !== accountId) return false;
  return authorizationsOf(session).some(
    (app) => app.clientId === clientId && app.grantId === hashId(grantId),
  );
};
