// The people of a tenant. This file puts the others together; account-types.ts says what the result can do.
//   sign-in.ts               every password that is checked: password-gate.ts counts it, by the name that one-name-gate.ts
//                            says, password-sources.ts asks the sources that source-choice.ts chose,
//                            password-adoption.ts keeps its hash;
//                            known-browsers.ts, known-addresses.ts: where a person has a limit of their own
//   passkey-sign-in.ts       people who sign in with a passkey alone
//   password-change.ts       a new password at the source; password-link.ts: a source connected by its password
//   federation.ts            people whom an upstream has proven: sign-in, connecting and disconnecting a source
//   asserted-identity.ts     people named by a trusted gateway; secret-gate.ts: the secret of that gateway;
//                            machine-certificates.ts: system users with certificates
//   resolve.ts               from a proven identity to its account; linked-identities.ts: what that changes in it;
//                            email-linking.ts: who may be linked by an e-mail address
//   factors/                 second factors of people: who is asked for one, proving and changing them
//   recheck.ts               people looked up again at their sources; standing.ts, admission.ts: who may hold tokens
//   attack-record.ts         attacks that were noticed, for the audit record
//   account-notices.ts       mails that tell people what was changed
//   claims.ts                claims of an account; display-username.ts, believed-email.ts: name and address for services
//   revocations.ts           how sessions, grants and accounts end; live-session.ts, devices.ts, revocation-hub.ts
//   person-sessions.ts, person-apps.ts, person-export.ts   what people see and end of their own; session-origin.ts;
//                            managed-elsewhere.ts: what is changed at their sources
//   profile-change.ts        name, language and user name, changed by the person; account-change.ts: compare-and-set
//   email-change.ts, email-undo.ts   another e-mail address, and the old one again
//   local-users.ts           what an operator does with local users; logins.ts; seeding.ts: demo users
//   deletion-request.ts      people who want their account deleted; deletion-call-off.ts: and sign in again;
//                            due-deletions.ts: the deletion when its time has come
//   password-rules.ts        what a new password must be; common-passwords.ts
//   throttle.ts              attempts counted in the store, by address-bucket.ts; start-budget.ts: what strangers begin;
//                            bounded-cache.ts: remembered in memory
import type { Audit } from '../audit/audit.ts';
import type { Clock } from '../clock.ts';
import type { TenantDefinition } from '../config/tenant/tenant-definition.ts';
import type { Connector } from '../connectors/connector.ts';
import type { PasswordHasher } from '../crypto/password-hasher.ts';
import type { Log } from '../log.ts';
import { canonicalLogin, withoutInvisibleEdges } from '../protocol/canonical-login.ts';
import type { AccountRecord, TenantStorage } from '../storage/storage.ts';
import type { NotifyOfChange } from './account-notices.ts';
import type { Accounts } from './account-types.ts';
import { isAdmittedTo } from './admission.ts';
import { createFindAsserted } from './asserted-identity.ts';
import { createAttackRecord } from './attack-record.ts';
import { createBelievedEmail } from './believed-email.ts';
import { createDeletionCallOff } from './deletion-call-off.ts';
import { createDisplayUsername } from './display-username.ts';
import { isFactorMissing } from './factors/factor-demand.ts';
import { createFactors, type FactorsParts } from './factors/factors.ts';
import { createSignInAtOnce } from './factors/sign-in-at-once.ts';
import { createFederation } from './federation.ts';
import { createKnownBrowsers } from './known-browsers.ts';
import { createFindMachine } from './machine-certificates.ts';
import { countAsOneName, sharedNameOf } from './one-name-gate.ts';
import { createPasskeySignIn } from './passkey-sign-in.ts';
import { createPasswordAdoption } from './password-adoption.ts';
import { createPasswordChange } from './password-change.ts';
import { createPasswordGate } from './password-gate.ts';
import { createPasswordLink } from './password-link.ts';
import { spendTimeOfRefusal } from './password-sources.ts';
import { createRecheck, type LookAgain } from './recheck.ts';
import { createResolver } from './resolve.ts';
import { createSecretGate } from './secret-gate.ts';
import { createSeeding } from './seeding.ts';
import { createSignIn } from './sign-in.ts';
import { chooseSources, passwordSourcesFor } from './source-choice.ts';
import { mayHoldTokens } from './standing.ts';
import { createThrottle } from './throttle.ts';

export interface AccountsParts {
  readonly definition: Pick<
    TenantDefinition,
    'id' | 'displayName' | 'locale' | 'demo' | 'users' | 'throttle' | 'secondFactor'
  >;
  /** The tenant's sources in the file's order, with their mapping; the local list is one of them. */
  readonly connectors: readonly Connector[];
  readonly storage: Pick<TenantStorage, 'accounts' | 'counters'>;
  readonly hasher: PasswordHasher;
  readonly audit: Audit;
  /** Signs the cookies of browsers that are known. */
  readonly browserKey: Buffer;
  readonly notifyOfChange: NotifyOfChange;
  /** See `FactorsParts`. */
  readonly factorKeys: Pick<FactorsParts, 'sealingKey' | 'recoveryKey' | 'challengeKey' | 'browserKey'>;
  /** Of the tenant. */
  readonly issuer: string;
  /** Ends the sessions and tokens of a person whom the source no longer knows, or whose password was changed. */
  readonly onEnded: (sub: string, reason: string) => Promise<void>;
  readonly lookAgain: LookAgain;
  readonly clock: Clock;
  readonly log: Log;
}

