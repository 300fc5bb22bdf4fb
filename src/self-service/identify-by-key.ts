import type { Context } from 'koa';
import { type FindKey, findWrittenKey } from '../accounts/api-keys/find-key.ts';
import { faultOfKeyAtApi } from '../accounts/api-keys/key-at-api.ts';
import { type PresentedCredential, readCredential } from '../accounts/presented-credential.ts';
import type { TenantDefinition } from '../config/tenant/tenant-definition.ts';
import { noteOfRequest } from '../current-request.ts';
import { definedOnly } from '../defined-only.ts';
import type { Log } from '../log.ts';
import type { TenantProvider } from '../oidc/provider/tenant-provider.ts';
import type { AccountRecord } from '../storage/storage.ts';
import { type BearerRefusal, refuseBearer } from '../web/bearer.ts';
import { requestFacts } from '../web/request-facts.ts';
import { shareWith } from './cross-origin.ts';

export interface KeyTenant {
  readonly definition: Pick<TenantDefinition, 'sources'>;
  readonly provider: Pick<TenantProvider, 'issuer'>;
  readonly findKey: FindKey;
}

export type PresentedKey = Extract<PresentedCredential, { readonly kind: 'apiKey' }>;

/** The API key of a request, in each form in which the gateway takes one too; undefined: there is none. */
export const readPresentedKey = (ctx: Context): PresentedKey | undefined => {
  const presented = readCredential(ctx.headers);
  return presented.kind === 'apiKey' ? presented : undefined;
};

/** Whose keys are accepted. */
export type AcceptedKeys = 'people' | 'everybody';

export interface KeyDemand {
  /** That the key needs. */
  readonly scope: string;
  /** Absent: keys are not accepted here. */
  readonly accepts?: AcceptedKeys;
  readonly log: Log;
}

/**
 * The owner of the API key of the request. Nobody has signed in, and no page of another origin reads the answer.
 * @returns undefined after a refusal, which is answered already
 */
export const identifyByKey = async (
  ctx: Context,
  { definition, provider, findKey }: KeyTenant,
  { key, login, scope, accepts, log }: PresentedKey & KeyDemand,
): Promise<AccountRecord | undefined> => {
  shareWith(ctx, []);
  const refuse = (error: BearerRefusal['error']): undefined =>
    refuseBearer(ctx, log, { realm: provider.issuer, scope, credential: 'key', ...definedOnly({ error }) });
  const use = requestFacts(ctx);
  const found = await findWrittenKey(findKey, key, use);
  if (found === undefined) return refuse('invalid_token');
  const { owner } = found;
  const fault = faultOfKeyAtApi(found, { login, scope, address: use.address, sources: definition.sources });
  if (fault === 'invalid') return refuse('invalid_token');
  const isForOwner = accepts === 'everybody' || (accepts === 'people' && owner.origin !== 'system');
  if (!isForOwner || fault !== undefined) return refuse('insufficient_scope');
  if (owner.origin === 'system') noteOfRequest({ systemUser: owner.sub });
  return owner;
};
