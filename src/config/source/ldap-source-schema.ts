import { z } from 'zod';
import { durationMs, parseUrl, wholeNumber } from '../parsing/field-types.ts';
import { splitDn } from './ldap-syntax.ts';
import { attributeName, distinguishedName, ldapFilter, secretText, tlsSchema } from './source-field-types.ts';
import { remoteShape, sourceId } from './source-shape.ts';

const url = () =>
  z.string().refine((value) => address.test(value) && parseUrl(value) !== undefined, {
    error:
      'is not the address of a directory; write scheme, host and port alone, such as ldaps://ldap.example.com:636',
  });

const address = /^ldaps?:\/\/(?:[A-Za-z0-9](?:[A-Za-z0-9.-]*[A-Za-z0-9])?|\[[0-9A-Fa-f:.]+\])(?::\d{1,5})?$/;

/** Active Directory takes other names besides; a single word could mean a SASL mechanism to the LDAP library. */
const isBindName = (name: string): boolean =>
  splitDn(name) !== undefined || /^[^\s@\\]+@[^\s@]+$/.test(name) || /^[^\s\\]+\\[^\\]+$/.test(name);

const bind = z
  .union(
    [
      z.strictObject({
        dn: z
          .string()
          .max(2000)
          .refine(isBindName, {
            error:
              'is not the name of an account; write a distinguished name such as cn=drawbridge,dc=example,dc=org, or at AD name@domain',
          })
          .meta({ description: 'Name of the service account: a distinguished name, or at AD name@domain.' }),
        password: secretText('Its password.'),
      }),
      z.strictObject({
        template: distinguishedName()
          .refine((value) => value.includes('{username}'), {
            error:
              'lacks {username}; write where the name goes, such as uid={username},ou=people,dc=example,dc=org',
          })
          .meta({ description: 'The person binds at once under this name.' }),
      }),
      z.literal('anonymous'),
    ],
    {
      error:
        'is not right; write { dn: …, password: env:NAME }, anonymous, or { template: "uid={username},ou=people,dc=example,dc=org" }',
    },
  )
  .meta({ description: 'How people are searched for: with a service account, anonymously, or not at all.' });

const groups = z
  .union(
    [
      z.literal('off'),
      z.strictObject({
        from: z.enum(['memberOf', 'member', 'uniqueMember', 'memberUid']).default('memberOf').meta({
          description:
            "memberOf is read from the person's entry; the others are attributes of groups, which are searched for.",
        }),
        base: distinguishedName()
          .optional()
          .meta({ description: 'Below which groups are. By default the base of people.' }),
        filter: ldapFilter()
          .refine((value) => !value.includes('{username}'), {
            error: 'has {username}, which a filter for groups cannot; remove it',
          })
          .optional()
          .meta({ description: 'Which entries are groups.', examples: ['(objectClass=groupOfNames)'] }),
        nameAttribute: attributeName().default('cn').meta({ description: 'Attribute that names a group.' }),
        nested: z.enum(['off', 'in-chain', 'expand']).default('off').meta({
          description:
            'Groups in groups: in-chain lets Active Directory find them, expand searches level by level.',
        }),
        depth: wholeNumber({ min: 1, max: 20 })
          .optional()
          .meta({ description: 'Levels that expand goes up, 5 by default.' }),
      }),
    ],
    { error: 'is not right; write off, or a mapping such as { from: memberOf, nested: expand }' },
  )
  .prefault({})
  .meta({ description: 'Where groups come from.' });

const connectRange = { min: 100, max: 30_000 };

export const ldapSourceSchema = z.strictObject({
  type: z.literal('ldap').meta({ description: 'An LDAP directory, or Active Directory.' }),
  id: sourceId,
  ...remoteShape,
  kind: z
    .enum(['openldap', 'active-directory'])
    .default('openldap')
    .meta({ description: 'Decides on what is not said: filter, attributes, the words of refusals.' }),
  url: url()
    .optional()
    .meta({ description: 'The directory.', examples: ['ldaps://ldap.example.com:636'] }),
  urls: z
    .array(url())
    .min(1)
    .max(10)
    .optional()
    .meta({ description: 'Several servers with the same entries, the preferred one first.' }),
  startTls: z
    .boolean()
    .default(false)
    .meta({ description: 'Upgrades ldap:// to TLS before anything is sent.' }),
  insecure: z.boolean().default(false).meta({
    description:
      'Allows ldap:// without TLS: anybody on the network between can read the passwords of people.',
  }),
  tls: tlsSchema.prefault({}).meta({ description: 'Certificates.' }),
  bind,
  search: z
    .strictObject({
      base: distinguishedName()
        .optional()
        .meta({ description: 'Below which people are.', examples: ['ou=people,dc=example,dc=org'] }),
      scope: z
        .enum(['sub', 'one', 'base'])
        .default('sub')
        .meta({ description: 'The whole tree below, one level of it, or the base alone.' }),
      filter: ldapFilter()
        .refine((value) => value.includes('{username}'), {
          error: 'lacks {username}; write where the name goes, such as (uid={username})',
        })
        .refine((value) => !/\*[^()]*\{username\}|\{username\}[^()]*\*/.test(value), {
          error: 'has a * beside {username}, so that half a name would find somebody; remove the *',
        })
        .optional()
        .meta({ description: 'Finds the one entry of a name. By default as fits the kind.' }),
    })
    .prefault({})
    .meta({ description: 'Where people are.' }),
  subjectAttribute: attributeName().optional().meta({
    description:
      'Attribute that never changes and is never given to somebody else: entryUUID, at AD objectGUID.',
  }),
  usernameAttribute: attributeName()
    .optional()
    .meta({ description: 'Attribute of the user name: uid, at AD sAMAccountName.' }),
  attributes: z
    .array(attributeName())
    .max(100)
    .default([])
    .meta({ description: 'Read for the mapping, on top of the usual ones.' }),
  groups,
  timeouts: z
    .strictObject({
      connect: durationMs(connectRange).prefault('3s').meta({ description: 'To connect, TLS included.' }),
      operation: durationMs(connectRange).prefault('5s').meta({ description: 'For each bind or search.' }),
    })
    .prefault({})
    .meta({ description: 'How long the directory may take.' }),
  pool: z
    .strictObject({
      size: wholeNumber({ min: 0, max: 50 })
        .default(5)
        .meta({ description: 'Connections kept open; 0 opens one for each operation.' }),
    })
    .prefault({})
    .meta({
      description: 'Connections to the directory; shared by all tenants that use it in the same way.',
    }),
  passwordChange: z.enum(['off', 'modify', 'rfc3062']).default('off').meta({
    description: 'How people change their password: modify, at AD too, or the operation of RFC 3062.',
  }),
});

export type LdapSourceFile = z.infer<typeof ldapSourceSchema>;
