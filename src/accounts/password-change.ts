import { setTimeout } from 'node:timers/promises';
import { epochSeconds } from '../clock.ts';
import type { Connector } from '../connectors/connector.ts';
import { preparePassword } from '../crypto/password-hasher.ts';
import { definedOnly } from '../defined-only.ts';
import { AppError } from '../errors.ts';
import type { AccountRecord, AccountRecords } from '../storage/storage.ts';
import type { NotifyOfChange } from './account-notices.ts';
import type { PasswordChangeAttempt, PasswordChangeOutcome, SignInOutcome } from './account-types.ts';
import { identityKey } from './linked-identities.ts';
import { factsOf } from './password-gate.ts';
import type { SourcesVerdict } from './password-sources.ts';
import { createPasswordVerification, type SignInParts, signedIn } from './sign-in.ts';
import { endOfSessions } from './standing.ts';

export interface PasswordChangeParts extends SignInParts {
  readonly records: Pick<AccountRecords, 'findByIdentity'>;
  readonly onEnded: (sub: string, reason: string) => Promise<void>;
  readonly notifyOfChange: NotifyOfChange;
}

const action = 'user.passwd';

/**
 * The source that accepts the old password is asked to change it; then the person signs in there with the new one, and gets a
 * mail about it.
 */
export const createPasswordChange = (parts: PasswordChangeParts) => {
  const verification = createPasswordVerification(parts);

  /** Ends the sessions that others have begun with the old password. */
  const endOthers = async (account: AccountRecord): Promise<AccountRecord> => {
    const notBefore = endOfSessions(parts.clock.now());
    const { account: changed } = await parts.resolver.change(account, () => ({ change: { notBefore } }));
    await parts.onEnded(account.sub, action);
    // no token of this sign-in may say that it was issued before the sign-in (`iat` before `auth_time`)
    await setTimeout(notBefore * 1000 - parts.clock.now());
    return changed;
  };

  /** Whose password was right, if there is an account yet. */
  const ownerOf = async ({ identity }: Extract<SourcesVerdict, { ok: true }>): Promise<string | undefined> =>
    (identity.account ?? (await parts.records.findByIdentity(identityKey(identity))))?.sub;

  return async (change: PasswordChangeAttempt): Promise<PasswordChangeOutcome> => {
    if (preparePassword(change.newPassword) === undefined) {
      return { ok: false, reason: 'policy', message: 'This cannot be used as a password.' };
    }
    const startedAt = epochSeconds(parts.clock);
    const counted = await parts.gate(change, action);
    if (!counted.ok) return counted;
    const verdict = await verification.ask(counted, change);
    if (!verdict.ok && !isChangeable(verdict))
      return withoutReason(await verification.refuse(counted, verdict));
    if (verdict.ok && change.isDemanded === true) {
      // it is still good, so the person signs in with it, and with a second factor where there is one
      await counted.accept();
      return { ok: false, reason: 'not_offered' };
    }
    if (verdict.ok && change.sub !== undefined && change.sub !== (await ownerOf(verdict)))
      return withoutReason(await counted.refuse('other_person'));
    const holder = verdict.connector;
    if (holder.passwords?.change === undefined) {
      await counted.accept();
      return { ok: false, reason: 'not_offered' };
    }

    const { login, password, newPassword } = change;
    const { definition } = holder;
    const answer = await holder.passwords.change({ login, password, newPassword });
    if (!answer.ok && answer.reason === 'credentials' && verdict.ok)
      return counted.refuse(`${definition.id}: wrong_password`);
    if (!answer.ok && answer.reason === 'credentials') {
      // the source has just accepted the new password; with an expired one it would no longer allow anything
      await counted.accept();
      return { ok: false, reason: 'not_offered' };
    }
    if (!answer.ok) {
      await counted.accept();
      const { message } = answer;
      return { ok: false, reason: 'policy', ...definedOnly({ message }) };
    }

    const proof = await holder.passwords.verify({ login, password: newPassword });
    if (!proof.ok) {
      throw new AppError(
        'unavailable',
        'The password was changed, but cannot be used yet. Please sign in again later.',
      );
    }
    const proven = { ok: true, connector: holder, identity: proof.person, rest: [] } as const;
    const account = await verification.admit(counted, change, proven);
    if ('ok' in account) return withoutReason(account);
    const current = await parts.notifyOfChange(
      account,
      { kind: 'password_changed' },
      { make: () => endOthers(account) },
    );
    await Promise.all([
      counted.accept(),
      parts.adopt({ account: current, password: newPassword, source: definition, isNew: true }),
      parts.audit.note({
        ...factsOf(change),
        actor: current.sub,
        object: current.sub,
        reason: definition.id,
        action,
        outcome: 'success',
      }),
    ]);
    return signedIn(current, proof.person, startedAt);
  };
};

type Unproven = Exclude<SourcesVerdict, { ok: true }>;

/** The source has accepted the password, and demands a new one before it allows the sign-in. */
const isChangeable = (verdict: Unproven): verdict is Extract<Unproven, { readonly connector: Connector }> =>
  verdict.reason === 'password_change_required' || verdict.reason === 'password_expired';

/** The reason why a person may not sign in is shown at the sign-in, not here. */
const withoutReason = (refusal: Exclude<SignInOutcome, { ok: true }>): PasswordChangeOutcome =>
  refusal.reason === 'throttled' ? refusal : { ok: false, reason: 'credentials' };
