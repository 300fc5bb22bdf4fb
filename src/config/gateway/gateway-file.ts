import { definedOnly } from '../../defined-only.ts';
import type { PathFault } from '../parsing/fault.ts';
import type { SecretSources } from '../parsing/secrets.ts';
import { loadSecret, loadTls, type SourceContext } from '../source/source-secrets.ts';
import type { AccessRuleFile } from './access-rule-schema.ts';
import type { AccessRule, GatewaySettings, ServiceDefinition, ServiceTarget } from './gateway-definition.ts';
import {
  type GatewayFile,
  healthSchema,
  type ServiceFile,
  type TargetFile,
  targetSchema,
} from './gateway-schema.ts';

export interface LoadedServices {
  readonly services: readonly ServiceDefinition[];
  /** Paths begin at `services`. */
  readonly faults: readonly PathFault[];
}

/** Resolves references to secrets and files, and fills in defaults. */
export const loadServices = (
  files: readonly ServiceFile[],
  { publicUrl, sources }: { readonly publicUrl: string; readonly sources: SecretSources },
): LoadedServices => {
  const faults: PathFault[] = [];
  const services = files.map((file, index) => {
    const own: PathFault[] = [];
    const context: SourceContext = { demo: false, sources, faults: own };
    const service = loadService(file, publicUrl, context);
    faults.push(...own.map((fault) => ({ ...fault, path: [index, 'target', ...fault.path] })));
    return service;
  });
  return { services, faults };
};

/** With its services loaded and its secret resolved. */
export const toGatewaySettings = (
  { services: _, ...file }: GatewayFile,
  services: readonly ServiceDefinition[],
): GatewaySettings => ({ ...definedOnly(file), services });

export const toAccessRule = (file: AccessRuleFile): AccessRule => definedOnly(file);

const loadService = (file: ServiceFile, publicUrl: string, context: SourceContext): ServiceDefinition => {
  const { protocol, host: publicHost } = new URL(publicUrl);
  const host = file.host === undefined ? undefined : new URL(`${protocol}//${file.host}`).host;
  const { target, identity, ...rest } = file;
  return {
    ...definedOnly(rest),
    ...definedOnly({ host }),
    ...(target === undefined ? {} : { target: loadTarget(target, context) }),
    ...(identity === undefined ? {} : { identity: definedOnly(identity) }),
    audience: file.audience ?? `${protocol}//${host ?? publicHost}${file.prefix ?? ''}`,
    rules: file.rules.map(toAccessRule),
  };
};

const loadTarget = (written: string | TargetFile, context: SourceContext): ServiceTarget => {
  const file = typeof written === 'string' ? targetSchema.parse({ url: written }) : written;
  const { health, tls, authorization } = file;
  return {
    url: file.url,
    connectTimeoutMs: file.connectTimeout,
    timeoutMs: file.timeout,
    idleTimeoutMs: file.idleTimeout,
    hostHeader: file.hostHeader,
    ...(tls === undefined ? {} : { tls: loadTls(tls, context) }),
    authorization:
      typeof authorization === 'string'
        ? authorization
        : { bearer: loadSecret(authorization.bearer, ['authorization', 'bearer'], context) ?? '' },
    ...(health === undefined ? {} : { health: toHealth(health) }),
  };
};

const toHealth = (written: NonNullable<TargetFile['health']>): NonNullable<ServiceTarget['health']> => {
  const { path, interval } = typeof written === 'string' ? healthSchema.parse({ path: written }) : written;
  return { path, intervalMs: interval };
};
