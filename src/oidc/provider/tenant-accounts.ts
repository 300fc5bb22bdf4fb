import type { Account, KoaContextWithOIDC } from 'oidc-provider';
import type { Accounts } from '../../accounts/account-types.ts';
import { claimsOf } from '../../accounts/claims.ts';
import { isAdmittedByClient } from '../../accounts/client-admission.ts';
import type { Factors } from '../../accounts/factors/factors.ts';
import { pictureUrl } from '../../accounts/pictures.ts';
import { type ActiveAccountOptions, findActiveAccount } from '../../accounts/standing.ts';
import type { TenantDefinition } from '../../config/tenant/tenant-definition.ts';
import { definedOnly } from '../../defined-only.ts';
import { matchingNames } from '../../protocol/name-pattern.ts';
import type { AccountRecord } from '../../storage/storage.ts';
import type { RequestScope } from '../adapter/request-scope.ts';
import { readSignIn, signInClaims } from '../tokens/sign-in-claims.ts';
import { asProtocolErrors } from './errors.ts';
import { readProvenBy } from './proven-by.ts';
import { limitedBy } from './role-limit.ts';

/** The tenant's people in the form that the provider expects. */
export interface TenantAccounts {
  /**
   * The one check "may this subject receive or use tokens now?": asked by the provider on every grant, at refresh
   * and userinfo, and by our introspection policy. Undefined means no.
   */
  find(ctx: KoaContextWithOIDC, sub: string, token?: object): Promise<Account | undefined>;
  /**
   * The account, if it may hold tokens.
   * @param signedInAt epoch seconds; of the session in question
   */
  findActive(ctx: KoaContextWithOIDC, sub: string, signedInAt?: number): Promise<AccountRecord | undefined>;
  /** What a sign-in still needs. */
  readonly factorDemandOf: Factors['demandOf'];
  /**
   * How the person signed in, for their access tokens; for those of a resource groups and roles too, when their scopes
   * were granted.
   * @param ctx absent for a token of no request to the provider
   */
  tokenClaims(
    ctx: KoaContextWithOIDC | undefined,
    token: object,
  ): Promise<Record<string, unknown> | undefined>;
}

/**
 * The time of the sign-in, in epoch seconds: tokens from before a password change are invalid. An access token has it
 * beside its claims. Its `iat` is cut to the second, and may be less than the `notBefore` of a change just before it.
 */
const provenAt = (token: object | undefined): number | undefined => {
  const { authTime, extra, iat } = (token ?? {}) as { authTime?: number; extra?: unknown; iat?: number }; // tokens differ in what they carry
  return authTime ?? readSignIn(extra).authTime ?? iat;
};

export interface TenantAccountsParts {
  readonly issuer: string;
  readonly recheck: Accounts['recheck'];
  readonly displayEmail: Accounts['displayEmail'];
  readonly factorDemandOf: Factors['demandOf'];
  readonly scopeOf: () => RequestScope;
  readonly definition: Pick<TenantDefinition, 'demo' | 'resources' | 'sources'>;
  /** Claims of the tenant's own, see `furtherClaims`. */
  readonly furtherClaims: readonly string[];
}

/** A refresh token may be old: the person's source is asked at each use whether the person may still sign in. */
const isRefresh = (ctx: KoaContextWithOIDC, token: object | undefined): boolean =>
  ctx.oidc.route === 'token' && (token as { kind?: string } | undefined)?.kind === 'RefreshToken';

const clientRoutes = new Set(['token', 'userinfo', 'introspection']);

/** A code or token is valid only while the person's source allows its client. */
const isForItsClient = (
  { sources }: Pick<TenantDefinition, 'sources'>,
  ctx: KoaContextWithOIDC,
  { account, token }: { readonly account: AccountRecord; readonly token: object | undefined },
): boolean => {
  const { route, client, entities } = ctx.oidc;
  if (!clientRoutes.has(route) || token === undefined) return true;
  // who introspects a token is not who uses it
  const { clientId } = route === 'introspection' ? (token as { clientId?: string }) : (client ?? {}); // any model of a token has it
  return isAdmittedByClient(sources, clientId, { account, provenBy: readProvenBy(entities.Grant) });
};

