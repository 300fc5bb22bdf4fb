import { statusOf } from '../../accounts/account-status.ts';
import type { LocalSource, SourceDefinition } from '../../config/source/source-definition.ts';
import type { Connector, LookupVerdict, Profile, SourcePerson } from '../../connectors/connector.ts';
import { type MappingTraceStep, mapPerson } from '../../connectors/mapping/map-person.ts';
import { definedOnly } from '../../defined-only.ts';
import { AppError } from '../../errors.ts';
import { canonicalLogin } from '../../protocol/canonical-login.ts';
import type { AccountRecords } from '../../storage/storage.ts';
import type { AccountFinder, FoundAccount } from './find-account.ts';
import { createRedactor, type Redactor } from './redactor.ts';

/** The attributes of a person at one source, and the profile made from them, without secrets. */
export interface SourceExplanation {
  readonly source: string;
  readonly type: SourceDefinition['type'];
  /** `skipped`: the source cannot be asked without a login. */
  readonly outcome: 'present' | 'absent' | 'refused' | 'skipped' | 'unavailable';
  /** The reason, for any state but `present`. */
  readonly message?: string;
  readonly person?: Pick<SourcePerson, 'issuer' | 'subject' | 'attributes' | 'groups' | 'acr' | 'amr'>;
  readonly mapping?: readonly MappingTraceStep[];
  readonly profile?: Profile;
  /** The reason why the address of the source was left out: a sentence without its subject. */
  readonly emailFault?: string;
  readonly account?: FoundAccount;
}

export interface Asked {
  readonly connector: Connector<SourcePerson>;
  readonly findAccount: AccountFinder;
}

/** The local list has no attributes and no mapping: its accounts are used unchanged. */
export const explainLocal = async (
  definition: LocalSource,
  {
    records,
    user,
  }: { readonly records: Pick<AccountRecords, 'findByLogin'>; readonly user: string | undefined },
): Promise<SourceExplanation> => {
  const head = headOf(definition);
  if (user === undefined) return { ...head, outcome: 'skipped', message: noTokens };
  const login = canonicalLogin(user);
  const account = login === undefined ? undefined : await records.findByLogin(login);
  if (account === undefined) return { ...head, outcome: 'absent', message: unknownPerson };
  const { sub, username, email, emailVerified = false, claims, groups, roles } = account;
  const redact = createRedactor(claims);
  return {
    ...head,
    outcome: 'present',
    profile: {
      username,
      ...definedOnly({ email }),
      emailVerified,
      claims: showAll(claims, redact),
      groups,
      roles,
    },
    account: { is: 'known', sub, username, status: statusOf(account) },
  };
};

/** Looks the person up; no login, and nothing is written. */
export const explainByName = async (asked: Asked, login: string): Promise<SourceExplanation> => {
  const { definition, lookup } = asked.connector;
  if (lookup === undefined)
    return { ...headOf(definition), outcome: 'skipped', message: skippedWords(definition) };
  return orUnavailable(definition, async () => explainVerdict(asked, await lookup.find({ login })));
};

/** Explains a token of the source itself. */
export const explainByToken = async (asked: Asked, token: string): Promise<SourceExplanation> => {
  const { definition, tokens } = asked.connector;
  if (tokens === undefined) {
    return { ...headOf(definition), outcome: 'skipped', message: noTokens };
  }
  return orUnavailable(definition, async () => {
    let message = 'The token is not one of this source, is not for this tenant, or has expired.';
    const verified = await tokens.verify(token, (reason) => {
      message = `The token is refused: ${reason}.`;
    });
    if (verified === undefined) return { ...headOf(definition), outcome: 'refused', message };
    return explainPerson(asked, verified.person, [token]);
  });
};

const explainVerdict = async (
  asked: Asked,
  verdict: LookupVerdict<SourcePerson>,
): Promise<SourceExplanation> => {
  const head = headOf(asked.connector.definition);
  switch (verdict.status) {
    case 'present':
      return explainPerson(asked, verdict.person, []);
    case 'absent':
      return { ...head, outcome: 'absent', message: verdict.isAmbiguous ? ambiguousName : unknownPerson };
    case 'refused':
      return { ...head, outcome: 'refused', message: refusalWords[verdict.reason] };
  }
};

const explainPerson = async (
  { connector: { definition }, findAccount }: Asked,
  person: SourcePerson,
  secrets: readonly string[],
): Promise<SourceExplanation> => {
  const { profile, trace, emailFault } = mapPerson(definition, person);
  const { attributes, groups, ...proof } = person;
  const redact = createRedactor(attributes, secrets);
  const { issuer, subject, acr, amr } = proof;
  return {
    ...headOf(definition),
    outcome: 'present',
    person: {
      ...definedOnly({ issuer }),
      subject,
      attributes: showAll(attributes, redact),
      groups: groups.map((group) => String(redact('groups', group))),
      amr,
      ...definedOnly({ acr }),
    },
    mapping: trace.map(({ step, changes }) => ({
      step,
      changes: changes.map(({ name, before, after }) => ({
        name,
        before: before.map((value) => redact(name, value)),
        after: after.map((value) => redact(name, value)),
      })),
    })),
    profile: { ...profile, claims: showAll(profile.claims, redact) },
    ...definedOnly({ emailFault }),
    account: await findAccount({ ...proof, source: definition.id, profile }),
  };
};

const showAll = (
  values: Readonly<Record<string, unknown>>,
  redact: Redactor,
): Readonly<Record<string, unknown>> =>
  Object.fromEntries(Object.entries(values).map(([name, value]) => [name, redact(name, value)]));

const noTokens = 'Sources of this type have no access tokens.';
const unknownPerson = 'It knows no person by this name.';
const ambiguousName =
  'Several entries have this name, so none of them can sign in with it. Make search.filter narrower, or let them sign in with a name that is unique.';

const headOf = ({ id, type }: SourceDefinition) => ({ source: id, type });

const refusalWords = {
  account_disabled: 'It knows this person, and the account is disabled there.',
  account_locked: 'It knows this person, and the account is locked there.',
} as const;

const skippedWords = ({ type }: SourceDefinition): string => {
  switch (type) {
    case 'http':
      return 'The system only checks passwords and cannot be asked about people.';
    case 'ldap':
      return 'People bind themselves there (bind.template), so no person can be looked up without a password. Set a bind of a service to change that.';
    default:
      return 'It gives details of people only when they sign in. Set details to look them up, or explain an access token of it with --token.';
  }
};

const orUnavailable = async (
  definition: SourceDefinition,
  ask: () => Promise<SourceExplanation>,
): Promise<SourceExplanation> => {
  try {
    return await ask();
  } catch (error) {
    if (!(error instanceof AppError)) throw error;
    const detail = error.detail === undefined ? '' : ` (${error.detail})`;
    return { ...headOf(definition), outcome: 'unavailable', message: `${error.message}${detail}.` };
  }
};
