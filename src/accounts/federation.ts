// People who were proven without a password of ours: signing in, and connecting a source to an account.

import type { Audit } from '../audit/audit.ts';
import type { AuditAction } from '../audit/audit-actions.ts';
import { type Clock, epochSeconds } from '../clock.ts';
import type { Connector } from '../connectors/connector.ts';
import { AppError } from '../errors.ts';
import type { LinkedIdentity } from '../storage/linked-identity.ts';
import type { AccountRecord, AccountRecords } from '../storage/storage.ts';
import type { Accounts, ProofOrigin } from './account-types.ts';
import {
  type AccountChange,
  emailKeysOf,
  identityKey,
  isFilledBy,
  livingIdentities,
  withoutProfile,
} from './linked-identities.ts';
import { hasLocalPassword } from './password-adoption.ts';
import { factsOf } from './password-gate.ts';
import type { Plan, Resolver } from './resolve.ts';
import { signedIn } from './sign-in.ts';
import { isForClient } from './source-choice.ts';
import { mayHoldTokens, maySignIn } from './standing.ts';

export interface FederationParts {
  /** In the file's order. */
  readonly connectors: readonly Connector[];
  readonly records: AccountRecords;
  readonly resolver: Resolver;
  readonly isAdmitted: (account: AccountRecord) => boolean;
  readonly audit: Audit;
  readonly clock: Clock;
}

export const createFederation = (parts: FederationParts): Pick<Accounts, 'admit' | 'link' | 'unlink'> => {
  const { records, resolver, clock } = parts;
  const sources = parts.connectors.map(({ definition }) => definition);
  const hasSource = (id: string): boolean => sources.some((source) => source.id === id);

  const note = (action: AuditAction, origin: ProofOrigin, { sub, outcome, reason }: Noted): Promise<void> =>
    parts.audit.note({ ...factsOf(origin), actor: sub, object: sub, action, outcome, reason });

  const findUsable = async (sub: string): Promise<AccountRecord | undefined> => {
    const account = await records.findBySub(sub);
    return mayHoldTokens(account) && parts.isAdmitted(account) ? account : undefined;
  };

  /** `isLast`: without this source the person could no longer sign in, so the account stays as it is. */
  const planUnlinking = (account: AccountRecord, source: string): Plan & { readonly isLast: boolean } => {
    const nowMs = clock.now();
    const change = changeByUnlinking(account, source, nowMs);
    const after = { ...account, ...change } as AccountRecord; // a removed field is undefined, as an absent one
    const isLast = livingIdentities(after, sources).length === 0 && !hasLocalPassword(after, sources);
    if (isLast) return { isLast };
    const isFilled = isFilledBy(account, source, { sources, nowMs });
    return {
      isLast,
      change: isFilled ? { ...change, ...withoutProfile(after.identities ?? [], nowMs) } : change,
    };
  };

  return {
    admit: async (identity, origin) => {
      const startedAt = epochSeconds(clock);
      const source = sources.find(({ id }) => id === identity.source);
      if (source === undefined || !isForClient(source, origin.clientId)) {
        throw new AppError('forbidden', 'People of this source cannot sign in to this app');
      }
      const account = await resolver.resolve(identity, factsOf(origin));
      const action = `sign_in.${origin.via}` as const;
      const noted = { sub: account.sub, reason: source.id };
      if (!maySignIn(account) || !parts.isAdmitted(account)) {
        const reason = `${source.id}: disabled_or_locked`;
        await note(action, origin, { ...noted, outcome: 'failure', reason });
        return { ok: false, reason: 'account_disabled' };
      }
      await note(action, origin, { ...noted, outcome: 'success' });
      return signedIn(account, identity, startedAt);
    },

    link: async (sub, identity, origin) => {
      const noted = { sub, reason: identity.source };
      const account = hasSource(identity.source) ? await findUsable(sub) : undefined;
      if (account === undefined) return { ok: false, reason: 'not_found' };
      const holder = await records.findByIdentity(identityKey(identity));
      if (holder !== undefined && holder.sub !== sub) {
        const reason = `${identity.source}: taken`;
        await note('account.link', origin, { ...noted, outcome: 'failure', reason });
        return { ok: false, reason: 'taken' };
      }
      const linked = await resolver.bringUpToDate(account, identity);
      if (holder === undefined) await note('account.link', origin, { ...noted, outcome: 'success' });
      return { ok: true, account: linked };
    },

    unlink: async (sub, source, origin) => {
      const account = await findUsable(sub);
      if (account?.identities?.some((linked) => linked.source === source) !== true) {
        return { ok: false, reason: 'not_found' };
      }
      const unlinked = await resolver.change(account, (current) => planUnlinking(current, source));
      if (unlinked.plan.isLast) return { ok: false, reason: 'last' };
      await note('account.unlink', origin, { sub, outcome: 'success', reason: source });
      return { ok: true, account: unlinked.account };
    },
  };
};

interface Noted {
  readonly sub: string;
  readonly outcome: 'success' | 'failure';
  readonly reason: string;
}

/** A password that was adopted from the source goes with it. */
const changeByUnlinking = (account: AccountRecord, source: string, nowMs: number): AccountChange => {
  const identities: readonly LinkedIdentity[] = (account.identities ?? []).filter(
    (linked) => linked.source !== source,
  );
  return {
    identities,
    identityKeys: [...identities.map(identityKey), ...emailKeysOf(account)],
    ...(account.adoptedFrom === source
      ? { passwordHash: undefined, adoptedFrom: undefined, adoptedAt: undefined }
      : {}),
    updatedAt: nowMs,
  };
};
