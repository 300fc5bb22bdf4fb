import type { JWTPayload } from 'jose';
import { valueAt } from '../mapping/json-pointer.ts';

type Members = Readonly<Record<string, unknown>>;

/** Claims about the token, not about the person. */
const protocolClaims: ReadonlySet<string> = new Set([
  ...['iss', 'sub', 'aud', 'exp', 'iat', 'nbf', 'jti', 'nonce', 'azp', 'auth_time', 'acr', 'amr', 'sid'],
  ...['at_hash', 'c_hash', 's_hash', 'typ', 'client_id', 'cnf', 'events', 'email_verified'],
  '__proto__',
]);

export interface AttributeSources {
  readonly claims?: JWTPayload;
  readonly userInfo?: Members;
  /** `extraInfo`: answers by their names. */
  readonly extra?: Members;
  readonly details?: Members;
}

/**
 * The data about a person, as the attributes that the tenant's mapping uses:
 * - members of `details` and claims of the ID token and of user-info are merged; for equal names the value of user-info
 *   is taken, then that of the ID token, then that of `details`;
 * - each answer of `extraInfo` has its own name;
 * - `email_verified` comes from the same answer as `email`, and is true only as the boolean (OpenID Connect Core
 *   section 5.1); where user-info has it as text or not at all, that of the ID token counts for the same address.
 */
export const toAttributes = (
  { claims = {}, userInfo = {}, extra = {}, details = {} }: AttributeSources,
  emailVerifiedPointer: string | undefined,
): Members => {
  const attributes: Record<string, unknown> = Object.fromEntries(
    [details, claims, userInfo, extra].flatMap((members) =>
      Object.entries(members).filter(([name]) => !protocolClaims.has(name)),
    ),
  );
  const speaker: Members | undefined = [userInfo, claims, details].find(
    ({ email }) => typeof email === 'string',
  );
  const listed = primaryEmail(extra);
  if (listed !== undefined) return { ...attributes, email: listed, email_verified: true };
  if (speaker === undefined) return attributes;
  const isVerified =
    speaker.email_verified === true ||
    (speaker === userInfo && isConfirmedByToken(userInfo, claims)) ||
    (emailVerifiedPointer !== undefined &&
      confirms(valueAt({ ...claims, ...attributes }, emailVerifiedPointer), String(speaker.email)));
  return { ...attributes, email: speaker.email, email_verified: isVerified };
};

/**
 * Cognito's user-info has the text "true". What the signed token says about the same address then counts; user-info that
 * says no is newer than the token.
 */
const isConfirmedByToken = (userInfo: Members, claims: Members): boolean =>
  claims.email === userInfo.email &&
  claims.email_verified === true &&
  [undefined, 'true'].includes(userInfo.email_verified as string | undefined);

/** Takes from a list of e-mails, as GitHub gives it, the primary one if it is verified. */
const primaryEmail = (extra: Members): string | undefined => {
  for (const list of Object.values(extra)) {
    if (!Array.isArray(list)) continue;
    const primary = list.find(
      (entry: unknown) =>
        isMembers(entry) &&
        typeof entry.email === 'string' &&
        entry.primary === true &&
        entry.verified === true,
    );
    if (primary !== undefined) return primary.email;
  }
  return undefined;
};

/**
 * The value at `emailVerifiedPointer` must be true (Entra's `xms_edov` is 1 or "1" as well), or a list of verified
 * e-mails that contains this one (Entra's `verified_primary_email`).
 */
const confirms = (value: unknown, email: string): boolean => {
  if (value === true || value === 1 || value === '1') return true;
  const emails: readonly unknown[] = Array.isArray(value) ? value : [value];
  return emails.some((one) => typeof one === 'string' && one.toLowerCase() === email.toLowerCase());
};

const isMembers = (value: unknown): value is Members =>
  typeof value === 'object' && value !== null && !Array.isArray(value);
