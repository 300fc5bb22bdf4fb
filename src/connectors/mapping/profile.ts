import { definedOnly } from '../../defined-only.ts';
import { canonicalLogin, withoutInvisibleEdges } from '../../protocol/canonical-login.ts';
import { readEmail } from '../../protocol/email-address.ts';
import { standardClaims } from '../../protocol/standard-claims.ts';
import type { Profile } from '../connector.ts';
import { longestValue } from './steps.ts';
import type { Values } from './values.ts';

const mostNames = 1000;
const mostClaims = 50;
const links: readonly string[] = ['profile', 'picture', 'website'];
const isStandard = (name: string): boolean => (standardClaims as readonly string[]).includes(name);
/** Claims that have a field of their own, or that the provider sets. */
const notClaims: ReadonlySet<string> = new Set([
  ...['username', 'email', 'email_verified', 'groups', 'roles', 'preferred_username', 'updated_at'],
  ...[
    'sub',
    'iss',
    'aud',
    'exp',
    'iat',
    'nbf',
    'jti',
    'nonce',
    'acr',
    'amr',
    'azp',
    'auth_time',
    'sid',
    'typ',
  ],
  ...['at_hash', 'c_hash', 's_hash', 'client_id', 'scope', 'cnf', 'act', 'may_act', 'events'],
  ...['__proto__', 'constructor', 'prototype'],
]);

/**
 * Makes the profile from the values, within bounds. Claims beyond the standard ones are those that the tenant's mapping
 * names. Groups and roles are sorted, so that the order in a source's answer does not matter.
 */
export const toProfile = (values: Values, { subject, named }: ProfileContext): Profile => {
  const email = emailOf(values);
  const claims = [...new Set([...standardClaims, ...named])]
    .filter((name) => !notClaims.has(name))
    .slice(0, mostClaims)
    .map((name) => [name, claimOf(name, values.get(name) ?? [])] as const)
    .filter(([, value]) => value !== undefined);
  return {
    username: userNameOf(values, subject),
    ...definedOnly({ email }),
    emailVerified: email !== undefined && values.get('email_verified')?.[0] === true,
    claims: Object.fromEntries(claims),
    groups: namesOf(values.get('groups')),
    roles: namesOf(values.get('roles')),
  };
};

const emailOf = (values: Values): string | undefined => {
  for (const value of values.get('email') ?? []) {
    const read = readEmail(value);
    if (read.ok) return read.email;
  }
  return undefined;
};

/** Why a person whose source gives an address has none; undefined when nothing is missing. */
export const emailFault = (values: Values): string | undefined => {
  const [first] = (values.get('email') ?? []).filter((value) => value !== '');
  const read = first === undefined || emailOf(values) !== undefined ? undefined : readEmail(first);
  return read?.ok === false ? read.message : undefined;
};

export interface ProfileContext {
  readonly subject: string;
  /** Claims that the tenant's mapping names. */
  readonly named: readonly string[];
}

const userNameOf = (values: Values, subject: string): string => {
  const name = (values.get('username') ?? []).find(
    (value): value is string => typeof value === 'string' && canonicalLogin(value) !== undefined,
  );
  return withoutInvisibleEdges(name ?? subject).slice(0, 256);
};

const namesOf = (list: readonly unknown[] = []): readonly string[] =>
  [...new Set(list.filter(isPlainText))].sort().slice(0, mostNames);

const isPlainText = (value: unknown): value is string =>
  typeof value === 'string' && value !== '' && value.length <= longestValue && !/[\p{Cc}\p{Cs}]/u.test(value);

const claimOf = (name: string, list: readonly unknown[]): unknown => {
  if (name === 'phone_number_verified') return typeof list[0] === 'boolean' ? list[0] : undefined;
  const fit = list.filter((value) => isBounded(value) && (!links.includes(name) || isWebLink(value)));
  return isStandard(name) || fit.length < 2 ? fit[0] : fit.slice(0, mostNames);
};

const isBounded = (value: unknown): boolean =>
  typeof value === 'string'
    ? isPlainText(value)
    : typeof value === 'boolean' ||
      typeof value === 'number' ||
      (typeof value === 'object' && isShort(value));

const isShort = (value: object | null): boolean => {
  try {
    return (JSON.stringify(value) ?? '').length <= longestValue;
  } catch {
    // nested deeper than the stack is
    return false;
  }
};

const isWebLink = (value: unknown): boolean => typeof value === 'string' && /^https?:\/\//i.test(value);