/** Some of a person's groups, or none, where the resource says so. */
const groupsFor = (
  { resources }: Pick<TenantDefinition, 'resources'>,
  audience: string,
  { groups }: AccountRecord,
): { readonly groups?: readonly string[] } => {
  const { groups: choice } = resources.find(({ identifier }) => identifier === audience) ?? {};
  if (choice === 'none') return {};
  return { groups: choice === undefined ? groups : matchingNames(groups, choice) };
};

export const createTenantAccounts = (parts: TenantAccountsParts): TenantAccounts => {
  const { scopeOf, recheck, definition } = parts;
  const checked = new WeakMap<RequestScope, Map<string, Promise<AccountRecord>>>();

  /** Once in a request is enough. */
  const recheckOnce = (account: AccountRecord, when: 'due' | 'always'): Promise<AccountRecord> => {
    const scope = scopeOf();
    const known = checked.get(scope) ?? new Map<string, Promise<AccountRecord>>();
    checked.set(scope, known);
    const { sub } = account;
    const result = known.get(`always ${sub}`) ?? known.get(`${when} ${sub}`) ?? recheck(account, when);
    known.set(`${when} ${sub}`, result);
    return result;
  };

  const current = async (sub: string, options: ActiveAccountOptions): Promise<AccountRecord | undefined> =>
    findActiveAccount({ definition, recheck: recheckOnce }, await scopeOf().account(sub), options);

  const findActive: TenantAccounts['findActive'] = (_ctx, sub, signedInAt) =>
    asProtocolErrors(() => current(sub, { signedInAt }));

  /** Verified once is not believed for ever: another account may have the address by now. */
  const withBelievedEmail = async (
    account: AccountRecord,
    scopes: ReadonlySet<string>,
  ): Promise<AccountRecord> => {
    if (!scopes.has('email') || account.origin !== 'source' || account.email === undefined) return account;
    const { email: _, ...rest } = account;
    return { ...rest, ...definedOnly({ email: await asProtocolErrors(() => parts.displayEmail(account)) }) };
  };

  return {
    findActive,
    factorDemandOf: parts.factorDemandOf,
    find: async (ctx, sub, token) => {
      const when = isRefresh(ctx, token) ? 'always' : 'due';
      const found = await asProtocolErrors(() => current(sub, { when, signedInAt: provenAt(token) }));
      if (found === undefined || !isForItsClient(definition, ctx, { account: found, token }))
        return undefined;
      const account = limitedBy(ctx.oidc.entities.Grant, found);
      return {
        accountId: account.sub,
        claims: async (_use, scope) => {
          const scopes = new Set(scope.split(' '));
          const picture = scopes.has('profile') ? pictureUrl(parts.issuer, account) : undefined;
          return {
            ...claimsOf(await withBelievedEmail(account, scopes), scopes, parts.furtherClaims),
            ...definedOnly({ picture }),
            sub: account.sub,
          };
        },
      };
    },
    tokenClaims: async (ctx, token) => {
      const { aud, accountId, clientId } = token as { aud?: string; accountId?: string; clientId?: string }; // client credentials have no account
      // required at introspection by RFC 7662 section 2.2 and RFC 9068 section 2.2
      if (accountId === undefined) return { sub: clientId };
      const signIn = signInClaims(ctx, token);
      const granted = new Set(ctx?.oidc.grant?.getOIDCScope().split(' '));
      if (ctx === undefined || aud === undefined || !(granted.has('groups') || granted.has('roles')))
        return signIn;
      const found = await findActive(ctx, accountId);
      if (found === undefined) return signIn;
      const account = limitedBy(ctx.oidc.grant, found);
      return {
        ...signIn,
        ...(granted.has('groups') ? groupsFor(parts.definition, aud, account) : {}),
        ...(granted.has('roles') ? { roles: account.roles } : {}),
      };
    },
  };
};
