import type { AccessRuleFile } from './access-rule-schema.ts';
import type { PathFault } from './fault.ts';

const identities = ['tenants', 'roles', 'groups', 'scopes', 'audiences', 'clients'] as const;
const strengths = ['acr', 'amr', 'maxAge'] as const;

/** What in a list of rules contradicts itself. Paths begin at the list. */
export const checkAccessRules = (rules: readonly AccessRuleFile[]): readonly PathFault[] =>
  rules.flatMap((rule, index) =>
    checkRule(rule).map((fault) => ({ ...fault, path: [index, ...fault.path] })),
  );

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
