// A sign-in with a passkey alone: without name and password. The device has verified the person.
import type { Audit } from '../audit/audit.ts';
import { type Clock, epochSeconds } from '../clock.ts';
import type { SecondFactorRules, TenantDefinition } from '../config/tenant/tenant-definition.ts';
import { definedOnly } from '../defined-only.ts';
import type { AccountRecord, AccountRecords } from '../storage/storage.ts';
import type { Accounts, PasskeyAttempt, PasskeySignIn } from './account-types.ts';
import { isAdmittedByClient } from './client-admission.ts';
import type { Passkeys } from './factors/passkeys.ts';
import { livingIdentities } from './linked-identities.ts';
import { hasLocalPassword } from './password-adoption.ts';
import { findActiveAccount } from './standing.ts';

export interface PasskeySignInParts {
  readonly definition: Pick<TenantDefinition, 'demo' | 'sources'> & {
    readonly secondFactor: Pick<SecondFactorRules, 'methods' | 'passwordless'>;
  };
  readonly records: Pick<AccountRecords, 'findBySub'>;
  readonly passkeys: Pick<Passkeys, 'verifyAlone'>;
  readonly recheck: Accounts['recheck'];
  readonly noteAttack: Accounts['noteAttack'];
  readonly audit: Audit;
  readonly clock: Clock;
}

const action = 'sign_in.passkey';

/** May people sign in with a passkey alone? */
export const isPasswordless = ({
  methods,
  passwordless,
}: Pick<SecondFactorRules, 'methods' | 'passwordless'>): boolean =>
  passwordless && methods.includes('passkey');

/** Whatever is wrong, the answer is the same: it tells nothing about accounts. The audit record has the reason. */
export const createPasskeySignIn = (parts: PasskeySignInParts): Accounts['signInWithPasskey'] => {
  const { definition, audit, clock } = parts;
  const { sources } = definition;

  /**
   * Somebody whose source has not confirmed them for as long as sessions are good without it has to sign in there: a person
   * who has left must not get in for ever.
   */
  const isConfirmed = (account: AccountRecord): boolean =>
    account.origin !== 'source' ||
    hasLocalPassword(account, sources) ||
    livingIdentities(account, sources).some(({ source, checkedAt }) => {
      const { recheckSeconds = 0, degradedSeconds = 0 } = sources.find(({ id }) => id === source) ?? {};
      return clock.now() - checkedAt <= (recheckSeconds + degradedSeconds) * 1000;
    });

  const judge = async (
    account: AccountRecord,
    clientId: string | undefined,
  ): Promise<AccountRecord | 'disabled_or_locked' | 'source_not_asked' | 'other_client'> => {
    const active = await findActiveAccount({ definition, recheck: parts.recheck }, account, {
      when: 'always',
      isSignIn: true,
    });
    if (active === undefined) return 'disabled_or_locked';
    if (!isConfirmed(active)) return 'source_not_asked';
    const isForClient = isAdmittedByClient(sources, clientId, { account: active, provenBy: undefined });
    return isForClient ? active : 'other_client';
  };

  return async ({ answer, browser, address, ...place }: PasskeyAttempt): Promise<PasskeySignIn> => {
    const startedAt = epochSeconds(clock);
    const origin = { address, ...definedOnly(place) };
    const refuse = async (reason: string, sub?: string): Promise<PasskeySignIn> => {
      await parts.noteAttack({ ...origin, action, reason, ...definedOnly({ sub }) });
      return { ok: false, reason: 'passkey' };
    };
    if (!isPasswordless(definition.secondFactor)) return refuse('not_offered');
    const { userHandle } = answer.response;
    const sub = userHandle === undefined ? '' : Buffer.from(userHandle, 'base64url').toString();
    const account = sub === '' ? undefined : await parts.records.findBySub(sub);
    if (account === undefined) return refuse('unknown_passkey');
    const proven = await parts.passkeys.verifyAlone(account, { answer, browser });
    if (!proven.ok) return proven.reason === 'throttled' ? proven : refuse(proven.fault, sub);
    const judged = await judge(proven.account, place.clientId);
    if (typeof judged === 'string') return refuse(judged, sub);
    await audit.note({ ...origin, action, outcome: 'success', actor: sub, object: sub });
    const { amr, acr } = proven;
    return { ok: true, account: judged, amr, acr, signedInAt: Math.max(startedAt, judged.notBefore ?? 0) };
  };
};
