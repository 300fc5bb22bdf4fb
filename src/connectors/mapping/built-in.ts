import type { SourceDefinition } from '../../config/source/source-definition.ts';
import type { SourcePerson } from '../connector.ts';
import { findName, listOf, type Values } from './values.ts';

/** A claim with its names at sources: the first name that has values is used. */
type Table = Readonly<Record<string, readonly string[]>>;

/** RFC 4519, RFC 2798 (inetOrgPerson) and Active Directory. */
const ldapTable: Table = {
  email: ['mail'],
  name: ['displayName', 'cn'],
  given_name: ['givenName'],
  family_name: ['sn'],
  phone_number: ['telephoneNumber', 'mobile'],
  locale: ['preferredLanguage'],
};

/** OpenID Connect Core section 5.1, with the names that servers without OpenID Connect use for the same claims. */
const memberTable: Table = {
  name: ['name', 'displayName', 'display_name'],
  given_name: ['given_name', 'givenName', 'first_name', 'firstName'],
  family_name: ['family_name', 'familyName', 'last_name', 'lastName'],
  picture: ['picture', 'avatar_url'],
  email: ['email', 'mail'],
  groups: ['groups'],
  roles: ['roles'],
};

/**
 * The mapping that every source of a kind has before any step in the tenant's file: its attributes under their own
 * names, and the claims made of them. An LDAP directory does not say whether an address is verified, so the tenant sets
 * `email_verified` (`default: email_verified`, `value: true`).
 */
export const builtIn = (source: SourceDefinition, person: SourcePerson): Values => {
  const isLdap = source.type === 'ldap';
  const attributes: Values = new Map(
    Object.entries(person.attributes)
      .map(([name, value]) => [name, listOf(value)] as const)
      .filter(([, list]) => list.length > 0),
  );
  const first = (names: readonly string[]): readonly unknown[] => {
    for (const name of names) {
      const found = attributes.get(findName(attributes, name, isLdap) ?? '');
      if (found !== undefined) return found;
    }
    return [];
  };

  const values = new Map(attributes);
  // an attribute that has this name by chance must not become a claim that apps trust
  if (isLdap)
    for (const name of ['groups', 'roles', 'email', 'email_verified', 'username']) values.delete(name);
  for (const [claim, names] of Object.entries(isLdap ? ldapTable : memberTable)) {
    const found = first(names);
    if (found.length > 0) values.set(claim, found);
  }
  const groups = [...person.groups, ...(isLdap ? [] : first(['groups']))];
  if (groups.length > 0) values.set('groups', groups);
  values.set('username', [
    ...first(userNames(source, person)),
    ...ownName(source, person),
    ...first(['email', 'mail']),
    person.subject,
  ]);
  return values;
};

const userNames = (source: SourceDefinition, person: SourcePerson): readonly string[] => {
  if (source.type === 'ldap') return [source.usernameAttribute, 'uid', 'sAMAccountName', 'userPrincipalName'];
  if (ownName(source, person).length > 0) return ['username'];
  return ['username', 'preferred_username', 'login', 'user_name'];
};

/**
 * The subject of a plain OAuth 2.0 source is the name that `userNameExtractionPattern` took, unless the file says
 * otherwise.
 */
const ownName = (source: SourceDefinition, person: SourcePerson): readonly string[] =>
  source.type === 'oauth2' &&
  source.userNameExtractionPattern !== undefined &&
  source.subjectPointer === undefined
    ? [person.subject]
    : [];
