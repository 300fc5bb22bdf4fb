import { z } from 'zod';
import { canonicalLogin } from '../../protocol/canonical-login.ts';
import { readEmail } from '../../protocol/email-address.ts';
import { builtInScopes, isScopeName } from '../../protocol/scopes.ts';
import { signingAlgorithms } from '../../protocol/signature-algorithms.ts';
import { tenantGatewaySchema } from '../gateway/tenant-gateway-schema.ts';
import { durationSeconds, origin, parseUrl, plainText, wholeNumber } from '../parsing/field-types.ts';
import { sourcesSchema } from '../source/source-schema.ts';
import { topProperties } from '../source/upstream-source-schema.ts';
import { clientSchema } from './client-schema.ts';
import { lifetimeRanges, lifetimesSchema } from './tenant-lifetimes.ts';

const identifierWords =
  'is not a resource identifier; write an absolute URI without fragment, such as https://api.example.com/orders';

const resource = z.strictObject({
  identifier: z
    .string()
    .max(2000)
    .refine((value) => parseUrl(value) !== undefined && !/[#\s]/.test(value), { error: identifierWords })
    .meta({
      description: 'Absolute URI that clients name as `resource` (RFC 8707); the audience of its tokens.',
    }),
  name: plainText(200).optional().meta({ description: 'Name shown to people at consent.' }),
  scopes: z
    .record(
      z
        .string()
        .refine(isScopeName, { error: 'is not a scope; write a name without spaces and quotes' })
        .refine((name) => !(builtInScopes as readonly string[]).includes(name), {
          error: `is a scope that every tenant has; choose a name of its own, such as orders:read`,
        }),
      plainText(300),
    )
    .default({})
    .meta({ description: 'Its scopes, each with the words shown at consent.' }),
  format: z
    .enum(['jwt', 'opaque'])
    .default('jwt')
    .meta({ description: 'jwt: the service checks tokens itself; opaque: it introspects them.' }),
  signingAlgorithm: z
    .enum(signingAlgorithms)
    .default('EdDSA')
    .meta({ description: 'Algorithm of its JWTs, as its library knows it.' }),
  typ: z
    .enum(['at+jwt', 'JWT'])
    .default('at+jwt')
    .meta({ description: 'typ of its JWTs: at+jwt (RFC 9068), or JWT for libraries that take no other.' }),
  lifetime: durationSeconds({ min: 30, max: 24 * 3600 })
    .prefault('1h')
    .meta({ description: 'Of its access tokens.' }),
  introspectedBy: z
    .array(z.string())
    .default([])
    .meta({ description: 'client_ids that may introspect its tokens.' }),
  clients: z
    .array(z.string())
    .optional()
    .meta({ description: 'client_ids that may ask for it. Without: all clients of the tenant.' }),
});

/** Claims that the provider sets itself, or that have a key of their own in the file. */
const ownClaims: ReadonlySet<string> = new Set(
  'acr amr at_hash aud auth_time azp c_hash client_id cnf email email_verified exp groups iat iss jti nbf nonce roles s_hash scope sid sub'.split(
    ' ',
  ),
);

const user = z.strictObject({
  username: z
    .string()
    .superRefine((value, context) => {
      const canonical = canonicalLogin(value);
      if (canonical === value) return;
      const message =
        canonical === undefined
          ? 'is not a user name; write visible characters, at most 256'
          : `is not in its canonical spelling; write ${canonical}`;
      context.addIssue({ code: 'custom', message });
    })
    .meta({ description: 'In lower case; people may type it in any.' }),
  password: z
    .string()
    .min(8)
    .max(256)
    .meta({ description: 'A password for trying things out, at least 8 characters.' }),
  email: z
    .string()
    .max(254)
    .superRefine((value, context) => {
      const canonical = canonicalLogin(value) ?? value;
      const read = readEmail(canonical);
      if (read.ok && canonical === value) return;
      const message = read.ok ? `is not in its canonical spelling; write ${canonical}` : read.message;
      context.addIssue({ code: 'custom', message });
    })
    .optional()
    .meta({ description: 'People may sign in with it too.' }),
  emailVerified: z.boolean().default(false).meta({ description: 'Value of email_verified.' }),
  claims: z
    .record(
      z.string().refine((name) => !ownClaims.has(name), {
        error:
          'is a claim that Drawbridge makes itself; remove it (email, groups and roles have keys of their own)',
      }),
      z.unknown(),
    )
    .default({})
    .meta({ description: 'Standard claims such as name, given_name, family_name, picture, phone_number.' }),
  groups: z.array(plainText(200)).default([]).meta({ description: 'Value of the groups claim.' }),
  roles: z.array(plainText(200)).default([]).meta({ description: 'Value of the roles claim.' }),
});

const allowance = (attempts: number, window: string, description: string) =>
  z
    .strictObject({
      attempts: wholeNumber({ min: 1, max: 1_000_000 }).default(attempts),
      window: durationSeconds({ min: 1, max: 86_400 }).prefault(window),
    })
    .prefault({})
    .meta({ description });

/** A tenant's file as it is written. */
export const tenantSchema = z.strictObject({
  displayName: plainText(100).optional().meta({ description: 'Name shown to people. By default the id.' }),
  demo: z.boolean().default(false).meta({
    description:
      'True: secrets and passwords may stand in the file, and the tenant is served only while the server is bound to, and public at, a loopback address.',
  }),
  listed: z.boolean().default(true).meta({ description: 'False hides it from the tenant selection page.' }),
  publicUrl: origin()
    .optional()
    .meta({
      description: "Origin of a host of the tenant's own, in place of the server's.",
      examples: ['https://login.acme.example'],
    }),
  branding: z
    .strictObject({
      color: z
        .string()
        .regex(/^#[0-9a-fA-F]{6}$/, {
          error: 'is not a colour; write six hexadecimal digits in quotes, such as "#1d4ed8"',
        })
        .transform((color) => color.toLowerCase())
        .prefault('#1d4ed8')
        .meta({ description: 'Main colour of the pages; readable shades are derived.' }),
      logo: z
        .string()
        .optional()
        .meta({
          description: 'File beside this one (svg, png, jpg, webp; at most 64 KiB), or an https URL.',
          examples: ['acme.svg'],
        }),
    })
    .prefault({})
    .meta({ description: 'How the pages look.' }),
  locale: z
    .enum(['en', 'de'])
    .default('en')
    .meta({ description: 'Language of the pages when the browser asks for none that there is.' }),
  lifetimes: lifetimesSchema.prefault({}).meta({ description: 'How long things live.' }),
  authentication: z
    .strictObject({
      oauth2: z
        .strictObject({
          deviceCodeExpiration: durationSeconds(lifetimeRanges.deviceCode)
            .prefault('5m')
            .meta({ description: 'How long a person may take to enter a device code.' }),
        })
        .prefault({}),
    })
    .prefault({})
    .meta({ description: 'Settings of flows.' }),
  grants: z
    .strictObject({
      password: z.boolean().default(false).meta({
        description:
          'Allows the password grant to confidential clients that list it. RFC 9700 advises against it.',
      }),
    })
    .prefault({})
    .meta({ description: 'Flows that are off unless switched on.' }),
  pkceExemptions: z
    .array(z.string())
    .default([])
    .meta({ description: 'client_ids of confidential clients that may do without PKCE.' }),
  resources: z
    .array(resource)
    .default([])
    .meta({ description: 'The services for which clients get access tokens.' }),
  defaultResource: z
    .string()
    .optional()
    .meta({ description: 'The resource meant when a client names none.' }),
  sources: sourcesSchema,
  ...topProperties,
  clients: z.array(clientSchema).default([]).meta({ description: 'The apps.' }),
  users: z.array(user).default([]).meta({
    description: 'People to try things with; in demo tenants only. Others: npx --no drawbridge user add.',
  }),
  throttle: z
    .strictObject({
      account: allowance(10, '15m', 'Failed sign-ins for one account.'),
      address: allowance(100, '15m', 'Failed sign-ins from one address.'),
      userCodeSession: allowance(10, '1m', 'Device codes entered in one browser session.'),
      userCodeAddress: allowance(30, '1m', 'Device codes entered from one address.'),
      userCodeTenant: allowance(100, '1m', 'Device codes entered in the whole tenant.'),
    })
    .prefault({})
    .meta({ description: 'How often one may be wrong; it unlocks by itself.' }),
  gateway: tenantGatewaySchema
    .prefault({})
    .meta({ description: "This tenant at the services behind the gateway, which the server's file names." }),
});

export type TenantFileContent = z.infer<typeof tenantSchema>;
export type ResourceFile = z.infer<typeof resource>;
export type UserFile = z.infer<typeof user>;
