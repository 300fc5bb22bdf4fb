// Every password is checked here: those of the login page, the password grant and the gateway.

import type { Audit } from '../audit/audit.ts';
import { type Clock, epochSeconds } from '../clock.ts';
import type { Connector, Identity } from '../connectors/connector.ts';
import { definedOnly } from '../defined-only.ts';
import type { Log } from '../log.ts';
import type { AccountRecord } from '../storage/storage.ts';
import type { PasswordAttempt, SignedIn, SignInOutcome } from './account-types.ts';
import type { Acceptance } from './password-adoption.ts';
import { type CountedAttempt, factsOf, type PasswordGate } from './password-gate.ts';
import { askSources, endProof, type SourcesVerdict, spendTimeOfRefusal } from './password-sources.ts';
import type { Resolver } from './resolve.ts';
import { passwordSourcesFor } from './source-choice.ts';
import { maySignIn } from './standing.ts';
import { signInFoundKey } from './throttle.ts';

export interface SignInParts {
  readonly tenant: string;
  /** In the file's order. */
  readonly connectors: readonly Connector[];
  readonly gate: PasswordGate;
  readonly resolver: Resolver;
  readonly adopt: (accepted: Acceptance) => Promise<void>;
  readonly audit: Audit;
  readonly clock: Clock;
  readonly log: Log;
  /** False for accounts that the tenant does not serve, such as demo users of a tenant that is no longer a demo. */
  readonly isAdmitted: (account: AccountRecord) => boolean;
}

type Proven = Extract<SourcesVerdict, { ok: true }>;
type Unproven = Exclude<SourcesVerdict, { ok: true }>;
type Refusal = Exclude<SignInOutcome, SignedIn>;

/** Asks the sources about a counted attempt, and converts their verdict into the outcome for the caller. */
export interface PasswordVerification {
  /** Default: the sources that the name is for. */
  ask(
    counted: CountedAttempt,
    attempt: PasswordAttempt,
    sources?: readonly Connector[],
  ): Promise<SourcesVerdict>;
  /** @throws AppError `unavailable` when no source decided and one of them could not be reached */
  refuse(counted: CountedAttempt, verdict: Unproven): Promise<Refusal>;
  /** The account behind the proof, if it may be used. */
  admit(counted: CountedAttempt, attempt: PasswordAttempt, proven: Proven): Promise<AccountRecord | Refusal>;
}

/**
 * Each attempt is counted before anything is verified, and costs the same for every name: neither the answer nor its
 * time reveals whether an account exists, has a password, or is disabled or locked, unless a source has accepted the
 * password and names the obstacle.
 */
export const createPasswordVerification = (parts: SignInParts): PasswordVerification => ({
  ask: async (counted, attempt, sources = passwordSourcesFor(parts.connectors, attempt)) => {
    const verdict = await countFound(await askSources(sources, attempt), { counted, attempt, sources });
    if (verdict.ok && verdict.outage !== undefined) {
      const { source, error } = verdict.outage;
      parts.log.warn({ tenant: parts.tenant, source, err: error }, 'a source of people cannot be reached');
    }
    return verdict;
  },
  refuse: (counted, verdict) => refuse(counted, verdict),
  admit: async (counted, attempt, { identity, connector, rest }) => {
    const { definition } = connector;
    const account = identity.account ?? (await parts.resolver.resolve(identity, factsOf(attempt)));
    const isStanding = maySignIn(account);
    if (isStanding && parts.isAdmitted(account)) return account;
    const reason = at(connector, isStanding ? 'not_admitted' : 'disabled_or_locked');
    const refusal = await counted.refuse(reason, account.sub);
    if (account.disabledAt !== undefined && revealsDisabled(definition)) {
      await counted.giveBack();
      return { ok: false, reason: 'account_disabled', source: definition.id };
    }
    await spendTimeOfRefusal(rest);
    return definition.type !== 'local' && definition.revealLock && account.lockedAt !== undefined
      ? { ok: false, reason: 'account_locked', source: definition.id }
      : refusal;
  },
});

/** A directory may take several names for a person (a name, its domain in front or behind, an e-mail address). */
const countFound = async (
  verdict: SourcesVerdict,
  {
    counted,
    attempt,
    sources,
  }: { counted: CountedAttempt; attempt: PasswordAttempt; sources: readonly Connector[] },
): Promise<SourcesVerdict> => {
  if (!sources.some(({ definition }) => definition.type === 'ldap')) return verdict;
  const subject = subjectOf(verdict);
  if (subject === undefined || !('connector' in verdict)) {
    // as long as for somebody who is found
    await counted.countFound(signInFoundKey('', attempt.login));
    return verdict;
  }
  const { connector, rest } = verdict;
  if (await counted.countFound(signInFoundKey(connector.definition.id, subject))) return verdict;
  if (verdict.ok) endProof(connector, verdict.grant);
  return { ok: false, reason: 'credentials', connector, rest, detail: 'throttled_account' };
};

