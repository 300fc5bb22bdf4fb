import { z } from 'zod';
import { serverSchema } from './server-schema.ts';

/** One setting of the server, for the README, `config show` and the environment. */
export interface Setting {
  /** `server.publicUrl` */
  readonly name: string;
  /** `DRAWBRIDGE_SERVER__PUBLIC_URL`; with `_FILE` behind it, the name of a file that holds the value. */
  readonly env: string;
  /** Another variable for the same setting; both may be set if they agree. */
  readonly alias?: string;
  /** As one writes it in YAML; absent where the default depends on other settings. */
  readonly default?: string;
  readonly description: string;
  /** The value, or a part of it, must not be shown. */
  readonly isSecret: boolean;
}

interface DescribedKey {
  readonly description?: string;
  readonly default?: unknown;
  readonly properties?: Readonly<Record<string, DescribedKey>>;
}

const secretSettings: ReadonlySet<string> = new Set([
  'server.secretKey',
  'storage.url',
  'server.outgoingProxy',
  'gateway.proxySecret',
  'mail.password',
]);
const aliases: Readonly<Record<string, string>> = { 'gateway.enabled': 'AUTH_ENABLED' };

/** Every setting of config/server.yaml, in its order, read off the schema. */
export const settingsTable = (): readonly Setting[] => {
  const described = z.toJSONSchema(serverSchema, { io: 'input' }) as DescribedKey; // what it makes of our schema
  return Object.entries(described.properties ?? {}).flatMap(([section, { properties = {} }]) =>
    Object.entries(properties).map(([key, setting]) => ({
      name: `${section}.${key}`,
      env: variableOf(`${section}.${key}`),
      ...withAlias(`${section}.${key}`),
      ...(setting.default === undefined ? {} : { default: formatDefault(setting.default) }),
      description: setting.description ?? '',
      isSecret: secretSettings.has(`${section}.${key}`),
    })),
  );
};

/** The environment variable of a setting. @param name such as `server.publicUrl` */
export const variableOf = (name: string): string =>
  `DRAWBRIDGE_${name.split('.').map(toSnakeCase).join('__')}`;

const withAlias = (name: string): Pick<Setting, 'alias'> => {
  const alias = aliases[name];
  return alias === undefined ? {} : { alias };
};

const toSnakeCase = (name: string): string => name.replace(/([a-z0-9])([A-Z])/g, '$1_$2').toUpperCase();

const formatDefault = (value: unknown): string => (typeof value === 'string' ? value : JSON.stringify(value));
