import { z } from 'zod';
import { signingAlgorithms } from '../../protocol/signature-algorithms.ts';
import { durationMs, durationSeconds, parseUrl, plainText } from '../parsing/field-types.ts';
import { tlsSchema } from '../source/source-field-types.ts';
import { accessRulesSchema, tenantName } from './access-rule-schema.ts';
import { identitySchema } from './identity-schema.ts';
import { isHost, isPrefix, prefixWords } from './service-paths.ts';

const second = 1000;
const day = 86_400;

const targetWords =
  'is not the address of a service; write scheme, host and port, and a path without a slash at the end if it lies below one, such as http://127.0.0.1:8080';

const isTargetUrl = (value: string): boolean => {
  const [matched, path] = /^https?:\/\/[^\s\\@?#/]+((?:\/[^\s\\?#/]+)*)$/.exec(value) ?? [];
  // the URL parser changes a path only when it contains dot segments or characters that need escapes
  return matched !== undefined && parseUrl(value)?.pathname === (path || '/');
};

const targetUrl = () => z.string().max(2000).refine(isTargetUrl, { error: targetWords });

/** A key without a value counts as an absent one. */
const isAbsent = (value: unknown): boolean => value === undefined || value === null;

const healthPath = () =>
  z
    .string()
    .max(1000)
    .regex(/^\/(?!\/)[\x21\x23-\x7E]*$/, { error: 'is not a path; write one such as /healthz' });

export const healthSchema = z.strictObject({
  path: healthPath().meta({ description: 'Path below the address of the service.' }),
  interval: durationMs({ min: second, max: 3600 * second })
    .prefault('10s')
    .meta({ description: 'Time between two checks.' }),
});

export const targetSchema = z.strictObject({
  url: targetUrl().meta({
    description: 'Scheme, host and port of the service. A path here is put before the path of each request.',
  }),
  connectTimeout: durationMs({ min: 100, max: 60 * second })
    .prefault('5s')
    .meta({ description: 'Time limit to connect.' }),
  timeout: durationMs({ min: 100, max: 3600 * second })
    .prefault('60s')
    .meta({ description: 'Time limit until the response of the service begins.' }),
  idleTimeout: durationMs({ min: second, max: day * second })
    .prefault('10m')
    .meta({ description: 'Time limit without data on a streaming connection.' }),
  hostHeader: z.enum(['public', 'target']).default('public').meta({
    description:
      'Host header for the service. public: the host in the browser; target: the host of this URL.',
  }),
  tls: tlsSchema.optional().meta({ description: 'Certificates for the connection to the service.' }),
  authorization: z
    .union(
      [
        z.enum(['none', 'token']),
        z.strictObject({ bearer: z.string().meta({ description: 'env:NAME or file:/path.' }) }),
      ],
      { error: 'is not right; write none, token, or bearer: env:NAME' },
    )
    .default('none')
    .meta({
      description:
        'Authorization header for the service. none: no such header; token: the signed JWT about the caller; bearer: a fixed token.',
    }),
  health: z
    .union([healthPath(), healthSchema], {
      error: 'is not right; write a path such as /healthz, or path and interval',
    })
    .optional()
    .meta({
      description: 'Health check. While it fails, no requests are forwarded.',
    }),
});

const service = z.strictObject({
  name: z
    .string()
    .regex(/^[a-z0-9]+(?:-[a-z0-9]+)*$/, {
      error: 'is not a name; write small letters and digits with hyphens between, such as order-desk',
    })
    .max(60)
    .refine((name) => !(name in Object.prototype), {
      error: "is a word of JavaScript's objects; choose another name",
    })
    .meta({ description: 'Name of the service. Tenant files refer to it.' }),
  host: z
    .string()
    .max(260)
    .refine(isHost, {
      error: 'is not a host; write it as browsers show it, in small letters, without https:// and path',
    })
    .optional()
    .meta({
      description: "Host of the service, as browsers show it. Default: the host of the server's publicUrl.",
      examples: ['orders.example.com'],
    }),
  prefix: z
    .string()
    .refine(isPrefix, { error: prefixWords })
    .optional()
    .meta({
      description: 'Path prefix: the service gets this path and all paths below it. Default: the whole host.',
      examples: ['/orders'],
    }),
  stripPrefix: z
    .boolean()
    .default(false)
    .meta({ description: 'true: the prefix is removed from the path before the request is forwarded.' }),
  target: z
    .union([targetUrl(), targetSchema], {
      error: 'is no address; write one such as http://127.0.0.1:8080, or url and what else there is',
    })
    .optional()
    .meta({
      description:
        'Address of the service. Default: none; another proxy forwards and asks Drawbridge (forward authentication).',
      examples: ['http://127.0.0.1:8080'],
    }),
  tenants: z
    .union(
      [
        z.literal('all'),
        z.array(tenantName()).min(1, { error: 'is empty; write ids of tenants, or all' }).max(10_000),
      ],
      {
        error: ({ input }) =>
          `${isAbsent(input) ? 'is missing' : 'is no list'}; write a list of ids of tenants, such as [acme], or all`,
      },
    )
    .meta({ description: 'Ids of the tenants whose users and clients may use the service, or all.' }),
  audience: plainText(2000).optional().meta({
    description:
      'Claim aud of the signed JWT for the service. Default: scheme, host and prefix of the service.',
  }),
  signingAlgorithm: z.enum(signingAlgorithms).default('EdDSA').meta({
    description: 'Signature algorithm of that JWT; choose one that the JWT library of the service supports.',
  }),
  resources: z.array(plainText(2000)).max(100).default([]).meta({
    description:
      'Resource identifiers (RFC 8707). An access token for a resource is accepted only if it is for one of these.',
  }),
  identity: identitySchema.optional().meta({
    description: 'What the service gets to know about the caller, and how much of it.',
  }),
  basic: z
    .boolean()
    .default(false)
    .meta({ description: 'true: accepts HTTP Basic authentication with user name and password.' }),
  corsPreflight: z.boolean().default(false).meta({
    description: 'true: forwards CORS preflight requests without authentication.',
  }),
  caseSensitive: z.boolean().default(false).meta({
    description:
      'true: /Admin and /admin are different paths of the service, and rules distinguish them. Default: rules are applied both with and without regard to upper and lower case, and the stricter result counts.',
  }),
  ignoreCase: z.boolean().default(false).meta({
    description:
      'true: /Admin and /admin are the same path of the service. Rules and prefix are compared without regard to upper and lower case only.',
  }),
  rules: accessRulesSchema.meta({
    description:
      'The first rule that matches decides. If no rule matches, the request is denied. Without rules, every authenticated caller is allowed.',
  }),
});

const cookieDomain = z
  .string()
  .max(253)
  .regex(/^(?!.*\.\d+$)[a-z0-9](?:[a-z0-9-]*[a-z0-9])?(?:\.[a-z0-9](?:[a-z0-9-]*[a-z0-9])?)+$/, {
    error:
      'is not a domain for cookies; write one with a dot in it, in small letters and without one in front, such as example.com',
  });

/** `gateway:` of the server's file. */
export const gatewaySchema = z.strictObject({
  enabled: z.boolean().default(true).meta({
    description:
      'false: the gateway allows every request, as the user anonymous. Only on a loopback address, for a first try. The variable AUTH_ENABLED means the same.',
  }),
  cookieDomain: cookieDomain.optional().meta({
    description:
      'Parent domain of publicUrl and of all service hosts. One session cookie is then valid for all of them. Default: one cookie per host.',
    examples: ['example.com'],
  }),
  sessionIdle: durationSeconds({ min: 60, max: 30 * day })
    .prefault('30m')
    .meta({ description: 'A gateway session ends after this time without a request.' }),
  sessionAbsolute: durationSeconds({ min: 60, max: 90 * day })
    .prefault('12h')
    .meta({ description: 'Maximum lifetime of a gateway session.' }),
  basicCache: durationSeconds({ min: 0, max: 60 }).prefault('0s').meta({
    description: 'How long an accepted user name and password is cached, at most 60s; 0s: no cache.',
  }),
  proxySecret: z
    .string()
    .optional()
    .meta({
      description:
        'Secret that a proxy sends as X-Drawbridge-Proxy-Secret when it asks below /api/authz/: if its address is not in trustedProxies, or if it asks on the host of the public URL. At least 32 characters. In the file: only a reference, env:NAME or file:/path.',
      examples: ['env:PROXY_SECRET'],
    }),
  services: z
    .array(service)
    .max(1000)
    .prefault([])
    .meta({ description: 'Services behind the gateway. As an environment variable: JSON.' }),
});

export type GatewayFile = z.infer<typeof gatewaySchema>;
export type ServiceFile = GatewayFile['services'][number];
export type TargetFile = z.infer<typeof targetSchema>;
