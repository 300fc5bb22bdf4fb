import { z } from 'zod';
import { durationMs, durationSeconds, parseUrl, plainText } from '../parsing/field-types.ts';
import { tlsSchema } from '../source/source-field-types.ts';
import { accessRulesSchema, tenantName } from './access-rule-schema.ts';
import { isHost, isPrefix, prefixWords } from './service-paths.ts';

const second = 1000;
const day = 86_400;

const targetWords =
  'is not the address of a service; write scheme, host and port, and a path without a slash at the end if it lies below one, such as http://127.0.0.1:8080';

const isTargetUrl = (value: string): boolean => {
  const [matched, path] = /^https?:\/\/[^\s\\@?#/]+((?:\/[^\s\\?#/]+)*)$/.exec(value) ?? [];
  // a parser that changes the path found dots or odd characters in it
  return matched !== undefined && parseUrl(value)?.pathname === (path || '/');
};

const targetUrl = () => z.string().max(2000).refine(isTargetUrl, { error: targetWords });

/** A key without a value is as good as none. */
const isAbsent = (value: unknown): boolean => value === undefined || value === null;

const healthPath = () =>
  z
    .string()
    .max(1000)
    .regex(/^\/(?!\/)[\x21\x23-\x7E]*$/, { error: 'is not a path; write one such as /healthz' });

export const healthSchema = z.strictObject({
  path: healthPath().meta({ description: 'Below the address of the service.' }),
  interval: durationMs({ min: second, max: 3600 * second })
    .prefault('10s')
    .meta({ description: 'How often it is asked.' }),
});

export const targetSchema = z.strictObject({
  url: targetUrl().meta({ description: 'Scheme, host and port, and a path that goes in front.' }),
  connectTimeout: durationMs({ min: 100, max: 60 * second })
    .prefault('5s')
    .meta({ description: 'How long connecting may take.' }),
  timeout: durationMs({ min: 100, max: 3600 * second })
    .prefault('60s')
    .meta({ description: 'How long the service may be silent until its answer begins.' }),
  idleTimeout: durationMs({ min: second, max: day * second })
    .prefault('10m')
    .meta({ description: 'How long nothing may move on a connection that streams.' }),
  hostHeader: z.enum(['public', 'target']).default('public').meta({
    description: 'The Host that the service sees: the one that the browser asked for, or its own.',
  }),
  tls: tlsSchema.optional().meta({ description: 'Certificates.' }),
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
        'What the service gets as Authorization: nothing, the signed token about the caller, or a fixed bearer token.',
    }),
  health: z
    .union([healthPath(), healthSchema], {
      error: 'is not right; write a path such as /healthz, or path and interval',
    })
    .optional()
    .meta({
      description: 'Asked again and again; a service that does not answer there gets no requests.',
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
    .meta({ description: 'Tenants name it so in their files.' }),
  host: z
    .string()
    .max(260)
    .refine(isHost, {
      error: 'is not a host; write it as browsers show it, in small letters, without https:// and path',
    })
    .optional()
    .meta({ description: "By default that of the server's public URL.", examples: ['orders.example.com'] }),
  prefix: z
    .string()
    .refine(isPrefix, { error: prefixWords })
    .optional()
    .meta({
      description: 'The service has this path and all below it. Without: the whole host.',
      examples: ['/orders'],
    }),
  stripPrefix: z.boolean().default(false).meta({ description: 'The service does not see the prefix.' }),
  target: z
    .union([targetUrl(), targetSchema], {
      error: 'is no address; write one such as http://127.0.0.1:8080, or url and what else there is',
    })
    .optional()
    .meta({
      description: 'Where the service is. Without: a proxy in front forwards, and only asks Drawbridge.',
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
    .meta({ description: 'Whose people may come.' }),
  audience: plainText(2000).optional().meta({
    description: 'aud of the token that the service gets. By default its address: scheme, host and prefix.',
  }),
  resources: z.array(plainText(2000)).max(100).default([]).meta({
    description: 'Resource identifiers: tokens that are for resources must be for one of these.',
  }),
  basic: z.boolean().default(false).meta({ description: 'Takes name and password, and asks for them.' }),
  corsPreflight: z.boolean().default(false).meta({
    description: 'Lets CORS preflights through without an identity.',
  }),
  ignoreCase: z.boolean().default(false).meta({
    description: 'Its paths mean the same in capital and small letters.',
  }),
  rules: accessRulesSchema.meta({
    description: 'In order; the first that matches decides, and nothing matched is denied. None: all may.',
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
      'False lets everybody through as an anonymous user, for a first try on this machine alone. AUTH_ENABLED says the same.',
  }),
  cookieDomain: cookieDomain.optional().meta({
    description:
      'A parent domain of the public URL and of all hosts of services; one sign-in then serves all of them. Without: each host gets a cookie of its own.',
    examples: ['example.com'],
  }),
  sessionIdle: durationSeconds({ min: 60, max: 30 * day })
    .prefault('30m')
    .meta({ description: 'A session at the gateway that is not used for so long is over.' }),
  sessionAbsolute: durationSeconds({ min: 60, max: 90 * day })
    .prefault('12h')
    .meta({ description: 'No session at the gateway lives longer.' }),
  basicCache: durationSeconds({ min: 0, max: 60 })
    .prefault('0s')
    .meta({ description: 'How long an accepted name and password is remembered; 0s: not at all.' }),
  proxySecret: z
    .string()
    .optional()
    .meta({
      description:
        'Proves a proxy that asks, in X-Drawbridge-Proxy-Secret, where its address is not fixed: at least 32 characters. In the file only as a reference, env:NAME or file:/path.',
      examples: ['env:PROXY_SECRET'],
    }),
  services: z
    .array(service)
    .max(1000)
    .prefault([])
    .meta({ description: 'What stands behind the gateway. As a variable: JSON.' }),
});

export type GatewayFile = z.infer<typeof gatewaySchema>;
export type ServiceFile = GatewayFile['services'][number];
export type TargetFile = z.infer<typeof targetSchema>;
