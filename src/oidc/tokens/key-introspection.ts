import type { KoaContextWithOIDC } from 'oidc-provider';
import type { FindKey, FoundKey } from '../../accounts/api-keys/find-key.ts';
import { grantedBy } from '../../accounts/api-keys/key-limits.ts';
import { isAdmittedByClient } from '../../accounts/client-admission.ts';
import type { TenantDefinition } from '../../config/tenant/tenant-definition.ts';
import { readApiKey } from '../../crypto/api-key.ts';
import { definedOnly } from '../../defined-only.ts';
import { asProtocolErrors } from '../provider/errors.ts';

export interface KeyIntrospectionParts {
  readonly definition: Pick<TenantDefinition, 'resources' | 'sources'>;
  readonly issuer: string;
  readonly findKey: FindKey;
  readonly factsOf: (ctx: KoaContextWithOIDC) => { readonly address: string; readonly requestId: string };
}

/** Answers where the library has found no token, and has authenticated the client. */
export type IntrospectKey = (ctx: KoaContextWithOIDC) => Promise<void>;

/**
 * An API key as a token (RFC 7662 section 2.2), for the clients that may introspect a resource that it is for. A key that is only
 * for some services or networks is none here: the client that asks is not the one that presents it. Nor is one of a person whose
 * sources are for some clients alone, as at the gateway.
 */
export const createIntrospectKey =
  ({ definition, issuer, findKey, factsOf }: KeyIntrospectionParts): IntrospectKey =>
  async (ctx) => {
    const { route, client, params } = ctx.oidc ?? {};
    if (route !== 'introspection' || ctx.status !== 200 || client === undefined) return;
    const presented = typeof params?.token === 'string' ? readApiKey(params.token) : undefined;
    if (presented === undefined || client.clientAuthMethod === 'none') return;
    const asked = definition.resources.filter(({ introspectedBy }) =>
      introspectedBy.includes(client.clientId),
    );
    if (asked.length === 0) return;
    const found = await asProtocolErrors(() => findKey(presented, factsOf(ctx)));
    if (found === undefined) return;
    const person = { account: found.owner, provenBy: undefined };
    if (!isAdmittedByClient(definition.sources, undefined, person)) return;
    const audience = audienceOf(found, asked);
    if (audience.length > 0) ctx.body = describe(found, { issuer, audience });
  };

const audienceOf = (
  { key: { resources, services, networks } }: FoundKey,
  asked: TenantDefinition['resources'],
): readonly string[] => {
  if (networks !== undefined || (services !== undefined && resources === undefined)) return [];
  return asked
    .map(({ identifier }) => identifier)
    .filter((identifier) => resources === undefined || resources.includes(identifier));
};

const describe = (
  { key, owner, expiresAt }: FoundKey,
  { issuer, audience }: { readonly issuer: string; readonly audience: readonly string[] },
) => ({
  active: true,
  iss: issuer,
  sub: owner.sub,
  username: owner.username,
  aud: audience.length === 1 ? audience[0] : audience,
  token_type: 'Bearer',
  ...grantedBy(key, owner),
  iat: Math.floor((key.secrets[0]?.createdAt ?? key.createdAt) / 1000),
  ...definedOnly({
    scope: key.scopes?.join(' '),
    exp: expiresAt === undefined ? undefined : Math.floor(expiresAt / 1000),
  }),
});
