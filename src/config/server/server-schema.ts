import { isIP } from 'node:net';
import { z } from 'zod';
import { isAddressBlock } from '../../protocol/address-blocks.ts';
import { tenantIdForm } from '../../protocol/tenant-id.ts';
import { gatewaySchema } from '../gateway/gateway-schema.ts';
import {
  countOrAuto,
  durationMs,
  durationSeconds,
  origin,
  plainText,
  sizeKiB,
  wholeNumber,
} from '../parsing/field-types.ts';
import { mailSchema } from './mail-schema.ts';
import { isProxyUrl } from './outgoing-proxy.ts';

const second = 1000;
const port = (description: string) => wholeNumber({ min: 0, max: 65_535 }).meta({ description });
const host = (description: string) =>
  z
    .string()
    .refine((value) => isIP(value) !== 0 || /^[a-z0-9]([a-z0-9.-]*[a-z0-9])?$/i.test(value), {
      error: 'is not a host; write an address such as 127.0.0.1 or 0.0.0.0, without scheme or port',
    })
    .meta({ description });

const addressOrBlock = z.string().refine(isAddressBlock, {
  error: 'is not an address; write one such as 10.0.0.5, or a block such as 10.0.0.0/8',
});

const server = z.strictObject({
  publicUrl: origin()
    .optional()
    .meta({
      description:
        'URL of this server as browsers see it: scheme, host and port, without a trailing slash. All issuers begin with it. Default: http://localhost:<port>.',
      examples: ['https://login.example.com'],
    }),
  host: host('Address to listen on. 0.0.0.0 listens on all interfaces.').default('127.0.0.1'),
  port: port('Port to listen on.').default(3000),
  secretKey: z
    .string()
    .optional()
    .meta({
      description:
        'Master key: at least 32 bytes, the same on all instances. Cookie keys and the keys that encrypt secrets in the store are derived from it. In the file: only a reference, env:NAME or file:/path. Required with MongoDB. The embedded store generates one on the first start.',
      examples: ['file:/run/secrets/drawbridge-key'],
    }),
  workers: countOrAuto({ min: 1, max: 256 })
    .default(1)
    .meta({ description: 'Number of processes; auto: one per CPU core.' }),
  trustedProxies: z.array(addressOrBlock).default([]).meta({
    description:
      'IP addresses or CIDR blocks of the reverse proxies whose X-Forwarded-For and X-Request-Id are trusted, and that may ask below /api/authz/. As an environment variable: with commas between them (10.0.0.5,10.1.0.0/16), or JSON.',
  }),
  tlsTerminatedByProxy: z.boolean().default(false).meta({
    description:
      'true: allows a publicUrl with http that is not a loopback address. Only for closed networks in which browsers use http. If browsers use https, set publicUrl to https://… instead.',
  }),
  outgoingProxy: z
    .string()
    .refine((value) => isProxyUrl(value) || /^env:[A-Za-z_][A-Za-z0-9_]*$/.test(value), {
      error: 'is not a proxy; write http://<host>:<port> or env:NAME',
    })
    .optional()
    .meta({
      description:
        'Forward proxy for requests to identity providers (sources of type oidc, oauth2 and http), never for loopback. Write a URL that contains a password as env:NAME. Default: the variables HTTPS_PROXY and HTTP_PROXY.',
      examples: ['http://proxy.example.com:3128', 'env:PROXY_URL'],
    }),
  outgoingProxyExcept: z
    .array(z.string().min(1))
    .optional()
    .meta({
      description:
        'Hosts that are requested without outgoingProxy: names, with all names below them, or addresses. Default: the variable NO_PROXY.',
      examples: [['idp.internal', '10.0.0.5']],
    }),
  hstsIncludeSubDomains: z.boolean().default(false).meta({
    description:
      'true: Strict-Transport-Security of the public https hosts has includeSubDomains. Only if every host below them has https: browsers refuse http there for a year.',
  }),
  drainDelay: durationMs({ min: 0, max: 300 * second })
    .prefault('5s')
    .meta({
      description:
        'After SIGTERM: how long /readyz answers 503 before the port closes, so that load balancers stop sending requests.',
    }),
  drainTimeout: durationMs({ min: second, max: 600 * second })
    .prefault('20s')
    .meta({ description: 'After drainDelay: how long open requests may take to finish.' }),
});

