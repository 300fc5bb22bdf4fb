import { isIP } from 'node:net';
import { z } from 'zod';
import { gatewaySchema } from '../gateway/gateway-schema.ts';
import { countOrAuto, durationMs, origin, sizeKiB, wholeNumber } from '../parsing/field-types.ts';

const second = 1000;
const port = (description: string) => wholeNumber({ min: 0, max: 65_535 }).meta({ description });
const host = (description: string) =>
  z
    .string()
    .refine((value) => isIP(value) !== 0 || /^[a-z0-9]([a-z0-9.-]*[a-z0-9])?$/i.test(value), {
      error: 'is not a host; write an address such as 127.0.0.1 or 0.0.0.0, without scheme or port',
    })
    .meta({ description });

const addressOrBlock = z.string().refine(
  (value) => {
    const [address = '', prefix, ...rest] = value.split('/');
    const family = isIP(address);
    if (family === 0 || rest.length > 0) return false;
    if (prefix === undefined) return true;
    return /^\d{1,3}$/.test(prefix) && Number(prefix) >= 1 && Number(prefix) <= (family === 4 ? 32 : 128);
  },
  { error: 'is not an address; write one such as 10.0.0.5, or a block such as 10.0.0.0/8' },
);

const server = z.strictObject({
  publicUrl: origin()
    .optional()
    .meta({
      description:
        'What browsers see: scheme, host and port, without a slash at the end. The issuers begin with it. By default http://localhost:<port>.',
      examples: ['https://login.example.com'],
    }),
  host: host('Address to listen on. 0.0.0.0 for all.').default('127.0.0.1'),
  port: port('Port to listen on.').default(3000),
  secretKey: z
    .string()
    .optional()
    .meta({
      description:
        'Master key, from which cookie keys and the encryption of the signing keys are derived: at least 32 bytes, the same on all instances. In the file only as a reference, env:NAME or file:/path. Required with MongoDB; the embedded store makes its own on first start.',
      examples: ['file:/run/secrets/drawbridge-key'],
    }),
  workers: countOrAuto({ min: 1, max: 256 })
    .default(1)
    .meta({ description: 'Number of processes; auto is one for each core.' }),
  trustedProxies: z
    .array(addressOrBlock)
    .default([])
    .meta({ description: 'Addresses or CIDR blocks of proxies whose X-Forwarded-For is believed.' }),
  tlsTerminatedByProxy: z.boolean().default(false).meta({
    description:
      'True allows a public URL with http that is not loopback. Only for closed networks where browsers really use http up to a proxy that does TLS; browsers that see https need publicUrl: https://… instead.',
  }),
  drainDelay: durationMs({ min: 0, max: 300 * second })
    .prefault('5s')
    .meta({
      description:
        'On SIGTERM: how long readyz answers 503 before the port closes, so that load balancers notice.',
    }),
  drainTimeout: durationMs({ min: second, max: 600 * second })
    .prefault('20s')
    .meta({ description: 'How long requests under way may take to finish after that.' }),
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
        'Where data is kept: file:<folder> for the embedded store, or mongodb://<host>/<database>. A URL with a password belongs in the environment: env:NAME.',
      examples: ['file:./data', 'mongodb://127.0.0.1:27017/drawbridge', 'env:MONGODB_URL'],
    }),
});

const tenants = z.strictObject({
  directory: z
    .string()
    .min(1)
    .default('./tenants')
    .meta({ description: 'Folder with one YAML file for each tenant; the name of the file is the id.' }),
  warmLimit: wholeNumber({ min: 1, max: 100_000 }).default(200).meta({
    description: 'So many tenants are kept built in memory; the least recently used are forgotten.',
  }),
  rescan: durationMs({ min: second, max: 86_400 * second })
    .prefault('30s')
    .meta({ description: 'Look at the folder again even when no change was noticed.' }),
  polling: z
    .boolean()
    .default(false)
    .meta({ description: 'Watch by polling; for network file systems, which report no changes.' }),
});

const passwords = z.strictObject({
  memory: sizeKiB({ min: 7168, max: 1024 * 1024 })
    .prefault('19MiB')
    .meta({ description: 'argon2id: memory for one hash.' }),
  iterations: wholeNumber({ min: 1, max: 20 })
    .default(2)
    .meta({ description: 'argon2id: passes over the memory.' }),
  parallelism: wholeNumber({ min: 1, max: 16 }).default(1).meta({ description: 'argon2id: lanes.' }),
  concurrency: countOrAuto({ min: 1, max: 64 }).default('auto').meta({
    description: 'Hashes computed at the same time in one process; auto is one for each core, at most 4.',
  }),
  queueLimit: wholeNumber({ min: 1, max: 10_000 })
    .default(64)
    .meta({ description: 'Hashes that may wait in one process; more are refused with 503.' }),
});

const log = z.strictObject({
  level: z
    .enum(['fatal', 'error', 'warn', 'info', 'debug', 'trace', 'silent'])
    .default('info')
    .meta({ description: 'The least severe lines that are written.' }),
});

const management = z.strictObject({
  port: port('Port of a listener of its own for health details; 0 for none.').default(0),
  host: host('Address of that listener.').default('127.0.0.1'),
});

/** config/server.yaml as it is written: all keys optional, natural units. */
export const serverSchema = z.strictObject({
  server: server.prefault({}).meta({ description: 'The process and its public face.' }),
  storage: storage.prefault({}).meta({ description: 'Where data is kept.' }),
  tenants: tenants.prefault({}).meta({ description: 'Where tenants come from.' }),
  passwords: passwords.prefault({}).meta({
    description: 'Cost of password hashes. Existing ones are renewed at the next sign-in when these rise.',
  }),
  log: log.prefault({}).meta({ description: 'Log lines: JSON on standard output.' }),
  management: management.prefault({}).meta({ description: 'A second listener, for operators.' }),
  gateway: gatewaySchema.prefault({}).meta({
    description: 'Services that Drawbridge stands in front of, and how people are known there.',
  }),
});

export type ServerFile = z.infer<typeof serverSchema>;
