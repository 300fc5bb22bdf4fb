import type {
  Connector,
  Identity,
  LookupVerdict,
  PasswordSource,
  SourcePerson,
  UpstreamOutcome,
} from '../connector.ts';
import { createMapping } from './map-person.ts';

/**
 * The same connector, whose people have been through the tenant's mapping.
 * @param noteFault is called with the subject of a person whose e-mail address was left out, and why
 */
export const withMapping = (
  connector: Connector<SourcePerson>,
  noteFault: (subject: string, fault: string) => void = () => {},
): Connector => {
  const { definition, passwords, relayed, lookup, redirect, tokens } = connector;
  const map = createMapping(definition);
  const toIdentity = (person: SourcePerson): Identity => {
    const { attributes: _attributes, groups: _groups, ...proof } = person;
    const { profile, emailFault } = map(person);
    if (emailFault !== undefined) noteFault(person.subject, emailFault);
    return { ...proof, source: definition.id, profile };
  };

  const toVerdict = (verdict: LookupVerdict<SourcePerson>): LookupVerdict =>
    verdict.status === 'present' ? { ...verdict, person: toIdentity(verdict.person) } : verdict;

  const mapped = (source: PasswordSource<SourcePerson>): PasswordSource => ({
    verify: async (credentials) => {
      const verdict = await source.verify(credentials);
      return verdict.ok ? { ...verdict, person: toIdentity(verdict.person) } : verdict;
    },
    ...(source.nameFor === undefined ? {} : { nameFor: source.nameFor.bind(source) }),
    ...(source.decoy === undefined ? {} : { decoy: source.decoy.bind(source) }),
    ...(source.isExpiredChangeable === undefined
      ? {}
      : { isExpiredChangeable: source.isExpiredChangeable.bind(source) }),
    ...(source.change === undefined ? {} : { change: source.change.bind(source) }),
  });

  return {
    definition,
    ...(passwords === undefined ? {} : { passwords: mapped(passwords) }),
    ...(relayed === undefined ? {} : { relayed: mapped(relayed) }),
    ...(lookup === undefined ? {} : { lookup: { find: async (who) => toVerdict(await lookup.find(who)) } }),
    ...(redirect === undefined
      ? {}
      : {
          redirect: {
            begin: (request) => redirect.begin(request),
            finish: async (answer, memory): Promise<UpstreamOutcome> => {
              const outcome = await redirect.finish(answer, memory);
              return outcome.ok ? { ...outcome, person: toIdentity(outcome.person) } : outcome;
            },
            endSessionUrl: (logout) => redirect.endSessionUrl(logout),
            verifyLogoutToken: (token) => redirect.verifyLogoutToken(token),
            refresh: (refreshToken) => redirect.refresh(refreshToken),
            readAgain: async (tokens, who) => toVerdict(await redirect.readAgain(tokens, who)),
          },
        }),
    ...(tokens === undefined
      ? {}
      : {
          tokens: {
            verify: async (accessToken, noteRefusal) => {
              const verified = await tokens.verify(accessToken, noteRefusal);
              return verified === undefined
                ? undefined
                : { ...verified, person: toIdentity(verified.person) };
            },
          },
        }),
    ...(connector.revoke === undefined ? {} : { revoke: connector.revoke.bind(connector) }),
    examine: (context) => connector.examine(context),
  };
};