const subjectOf = (verdict: SourcesVerdict): string | undefined => {
  if (!verdict.ok) return 'subject' in verdict ? verdict.subject : undefined;
  return verdict.connector.definition.type === 'ldap' ? verdict.identity.subject : undefined;
};

/** A directory reveals by its own answers that an account is disabled; the local list, if the operator allows it. */
const revealsDisabled = ({ type, revealDisabled }: Connector['definition']): boolean =>
  type !== 'local' || revealDisabled === true;

const refuse = async (counted: CountedAttempt, verdict: Unproven): Promise<Refusal> => {
  switch (verdict.reason) {
    case 'unavailable':
      await counted.giveBack();
      throw verdict.outage.error;
    case 'throttled':
      await counted.giveBack();
      return { ok: false, reason: 'throttled', retryAfterSeconds: verdict.retryAfterSeconds };
    case 'unknown':
      return counted.refuse('unknown_login', verdict.sub);
    case 'credentials':
      return concealed(counted, verdict, verdict.detail ?? 'wrong_password');
    case 'account_locked':
    case 'hours_restricted':
    case 'workstation_restricted':
      // the source answers this without checking the password, so the attempt stays counted
      if (!verdict.connector.definition.revealLock) return concealed(counted, verdict, verdict.reason);
      await counted.refuse(at(verdict.connector, verdict.reason));
      return { ok: false, reason: verdict.reason, source: verdict.connector.definition.id };
    default:
      await Promise.all([counted.giveBack(), counted.refuse(at(verdict.connector, verdict.reason))]);
      return { ok: false, reason: verdict.reason, source: verdict.connector.definition.id };
  }
};

/**
 * While another source cannot be reached, a wrong password must look like an unknown name. It was checked, though, so
 * it is counted, or passwords of local accounts could be guessed during an outage.
 */
const concealed = async (
  counted: CountedAttempt,
  { connector, rest, sub, outage }: Extract<Unproven, { readonly connector: Connector }>,
  reason: string,
): Promise<Refusal> => {
  const refusal = await counted.refuse(at(connector, reason), sub);
  if (outage !== undefined) throw outage.error;
  await spendTimeOfRefusal(rest);
  return refusal;
};

/** Reasons are for the operator, in the audit record. The client learns none of them. */
const at = ({ definition }: Connector, reason: string): string =>
  definition.type === 'local' ? reason : `${definition.id}: ${reason}`;

export const createSignIn =
  (parts: SignInParts) =>
  async (attempt: PasswordAttempt): Promise<SignInOutcome> => {
    const verification = createPasswordVerification(parts);
    const startedAt = epochSeconds(parts.clock);
    const action = `sign_in.${attempt.via}` as const;
    const counted = await parts.gate(attempt, action);
    if (!counted.ok) return counted;
    const verdict = await verification.ask(counted, attempt);
    if (!verdict.ok) return verification.refuse(counted, verdict);
    const { connector, grant } = verdict;
    const { definition } = connector;
    const account = await verification.admit(counted, attempt, verdict);
    const isKept = !('ok' in account) && attempt.via !== 'basic';
    if (!isKept) endProof(connector, grant);
    if ('ok' in account) return account;

    const whose = { actor: account.sub, object: account.sub };
    await Promise.all([
      counted.accept(),
      definition.type === 'local'
        ? undefined
        : parts.adopt({ account, password: attempt.password, source: definition }),
      parts.audit.note({
        ...factsOf(attempt),
        ...whose,
        ...(definition.type === 'local' ? {} : { reason: definition.id }),
        action,
        outcome: 'success',
      }),
    ]);
    return {
      ...signedIn(account, verdict.identity, startedAt),
      ...(isKept ? definedOnly({ grant }) : {}),
    };
  };

export const signedIn = (
  account: AccountRecord,
  { amr, acr, source }: Identity,
  startedAt: number,
): SignedIn => ({
  ok: true,
  account,
  signedInAt: Math.max(startedAt, account.notBefore ?? 0),
  amr,
  ...definedOnly({ acr }),
  source,
});
