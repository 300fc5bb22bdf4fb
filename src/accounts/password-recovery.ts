// A new password for somebody who has forgotten theirs, proven by a mail to the address of the account. It begins no session:
// the person signs in afterwards as always, with the second factor that is asked for.
import type { Audit } from '../audit/audit.ts';
import { typedActor } from '../audit/typed-actor.ts';
import type { Clock } from '../clock.ts';
import type { Locale, TenantDefinition } from '../config/tenant/tenant-definition.ts';
import { hashId } from '../crypto/ids.ts';
import { definedOnly } from '../defined-only.ts';
import type { Log } from '../log.ts';
import type { TenantMail } from '../mail/tenant-mail.ts';
import { canonicalLogin } from '../protocol/canonical-login.ts';
import type { AccountRecord, AccountRecords } from '../storage/storage.ts';
import type { NotifyOfChange } from './account-notices.ts';
import { addressBucket } from './address-bucket.ts';
import type { RunAfterAnswer } from './after-answer.ts';
import { noteWithin } from './bounded-record.ts';
import type { RemindOfUndo } from './email-undo-link.ts';
import type { FormerAddresses } from './former-addresses.ts';
import type { LocalUsers } from './local-users.ts';
import { hasLocalPassword } from './password-adoption.ts';
import type { FaultOfPassword } from './password-rules.ts';
import { createFindHolder, proofMarkOf } from './proof-holder.ts';
import { maySignIn } from './standing.ts';
import type { Throttle } from './throttle.ts';
import { codeSeconds, linkSeconds, type Verifications } from './verifications.ts';

export interface RecoveryRequest {
  /** As it was typed: a user name or an e-mail address. */
  readonly login: string;
  /** `newBrowser`; the code of the mail works in this browser alone. */
  readonly browser: string;
  readonly locale: Locale;
  readonly address: string;
  readonly requestId: string;
}

export type RecoveryBegun =
  | { readonly ok: true }
  | { readonly ok: false; readonly reason: 'throttled'; readonly retryAfterSeconds: number };

export type PasswordReset =
  | { readonly ok: true }
  /** The link was used, is too old, or the account has changed since. */
  | { readonly ok: false; readonly reason: 'link' }
  | { readonly ok: false; readonly reason: 'policy'; readonly message: string };

export interface PasswordRecovery {
  /**
   * Counts the request; whom it is about is looked at afterwards, and nobody waits for that. So the answer and its time are the
   * same whether the name is known or not.
   */
  begin(request: RecoveryRequest): Promise<RecoveryBegun>;
  /** The link that a right code stands for; undefined when the code is wrong, too old or used. */
  exchangeCode(typed: { readonly browser: string; readonly code: string }): Promise<string | undefined>;
  /** Whose password the link would change, without using it. */
  find(link: string): Promise<AccountRecord | undefined>;
  /** Uses the link, ends all sessions and sends a notice. */
  reset(asked: ResetRequest): Promise<PasswordReset>;
}

export interface ResetRequest {
  readonly link: string;
  readonly password: string;
  readonly locale: Locale;
  readonly address: string;
  readonly requestId: string;
}

export interface PasswordRecoveryParts {
  readonly definition: Pick<TenantDefinition, 'displayName' | 'sources' | 'throttle'>;
  readonly issuer: string;
  readonly records: Pick<AccountRecords, 'findByLogin' | 'findBySub'>;
  readonly verifications: Verifications;
  readonly throttle: Pick<Throttle, 'spend'>;
  readonly faultOfPassword: FaultOfPassword;
  readonly mail: Pick<TenantMail, 'send'>;
  readonly formerAddresses: Pick<FormerAddresses, 'find'>;
  readonly remindOfUndo: RemindOfUndo;
  readonly notifyOfChange: NotifyOfChange;
  /** The actor of the change is the person. */
  readonly usersAs: (actor: string) => Pick<LocalUsers, 'setPasswordBySub'>;
  readonly runAfterAnswer: RunAfterAnswer;
  readonly audit: Audit;
  readonly clock: Clock;
  readonly log: Log;
}

const hour = 3600;
/** For one name, whether it is anybody's, and for one account by whatever name. */
const perName = { points: 5, windowSeconds: hour } as const;
/** From however many addresses: of mails to people of the tenant, and, apart from them, of audit records of made-up names. */
const perTenant = { points: 1000, windowSeconds: hour } as const;
const purpose = 'password-reset';

export const recoveryUrl = (issuer: string): string => `${issuer}/recover`;

