import { createHash } from 'node:crypto';
import { definedOnly } from '../../defined-only.ts';
import type { FaultPath, PathFault } from '../parsing/fault.ts';
import type { SecretContext } from '../parsing/tls-material.ts';
import { loadSecret, type SourceContext } from '../source/source-secrets.ts';
import type { TenantGateway, TrustedGateway } from './gateway-definition.ts';
import { toAccessRule } from './gateway-file.ts';
import type { TenantGatewayFile, TrustedGatewayFile } from './tenant-gateway-schema.ts';

export interface LoadedTenantGateway {
  readonly gateway: TenantGateway;
  /** Paths begin at the file. */
  readonly faults: readonly PathFault[];
}

const shortest = 16;

/** Resolves references to secrets; keys are kept as hashes. */
export const loadTenantGateway = (file: TenantGatewayFile, context: SecretContext): LoadedTenantGateway => {
  const faults: PathFault[] = [];
  const trustedGateways = file.trustedGateways.map((gateway, index): TrustedGateway => {
    const own: PathFault[] = [];
    const inner = { ...context, faults: own };
    const loaded = { id: gateway.id, proof: loadProof(gateway, inner), user: loadUser(gateway, inner) };
    faults.push(
      ...own.map((fault) => ({ ...fault, path: ['gateway', 'trustedGateways', index, ...fault.path] })),
    );
    return loaded;
  });
  const services = Object.entries(file.services).map(
    ([name, { enabled, rules }]) => [name, { enabled, rules: rules.map(toAccessRule) }] as const,
  );
  return {
    gateway: {
      ...definedOnly({ deviceClient: file.deviceClient }),
      services: Object.fromEntries(services),
      trustedGateways,
    },
    faults,
  };
};

const loadProof = ({ proof }: TrustedGatewayFile, context: SourceContext): TrustedGateway['proof'] =>
  proof.type === 'secret'
    ? { ...proof, secret: loadLongSecret(proof.secret, ['proof', 'secret'], context) ?? '' }
    : proof;

const loadUser = ({ user }: TrustedGatewayFile, context: SourceContext): TrustedGateway['user'] => {
  if (user.type !== 'subscription') return user;
  const keys = new Map<string, string>();
  for (const [index, entry] of user.keys.entries()) {
    const path: FaultPath = ['user', 'keys', index, 'key' in entry ? 'key' : 'sha256'];
    const hash = 'key' in entry ? hashOf(loadLongSecret(entry.key, path, context)) : entry.sha256;
    if (hash === undefined) continue;
    if (keys.has(hash))
      context.faults.push({ path, message: 'is a key that was given above; each stands for one user' });
    keys.set(hash, entry.user);
  }
  return { type: user.type, header: user.header, keys: Object.fromEntries(keys) };
};

const loadLongSecret = (text: string, path: FaultPath, context: SourceContext): string | undefined => {
  const secret = loadSecret(text, path, context);
  if (secret === undefined || secret.length >= shortest) return secret;
  context.faults.push({
    path,
    message: `is shorter than ${shortest} characters, and could be guessed; make one with: openssl rand -base64 32`,
  });
  return undefined;
};

const hashOf = (key: string | undefined): string | undefined =>
  key === undefined ? undefined : createHash('sha256').update(key).digest('base64url');
