import type { Profile } from '../../connectors/connector.ts';
import type { MappingTraceStep } from '../../connectors/mapping/map-person.ts';
import { printable } from '../../protocol/printable.ts';
import type { SourceExplanation } from './explain-source.ts';
import type { FoundAccount } from './find-account.ts';

/** For people: each source with its steps, one under the other. */
export const explanationLines = (explanations: readonly SourceExplanation[]): readonly string[] =>
  explanations.flatMap((explanation, index) => [
    ...(index === 0 ? [] : ['']),
    `${index + 1}. ${explanation.source} (${explanation.type}): ${headline(explanation)}`,
    ...indent(bodyOf(explanation)),
  ]);

const headline = ({ outcome, message }: SourceExplanation): string =>
  outcome === 'present'
    ? 'It knows this person.'
    : `${outcome === 'unavailable' ? 'No answer. ' : ''}${printable(message ?? '')}`;

const bodyOf = (explanation: SourceExplanation): readonly string[] => {
  const { person, mapping, profile, emailFault, account } = explanation;
  return [
    ...(person === undefined ? [] : ['The source says:', ...indent(personLines(person))]),
    ...(mapping === undefined ? [] : ['The mapping makes of it:', ...indent(mapping.flatMap(stepLines))]),
    ...(profile === undefined ? [] : ['In the end:', ...indent(profileLines(profile))]),
    ...(emailFault === undefined ? [] : [`The e-mail address was left out: it ${emailFault}.`]),
    ...(account === undefined ? [] : [accountLine(account)]),
  ];
};

const personLines = ({
  issuer,
  subject,
  acr,
  attributes,
  groups,
}: NonNullable<SourceExplanation['person']>): readonly string[] => [
  ...(issuer === undefined ? [] : [`issuer: ${text(issuer)}`]),
  `subject: ${text(subject)}`,
  ...(acr === undefined ? [] : [`acr: ${text(acr)}`]),
  ...Object.entries(attributes).map(([name, value]) => `${printable(name)}: ${text(value)}`),
  ...(groups.length === 0 ? [] : [`groups: ${list(groups)}`]),
];

const stepLines = ({ step, changes }: MappingTraceStep): readonly string[] => [
  `${printable(step)}${changes.length === 0 ? ': changes nothing' : ''}`,
  ...indent(
    changes.map(
      ({ name, before, after }) =>
        `${printable(name)}: ${before.length === 0 ? '' : `${list(before)} -> `}${list(after)}`,
    ),
  ),
];

const profileLines = ({
  username,
  email,
  emailVerified,
  claims,
  groups,
  roles,
}: Profile): readonly string[] => [
  `username: ${text(username)}`,
  `email: ${email === undefined ? 'none' : `${text(email)}, ${emailVerified ? 'verified' : 'not verified'}`}`,
  ...Object.entries(claims).map(([name, value]) => `${printable(name)}: ${text(value)}`),
  `groups: ${list(groups)}`,
  `roles: ${list(roles)}`,
];

const accountLine = (account: FoundAccount): string => {
  if (account.is === 'new') return 'Account: a new one at the first sign-in';
  const how = account.is === 'linked' ? ', linked at the first sign-in by the verified e-mail address' : '';
  return `Account: ${text(account.username)} (sub ${account.sub}), ${account.status}${how}`;
};

const list = (values: readonly unknown[]): string =>
  values.length === 0 ? 'none' : values.map(text).join(', ');

const text = (value: unknown): string =>
  printable(typeof value === 'string' ? value : (JSON.stringify(value) ?? 'none'));

const indent = (lines: readonly string[]): readonly string[] => lines.map((line) => `   ${line}`);
