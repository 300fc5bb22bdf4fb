// Whether a sign-in is complete, or needs a second factor.
import type { FactorMethod, SecondFactorRules } from '../../config/tenant/tenant-definition.ts';
import { AppError } from '../../errors.ts';
import { readEmail } from '../../protocol/email-address.ts';
import type { AccountRecord } from '../../storage/storage.ts';

/** `acr` of a sign-in with two factors of ours, or with one of an upstream that its mapping says is as good. */
export const mfaAcr = 'mfa';

/** The same, and phishing-resistant (OpenID Connect Extended Authentication Profile ACR Values 1.0): with a passkey. */
export const phrAcr = 'phr';

/** `amr` of a sign-in with a mailed code. */
export const emailMethod = 'email';

/** Is it the `acr` of a sign-in with two factors? */
export const isMultiFactor = (acr: string | undefined): boolean => acr === mfaAcr || acr === phrAcr;

/** Is the sign-in one of those that are asked for? A phishing-resistant one has two factors as well. */
export const meetsAcr = (acr: string | undefined, wanted: readonly string[]): boolean =>
  acr !== undefined && (wanted.includes(acr) || (acr === phrAcr && wanted.includes(mfaAcr)));

/** The facts about a sign-in by which it is judged. */
export interface FactorQuestion {
  readonly account: Pick<
    AccountRecord,
    'sub' | 'notBefore' | 'factors' | 'roles' | 'groups' | 'email' | 'emailVerified'
  >;
  /** Absent where no app asked for the sign-in. */
  readonly clientId?: string | undefined;
  /** The values that the request asks for, one of which is to be met. */
  readonly acrValues?: readonly string[] | undefined;
  /** Of the sign-in. */
  readonly acr?: string | undefined;
  /** The same; where the sign-in may go on with a mailed code. */
  readonly amr?: readonly string[] | undefined;
  /** The cookie of a browser that is remembered, as it was sent; for sign-ins on pages. */
  readonly browser?: string | undefined;
}

/** The same, after the cookie was checked. */
export interface JudgedQuestion extends Omit<FactorQuestion, 'browser'> {
  readonly isRemembered?: boolean;
}

/**
 * `none`: the sign-in is complete. `factor`: the person proves a factor. `email_code`: has none, and proves the verified
 * e-mail address. `enrolment`: the person has none and must set one up; `enrolment_advised`: may do so later.
 */
export type FactorDemand = 'none' | 'factor' | 'email_code' | 'enrolment' | 'enrolment_advised';

/**
 * Whoever has a factor is asked for it at each sign-in, but for a browser that is remembered; the tenant's rules say who
 * must have one.
 */
export const factorDemandOf = (
  rules: SecondFactorRules,
  { account, clientId, acrValues = [], acr, amr = [], isRemembered = false }: JudgedQuestion,
  nowMs: number,
): FactorDemand => {
  if (rules.methods.length === 0) return 'none';
  if (!isMultiFactor(acr) && hasFactor(rules, account))
    return isRemembered && !acrValues.some(isMultiFactor) ? 'none' : 'factor';
  // a mail twice is one factor
  const isByMail = !isMultiFactor(acr) && !amr.includes(emailMethod) && hasEmailCode(rules, account);
  const demanded = isByMail ? 'email_code' : 'enrolment';
  // whoever has another factor, or gets a code by mail, has proven it by now, so a stranger cannot set up the passkey
  if (isPasskeyDemanded(rules, { acrValues, acr })) return hasPasskey(rules, account) ? 'factor' : demanded;
  if (isMultiFactor(acr)) return 'none';
  if (acrValues.includes(mfaAcr) && !meetsAcr(acr, acrValues)) return demanded;
  if (!isRequired(rules, account, clientId)) return 'none';
  return rules.deadline !== undefined && nowMs < rules.deadline ? 'enrolment_advised' : demanded;
};

/** Is the sign-in incomplete? */
export const isFactorMissing = (demand: FactorDemand): demand is 'factor' | 'email_code' | 'enrolment' =>
  demand === 'factor' || demand === 'email_code' || demand === 'enrolment';

/** Does nothing but a passkey meet the request? */
export const isPasskeyDemanded = (
  { methods }: Pick<SecondFactorRules, 'methods'>,
  { acrValues = [], acr }: Pick<FactorQuestion, 'acrValues' | 'acr'>,
): boolean =>
  methods.includes('passkey') &&
  acrValues.includes(phrAcr) &&
  !acrValues.includes(mfaAcr) &&
  !meetsAcr(acr, acrValues);

/** Has the person a factor that may be used here? Recovery codes alone are none. */
export const hasFactor = (
  { methods }: Pick<SecondFactorRules, 'methods'>,
  { factors = [] }: Pick<AccountRecord, 'factors'>,
): boolean => factors.some(({ type }) => type !== 'recovery_codes' && methods.includes(type));

export const hasPasskey = (
  { methods }: Pick<SecondFactorRules, 'methods'>,
  { factors = [] }: Pick<AccountRecord, 'factors'>,
): boolean => methods.includes('passkey') && factors.some(({ type }) => type === 'passkey');

/** Does a mailed code count for the person? Whoever has a stronger factor never gets one: it would be a way round that. */
export const hasEmailCode = (
  rules: Pick<SecondFactorRules, 'methods'>,
  account: Pick<AccountRecord, 'factors' | 'email' | 'emailVerified'>,
): boolean => {
  if (!rules.methods.includes('email') || account.emailVerified !== true) return false;
  const read = readEmail(account.email);
  return read.ok && read.email === account.email && !hasFactor(rules, account);
};

/** Is there anything that the person can prove beside a password, without setting it up first? */
export const canProveFactor = (
  rules: Pick<SecondFactorRules, 'methods'>,
  account: Pick<AccountRecord, 'factors' | 'email' | 'emailVerified'>,
): boolean => hasFactor(rules, account) || hasEmailCode(rules, account);

/** @throws AppError `not_found` where the tenant has no second factor of this kind */
export const refuseUnlessOffered = (
  { methods }: Pick<SecondFactorRules, 'methods'>,
  method: FactorMethod,
): void => {
  if (!methods.includes(method))
    throw new AppError('not_found', 'This tenant has no second factor of this kind');
};

/** Must the person have a second factor by now, whatever app they sign in to, and one that makes a shorter password enough? */
export const isFactorEnforced = (
  rules: SecondFactorRules,
  person: Pick<AccountRecord, 'roles' | 'groups'>,
  nowMs: number,
): boolean =>
  rules.methods.length > 0 &&
  !rules.methods.includes('email') &&
  isRequired(rules, person, undefined) &&
  (rules.deadline === undefined || nowMs >= rules.deadline);

const isRequired = (
  { required }: SecondFactorRules,
  { roles, groups }: Pick<AccountRecord, 'roles' | 'groups'>,
  clientId: string | undefined,
): boolean =>
  required.everyone ||
  required.roles.some((role) => roles.includes(role)) ||
  required.groups.some((group) => groups.includes(group)) ||
  (clientId !== undefined && required.clients.includes(clientId));
