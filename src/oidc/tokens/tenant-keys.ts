import type { JWK } from 'jose';
import type { Clock } from '../../clock.ts';
import type { ServiceDefinition } from '../../config/gateway/gateway-definition.ts';
import type { TenantDefinition } from '../../config/tenant/tenant-definition.ts';
import { generateSigningJwk, type SigningAlgorithm } from '../../crypto/key-pairs.ts';
import { openSealed, seal } from '../../crypto/sealed-box.ts';
import type { SignatureAlgorithm } from '../../protocol/signature-algorithms.ts';
import type { TenantStorage } from '../../storage/storage.ts';
import type { KeyRecord } from '../../storage/storage-records.ts';

export interface TenantKeysParts {
  readonly tenant: string;
  readonly storage: TenantStorage;
  /** 32 bytes, derived from the master key. */
  readonly sealingKey: Buffer;
  readonly clock: Clock;
}

/** RSA first: of several keys, some clients take the first (OpenID Connect Core section 15.1 makes RS256 mandatory). */
const inJwks = [
  'RS256',
  'PS256',
  'ES256',
  'EdDSA',
  'Ed25519',
] as const satisfies readonly SignatureAlgorithm[];

/** One key serves both names of its signature. */
const keyOf: Readonly<Record<SignatureAlgorithm, SigningAlgorithm>> = {
  RS256: 'RS256',
  PS256: 'PS256',
  ES256: 'ES256',
  EdDSA: 'Ed25519',
  Ed25519: 'Ed25519',
};

/**
 * What the tenant signs with: ID tokens of its clients (RS256 for our own), JWTs of its resources, and tokens for the
 * services where its people may come. In the order of the JWKS.
 */
export const algorithmsOf = (
  definition: TenantDefinition,
  services: readonly ServiceDefinition[],
): readonly SignatureAlgorithm[] => {
  const { id, clients, resources, gateway } = definition;
  const needed = new Set<SignatureAlgorithm>([
    'RS256',
    ...clients.map(({ metadata }) => metadata.id_token_signed_response_alg),
    ...resources.filter(({ format }) => format === 'jwt').map(({ signingAlgorithm }) => signingAlgorithm),
    ...services
      .filter(({ tenants }) => tenants === 'all' || tenants.includes(id))
      .filter(({ name }) => gateway.services[name]?.enabled !== false)
      .map(({ signingAlgorithm }) => signingAlgorithm),
  ]);
  return inJwks.filter((algorithm) => needed.has(algorithm));
};

export interface TenantKeys {
  /** Private; each is for one algorithm, its `alg`. The JWKS shows their public halves in this order. */
  readonly signing: readonly JWK[];
  /** Public halves of all former and present keys: a token signed before a file changed is valid until it expires. */
  readonly verifying: readonly JWK[];
}

const firstSlot = (algorithm: SigningAlgorithm): string => `${algorithm}/1`;

/** A sealed key opens only for its tenant and under its own id. */
const bindingOf = (tenant: string, kid: string): string => `signing key ${tenant} ${kid}`;

/**
 * The tenant's private signing keys. A missing key is made once: when several instances start together, the store
 * accepts the key of one of them and all use that key.
 * @throws AppError `unavailable` when the store cannot be reached or the master key is another one
 */
export const openTenantKeys = async (
  parts: TenantKeysParts,
  algorithms: readonly SignatureAlgorithm[],
): Promise<TenantKeys> => {
  const stored = await parts.storage.keys.list();
  const slots = new Set(stored.map(({ slot }) => slot));
  const made = await Promise.all(
    [...new Set(algorithms.map((algorithm) => keyOf[algorithm]))]
      .filter((algorithm) => !slots.has(firstSlot(algorithm)))
      .map((algorithm) => makeKey(parts, algorithm)),
  );
  // in a fixed order, so that the JWKS is exactly the same on every instance
  const inOrder = [...stored, ...made].sort((one, other) => (one.slot < other.slot ? -1 : 1));
  const keys = inOrder.map((record) => ({ kind: record.alg, jwk: unseal(parts, record) }));
  return {
    signing: algorithms.flatMap((algorithm) =>
      keys.filter(({ kind }) => kind === keyOf[algorithm]).map(({ jwk }) => keyFor(algorithm, jwk)),
    ),
    verifying: keys.flatMap(({ kind, jwk }) =>
      kind === 'Ed25519' ? [publicJwk(jwk), publicJwk(keyFor('Ed25519', jwk))] : [publicJwk(jwk)],
    ),
  };
};

/**
 * Verifiers refuse a key whose `alg` is the other name of the signature, and one `kid` must name one key: so the key
 * has a second id under its newer name. The stored one has no `alg`.
 */
const keyFor = (algorithm: SignatureAlgorithm, jwk: JWK): JWK => ({
  ...jwk,
  alg: algorithm,
  ...(algorithm === 'Ed25519' ? { kid: `${jwk.kid}-Ed25519` } : {}),
});

const makeKey = async (parts: TenantKeysParts, algorithm: SigningAlgorithm): Promise<KeyRecord> => {
  const jwk = await generateSigningJwk(algorithm);
  return parts.storage.keys.putIfAbsent({
    kid: jwk.kid,
    alg: algorithm,
    slot: firstSlot(algorithm),
    sealed: seal(parts.sealingKey, Buffer.from(JSON.stringify(jwk)), bindingOf(parts.tenant, jwk.kid)),
    createdAt: parts.clock.now(),
  });
};

const unseal = (parts: TenantKeysParts, record: KeyRecord): JWK =>
  JSON.parse(
    openSealed(parts.sealingKey, record.sealed, bindingOf(parts.tenant, record.kid)).toString('utf8'),
  ) as JWK; // sealed by makeKey

/** The public half, as the JWKS endpoint shows it. */
const publicJwk = ({ kty, kid, use, alg, n, e, crv, x, y }: JWK): JWK =>
  JSON.parse(JSON.stringify({ kty, kid, use, alg, n, e, crv, x, y })) as JWK; // drops what is undefined
