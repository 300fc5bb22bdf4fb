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

export interface RegistrationCheckParts {
  readonly tenant: string;
  readonly check: NonNullable<RegistrationRules['check']>;
  readonly clock: Clock;
  readonly log: Log;
}

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
 * and none, is `unavailable`: nobody is registered then. The address is from the operator's file, so it may be a private one.
 * Never rejects.
 */
export const createRegistrationCheck =
  ({ tenant, check, clock, log }: RegistrationCheckParts): CheckRegistration =>
  async ({ email, address, userAgent }) => {
    const time = epochSeconds(clock);
    const body = JSON.stringify({ email, address, user_agent: userAgent, tenant, time });
    try {
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
      const verdict = response.status === 200 ? verdictIn(await response.text()) : undefined;
      if (response.status !== 200) await response.body?.cancel();
      if (verdict !== undefined) return verdict ? 'allowed' : 'refused';
      log.error({ tenant, status: response.status }, `${notAsAgreed}: nobody can register`);
    } catch (err) {
      log.error({ tenant, err }, 'registration.check.url cannot be reached: nobody can register');
    }
    return 'unavailable';
  };

const notAsAgreed = 'registration.check.url does not answer 200 with { "allow": true } or { "allow": false }';

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
