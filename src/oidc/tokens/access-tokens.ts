// Tokens. This file decides whether an access token of ours is valid now, for the gateway and the own-account API:
//   access-token-jwt.ts     JWT access tokens: their claims, their signature, their session
//   jwt-handles.ts          JWTs at introspection, revocation and token exchange
//   refresh-rotation.ts     successors of refresh tokens, the grace, the lifetimes
//   certificate-binding.ts  tokens that are bound to the certificate of a client
//   sign-in-claims.ts       when and how the person of a token signed in
//   logout-tokens.ts        logout tokens for apps
//   tenant-keys.ts          the tenant's signing keys
import type { AdapterPayload } from 'oidc-provider';
import type { Accounts } from '../../accounts/account-types.ts';
import { isAdmittedByClient } from '../../accounts/client-admission.ts';
import { findActiveAccount } from '../../accounts/standing.ts';
import type { TenantDefinition } from '../../config/tenant/tenant-definition.ts';
import { hashId } from '../../crypto/ids.ts';
import { definedOnly } from '../../defined-only.ts';
import type { AccountRecord, Artifact, Loaded, TenantStorage } from '../../storage/storage.ts';
import { findClient } from '../provider/clients.ts';
import { readProvenBy } from '../provider/proven-by.ts';
import { limitedBy } from '../provider/role-limit.ts';
import {
  isTokenSessionAlive,
  linksOfJwt,
  looksLikeJwt,
  sessionOf,
  type TokenSession,
  type VerifyAccessTokenJwt,
} from './access-token-jwt.ts';
import { readSignIn, type TokenSignIn } from './sign-in-claims.ts';

/** An access token of ours that is valid now. */
export interface LiveAccessToken extends TokenSignIn {
  readonly clientId: string;
  readonly isThirdParty: boolean;
  /** With the roles that this token has. Absent: the client acts for itself. */
  readonly account?: AccountRecord;
  /** Ids of the sources at which the person signed in; absent for grants from before this was noted. */
  readonly provenBy?: readonly string[];
  readonly scopes: readonly string[];
  /** What the person has agreed to let the client know: a token for a resource has no such scopes, its grant has. */
  readonly identityScopes: readonly string[];
  /** Resources that the token is for; empty for a token for userinfo and the gateway. */
  readonly audiences: readonly string[];
  /** Epoch seconds. */
  readonly expiresAt: number;
  /**
   * Ids as revocation events name them: of its grant and its session, or of its client where that acts for itself. The
   * end of one of them ends it.
   */
  readonly revocationIds: readonly string[];
  /** Id of the Session artifact, where the token came from one. */
  readonly sessionId?: string;
  /** RFC 9449 or RFC 8705: see `isHeldBy`. */
  readonly isSenderConstrained: boolean;
  /** Of the certificate that it is bound to. */
  readonly certificateThumbprint?: string;
}

