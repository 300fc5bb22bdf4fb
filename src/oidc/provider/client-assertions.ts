import { type Client, errors } from 'oidc-provider';
import type { TenantDefinition } from '../../config/tenant/tenant-definition.ts';
import { findClient } from './clients.ts';

/** Seconds. An assertion is remembered as long as it lives, so its life must be limited. */
const longestLife = 3600;
/** The last type is that of draft-ietf-oauth-rfc7523bis, section 4. */
const types: readonly unknown[] = [undefined, 'jwt', 'client-authentication+jwt'];

export interface AssertionParts {
  readonly definition: TenantDefinition;
  readonly issuer: string;
  /** Seconds. */
  readonly clockTolerance: number;
  readonly nowSeconds: () => number;
}

/**
 * Checks of a client assertion (RFC 7523 section 3) beyond those of the library: signature, iss, jti, exp.
 * @throws errors.InvalidClientAuth, with a message that names the setting
 */
export const createAssertionCheck = ({ definition, issuer, clockTolerance, nowSeconds }: AssertionParts) => {
  const tokenEndpoint = `${issuer}/token`;

  /** An assertion must be valid at one server only, so every audience must be this server. */
  const checkAudience = (audience: unknown, client: Client): void => {
    const given = [audience].flat();
    const allowed = [issuer];
    if (findClient(definition, client.clientId)?.assertionAudience === 'token_endpoint')
      allowed.push(tokenEndpoint);
    if (given.length > 0 && given.every((one) => allowed.includes(String(one)))) return;
    throw given.includes(tokenEndpoint)
      ? refusal(
          `the aud of a client assertion must be ${issuer}; the token endpoint is accepted with assertionAudience: token_endpoint`,
        )
      : refusal(`the aud of a client assertion must be ${issuer} and nothing else`);
  };

  return (
    claims: Readonly<Record<string, unknown>>,
    header: { readonly typ?: unknown },
    client: Client,
  ): void => {
    const { typ } = header;
    const { iat, exp } = claims;
    const latest = nowSeconds() + clockTolerance;
    if (!types.includes(typeof typ === 'string' ? typ.toLowerCase() : typ))
      throw refusal('the typ of a client assertion must be JWT or client-authentication+jwt');
    if (iat !== undefined && !(Number(iat) <= latest))
      throw refusal('the client assertion was issued in the future: compare the clocks');
    if (!(Number(exp) <= latest + longestLife))
      throw refusal('the client assertion lives too long: its exp must be within an hour');
    checkAudience(claims.aud, client);
  };
};

const refusal = (words: string): Error =>
  Object.assign(new errors.InvalidClientAuth(words), { error_description: words });