export const createAccounts = (parts: AccountsParts): Accounts => {
  const { definition, storage, connectors, audit, browserKey, factorKeys, issuer, ...shared } = parts;
  const tenant = definition.id;
  const records = storage.accounts;
  const sources = connectors.map((connector) => connector.definition);
  const isAdmitted = (account: AccountRecord): boolean =>
    isAdmittedTo({ demo: definition.demo, sources }, account);
  const seed = createSeeding({ ...shared, tenant, records, seeds: definition.demo ? definition.users : [] });
  const { users } = definition;
  const resolver = createResolver({ ...shared, records, sources, users, isAdmitted, audit });
  const throttle = createThrottle(storage.counters, shared.clock);
  const knownBrowsers = createKnownBrowsers({ tenant, key: browserKey, clock: shared.clock });
  const signingIn = {
    ...shared,
    tenant,
    connectors,
    gate: countAsOneName(
      createPasswordGate({
        throttle,
        limits: definition.throttle,
        records,
        knownBrowsers,
        spendTimeOfRefusal: (attempt) => spendTimeOfRefusal(passwordSourcesFor(connectors, attempt)),
        audit,
        clock: shared.clock,
      }),
      { connectors, records },
    ),
    resolver,
    adopt: createPasswordAdoption({ ...shared, tenant, records, sources }),
    audit,
    isAdmitted,
  };
  const recheck = createRecheck({ ...shared, connectors, resolver, audit });
  const findAsserted = createFindAsserted({ ...shared, connectors, records, resolver, recheck, isAdmitted });
  const federation = createFederation({ ...shared, connectors, records, resolver, isAdmitted, audit });

  /**
   * The person of a name may be a demo user who is only in the file so far. A subject, the other key of a person, is
   * known outside only once the account is in the store.
   */
  const afterSeed =
    <Asked, Found>(find: (asked: Asked) => Promise<Found>) =>
    async (asked: Asked): Promise<Found> => {
      await seed();
      return find(asked);
    };

  const findByLogin = afterSeed(records.findByLogin);
  const signIn = afterSeed(withVisibleLogin(createSignIn(signingIn)));
  const { notifyOfChange, clock } = shared;
  const changing = { records, notifyOfChange, audit, clock };
  const factors = createFactors({ ...factorKeys, ...changing, issuer, definition });
  const callOffDeletion = createDeletionCallOff(changing);

  const noteAttack = createAttackRecord({ throttle, limits: definition.throttle, audit });

  return {
    seed,
    signIn,
    signInAtOnce: createSignInAtOnce({ signIn, callOffDeletion, ...factors }),
    callOffDeletion,
    changePassword: afterSeed(
      withVisibleLogin(createPasswordChange({ ...signingIn, records, notifyOfChange })),
    ),
    rememberBrowser: ({ account }, { login, browser }) => {
      const own = canonicalLogin(login) ?? login;
      const shared = sharedNameOf(connectors, own) ?? own;
      const ownerOf = (name: string) => (account.logins.includes(name) ? account.sub : undefined);
      const names = [...account.logins, own, shared];
      return knownBrowsers.remember(
        browser,
        names.map((name) => ({ name, sub: ownerOf(name) })),
      );
    },
    choose: (asked) => chooseSources(connectors, asked),
    recheck,
    findBySub: async (sub) => {
      const account = await records.findBySub(sub);
      return account !== undefined && isAdmitted(account) ? account : undefined;
    },
    findAsserted: afterSeed(findAsserted),
    findMachine: createFindMachine({
      ...{ records, recheck, audit, clock: shared.clock },
      definition: { demo: definition.demo, sources },
    }),
    displayUsername: createDisplayUsername({ findByLogin, sources }),
    displayEmail: createBelievedEmail({
      records: { findByIdentity: records.findByIdentity, findByLogin },
      sources,
      users,
    }).ofAccount,
    factors,
    signInWithPasskey: createPasskeySignIn({
      definition: { ...definition, sources },
      records,
      passkeys: factors.passkeys,
      recheck,
      noteAttack,
      audit,
      clock: shared.clock,
    }),
    noteAttack,
    judgeSecret: createSecretGate({ ...shared, throttle, limits: definition.throttle, audit }),
    linkByPassword: createPasswordLink(signingIn, federation.link),
    ...federation,
    admitToken: async (identity, origin) => {
      const outcome = await federation.admit(identity, { ...origin, via: 'upstream_token' });
      if (!outcome.ok) return outcome;
      const { account, acr } = outcome;
      // a program acts here, and the person does not sign in: that calls no deletion off
      if (!mayHoldTokens(account)) return { ok: false, reason: 'account_disabled' };
      const demand = factors.demandOf({ account, clientId: origin.clientId, acr });
      return isFactorMissing(demand) ? { ok: false, reason: 'mfa_required' } : outcome;
    },
  };
};

/** A directory would look for the name with the invisible characters that were copied with it. */
const withVisibleLogin =
  <Asked extends { readonly login: string }, Found>(work: (asked: Asked) => Promise<Found>) =>
  (asked: Asked): Promise<Found> =>
    work({ ...asked, login: withoutInvisibleEdges(asked.login) });
