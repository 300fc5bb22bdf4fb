import { meetsAcr } from '../../accounts/factors/factor-demand.ts';
import type { AccessRule, ServiceDefinition } from '../../config/gateway/gateway-definition.ts';
import { definedOnly } from '../../defined-only.ts';
import type { Caller, Demand } from '../gateway-types.ts';
import { foldCase } from './letter-case.ts';

export type Verdict =
  | { readonly verdict: 'allow' }
  /** Allowed for any caller, known or not. */
  | { readonly verdict: 'anyone' }
  | { readonly verdict: 'sign_in' }
  /** `reason` is for the log. */
  | { readonly verdict: 'deny'; readonly reason: string }
  | { readonly verdict: 'step_up'; readonly demand: Demand };

export interface Question {
  /** An empty list allows every known caller. */
  readonly rules: readonly AccessRule[];
  /** As the service sees the path (`Services.place`). */
  readonly readings: readonly string[];
  readonly method: string;
  /** What the service makes of letter case; where it does not say, both are judged. */
  readonly letterCase: Pick<ServiceDefinition, 'ignoreCase' | 'caseSensitive'>;
  /**
   * The service's: a token that is for resources must be for one of them, or for one that the rule names. `any` where a
   * tenant's own rules are asked, after the service's.
   */
  readonly resources: readonly string[] | 'any';
  /** Where the caller would sign in; not asked for when there is a caller. */
  readonly tenant?: string | undefined;
  readonly caller?: Caller | undefined;
  readonly nowSeconds: number;
}

/**
 * For each reading of the path the first rule that matches decides; the least permissive of these counts. A service
 * that may or may not ignore letter case is judged as both: no spelling escapes a rule, and a rule that lets people
 * through covers no more than it says.
 */
export const judge = (question: Question): Verdict =>
  question.readings
    .flatMap((path) => spellingsOf(question).map((spell) => judgeReading(path, question, spell)))
    .reduce(stricter);

/** The form in which paths and patterns are compared. */
type Spell = (path: string) => string;

const asWritten: Spell = (path) => path;

const spellingsOf = ({ letterCase, rules }: Question): readonly Spell[] => {
  if (letterCase.caseSensitive || rules.every(({ paths }) => paths === undefined)) return [asWritten];
  return letterCase.ignoreCase ? [foldCase] : [asWritten, foldCase];
};

/** The less permissive of two verdicts; two demands become one with the conditions of both. */
export const stricter = (one: Verdict, other: Verdict): Verdict => {
  if (one.verdict === 'step_up' && other.verdict === 'step_up') return joinDemands(one.demand, other.demand);
  return severity[other.verdict] > severity[one.verdict] ? other : one;
};

interface Meant {
  readonly resources: readonly string[];
  /** The rule names clients or scopes, and this caller's are among them. */
  readonly isNamed?: boolean;
}

/**
 * A token with an audience must be for this service. A token without one is for all services of its tenant if its
 * client is first-party. The consent for any other client covers less than that: a rule must name the client or a
 * scope.
 */
export const isForService = (
  { audiences = [], isThirdParty = false }: Pick<Caller, 'audiences' | 'isThirdParty'>,
  { resources, isNamed = false }: Meant,
): boolean =>
  audiences.length === 0
    ? !isThirdParty || isNamed
    : audiences.some((audience) => resources.includes(audience));

const severity: Readonly<Record<Verdict['verdict'], number>> = {
  anyone: 0,
  allow: 1,
  step_up: 2,
  sign_in: 3,
  deny: 4,
};

const judgeReading = (path: string, question: Question, spell: Spell): Verdict => {
  const { rules, resources, method, caller } = question;
  const segments = segmentsOf(path, spell);
  // after a sign-in, a rule for some people may match before the rule that denies all others
  let mayMatchAfterSignIn = false;
  for (const rule of rules) {
    if (!matchesMethod(rule, method) || !matchesPath(rule, segments, spell)) continue;
    if (!matchesTenant(rule, question) || !matchesCaller(rule, caller)) {
      mayMatchAfterSignIn ||= rule.access === 'allow' && isOpenQuestion(rule, question);
      continue;
    }
    if (rule.access === 'anyone') return { verdict: 'anyone' };
    if (rule.access === 'deny')
      return mayMatchAfterSignIn ? { verdict: 'sign_in' } : { verdict: 'deny', reason: 'rule' };
    if (caller === undefined) return { verdict: 'sign_in' };
    const isNamed = rule.clients !== undefined || rule.scopes !== undefined;
    if (resources !== 'any' && rule.audiences === undefined && !isForService(caller, { resources, isNamed }))
      return { verdict: 'deny', reason: 'audience' };
    return judgeStrength(rule, caller, question.nowSeconds);
  }
  if (caller === undefined) return { verdict: 'sign_in' };
  if (rules.length > 0) return { verdict: 'deny', reason: 'no_rule' };
  return resources === 'any' || isForService(caller, { resources })
    ? { verdict: 'allow' }
    : { verdict: 'deny', reason: 'audience' };
};