export interface AccessTokens {
  /**
   * A JWT is verified here, an opaque one is looked up; for both the grant, the session and the account must live, and
   * the source of the sign-in must be for the client. One trip at most. Undefined when it is not valid.
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

/** A token with its records in the store. */
interface Found {
  readonly payload: AdapterPayload;
  readonly session?: TokenSession;
  readonly loaded: Loaded;
}

/** Characters. Longer than any token of ours; longer texts are neither decoded nor hashed. */
const longestToken = 16 * 1024;
/** Opaque ones have 43 of these characters. */
const opaqueForm = /^[\w-]{32,128}$/;

export const createAccessTokens = (parts: AccessTokensParts): AccessTokens => {
  const { artifacts, definition } = parts;

  const findJwt = async (token: string): Promise<Found | undefined> => {
    const jwt = await parts.verifyJwt(token);
    if (jwt === undefined) return undefined;
    const loaded = await artifacts.load(linksOfJwt(jwt));
    return loaded.artifacts.some(({ kind }) => kind === 'RevokedToken') ? undefined : { ...jwt, loaded };
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
    const payload = JSON.parse(artifact.payload) as AdapterPayload; // written by toArtifact
    const session = sessionOf(payload);
    return { payload, loaded, ...definedOnly({ session }) };
  };

  /** The person of a token whose grant and session are alive and belong to this token. */
  const findPerson = async (found: Found): Promise<AccountRecord | undefined> => {
    const { accountId, extra, iat } = found.payload;
    if (!isGranted(found) || !isTokenSessionAlive(found, storedOf(found.loaded))) return undefined;
    const stored = found.loaded.linkedAccounts.find(({ sub }) => sub === accountId);
    return findActiveAccount(parts, stored, { signedInAt: readSignIn(extra).authTime ?? iat ?? 0 });
  };

  return {
    verify: async (token) => {
      if (token.length > longestToken) return undefined;
      const found = looksLikeJwt(token) ? await findJwt(token) : await findOpaque(token);
      if (found === undefined) return undefined;
      const { kind, clientId, grantId, exp } = found.payload;
      if (clientId === undefined || exp === undefined) return undefined;
      const client = findClient(definition, clientId);
      if (client === undefined) return undefined;
      const isThirdParty = !client.firstParty;
      const facts = { ...factsOf(found.payload), clientId, isThirdParty, expiresAt: exp };
      if (kind === 'ClientCredentials') return { ...facts, identityScopes: [], revocationIds: [clientId] };
      const person = await findPerson(found);
      if (person === undefined || grantId === undefined) return undefined;
      const grant = findGrant(found);
      const account = limitedBy(grant, person);
      const provenBy = readProvenBy(grant);
      if (!isAdmittedByClient(definition.sources, clientId, { account, provenBy })) return undefined;
      const session = found.session === undefined ? [] : [found.session.id];
      const identityScopes = facts.audiences.length === 0 ? facts.scopes : grantedScopes(found);
      return {
        ...facts,
        ...definedOnly({ provenBy, sessionId: found.session?.id }),
        identityScopes,
        account,
        revocationIds: [hashId(grantId), ...session],
      };
    },
  };
};

const factsOf = (payload: AdapterPayload) => ({
  scopes: scopesIn(payload.scope),
  audiences: payload.aud === undefined ? [] : [payload.aud].flat(),
  isSenderConstrained: payload.jkt !== undefined || payload['x5t#S256'] !== undefined,
  ...definedOnly({ certificateThumbprint: payload['x5t#S256'] }),
  ...readSignIn(payload.extra),
});

const storedOf = ({ artifacts, linkedArtifacts }: Loaded): readonly Artifact[] => [
  ...artifacts,
  ...linkedArtifacts,
];

const scopesIn = (text = ''): readonly string[] => text.split(' ').filter((scope) => scope !== '');

const findGrant = ({ payload: { grantId }, loaded }: Found): (AdapterPayload & GrantedScopes) | undefined => {
  if (grantId === undefined) return undefined;
  const grant = storedOf(loaded).find(({ kind, id }) => kind === 'Grant' && id === hashId(grantId));
  return grant === undefined ? undefined : (JSON.parse(grant.payload) as AdapterPayload & GrantedScopes); // written by toArtifact
};

const isGranted = (found: Found): boolean => {
  const { clientId, accountId } = found.payload;
  const granted = findGrant(found);
  return accountId !== undefined && granted?.clientId === clientId && granted?.accountId === accountId;
};

/** The scopes of a stored Grant, which the library does not type. */
interface GrantedScopes {
  readonly openid?: { readonly scope?: string };
  readonly rejected?: { readonly openid?: { readonly scope?: string } };
}

/** As the provider's own `Grant.getOIDCScope`. */
const grantedScopes = (found: Found): readonly string[] => {
  const { openid, rejected }: GrantedScopes = findGrant(found) ?? {};
  const refused = scopesIn(rejected?.openid?.scope);
  return scopesIn(openid?.scope).filter((scope) => !refused.includes(scope));
};