export const createPasswordRecovery = (parts: PasswordRecoveryParts): PasswordRecovery => {
  const { definition, issuer, records, verifications, throttle, mail, notifyOfChange, audit, log } = parts;

  const canReset = (account: AccountRecord): boolean =>
    account.origin !== 'demo' && hasLocalPassword(account, definition.sources);

  const writeMail = async (request: RecoveryRequest, canonical: string): Promise<void> => {
    const { locale, browser, address, requestId } = request;
    const note = (outcome: 'success' | 'failure', reason: string, account?: AccountRecord): Promise<void> =>
      audit.note({
        ...{ action: 'recovery.begin', outcome, reason, address, requestId },
        // whoever asked has proven nothing; what was typed matters where it is nobody's name
        ...{
          actor: account === undefined ? typedActor(request.login) : 'unknown',
          ...definedOnly({ object: account?.sub }),
        },
      });
    const holder = await records.findByLogin(canonical);
    const account = holder ?? (await parts.formerAddresses.find(canonical));
    if (account === undefined) {
      const bound = { key: 'recovery/unknown', allowance: perTenant } as const;
      return noteWithin(throttle, { ...bound, reason: 'unknown_user' }, (reason) => note('failure', reason));
    }
    const { sub, email, username } = account;
    if (!maySignIn(account)) return note('failure', 'account_disabled', account);
    if (holder !== undefined && email === undefined) return note('failure', 'no_address', account);
    const counted = await throttle.spend(`recovery/account/${hashId(sub)}`, perName);
    if (!counted.isAllowed) return counted.isFirstRefusal ? note('failure', 'throttled', account) : undefined;
    const inTenant = await throttle.spend('recovery/tenant', perTenant);
    if (!inTenant.isAllowed) {
      if (inTenant.isFirstRefusal) log.warn({ requestId }, 'too many mails for new passwords in this hour');
      return inTenant.isFirstRefusal ? note('failure', 'throttled_tenant', account) : undefined;
    }
    if (holder === undefined || email === undefined) {
      await parts.remindOfUndo(account, { email: canonical, locale });
      return note('failure', 'former_address', account);
    }
    if (!canReset(account)) {
      const values = { username, sources: sourcesOf(account, definition) };
      await mail.send({ kind: 'password_elsewhere', to: email, locale, sub, values });
      return note('failure', 'kept_elsewhere', account);
    }
    const secrets = await verifications.create({
      purpose,
      browser,
      address: email,
      sub,
      about: proofMarkOf(account),
    });
    const link = `${recoveryUrl(issuer)}/password?token=${secrets.link}`;
    const content = { kind: 'password_reset', to: email, locale, sub, link, values: { username } } as const;
    await mail.send({ ...content, linkSeconds, codeSeconds, ...definedOnly({ code: secrets.code }) });
    await note('success', 'mail', account);
  };

  const holderOf = createFindHolder(records, canReset);

  return {
    begin: async (request) => {
      const canonical = canonicalLogin(request.login);
      const name = hashId(canonical ?? request.login);
      const charges = [
        [`recovery/address/${addressBucket(request.address)}`, definition.throttle.address],
        [`recovery/name/${name}`, perName],
      ] as const;
      for (const [key, allowance] of charges) {
        const { isAllowed, retryAfterSeconds } = await throttle.spend(key, allowance);
        if (!isAllowed) return { ok: false, reason: 'throttled', retryAfterSeconds };
      }
      if (canonical === undefined) return { ok: true };
      parts.runAfterAnswer({
        what: 'mail for a new password',
        requestId: request.requestId,
        work: () => writeMail(request, canonical),
      });
      return { ok: true };
    },

    exchangeCode: async (typed) => {
      const verified = await verifications.consumeCode(purpose, typed);
      if (verified === undefined) return undefined;
      const { link } = await verifications.create({ ...verified, purpose, seconds: codeSeconds });
      return link;
    },

    find: async (link) => holderOf(await verifications.find(purpose, link)),

    reset: async ({ link, password, locale, address, requestId }) => {
      const account = await holderOf(await verifications.find(purpose, link));
      if (account === undefined) return { ok: false, reason: 'link' };
      const message = await parts.faultOfPassword(password, account);
      if (message !== undefined) return { ok: false, reason: 'policy', message };
      if ((await verifications.consumeLink(purpose, link)) === undefined)
        return { ok: false, reason: 'link' };
      const { sub } = account;
      const change = await notifyOfChange(
        account,
        { kind: 'password_changed', locale, isAddressProven: true },
        { make: () => parts.usersAs(sub).setPasswordBySub(sub, password), isDone: ({ ok }) => ok },
      );
      await audit.note({
        ...{ action: 'recovery.reset', actor: sub, object: sub, address, requestId },
        outcome: change.ok ? 'success' : 'failure',
      });
      return change.ok ? { ok: true } : { ok: false, reason: 'link' };
    },
  };
};

const sourcesOf = (
  { identities = [] }: AccountRecord,
  { sources, displayName }: Pick<TenantDefinition, 'sources' | 'displayName'>,
): string => {
  const names = identities
    .filter(({ goneAt }) => goneAt === undefined)
    .flatMap(({ source }) => sources.find(({ id }) => id === source)?.displayName ?? []);
  return names.length === 0 ? displayName : names.join(', ');
};
