import { z } from 'zod';
import { canonicalLogin } from '../../protocol/canonical-login.ts';
import { readEmail } from '../../protocol/email-address.ts';
import { tenantGatewaySchema } from '../gateway/tenant-gateway-schema.ts';
import { durationSeconds, origin, parseUrl, plainText } from '../parsing/field-types.ts';
import { sourcesSchema } from '../source/source-schema.ts';
import { topProperties } from '../source/upstream-source-schema.ts';
import { accountsSchema } from './accounts-schema.ts';
import { administrationSchema } from './administration-schema.ts';
import { apiKeysSchema } from './api-keys-schema.ts';
import { auditSchema } from './audit-schema.ts';
import { certificatesSchema } from './certificates-schema.ts';
import { clientSchema } from './client-schema.ts';
import { localText } from './local-text.ts';
import { registrationSchema } from './registration-schema.ts';
import { resourceSchema } from './resource-schema.ts';
import { secondFactorSchema } from './second-factor-schema.ts';
import { lifetimeRanges, lifetimesSchema } from './tenant-lifetimes.ts';
import { recoverySchema, tenantMailSchema } from './tenant-mail-schema.ts';
import { passwordsSchema } from './tenant-passwords-schema.ts';
import { throttleSchema } from './throttle-schema.ts';

const isWebAddress = (value: string): boolean =>
  /^https?:\/\/[^\s"<>\\]+$/.test(value) && parseUrl(value) !== undefined;

const address = () =>
  plainText(2000).refine(isWebAddress, { error: 'is no web address; write an http or https URL' });

const isContact = (value: string): boolean =>
  isWebAddress(value) || readEmail(value).ok || /^\+?[\d ()/-]{5,30}$/.test(value);

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
    .meta({ description: 'User name in lower case. Users may type it in upper or lower case.' }),
  password: z.string().min(8).max(256).meta({ description: 'Demo password, at least 8 characters.' }),
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
    .meta({ description: 'E-mail address, which can also be used to sign in.' }),
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

/** A tenant's file as it is written. */
export const tenantSchema = z.strictObject({
  displayName: plainText(100)
    .optional()
    .meta({ description: 'Name of the tenant on its pages. Default: the id.' }),
  demo: z.boolean().default(false).meta({
    description:
      'true: secrets and passwords may be written in the file. The tenant is then served only if the server listens on a loopback address and its publicUrl is one.',
  }),
  listed: z
    .boolean()
    .default(true)
    .meta({ description: 'false: the tenant is not on the tenant selection page.' }),
  publicUrl: origin()
    .optional()
    .meta({
      description: "Origin of the tenant's own host. Default: the server's publicUrl.",
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
        .meta({ description: 'Main colour of the pages.' }),
      logo: z
        .string()
        .optional()
        .meta({
          description: 'Image file beside this file (svg, png, jpg, webp; at most 64 KiB), or an https URL.',
          examples: ['acme.svg'],
        }),
      links: z
        .strictObject({
          imprint: localText(address).optional().meta({ description: 'The imprint.' }),
          privacy: localText(address).optional().meta({ description: 'The privacy policy.' }),
          terms: localText(address).optional().meta({ description: 'The terms of use.' }),
          help: localText(address).optional().meta({ description: 'Help with signing in.' }),
        })
        .optional()
        .meta({
          description:
            'Links at the foot of the pages: web addresses, each one for all languages or one for each.',
          examples: [{ imprint: 'https://acme.example/imprint' }],
        }),
      support: z
        .string()
        .max(254)
        .refine(isContact, {
          error:
            'is no contact; write an e-mail address, a telephone number such as "+49 30 1234567", or an http or https URL',
        })
        .optional()
        .meta({
          description: 'Contact, on pages and in mails: e-mail address, telephone number or web address.',
          examples: ['support@acme.example'],
        }),
      footer: z
        .boolean()
        .default(true)
        .meta({ description: 'false: without the line that names the software.' }),
    })
    .prefault({})
    .meta({ description: 'Appearance of the pages.' }),
  locale: z
    .enum(['en', 'de'])
    .default('en')
    .meta({ description: 'Language of the pages if the browser requests neither English nor German.' }),
  accounts: accountsSchema.prefault({}).meta({
    description: 'What users may do with their own account.',
    examples: [{ deletion: { grace: '14d' } }],
  }),
  administration: administrationSchema.prefault({}).meta({
    description:
      'Who may administer the tenant by the administration API, beside the operators of the server.',
    examples: [{ administrators: { roles: ['tenant-admin'] } }],
  }),
  apiKeys: apiKeysSchema.prefault({}).meta({ description: 'API keys of system users and people.' }),
  audit: auditSchema.prefault({}).meta({ description: 'The audit record of the tenant.' }),
  recovery: recoverySchema.prefault({}).meta({ description: 'What people may do who cannot sign in.' }),
  registration: registrationSchema
    .optional()
    .meta({ description: 'People who make an account of their own. Absent: nobody can.' }),
  passwords: passwordsSchema.prefault({}).meta({ description: 'New passwords of local users.' }),
  mail: tenantMailSchema.prefault({}).meta({
    description: 'Mails to the users of the tenant.',
    examples: [{ from: 'login@acme.example', replyTo: 'support@acme.example' }],
  }),
  lifetimes: lifetimesSchema.prefault({}).meta({ description: 'Lifetimes of sessions, codes and tokens.' }),
  authentication: z
    .strictObject({
      oauth2: z
        .strictObject({
          deviceCodeExpiration: durationSeconds(lifetimeRanges.deviceCode)
            .prefault('5m')
            .meta({ description: 'Lifetime of device codes and user codes.' }),
        })
        .prefault({}),
    })
    .prefault({})
    .meta({ description: 'Settings of the device flow.' }),
  grants: z
    .strictObject({
      password: z.boolean().default(false).meta({
        description:
          'true: enables the password grant for confidential clients that list it. RFC 9700 advises against it.',
      }),
    })
    .prefault({})
    .meta({ description: 'Grant types that are off by default.' }),
  pkceExemptions: z
    .array(z.string())
    .default([])
    .meta({ description: 'client_ids of confidential clients that need no PKCE.' }),
  resources: z
    .array(resourceSchema)
    .default([])
    .meta({ description: 'APIs for which clients get access tokens.' }),
  defaultResource: z
    .string()
    .optional()
    .meta({ description: 'Resource of a request that names none and does not request the scope openid.' }),
  sources: sourcesSchema,
  ...topProperties,
  clients: z.array(clientSchema).default([]).meta({ description: 'Clients of the tenant.' }),
  users: z.array(user).default([]).meta({
    description: 'Demo users; in demo tenants only. To add other users: npx --no drawbridge user add.',
  }),
  throttle: throttleSchema.prefault({}).meta({
    description: 'Rate limits. When the limit is reached, attempts are refused until the window is over.',
  }),
  secondFactor: secondFactorSchema.prefault({}).meta({
    description: 'Second factors: which there are, and who must have one.',
  }),
  certificates: certificatesSchema.prefault({}).meta({
    description: 'Certificates of clients and machines (mutual TLS).',
  }),
  gateway: tenantGatewaySchema.prefault({}).meta({
    description: 'Settings of the tenant for devices, services behind the gateway and trusted API gateways.',
  }),
});

export type TenantFileContent = z.infer<typeof tenantSchema>;
export type UserFile = z.infer<typeof user>;
