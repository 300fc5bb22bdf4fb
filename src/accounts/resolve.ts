// From a proven identity to the account of the tenant: found by its key, linked by e-mail, or made.

import type { Audit } from '../audit/audit.ts';
import type { Clock } from '../clock.ts';
import type { SourceDefinition } from '../config/source/source-definition.ts';
import type { Identity } from '../connectors/connector.ts';
import { randomId } from '../crypto/ids.ts';
import { definedOnly } from '../defined-only.ts';
import type { AccountRecord, AccountRecords } from '../storage/storage.ts';
import { type BelievedEmailParts, createBelievedEmail } from './believed-email.ts';
import { type LinkableEmail, mayBeLinkedByEmail } from './email-linking.ts';
import {
  type AccountChange,
  changeByProof,
  changed,
  emailKey,
  identityKey,
  isFilledBy,
  linkableEmail,
  profileOf,
  toLinked,
} from './linked-identities.ts';
import { changedByOthers, mostAttempts } from './lost-races.ts';

export interface ResolveParts {
  readonly records: AccountRecords;
  /** In the file's order. */
  readonly sources: readonly SourceDefinition[];
  /** Of the tenant's file. */
  readonly users: BelievedEmailParts['users'];
  readonly isAdmitted: (account: AccountRecord) => boolean;
  readonly audit: Audit;
  readonly clock: Clock;
}

/** Where the proof comes from, for the audit record. */
export interface ProofFacts {
  readonly address?: string;
  readonly clientId?: string;
  readonly requestId?: string;
}

/** All throw AppError `unavailable` when the store does not answer, or when every attempt loses to another change. */
export interface Resolver {
  /**
   * Any number of first sign-ins at once end in one account. A name is never a reason to link: `admin` of a source
   * gets a new account here.
   */
  resolve(identity: Identity, facts: ProofFacts): Promise<AccountRecord>;
  /** The account with what the source says of it now; written only when that is worth it. */
  bringUpToDate(account: AccountRecord, identity: Identity): Promise<AccountRecord>;
  /**
   * Compare-and-set: `planFor` is asked again with what others have made of the account. Answers with the account as it
   * is then, and with the plan that was carried out.
   */
  change<P extends Plan>(
    account: AccountRecord,
    planFor: (account: AccountRecord) => P | Promise<P>,
  ): Promise<Changed<P>>;
}

/** A planner may add further members for its caller. */
export interface Plan {
  /** Undefined: the account stays as it is. */
  readonly change?: AccountChange | undefined;
}

export interface Changed<P extends Plan> {
  readonly account: AccountRecord;
  readonly plan: P;
}

export const createResolver = (parts: ResolveParts): Resolver => {
  const { records, sources, clock } = parts;
  const believed = createBelievedEmail({ records, sources, users: parts.users });

  /** Undefined when another caller has changed the account meanwhile. */
  const tryChange = async (
    account: AccountRecord,
    change: AccountChange | undefined,
  ): Promise<AccountRecord | undefined> => {
    if (change === undefined) return account;
    const { sub: _sub, createdAt: _createdAt, version: _version, ...patch } = change;
    return (await records.update(account.sub, patch, account.version)) ? changed(account, change) : undefined;
  };

  const change: Resolver['change'] = async (account, planFor) => {
    let current = account;
    for (let attempt = 0; attempt < mostAttempts; attempt += 1) {
      const plan = await planFor(current);
      const done = await tryChange(current, plan.change);
      if (done !== undefined) return { account: done, plan };
      const read = await records.findBySub(account.sub);
      if (read === undefined) break;
      current = read;
    }
    throw changedByOthers();
  };

  const isTakenByOther = async (email: string | undefined, account: AccountRecord): Promise<boolean> => {
    if (email === undefined || account.identityKeys?.includes(emailKey(email)) === true) return false;
    const holder = await records.findByIdentity(emailKey(email));
    return holder !== undefined && holder.sub !== account.sub;
  };

  const changeFor = async (
    account: AccountRecord,
    identity: Identity,
  ): Promise<AccountChange | undefined> => {
    const moment = { sources, nowMs: clock.now() };
    const email = isFilledBy(account, identity.source, moment) ? linkableEmail(identity, sources) : undefined;
    const isEmailTaken = await isTakenByOther(email, account);
    const seen = await believed.ofIdentity(identity, account.sub);
    return changeByProof(account, seen, { ...moment, isEmailTaken });
  };

  const isPartner = (account: AccountRecord, identity: LinkableEmail): boolean =>
    parts.isAdmitted(account) && mayBeLinkedByEmail(account, identity, sources);

  const insertNew = async (
    identity: Identity,
    emailKeys: readonly string[],
  ): Promise<AccountRecord | undefined> => {
    const nowMs = clock.now();
    const { email: address, emailVerified, ...profile } = profileOf(await believed.ofIdentity(identity));
    const account: AccountRecord = {
      sub: randomId(16),
      logins: [],
      ...profile,
      ...definedOnly({ email: address, emailVerified }),
      origin: 'source',
      identities: [toLinked(identity, nowMs)],
      identityKeys: [identityKey(identity), ...emailKeys],
      createdAt: nowMs,
      updatedAt: nowMs,
      version: 1,
    };
    return (await records.insert(account)) ? account : undefined;
  };

  const tryLink = async (
    account: AccountRecord,
    identity: Identity,
    facts: ProofFacts,
  ): Promise<AccountRecord | undefined> => {
    const linked = await tryChange(account, await changeFor(account, identity));
    if (linked !== undefined) {
      const reason = `${identity.source}: verified_email`;
      const whose = { actor: linked.sub, object: linked.sub };
      await parts.audit.note({ ...facts, ...whose, action: 'account.link', outcome: 'success', reason });
    }
    return linked;
  };

  /** Undefined when another caller has changed or made the account meanwhile. */
  const tryResolve = async (identity: Identity, facts: ProofFacts): Promise<AccountRecord | undefined> => {
    const known = await records.findByIdentity(identityKey(identity));
    if (known !== undefined) return tryChange(known, await changeFor(known, identity));
    const email = linkableEmail(identity, sources);
    if (email === undefined) return insertNew(identity, []);
    const holder = await records.findByIdentity(emailKey(email));
    // no account has it: perhaps a local user signs in with it
    const candidate = holder ?? (await records.findByLogin(email));
    if (candidate !== undefined && isPartner(candidate, { source: identity.source, email }))
      return tryLink(candidate, identity, facts);
    // on condition that the address is still free: an account that took it since then must be examined first
    return insertNew(identity, holder === undefined ? [emailKey(email)] : []);
  };

  return {
    change,
    bringUpToDate: async (account, identity) => {
      const done = await change(account, async (current) => ({ change: await changeFor(current, identity) }));
      return done.account;
    },
    resolve: async (identity, facts) => {
      for (let attempt = 0; attempt < mostAttempts; attempt += 1) {
        const account = await tryResolve(identity, facts);
        if (account !== undefined) return account;
      }
      throw changedByOthers();
    },
  };
};
