// Token exchange (RFC 8693) of an API key for a short access token of a resource, which a service can verify by itself.
import { errors, type KoaContextWithOIDC } from 'oidc-provider';
import type { FindKey } from '../../accounts/api-keys/find-key.ts';
import { isAdmittedByClient } from '../../accounts/client-admission.ts';
import { type Clock, epochSeconds } from '../../clock.ts';
import { readApiKey } from '../../crypto/api-key.ts';
import { definedOnly } from '../../defined-only.ts';
import { createAddressBlocks } from '../../protocol/address-blocks.ts';
import type { ApiKeyRecord } from '../../storage/storage-api-keys.ts';
import { asProtocolErrors, InvalidSubjectToken } from '../provider/errors.ts';
import { type DirectGrantParts, grantDirectly } from './direct-grant.ts';

export interface KeyExchangeParts extends DirectGrantParts {
  readonly findKey: FindKey;
  readonly requestOf: (ctx: KoaContextWithOIDC) => { readonly address: string; readonly requestId: string };
  readonly clock: Clock;
}

/** A revoked key is still in such tokens until they expire. */
const longestSeconds = 300;

/** @throws errors.InvalidTarget, InvalidSubjectToken */
export const exchangeKey = async (
  parts: KeyExchangeParts,
  ctx: KoaContextWithOIDC,
  key: string,
): Promise<Readonly<Record<string, unknown>>> => {
  const { resource } = ctx.oidc.params ?? {};
  if (typeof resource !== 'string')
    throw new errors.InvalidTarget(
      'an API key is exchanged for a token of one resource: send its identifier as resource',
    );
  const presented = readApiKey(key);
  const use = parts.requestOf(ctx);
  const found =
    presented === undefined ? undefined : await asProtocolErrors(() => parts.findKey(presented, use));
  if (found === undefined || !isUsableFrom(found.key, use.address)) throw new InvalidSubjectToken();
  const person = { account: found.owner, provenBy: undefined };
  if (!isAdmittedByClient(parts.definition.sources, ctx.oidc.client?.clientId, person))
    throw new InvalidSubjectToken();
  if (!isForResource(found.key, resource))
    throw new errors.InvalidTarget('this key is not for that resource');
  if (found.key.services !== undefined)
    throw new errors.InvalidTarget(
      'a key for some services cannot be exchanged: a token would be good for all services of the resource',
    );
  const now = epochSeconds(parts.clock);
  const left = found.expiresAt === undefined ? longestSeconds : Math.floor(found.expiresAt / 1000) - now;
  if (left <= 0) throw new InvalidSubjectToken();
  const { answer } = await grantDirectly(parts, {
    ctx,
    sub: found.owner.sub,
    gty: 'token_exchange',
    atMostSeconds: Math.min(longestSeconds, left),
    mayHave: (scope) => found.key.scopes?.includes(scope) === true,
    ...definedOnly({ atMostRoles: found.key.roles }),
  });
  return answer;
};

const isUsableFrom = ({ networks }: ApiKeyRecord, address: string): boolean =>
  networks === undefined || createAddressBlocks(networks)(address);

const isForResource = ({ resources }: ApiKeyRecord, resource: string): boolean =>
  resources?.includes(resource) ?? true;
