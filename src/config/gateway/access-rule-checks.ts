import type { PathFault } from '../parsing/fault.ts';
import type { AccessRuleFile } from './access-rule-schema.ts';

const identities = ['tenants', 'roles', 'groups', 'scopes', 'audiences', 'clients'] as const;
const criteria = ['paths', 'methods'] as const;
const strengths = ['acr', 'amr', 'maxAge'] as const;

/** Contradictions in a list of rules. Paths begin at the list. */
export const checkAccessRules = (rules: readonly AccessRuleFile[]): readonly PathFault[] => {
  const last = rules.findIndex(matchesAll);
  return rules.flatMap((rule, index) => [
    ...checkRule(rule).map((fault) => ({ ...fault, path: [index, ...fault.path] })),
    ...(last < 0 || index <= last ? [] : [{ path: [index], message: unreached }]),
  ]);
};

const unreached =
  'is never asked, since a rule above it names nothing and so decides everything; move it above that one';

const matchesAll = (rule: AccessRuleFile): boolean =>
  [...criteria, ...identities].every((key) => rule[key] === undefined);

const checkRule = (rule: AccessRuleFile): readonly PathFault[] => {
  const { access } = rule;
  const useless = (key: keyof AccessRuleFile, message: string): readonly PathFault[] =>
    rule[key] === undefined ? [] : [{ path: [key], atKey: true, message }];
  if (access === 'allow') return [];
  return [
    ...strengths.flatMap((key) =>
      useless(
        key,
        `asks for a sign-in, but the rule says access: ${access}; remove ${key}, or write access: allow`,
      ),
    ),
    ...identities.flatMap((key) =>
      access === 'anyone'
        ? useless(
            key,
            `asks who it is, but the rule lets anyone through unasked; remove ${key}, or write access: allow`,
          )
        : [],
    ),
  ];
};
