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
          .meta({
            description:
              'Name of the service account: a distinguished name. Active Directory: also name@domain.',
          }),
        password: secretText('Password of the service account.'),
      }),
      z.strictObject({
        template: distinguishedName()
          .refine((value) => value.includes('{username}'), {
            error:
              'lacks {username}; write where the name goes, such as uid={username},ou=people,dc=example,dc=org',
          })
          .meta({ description: 'Name with which a user binds directly, without a search.' }),
      }),
      z.literal('anonymous'),
    ],
    {
      error:
        'is not right; write { dn: …, password: env:NAME }, anonymous, or { template: "uid={username},ou=people,dc=example,dc=org" }',
    },
  )
  .meta({
    description:
      'How users are found: by a search with a service account, by an anonymous search, or without a search.',
  });

const groups = z
  .union(
    [
      z.literal('off'),
      z.strictObject({
        from: z.enum(['memberOf', 'member', 'uniqueMember', 'memberUid']).default('memberOf').meta({
          description:
            'memberOf: an attribute of the user. The others are attributes of groups, which need a search.',
        }),
        base: distinguishedName().optional().meta({
          description:
            'Search base for groups. Default: the domain (dc=…) at the end of the search base for users.',
        }),
        filter: ldapFilter()
          .refine((value) => !value.includes('{username}'), {
            error: 'has {username}, which a filter for groups cannot; remove it',
          })
          .optional()
          .meta({ description: 'Search filter for groups.', examples: ['(objectClass=groupOfNames)'] }),
        nameAttribute: attributeName()
          .default('cn')
          .meta({ description: 'Attribute with the name of a group.' }),
        nested: z.enum(['off', 'in-chain', 'expand']).default('off').meta({
          description:
            'Nested groups. in-chain: Active Directory resolves them. expand: a search for each level.',
        }),
        depth: wholeNumber({ min: 1, max: 20 })
          .optional()
          .meta({ description: 'Maximum number of levels for expand. Default: 5.' }),
      }),
    ],
    { error: 'is not right; write off, or a mapping such as { from: memberOf, nested: expand }' },
  )
  .prefault({})
  .meta({ description: 'How groups are found.' });

const connectRange = { min: 100, max: 30_000 };

export const ldapSourceSchema = z.strictObject({
  type: z.literal('ldap').meta({ description: 'An LDAP directory, or Active Directory.' }),
  id: sourceId,
  ...remoteShape,
  kind: z
    .enum(['openldap', 'active-directory'])
    .default('openldap')
    .meta({ description: 'Sets the defaults of filter and attributes, and how refusals are read.' }),
  url: url()
    .optional()
    .meta({ description: 'URL of the directory.', examples: ['ldaps://ldap.example.com:636'] }),
  urls: z
    .array(url())
    .min(1)
    .max(10)
    .optional()
    .meta({ description: 'URLs of several servers with the same entries, the preferred server first.' }),
  startTls: z
    .boolean()
    .default(false)
    .meta({ description: 'true: StartTLS on ldap:// before any other request.' }),
  insecure: z.boolean().default(false).meta({
    description: 'true: allows ldap:// without TLS. Passwords can then be read on the network.',
  }),
  tls: tlsSchema.prefault({}).meta({ description: 'Certificates.' }),
  bind,
  search: z
    .strictObject({
      base: distinguishedName()
        .optional()
        .meta({ description: 'Search base for users.', examples: ['ou=people,dc=example,dc=org'] }),
      scope: z
        .enum(['sub', 'one', 'base'])
        .default('sub')
        .meta({ description: 'sub: the whole tree; one: one level; base: the base entry only.' }),
      filter: ldapFilter()
        .refine((value) => value.includes('{username}'), {
          error: 'lacks {username}; write where the name goes, such as (uid={username})',
        })
        .refine((value) => !/\*[^()]*\{username\}|\{username\}[^()]*\*/.test(value), {
          error: 'has a * beside {username}, so that a part of a name would find a person; remove the *',
        })
        .optional()
        .meta({
          description: 'Search filter for the user; exactly one entry must match. Default: depends on kind.',
        }),
    })
    .prefault({})
    .meta({ description: 'How users are found.' }),
  subjectAttribute: attributeName().optional().meta({
    description:
      'Attribute that never changes and is never used for another user. Default: entryUUID; Active Directory: objectGUID.',
  }),
  usernameAttribute: attributeName()
    .optional()
    .meta({ description: 'Attribute with the user name. Default: uid; Active Directory: sAMAccountName.' }),
  netbiosName: z
    .string()
    .regex(/^[^\s\\/:*?"<>|@.]{1,15}$/, {
      error: 'is not the NetBIOS name of a domain; write what stands in front of the backslash, such as ACME',
    })
    .optional()
    .meta({
      description:
        'Active Directory: the domain that users write in front of their name, DOMAIN\\name. Default: the directory is asked.',
    }),
  attributes: z
    .array(attributeName())
    .max(100)
    .default([])
    .meta({ description: 'Further attributes to read for the mapping.' }),
  groups,
  timeouts: z
    .strictObject({
      connect: durationMs(connectRange)
        .prefault('3s')
        .meta({ description: 'Time limit to connect, TLS included.' }),
      operation: durationMs(connectRange)
        .prefault('5s')
        .meta({ description: 'Time limit for each bind or search.' }),
    })
    .prefault({})
    .meta({ description: 'Time limits.' }),
  pool: z
    .strictObject({
      size: wholeNumber({ min: 0, max: 50 })
        .default(5)
        .meta({ description: 'Connections kept open; 0: one connection per operation.' }),
    })
    .prefault({})
    .meta({
      description: 'Connection pool; shared by all tenants with the same connection settings.',
    }),
  passwordChange: z.enum(['off', 'modify', 'rfc3062']).default('off').meta({
    description:
      'How users change their password. modify: replaces the attribute (also for Active Directory); rfc3062: LDAP password modify operation.',
  }),
});

export type LdapSourceFile = z.infer<typeof ldapSourceSchema>;
