import { genericGrantRequest } from 'openid-client';
import { definedOnly } from '../../defined-only.ts';
import { AppError, isAppError } from '../../errors.ts';
import type { Credentials, PasswordVerdict, SourcePerson, SourceRefusal } from '../connector.ts';
import { type ProtocolFailure, protocolFailure, refusedUs } from './failures.ts';
import { verifiedIdToken } from './id-token.ts';
import type { PersonReader } from './person-reader.ts';
import { revokeTokens } from './revocation.ts';
import { toUpstreamTokens } from './tokens.ts';
import type { UpstreamClient, UpstreamParts } from './upstream-client.ts';
import { unsuitable } from './user-info.ts';

export interface PasswordParts extends UpstreamParts {
  readonly reader: PersonReader;
}

const defaultRetrySeconds = 30;

/**
 * RFC 6749 section 4.3: the verdict of the upstream, its outage and its rate limit are passed on unchanged. An error
 * that is not about the person's password, such as a client that may not use the grant, is no verdict.
 * @throws AppError `unavailable`
 */
export const verifyPassword = async (
  client: UpstreamClient,
  parts: PasswordParts,
  { login, password }: Credentials,
): Promise<PasswordVerdict<SourcePerson>> => {
  try {
    const { scopes, type } = client.source;
    const response = await genericGrantRequest(await client.configuration(), 'password', {
      username: login,
      password,
      ...(scopes.length === 0 ? {} : { scope: scopes.join(' ') }),
    });
    const tokens = toUpstreamTokens(response, parts.clock);
    try {
      const claims =
        type === 'oidc' && response.id_token !== undefined
          ? await verifiedIdToken(client, parts, response.id_token)
          : undefined;
      const read = await parts.reader.read({
        accessToken: response.access_token,
        amr: ['pwd'],
        hasIdToken: claims !== undefined,
        ...definedOnly({ claims }),
      });
      if (!read.ok) throw unsuitable(read.detail);
      const { sid, iss: issuer } = claims ?? {};
      return {
        ok: true,
        person: read.person,
        grant: { tokens, ...(typeof sid === 'string' ? { sid } : {}), ...definedOnly({ issuer }) },
      };
    } catch (error) {
      void revokeTokens(client, parts, tokens); // nobody gets them
      throw error;
    }
  } catch (error) {
    return refusal(error);
  }
};

const refusal = (error: unknown): PasswordVerdict<SourcePerson> => {
  if (isAppError(error)) {
    if (error.code !== 'throttled') throw error;
    return throttled(error.retryAfterSeconds);
  }
  try {
    const failure = protocolFailure(error);
    if (failure.isAnswer && failure.code === 'invalid_grant') return { ok: false, reason: reasonOf(failure) };
    if (failure.isAnswer && grantRefusals.has(failure.code))
      throw new AppError('unavailable', notAllowed, { detail: failure.detail, isLasting: true });
    throw refusedUs(failure);
  } catch (thrown) {
    if (!isAppError(thrown, 'throttled')) throw thrown;
    return throttled(thrown.retryAfterSeconds);
  }
};

/** RFC 6749 section 5.2: the client may not use the grant, or there is none. */
const grantRefusals: ReadonlySet<string> = new Set(['unauthorized_client', 'unsupported_grant_type']);
const notAllowed =
  'The identity provider takes no passwords from Drawbridge: allow the password grant for its client there (Keycloak: direct access grants)';

const throttled = (retryAfterSeconds = defaultRetrySeconds): PasswordVerdict<SourcePerson> => ({
  ok: false,
  reason: 'throttled',
  retryAfterSeconds,
});

/** The codes of another Drawbridge as the upstream. */
const stableCodes: readonly SourceRefusal[] = [
  'password_change_required',
  'password_expired',
  'account_disabled',
  'account_locked',
];

/** Recognises the refusals of known upstreams; any other refusal counts as a wrong password. */
const reasonOf = ({ description = '', numbers }: ProtocolFailure): SourceRefusal => {
  const stable = stableCodes.find((code) => new RegExp(`^${code}\\b`).test(description));
  if (stable !== undefined) return stable;
  // Keycloak: the password was right, and the person still has to do something there.
  if (description === 'Account is not fully set up') return 'password_change_required';
  // Keycloak answers this before it checks the password, so it may be shown only under the conditions of a lock.
  if (description === 'Account disabled') return 'account_locked';
  // Microsoft Entra: 50055 and 50144 only after the right password; 50053 and 50057 after any password.
  if (numbers.some((number) => number === 50055 || number === 50144)) return 'password_expired';
  if (numbers.some((number) => number === 50053 || number === 50057)) return 'account_locked';
  return 'credentials';
};
