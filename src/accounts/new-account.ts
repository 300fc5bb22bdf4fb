// The account of an e-mail address that a mail has proven.
import type { Audit } from '../audit/audit.ts';
import type { Locale, TenantDefinition } from '../config/tenant/tenant-definition.ts';
import { hashId, randomId } from '../crypto/ids.ts';
import { canonicalLogin } from '../protocol/canonical-login.ts';
import type { AccountRecord } from '../storage/storage.ts';
import type { FormerUsernames } from './former-usernames.ts';
import { grantedBy, invitationSeconds, isInvited } from './invitations.ts';
import type { LocalUsers } from './local-users.ts';
import { mayChooseUsername, readNewPerson, type TypedPerson } from './new-person.ts';
import { type FindKnown, registrationPurpose } from './registration-link.ts';
import { judgeAddress, judgeInvitedAddress } from './registration-rules.ts';
import type { Throttle } from './throttle.ts';
import type { FoundVerification, Verifications, Verified } from './verifications.ts';

/** Whom the link of a mail makes an account for. */
export interface Registrant {
  /** Canonical. */
  readonly email: string;
  readonly mayChooseUsername: boolean;
  /** The sign-in that goes on afterwards. */
  readonly interaction?: string;
}

export interface NewAccountRequest extends TypedPerson {
  readonly link: string;
  readonly password: string;
  readonly locale: Locale;
  readonly address: string;
  readonly requestId: string;
}

export type NewAccountOutcome =
  | { readonly ok: true; readonly account: AccountRecord; readonly interaction?: string }
  /** The link was used, is too old, or the address may no longer have an account. */
  | { readonly ok: false; readonly reason: 'link' }
  /** There is an account with this address meanwhile. */
  | { readonly ok: false; readonly reason: 'known' }
  | { readonly ok: false; readonly reason: 'name' | 'username' | 'taken' }
  | { readonly ok: false; readonly reason: 'policy'; readonly message: string }
  | { readonly ok: false; readonly reason: 'throttled'; readonly retryAfterSeconds: number };

export interface NewAccounts {
  /** What the link would do, without using it. */
  find(link: string): Promise<Registrant | undefined>;
  /** Uses the link. One of all callers gets the account. Does not say who has a name before the address is proven. */
  finish(asked: NewAccountRequest): Promise<NewAccountOutcome>;
}

export interface NewAccountsParts {
  readonly definition: Pick<TenantDefinition, 'registration' | 'recovery' | 'sources'>;
  readonly verifications: Pick<Verifications, 'find' | 'consumeLink' | 'endEarlier'>;
  readonly throttle: Pick<Throttle, 'spend'>;
  readonly findKnown: FindKnown;
  readonly formerUsernames: Pick<FormerUsernames, 'findHolder'>;
  /** The actor of the change is the person. */
  readonly usersAs: (actor: string) => Pick<LocalUsers, 'add'>;
  readonly audit: Audit;
}

/** User names tried by who has proven an address: enough to find one, and few to list those that are taken. */
const perProof = { points: 20, windowSeconds: 3600 } as const;

export const createNewAccounts = (parts: NewAccountsParts): NewAccounts => {
  const { definition, verifications, throttle, findKnown, formerUsernames, usersAs, audit } = parts;
  const { sources, registration } = definition;

  /** Undefined when the rules have changed since the mail was written. */
  const provenBy = async (link: string): Promise<FoundVerification | undefined> => {
    const verified = await verifications.find(registrationPurpose, link);
    if (verified === undefined || registration === undefined) return undefined;
    const judge = isInvited(verified) ? judgeInvitedAddress : judgeAddress;
    return judge(verified.address, definition).ok ? verified : undefined;
  };

  return {
    find: async (link) => {
      const verified = await provenBy(link);
      if (verified === undefined) return undefined;
      const { address: email, about, isEnded } = verified;
      // while the account is there, the answer to the form says so
      if (isEnded && (await findKnown(email)) === undefined) return undefined;
      return { email, mayChooseUsername: mayChooseUsername(sources), ...interactionIn(about) };
    },

    finish: async ({ link, password, locale, address, requestId, ...typed }) => {
      const verified = await provenBy(link);
      if (verified === undefined) return { ok: false, reason: 'link' };
      const { address: email, about } = verified;
      const { isAllowed, retryAfterSeconds } = await throttle.spend(
        `registration/finish/${hashId(email)}`,
        perProof,
      );
      if (!isAllowed) return { ok: false, reason: 'throttled', retryAfterSeconds };
      if ((await findKnown(email)) !== undefined) return { ok: false, reason: 'known' };
      if (verified.isEnded) return { ok: false, reason: 'link' };
      const read = readNewPerson(typed, email, sources);
      if (!read.ok) return read;
      const chosen = canonicalLogin(read.username);
      // who has proven an address may have it, whoever had it as a user name
      if (chosen !== undefined && chosen !== email && (await formerUsernames.findHolder(chosen)))
        return { ok: false, reason: 'taken' };
      const sub = randomId(16);
      const change = await usersAs(sub).add({
        ...{ sub, username: read.username, password, email, emailVerified: true },
        ...{ claims: { name: read.name, locale }, ...grantedBy(verified, registration) },
      });
      if (!change.ok) {
        if (change.reason === 'password') return { ok: false, reason: 'policy', message: change.message };
        // the name may be free, and the address taken just now
        if ((await findKnown(email)) !== undefined) return { ok: false, reason: 'known' };
        return { ok: false, reason: change.reason === 'taken' ? 'taken' : 'username' };
      }
      await verifications.consumeLink(registrationPurpose, link);
      // or another one would make a second account of the same invitation once this one has another address, or is deleted
      await verifications.endEarlier(registrationPurpose, { address: email, seconds: invitationSeconds });
      await audit.note({
        ...{ action: 'registration.finish', outcome: 'success', actor: sub, object: sub },
        ...{ address, requestId },
      });
      return { ok: true, account: change.account, ...interactionIn(about) };
    },
  };
};

const interactionIn = (about: Verified['about']): Pick<Registrant, 'interaction'> =>
  about?.interaction === undefined ? {} : { interaction: about.interaction };