const pemFile = (description: string) =>
  z
    .string()
    .regex(/^file:\/[^\s"'#,{}[\]]*$/, { error: 'is not the name of a file; write file:/absolute/path' })
    .optional()
    .meta({ description });

const tls = z.strictObject({
  cert: pemFile(
    'Certificate of this server with its intermediate certificates, PEM, as file:/path: the server then speaks https itself. Read again when the file changes. Default: plain http, for a reverse proxy in front.',
  ),
  key: pemFile('Private key of the certificate, PEM, without a pass phrase, as file:/path.'),
});

const clientCertificates = z.strictObject({
  from: z.enum(['none', 'tls', 'rfc9440', 'nginx', 'haproxy', 'envoy', 'traefik']).default('none').meta({
    description:
      'Where the certificates of clients come from. tls: of connections to this server itself (tls.cert). Others: the form of the header that server.trustedProxies set; they must remove it from requests of clients.',
  }),
  header: z
    .string()
    .regex(/^[A-Za-z0-9](?:[A-Za-z0-9-]{0,98}[A-Za-z0-9])?$/, {
      error: 'is not the name of a header; write letters, digits and hyphens, such as X-SSL-Client-Cert',
    })
    .transform((name) => name.toLowerCase())
    .optional()
    .meta({
      description:
        'Name of that header. Default: Client-Cert (rfc9440), X-SSL-Client-Cert (nginx, haproxy), X-Forwarded-Client-Cert (envoy), X-Forwarded-Tls-Client-Cert (traefik).',
    }),
  port: port(
    'With from tls: a second port that asks for certificates, so that the main one, where browsers are, does not. 0: the main port asks.',
  ).default(0),
  url: origin()
    .optional()
    .meta({
      description:
        'URL at which programs are asked for their certificate, if that is another host or port than publicUrl: mtls_endpoint_aliases in discovery (RFC 8705 section 5).',
      examples: ['https://mtls.example.com'],
    }),
});

const storage = z.strictObject({
  url: z
    .string()
    .refine((value) => /^(?:file:.|mongodb(?:\+srv)?:\/\/.|env:[A-Za-z_][A-Za-z0-9_]*$)/.test(value), {
      error: 'is not a store; write file:<folder>, mongodb://<host>/<database> or env:NAME',
    })
    .default('file:./data')
    .meta({
      description:
        'Where data is stored: file:<folder> for the embedded store, or mongodb://<host>/<database>. Write a URL that contains a password as env:NAME.',
      examples: ['file:./data', 'mongodb://127.0.0.1:27017/drawbridge', 'env:MONGODB_URL'],
    }),
});

const tenants = z.strictObject({
  directory: z.string().min(1).default('./tenants').meta({
    description: 'Folder with one YAML file per tenant. The file name without .yaml is the tenant id.',
  }),
  warmLimit: wholeNumber({ min: 1, max: 100_000 }).default(200).meta({
    description:
      'Number of tenants kept in memory. The least recently used one is removed first and built again on its next request.',
  }),
  rescan: durationMs({ min: second, max: 86_400 * second })
    .prefault('30s')
    .meta({ description: 'How often the folder is read again, even if the file system reported no change.' }),
  polling: z.boolean().default(false).meta({
    description: 'true: find changes by polling. For network file systems, which report no changes.',
  }),
  selection: z.enum(['list', 'ask']).default('list').meta({
    description:
      'Tenant selection page. list: lists the tenants, and beyond 20 only what was searched for. ask: users type the id of the tenant or an e-mail domain, and no tenant is listed.',
  }),
});

const passwords = z.strictObject({
  memory: sizeKiB({ min: 7168, max: 1024 * 1024 })
    .prefault('19MiB')
    .meta({ description: 'argon2id: memory per hash.' }),
  iterations: wholeNumber({ min: 1, max: 20 })
    .default(2)
    .meta({ description: 'argon2id: number of iterations.' }),
  parallelism: wholeNumber({ min: 1, max: 16 })
    .default(1)
    .meta({ description: 'argon2id: degree of parallelism.' }),
  concurrency: countOrAuto({ min: 1, max: 64 }).default('auto').meta({
    description: 'Hashes that one process computes at the same time; auto: one per CPU core, at most 4.',
  }),
  queueLimit: wholeNumber({ min: 1, max: 10_000 }).default(64).meta({
    description: 'Password checks that may wait in one process. Further ones are answered with 503.',
  }),
});

const names = (description: string) => z.array(plainText(200)).default([]).meta({ description });

const administration = z.strictObject({
  tenant: z
    .string()
    .regex(tenantIdForm, { error: 'is not the id of a tenant; write the name of its file without .yaml' })
    .optional()
    .meta({
      description:
        'Tenant at which the operators of the server sign in: they may administer all tenants. Default: nobody may, and each tenant has its own administrators alone.',
      examples: ['operations'],
    }),
  operators: names(
    'Operators, by sub: people and system users of that tenant. npx --no drawbridge user list shows the sub.',
  ),
  operatorRoles: names('Operators: whoever has one of these roles at that tenant.'),
  operatorGroups: names('Operators: whoever is in one of these groups of that tenant.'),
  secondFactor: z.boolean().default(true).meta({
    description:
      'true: people use the administration API only after a sign-in with a second factor. API keys need none.',
  }),
  maxAge: durationSeconds({ min: 60, max: 30 * 86_400 })
    .prefault('12h')
    .meta({
      description:
        'How long ago the sign-in of a person may be who uses the administration API, at all tenants.',
    }),
});

const log = z.strictObject({
  level: z.enum(['fatal', 'error', 'warn', 'info', 'debug', 'trace', 'silent']).default('info').meta({
    description:
      'Lowest severity that is logged: fatal, error, warn, info, debug, trace, or silent for none.',
  }),
});

const management = z.strictObject({
  port: port(
    'Port of a second listener for /metrics, and for /healthz and /readyz with details; 0: no such listener.',
  ).default(0),
  host: host('Address of the management listener.').default('127.0.0.1'),
  tenantLabels: z.int().min(0).max(10_000).default(100).meta({
    description: 'Most tenants that have numbers of their own; with more, the label `tenant` is empty.',
  }),
});

/** config/server.yaml as it is written: all keys optional, natural units. */
export const serverSchema = z.strictObject({
  server: server.prefault({}).meta({ description: 'Addresses, proxies and processes.' }),
  tls: tls.prefault({}).meta({ description: 'TLS without a reverse proxy.' }),
  clientCertificates: clientCertificates
    .prefault({})
    .meta({ description: 'Certificates of clients (RFC 8705), and of machines at the gateway.' }),
  storage: storage.prefault({}).meta({ description: 'The store.' }),
  tenants: tenants.prefault({}).meta({ description: 'The tenant files.' }),
  passwords: passwords.prefault({}).meta({
    description:
      'Cost of password hashes. After an increase, a hash is renewed at the next sign-in of its user.',
  }),
  administration: administration.prefault({}).meta({
    description: 'Who may administer all tenants, and how administrators sign in.',
  }),
  log: log.prefault({}).meta({ description: 'The log: JSON lines on standard output.' }),
  management: management.prefault({}).meta({ description: 'A second listener, for monitoring.' }),
  mail: mailSchema.prefault({}).meta({ description: 'The mail server that mails to users go through.' }),
  gateway: gatewaySchema.prefault({}).meta({
    description: 'Services behind the gateway, and its sessions.',
  }),
});

export type ServerFile = z.infer<typeof serverSchema>;
