// Sessions that a code by e-mail begins. The token is given at once and becomes good when the code was right.

import type { Accounts, FirstFactor } from '../../accounts/account-types.ts';
import type { RunAfterAnswer } from '../../accounts/after-answer.ts';
import { isFactorMissing } from '../../accounts/factors/factor-demand.ts';
import { codeMethodsOf } from '../../accounts/factors/factor-facts.ts';
import { withFactor } from '../../accounts/factors/proven-factor.ts';
import { hasOwnProfile } from '../../accounts/managed-elsewhere.ts';
import { sessionOrigin } from '../../accounts/session-origin.ts';
import { isForClient } from '../../accounts/source-choice.ts';
import { mayCompleteSignIn } from '../../accounts/standing.ts';
import type { ChargeStart } from '../../accounts/start-budget.ts';
import type { Throttle } from '../../accounts/throttle.ts';
import { type Clock, epochSeconds } from '../../clock.ts';
import type { TenantDefinition } from '../../config/tenant/tenant-definition.ts';
import { hashId, hmac, isEqualConstantTime, randomId } from '../../crypto/ids.ts';
import { newMailedCode, withoutSeparators } from '../../crypto/mailed-code.ts';
import { definedOnly } from '../../defined-only.ts';
import { AppError } from '../../errors.ts';
import { readEmail } from '../../protocol/email-address.ts';
import type { AccountRecord, AccountRecords, Artifacts } from '../../storage/storage.ts';
import type { MfaTokens } from '../grants/mfa-tokens.ts';
import { lifetimesOf } from '../provider/clients.ts';
import type { LoginOrigin } from './direct-login.ts';
import type { DirectToken, IssueDirectToken } from './direct-tokens.ts';

export interface NewEmailSession {
  /** Not good yet. */
  readonly token: string;
  readonly verificationId: string;
  /** Seconds for the code. */
  readonly codeSeconds: number;
}

export type EmailCodeProof =
  | { readonly code: string; readonly otp?: string }
  /** After `mfa_required`. */
  | { readonly mfaToken: string; readonly otp: string };

export type EmailSessionOutcome =
  | { readonly ok: true; readonly token: DirectToken }
  | {
      readonly ok: false;
      readonly reason: 'code' | 'invalid_otp' | 'mfa_token' | 'mfa_enrolment_required' | 'passkey_required';
    }
  | {
      readonly ok: false;
      readonly reason: 'mfa_required';
      readonly mfaToken: string;
      readonly methods: readonly string[];
    }
  | { readonly ok: false; readonly reason: 'throttled'; readonly retryAfterSeconds: number };

export interface EmailSessions {
  /**
   * Sends a code to the address, if it is one of a person who may sign in by it. The outcome is the same for all others, and
   * nobody waits for the mail.
   * @throws AppError `throttled`; `unavailable`, lasting where no mail server is set up
   */
  create(email: string, origin: LoginOrigin, scope?: string): Promise<NewEmailSession>;
  /** @throws AppError `unavailable` */
  verify(verificationId: string, proof: EmailCodeProof, origin: LoginOrigin): Promise<EmailSessionOutcome>;
}

export interface CodeMail {
  readonly to: string;
  readonly sub: string;
  readonly code: string;
  /** Seconds. */
  readonly codeSeconds: number;
}

/** For the audit record. */
export interface EmailSignInEvent {
  readonly action: 'sign_in.email_code';
  readonly actor: string;
  readonly object: string;
  readonly outcome: 'success' | 'failure';
  readonly reason?: string;
  readonly clientId: string;
  readonly address: string;
  readonly requestId: string;
}

export interface EmailSessionsParts {
  readonly definition: TenantDefinition;
  readonly accounts: Pick<Accounts, 'callOffDeletion' | 'factors' | 'seed'>;
  readonly records: Pick<AccountRecords, 'findByLogin'>;
  readonly artifacts: Artifacts;
  /** Undefined without a mail server. */
  readonly sendCode: ((mail: CodeMail) => Promise<void>) | undefined;
  readonly runAfterAnswer: RunAfterAnswer;
  readonly mfaTokens: MfaTokens;
  readonly chargeStart: ChargeStart;
  readonly throttle: Pick<Throttle, 'spend'>;
  readonly issue: IssueDirectToken;
  /** For tokens and codes of these sessions alone. */
  readonly key: Buffer;
  readonly note: (event: EmailSignInEvent) => Promise<void>;
  readonly clock: Clock;
}

