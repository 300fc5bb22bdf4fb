// Codes of authenticator apps: time-based one-time passwords (RFC 6238) of six digits and thirty seconds, with SHA-1, as
// these are the values that every app knows.
import { Secret, TOTP } from 'otpauth';

/** RFC 4226 section 4, R6: 160 bits. */
const secretBytes = 20;
const period = 30;
/** Steps before and after the present one that count too (RFC 6238 section 5.2). */
const tolerance = 1;

/** A new secret, in base32. */
export const newTotpSecret = (): string => new Secret({ size: secretBytes }).base32;

/**
 * The `otpauth` URI that authenticator apps read as a QR code.
 * @param labels names in the app: of the tenant, and of the person
 */
export const totpUri = (
  secret: string,
  { issuer, account }: { readonly issuer: string; readonly account: string },
): string =>
  // the colon is the separator of the label
  new TOTP({
    secret,
    issuer: issuer.replaceAll(':', ' '),
    label: account.replaceAll(':', ' '),
    period,
  }).toString();

/** The time step whose code this is: of the present one or a neighbour. Undefined: of none. */
export const stepOfCode = (secret: string, code: string, nowMs: number): number | undefined => {
  if (!/^\d{6}$/.test(code)) return undefined;
  const delta = new TOTP({ secret, period }).validate({ token: code, window: tolerance, timestamp: nowMs });
  return delta === null ? undefined : Math.floor(nowMs / 1000 / period) + delta;
};
