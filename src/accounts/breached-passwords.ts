// Passwords that have become public with the data of some service. Whoever guesses tries them first, however long they are.
import { createHash } from 'node:crypto';
import { pwnedPasswordRange } from 'hibp';
import type { BreachedPasswordList, TenantDefinition } from '../config/tenant/tenant-definition.ts';
import { preparePassword } from '../crypto/password-hasher.ts';
import type { Log } from '../log.ts';
import type { FaultOfPassword, PasswordRules } from './password-rules.ts';

/** Of all tenants, since this process started. */
export interface BreachedListCounts {
  asked: number;
  /** The password was accepted without an answer. */
  unanswered: number;
}

export interface BreachedListParts {
  readonly log: Log;
  /** Default: nobody counts. */
  readonly counts?: BreachedListCounts;
}

/**
 * The rules, and after them the list of breached passwords, which is asked about no password that the rules refuse. Never
 * rejects: while the list cannot be asked, the rules alone decide.
 */
export const refuseBreached =
  (
    rules: PasswordRules,
    { id: tenant, breachedPasswords: list }: Pick<TenantDefinition, 'id' | 'breachedPasswords'>,
    { log, counts = { asked: 0, unanswered: 0 } }: BreachedListParts,
  ): FaultOfPassword =>
  async (password, person) => {
    const fault = rules(password, person);
    if (fault !== undefined || list === undefined) return fault;
    counts.asked += 1;
    try {
      return (await isBreached(password, list)) ? breached : undefined;
    } catch (err) {
      counts.unanswered += 1;
      log.warn({ tenant, err }, 'the list of breached passwords could not be asked about a new password');
      return undefined;
    }
  };

const breached =
  'This password has become public with the data of some service, so that others try it. Choose another.';

/**
 * Only the first five of the 40 digits of the hash are sent, which hundreds of listed passwords have in common
 * (k-anonymity). The answer is padded: its length does not show to which digits it belongs.
 * @throws what the request failed with
 */
export const isBreached = async (
  password: string,
  { url: baseUrl, timeoutMs }: BreachedPasswordList,
): Promise<boolean> => {
  const digits = createHash('sha1')
    .update(preparePassword(password) ?? password)
    .digest('hex')
    .toUpperCase();
  const [prefix, suffix] = [digits.slice(0, 5), digits.slice(5)];
  const counts = await pwnedPasswordRange(prefix, {
    ...{ baseUrl, timeoutMs, addPadding: true, userAgent: 'Drawbridge' },
  });
  // a page of a proxy is no answer, with any status
  if (!Object.keys(counts).some((one) => /^[\dA-F]{35}$/.test(one)))
    throw new Error('The answer lists no hashes of passwords');
  // entries that are there for the padding have the count 0
  return (counts[suffix] ?? 0) > 0;
};