/** A slash at the end makes no difference for most services, so it makes none here. */
const segmentsOf = (path: string, spell: Spell): readonly string[] =>
  spell(path.endsWith('/') ? path.slice(1, -1) : path.slice(1)).split('/');

/** HEAD reveals the same as GET (RFC 9110 section 9.3.2). */
const matchesMethod = ({ methods }: AccessRule, method: string): boolean =>
  methods === undefined || methods.includes(method) || (method === 'HEAD' && methods.includes('GET'));

const matchesPath = ({ paths }: AccessRule, segments: readonly string[], spell: Spell): boolean =>
  paths === undefined || paths.some((pattern) => matchesPattern(segmentsOf(pattern, spell), segments));

const matchesPattern = (pattern: readonly string[], segments: readonly string[]): boolean => {
  const isOpen = pattern.at(-1) === '**';
  const fixed = isOpen ? pattern.length - 1 : pattern.length;
  if (isOpen ? segments.length < fixed : segments.length !== fixed) return false;
  for (let index = 0; index < fixed; index += 1) {
    const wanted = pattern[index];
    if (wanted === '*' ? segments[index] === '' : wanted !== segments[index]) return false;
  }
  return true;
};

const matchesTenant = ({ tenants }: AccessRule, { caller, tenant }: Question): boolean => {
  const asked = caller?.tenant ?? tenant;
  return tenants === undefined || (asked !== undefined && tenants.includes(asked));
};

/** Could the rule match after a sign-in? */
const isOpenQuestion = ({ tenants }: AccessRule, { caller, tenant }: Question): boolean =>
  caller === undefined && (tenants === undefined || tenant === undefined || tenants.includes(tenant));

const matchesCaller = (rule: AccessRule, caller: Caller | undefined): boolean =>
  hasOne(rule.roles, caller?.roles) &&
  hasOne(rule.groups, caller?.groups) &&
  hasOne(rule.audiences, caller?.audiences) &&
  hasOne(rule.clients, caller?.clientId === undefined ? [] : [caller.clientId]) &&
  hasAll(rule.scopes, caller?.scopes);

const hasOne = (wanted: readonly string[] | undefined, held: readonly string[] = []): boolean =>
  wanted === undefined || wanted.some((one) => held.includes(one));

const hasAll = (wanted: readonly string[] | undefined, held: readonly string[] = []): boolean =>
  wanted === undefined || wanted.every((one) => held.includes(one));

const judgeStrength = ({ acr, amr, maxAge }: AccessRule, caller: Caller, nowSeconds: number): Verdict => {
  const isStrong = (acr === undefined || meetsAcr(caller.acr, acr)) && hasAll(amr, caller.amr);
  const isFresh =
    maxAge === undefined || (caller.authTime !== undefined && nowSeconds - caller.authTime <= maxAge);
  if (isStrong && isFresh) return { verdict: 'allow' };
  return {
    verdict: 'step_up',
    demand: {
      ...definedOnly({ acrValues: acr, amr, maxAge }),
    },
  };
};

const joinDemands = (one: Demand, other: Demand): Verdict => {
  const acrValues = joinAcr(one.acrValues, other.acrValues);
  // no sign-in could satisfy both, and the person would be redirected in a loop
  if (acrValues?.length === 0) return { verdict: 'deny', reason: 'contradicting_acr' };
  const amr = [...new Set([...(one.amr ?? []), ...(other.amr ?? [])])];
  const maxAges = [one.maxAge, other.maxAge].filter((age) => age !== undefined);
  return {
    verdict: 'step_up',
    demand: {
      ...definedOnly({ acrValues }),
      ...(amr.length === 0 ? {} : { amr }),
      ...(maxAges.length === 0 ? {} : { maxAge: Math.min(...maxAges) }),
    },
  };
};

const joinAcr = (
  one: readonly string[] | undefined,
  other: readonly string[] | undefined,
): readonly string[] | undefined =>
  one === undefined || other === undefined
    ? (one ?? other)
    : [
        ...new Set([
          ...one.filter((acr) => meetsAcr(acr, other)),
          ...other.filter((acr) => meetsAcr(acr, one)),
        ]),
      ];