const kind = 'EmailSession';
const codeSeconds = 600;
const tries = { points: 5, windowSeconds: codeSeconds } as const;
/** To one address. */
const mails = { points: 5, windowSeconds: 3600 } as const;
/** To people of the tenant, from however many IP addresses. */
const mailsOfTenant = { points: 1000, windowSeconds: 3600 } as const;

interface Payload {
  readonly clientId: string;
  readonly scope?: string;
  /** Of the code: it has too few bits to be hashed without a key. */
  readonly mac: string;
}

interface MailedCode {
  readonly verificationId: string;
  readonly code: string;
  readonly email: string;
}

type Refused = Exclude<EmailSessionOutcome, { readonly ok: true }>;
interface Proven extends FirstFactor {
  readonly scope?: string;
}

export const createEmailSessions = (parts: EmailSessionsParts): EmailSessions => {
  const { definition, artifacts, throttle, key, clock } = parts;
  /** Undefined when the tenant has no local list, or has it for other clients only. */
  const localSourceFor = (clientId: string): string | undefined =>
    definition.sources.find((source) => source.type === 'local' && isForClient(source, clientId))?.id;

  const tokenOf = (clientId: string, verificationId: string): string =>
    hmac(key, 'token', clientId, verificationId);
  /** With the address: once the account has another one, what was mailed to the old one is good for nothing. */
  const macOf = ({ verificationId, code, email }: MailedCode): string =>
    hmac(key, 'code', verificationId, code, email);
  /** What an `mfa_token` of these sessions is bound to; no client has such an id. */
  const boundTo = ({ clientId }: LoginOrigin, verificationId: string): string =>
    `${clientId} ${hashId(verificationId)}`;

  /** A person of a directory or upstream signs in there, and nobody by an address that was not verified. */
  const findPerson = async (email: string, clientId: string): Promise<AccountRecord | undefined> => {
    await parts.accounts.seed();
    const account = await parts.records.findByLogin(email);
    const isTheirs = account?.email === email && account.emailVerified === true && hasOwnProfile(account);
    const isAllowed = localSourceFor(clientId) !== undefined;
    return isTheirs && isAllowed && mayCompleteSignIn(account, epochSeconds(clock)) ? account : undefined;
  };

  const note = (
    { clientId, address, requestId }: LoginOrigin,
    event: Pick<EmailSignInEvent, 'actor' | 'outcome' | 'reason'> & { readonly object?: string },
  ): Promise<void> =>
    parts.note({
      ...{ action: 'sign_in.email_code', object: event.actor, clientId, address, requestId },
      ...event,
    });

  const mailCode = async (mail: CodeMail, origin: LoginOrigin): Promise<void> => {
    const { isAllowed, isFirstRefusal } = await throttle.spend('email_session/tenant', mailsOfTenant);
    if (isAllowed) return parts.sendCode?.(mail);
    const reason = 'throttled_tenant';
    if (isFirstRefusal)
      await note(origin, { actor: 'unknown', object: mail.sub, outcome: 'failure', reason });
  };

  const proveCode = async (
    verificationId: string,
    { code, otp }: Extract<EmailCodeProof, { readonly code: string }>,
    origin: LoginOrigin,
  ): Promise<Proven | Refused> => {
    const wrong = { ok: false, reason: 'code' } as const;
    const source = localSourceFor(origin.clientId); // the file of the tenant may have changed since the mail
    if (source === undefined) return wrong;
    const id = hashId(verificationId);
    const loaded = await artifacts.load([{ kind, id }]);
    const [artifact] = loaded.artifacts;
    if (artifact === undefined || artifact.consumedAt !== undefined) return wrong;
    const { clientId, scope, mac } = JSON.parse(artifact.payload) as Payload; // written in `create`
    if (clientId !== origin.clientId) return wrong;
    // not for ids that nobody was given: their counters would fill the store
    const { isAllowed } = await throttle.spend(`email_session/code/${id}`, tries);
    if (!isAllowed) return wrong;
    const [account] = loaded.linkedAccounts;
    const mailed = { verificationId, code: withoutSeparators(code), email: account?.email ?? '' };
    const isRight = isEqualConstantTime(mac, macOf(mailed)) && account?.emailVerified === true;
    const signedInAt = epochSeconds(clock);
    if (!isRight || !mayCompleteSignIn(account, signedInAt)) {
      await note(origin, { actor: account?.sub ?? 'unknown', outcome: 'failure', reason: 'wrong_code' });
      return wrong;
    }
    if ((await artifacts.consume(kind, id, clock.now()))?.won !== true) return wrong;
    const first = { account, amr: ['email'], source, signedInAt, ...definedOnly({ scope }) };
    const demand = parts.accounts.factors.demandOf({ account, clientId, amr: first.amr });
    await note(origin, { actor: account.sub, outcome: 'success' });
    if (!isFactorMissing(demand)) return first;
    if (demand !== 'factor') return { ok: false, reason: 'mfa_enrolment_required' };
    const methods = codeMethodsOf(definition.secondFactor, account);
    if (methods.length === 0) return { ok: false, reason: 'passkey_required' };
    if (otp === undefined) {
      const mfaToken = await parts.mfaTokens.issue(boundTo(origin, verificationId), first);
      return { ok: false, reason: 'mfa_required', mfaToken, methods };
    }
    return proveFactor(first, otp, origin);
  };

  const proveFactor = async <F extends Proven>(
    first: F,
    otp: string,
    { clientId, address, requestId }: LoginOrigin,
  ): Promise<F | Refused> => {
    const proven = await parts.accounts.factors.verify(first.account, otp, { clientId, address, requestId });
    if (proven.ok) return withFactor(first, proven);
    return proven.reason === 'throttled' ? proven : { ok: false, reason: 'invalid_otp' };
  };

  const proveToken = async (
    verificationId: string,
    { mfaToken, otp }: Extract<EmailCodeProof, { readonly mfaToken: string }>,
    origin: LoginOrigin,
  ): Promise<Proven | Refused> => {
    const first = await parts.mfaTokens.find(boundTo(origin, verificationId), mfaToken);
    if (first === undefined || first.source !== localSourceFor(origin.clientId))
      return { ok: false, reason: 'mfa_token' };
    const proven = await proveFactor(first, otp, origin);
    if ('reason' in proven) return proven;
    return (await parts.mfaTokens.consume(mfaToken)) ? proven : { ok: false, reason: 'mfa_token' };
  };

  return {
    create: async (typed, origin, scope) => {
      const { clientId, address, requestId } = origin;
      if (parts.sendCode === undefined) {
        const message = 'Codes by e-mail need a mail server: set mail in config/server.yaml';
        throw new AppError('unavailable', message, { isLasting: true });
      }
      const read = readEmail(typed.trim().toLowerCase());
      if (!read.ok) throw new AppError('invalid_request', 'This is not one plain e-mail address');
      const { email } = read;
      // one after the other: an IP address that is refused uses up nobody's mails
      refuseThrottled(await parts.chargeStart(address));
      refuseThrottled(await throttle.spend(`email_session/mail/${hashId(email)}`, mails));
      const verificationId = randomId();
      const code = newMailedCode();
      const account = await findPerson(email, clientId);
      const payload: Payload = {
        clientId,
        mac: macOf({ verificationId, code, email }),
        ...definedOnly({ scope }),
      };
      const artifact = {
        kind,
        id: hashId(verificationId),
        payload: JSON.stringify(payload),
        expiresAt: epochSeconds(clock) + codeSeconds,
        ...definedOnly({ accountId: account?.sub }),
      } as const;
      await artifacts.write([{ op: 'insert', artifact }]);
      if (account !== undefined)
        parts.runAfterAnswer({
          ...{ what: 'mail with a code', requestId },
          work: () => mailCode({ to: email, sub: account.sub, code, codeSeconds }, origin),
        });
      return { token: tokenOf(clientId, verificationId), verificationId, codeSeconds };
    },

    verify: async (verificationId, proof, origin) => {
      const proven =
        'mfaToken' in proof
          ? await proveToken(verificationId, proof, origin)
          : await proveCode(verificationId, proof, origin);
      if ('reason' in proven) return proven;
      const { amr, acr, source, signedInAt, scope } = proven;
      const { clientId, address, userAgent, requestId } = origin;
      const account = await parts.accounts.callOffDeletion({
        ...{ account: proven.account, signedInAt, clientId, address, requestId },
      });
      if (account === undefined) return { ok: false, reason: 'code' };
      const token = await parts.issue({
        clientId,
        scope,
        value: tokenOf(clientId, verificationId),
        proof: { sub: account.sub, amr, acr, source, signedInAt },
        origin: sessionOrigin(address, userAgent),
        lifeSeconds: lifetimesOf(definition, clientId).directLogin,
      });
      return { ok: true, token };
    },
  };
};

const refuseThrottled = ({ isAllowed, retryAfterSeconds }: Awaited<ReturnType<ChargeStart>>): void => {
  if (!isAllowed)
    throw new AppError('throttled', 'Too many attempts. Please try again later.', { retryAfterSeconds });
};
