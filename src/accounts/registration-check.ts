// The operator's own service that allows or refuses a registration.
import { createHmac } from 'node:crypto';
import { type Clock, epochSeconds } from '../clock.ts';
import type { RegistrationRules } from '../config/tenant/tenant-definition.ts';
import type { Log } from '../log.ts';

export interface RegistrationAttempt {
  readonly email: string;
  readonly address: string;
  readonly userAgent: string;
}

export type CheckRegistration = (
  attempt: RegistrationAttempt,
) => Promise<'allowed' | 'refused' | 'unavailable'>;

export interface AskedCheck {
  readonly tenant: string;
  readonly check: NonNullable<RegistrationRules['check']>;
  readonly clock: Clock;
}

/** `not_as_agreed`: another answer than one of the two. */
export type CheckAnswer =
  | { readonly verdict: 'allowed' | 'refused' }
  | { readonly verdict: 'not_as_agreed'; readonly status: number };

const timeLimitMs = 3000;

/**
 * The contract of the service. It is asked with
 *
 *     POST <url>
 *     Content-Type: application/json
 *     Drawbridge-Signature: t=<epoch seconds>,v1=<hex HMAC-SHA-256 of "<t>.<body>" with the key>
 *
 *     { "email": "…", "address": "<IP address>", "user_agent": "…", "tenant": "…", "time": <epoch seconds> }
 *
 * and answers within 3 seconds, without a redirect, `200 { "allow": true }` or `200 { "allow": false }`. Any other answer,
 * and none, lets nobody register. The address is from the operator's file, so it may be a private one.
 * @throws what `fetch` throws, when it cannot be reached or takes longer
 */
export const askRegistrationCheck = async (
  { tenant, check, clock }: AskedCheck,
  { email, address, userAgent }: RegistrationAttempt,
): Promise<CheckAnswer> => {
  const time = epochSeconds(clock);
  const body = JSON.stringify({ email, address, user_agent: userAgent, tenant, time });
  const response = await fetch(check.url, {
    method: 'POST',
    headers: {
      'content-type': 'application/json',
      'drawbridge-signature': `t=${time},v1=${signatureOf(check.key, `${time}.${body}`)}`,
    },
    body,
    redirect: 'manual',
    signal: AbortSignal.timeout(timeLimitMs),
  });
  const { status } = response;
  const isAllowed = status === 200 ? verdictIn(await response.text()) : undefined;
  if (status !== 200) await response.body?.cancel();
  if (isAllowed === undefined) return { verdict: 'not_as_agreed', status };
  return { verdict: isAllowed ? 'allowed' : 'refused' };
};

export const notAsAgreed = 'does not answer 200 with { "allow": true } or { "allow": false }';

/** Never rejects. */
export const createRegistrationCheck =
  ({ log, ...asked }: AskedCheck & { readonly log: Log }): CheckRegistration =>
  async (attempt) => {
    const { tenant } = asked;
    try {
      const answer = await askRegistrationCheck(asked, attempt);
      if (answer.verdict !== 'not_as_agreed') return answer.verdict;
      log.error(
        { tenant, status: answer.status },
        `registration.check.url ${notAsAgreed}: nobody can register`,
      );
    } catch (err) {
      log.error({ tenant, err }, 'registration.check.url cannot be reached: nobody can register');
    }
    return 'unavailable';
  };

const signatureOf = (key: string, text: string): string =>
  createHmac('sha256', key).update(text).digest('hex');

const verdictIn = (text: string): boolean | undefined => {
  try {
    const { allow } = JSON.parse(text) as { readonly allow?: unknown }; // null is caught too
    return typeof allow === 'boolean' ? allow : undefined;
  } catch {
    return undefined;
  }
};
