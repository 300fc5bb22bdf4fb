import type { JWK } from 'jose';
import type { Clock } from '../../clock.ts';
import type { TenantDefinition } from '../../config/tenant/tenant-definition.ts';
import { generateSigningJwk, type SigningAlgorithm } from '../../crypto/key-pairs.ts';
import { openSealed, seal } from '../../crypto/sealed-box.ts';
import type { TenantStorage } from '../../storage/storage.ts';
import type { KeyRecord } from '../../storage/storage-records.ts';

export interface TenantKeysParts {
  readonly tenant: string;
  readonly storage: TenantStorage;
  /** 32 bytes, derived from the master key. */
  readonly sealingKey: Buffer;
  readonly clock: Clock;
}

/** RS256 is mandatory (OpenID Connect Core section 15.1), Ed25519 signs access tokens; others when a client names them. */
export const algorithmsOf = (definition: TenantDefinition): readonly SigningAlgorithm[] => {
  const named = new Set(definition.clients.map(({ metadata }) => metadata.id_token_signed_response_alg));
  return ['RS256', 'Ed25519', ...(['ES256', 'PS256'] as const).filter((algorithm) => named.has(algorithm))];
};

const firstSlot = (algorithm: SigningAlgorithm): string => `${algorithm}/1`;

/** A sealed key opens only for its tenant and under its own id. */
const bindingOf = (tenant: string, kid: string): string => `signing key ${tenant} ${kid}`;

/**
 * The tenant's private signing keys. What is missing is made once: of several instances that start together,
 * the store lets one win and all use its key.
 * @throws AppError `unavailable` when the store cannot be reached or the master key is another one
 */
export const openTenantKeys = async (
  parts: TenantKeysParts,
  algorithms: readonly SigningAlgorithm[],
): Promise<readonly JWK[]> => {
  const stored = await parts.storage.keys.list();
  const slots = new Set(stored.map(({ slot }) => slot));
  const made = await Promise.all(
    algorithms
      .filter((algorithm) => !slots.has(firstSlot(algorithm)))
      .map((algorithm) => makeKey(parts, algorithm)),
  );
  // in one order, whoever made which: the JWKS is the same to the letter on every instance
  const inOrder = [...stored, ...made].sort((one, other) => (one.slot < other.slot ? -1 : 1));
  return inOrder.map((record) => unseal(parts, record));
};

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

/** The key that signs access tokens: the provider takes the first of its kind as well. */
export const signingKeyOf = (keys: readonly JWK[]): JWK => {
  const key = keys.find(({ crv }) => crv === 'Ed25519');
  if (key === undefined) throw new Error('a tenant has no Ed25519 key');
  return key;
};

/** The public half, as the JWKS endpoint shows it. */
export const publicJwk = ({ kty, kid, use, alg, n, e, crv, x, y }: JWK): JWK =>
  JSON.parse(JSON.stringify({ kty, kid, use, alg, n, e, crv, x, y })) as JWK; // drops what is undefined
