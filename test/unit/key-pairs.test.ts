import { describe, expect, it } from '@jest/globals';
import { CompactSign, calculateJwkThumbprint, compactVerify, importJWK, type JWK } from 'jose';
import { generateSigningJwk, type SigningAlgorithm } from '../../src/crypto/key-pairs.ts';

const publicPart = ({ kty, crv, x, y, n, e }: JWK): JWK =>
  Object.fromEntries(Object.entries({ kty, crv, x, y, n, e }).filter(([, value]) => value !== undefined));

const isVerified = async (jwk: JWK, alg: string): Promise<boolean> => {
  const signed = await new CompactSign(Buffer.from('hello'))
    .setProtectedHeader({ alg })
    .sign(await importJWK(jwk, alg));
  await compactVerify(signed, await importJWK(publicPart(jwk), alg));
  return true;
};

describe('generateSigningJwk', () => {
  it.each<[SigningAlgorithm, string]>([
    ['RS256', 'RSA'],
    ['PS256', 'RSA'],
    ['ES256', 'EC'],
  ])('makes an %s key tied to its algorithm', async (algorithm, kty) => {
    const jwk = await generateSigningJwk(algorithm);
    expect(jwk).toMatchObject({ kty, alg: algorithm, use: 'sig', kid: await calculateJwkThumbprint(jwk) });
    expect(await isVerified(jwk, algorithm)).toBe(true);
  });

  it('makes RSA keys of 2048 bits', async () => {
    const { n = '' } = await generateSigningJwk('RS256');
    expect(Buffer.from(n, 'base64url')).toHaveLength(256);
  });

  it('makes one Ed25519 key that serves both names of the algorithm', async () => {
    const jwk = await generateSigningJwk('Ed25519');
    expect(jwk).toMatchObject({ kty: 'OKP', crv: 'Ed25519', use: 'sig' });
    expect(jwk).not.toHaveProperty('alg');
    expect(await isVerified(jwk, 'Ed25519')).toBe(true);
    expect(await isVerified(jwk, 'EdDSA')).toBe(true);
  });

  it('makes hundreds without stopping, each another', async () => {
    const keys = await Promise.all(Array.from({ length: 500 }, () => generateSigningJwk('Ed25519')));
    expect(new Set(keys.map((key) => key.kid)).size).toBe(500);
  });
});
