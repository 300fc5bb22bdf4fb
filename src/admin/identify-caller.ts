import type { Context } from 'koa';
import { faultOfKeyAtApi } from '../accounts/api-keys/key-at-api.ts';
import { grantedBy } from '../accounts/api-keys/key-limits.ts';
import { isMultiFactor, mfaAcr } from '../accounts/factors/factor-demand.ts';
import { readCredential } from '../accounts/presented-credential.ts';
import type { Clock } from '../clock.ts';
import type { ServerSettings } from '../config/server/server-settings.ts';
import { type ApiKeyParts, readApiKey } from '../crypto/api-key.ts';
import { noteOfRequest } from '../current-request.ts';
import { definedOnly } from '../defined-only.ts';
import { findClient, mayHaveScope } from '../oidc/provider/clients.ts';
import { isHeldBy } from '../oidc/tokens/certificate-binding.ts';
import { adminScope } from '../protocol/scopes.ts';
import type { AccountRecord } from '../storage/storage.ts';
import type { Tenant } from '../tenants/tenant.ts';
import type { BearerRefusal } from '../web/bearer.ts';
import { requestFacts } from '../web/request-facts.ts';
import type { Grantee } from './permissions.ts';

/** Somebody whose credential is right, whatever they may do. */
export interface Caller {
  /** Id of the tenant at which they have their account. */
  readonly home: string;
  readonly account: AccountRecord;
  readonly grantee: Grantee;
}

/** Why the credential is not enough; without `error` there is none. */
export type CallerRefusal = Pick<BearerRefusal, 'error' | 'acr' | 'maxAge' | 'description'>;

export type Identified =
  | { readonly ok: true; readonly caller: Caller }
  | { readonly ok: false; readonly refusal: CallerRefusal };

export interface IdentifyParts {
  /** Tenants at which the caller may have an account, in this order. */
  readonly homes: readonly Tenant[];
  readonly settings: Pick<ServerSettings['administration'], 'secondFactor' | 'maxAgeSeconds'>;
  readonly clock: Clock;
}

const refuse = (refusal: CallerRefusal): Identified => ({ ok: false, refusal });
const invalid = (description: string): Identified => refuse({ error: 'invalid_token', description });

/**
 * The caller by the credential in the headers, in all forms that the gateway takes. One in the URL is never read: URLs are in
 * logs.
 * @throws AppError `unavailable`
 */
export const identifyCaller = async (parts: IdentifyParts, ctx: Context): Promise<Identified> => {
  const credential = readCredential(ctx.req.headers);
  switch (credential.kind) {
    case 'none':
      return refuse({ description: 'An access token or an API key is expected' });
    case 'basic':
      return invalid('A password is not accepted here: send an access token or an API key');
    case 'malformed':
      return invalid(credential.description);
    case 'bearer':
      return byToken(parts, credential.token, ctx);
    case 'apiKey': {
      const key = readApiKey(credential.key);
      return key === undefined
        ? invalid('The API key is not complete, or has a typing error')
        : byKey(parts, { key, login: credential.login, ctx });
    }
  }
};

const byToken = async (
  { homes, settings, clock }: IdentifyParts,
  token: string,
  { req }: Context,
): Promise<Identified> => {
  for (const { accessTokens, definition, provider } of homes) {
    const live = await accessTokens.verify(token);
    if (live === undefined) continue;
    if (!isHeldBy(live, () => provider.certificateOf(req)))
      return invalid(
        'An access token that is bound to a key or certificate is accepted with that certificate only',
      );
    const { account, clientId, scopes, audiences, acr, authTime = 0, sessionId } = live;
    // the client may have lost the right since the token was issued; a token for a resource is for that alone
    const isForUs = scopes.includes(adminScope) && mayHaveScope(findClient(definition, clientId), adminScope);
    if (account === undefined || !isForUs || audiences.length > 0)
      return refuse({ error: 'insufficient_scope' });
    if (settings.secondFactor && !isMultiFactor(acr))
      return refuse({ error: 'insufficient_user_authentication', acr: mfaAcr });
    if (clock.now() / 1000 - authTime > settings.maxAgeSeconds)
      return refuse({
        ...{ error: 'insufficient_user_authentication', maxAge: settings.maxAgeSeconds },
        description: 'The sign-in was too long ago; ask for a sign-in with max_age',
      });
    noteOfRequest(definedOnly({ clientId, session: sessionId }));
    const { sub, roles, groups } = account;
    return { ok: true, caller: { home: definition.id, account, grantee: { sub, roles, groups } } };
  }
  return refuse({ error: 'invalid_token' });
};

interface PresentedKey {
  readonly key: ApiKeyParts;
  /** The name that was sent with it. */
  readonly login: string | undefined;
  readonly ctx: Context;
}

const words = {
  limits: `The API key lacks the scope ${adminScope}, or is for services or resources alone`,
  network: 'The API key may not be used from this network',
} as const;

const byKey = async ({ homes }: IdentifyParts, { key, login, ctx }: PresentedKey): Promise<Identified> => {
  const { address, requestId } = requestFacts(ctx);
  for (const { definition, findKey } of homes) {
    const found = await findKey(key, { address, requestId });
    if (found === undefined) continue;
    const { owner } = found;
    const { roles } = found.key;
    const fault = faultOfKeyAtApi(found, { login, address, scope: adminScope, sources: definition.sources });
    if (fault === 'invalid') break;
    if (fault !== undefined) return refuse({ error: 'insufficient_scope', description: words[fault] });
    const own = roles === undefined ? { sub: owner.sub } : {};
    return {
      ok: true,
      caller: { home: definition.id, account: owner, grantee: { ...own, ...grantedBy(found.key, owner) } },
    };
  }
  return invalid('The API key is not valid');
};
