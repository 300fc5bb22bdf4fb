import { createPublicKey } from 'node:crypto';

/**
 * Headers with a meaning of their own for HTTP, proxies or services: a gateway must not use them for the user.
 * Services that get headers as variables cannot distinguish `_` from `-`, so names have no `_`.
 */
const takenHeaders: ReadonlySet<string> = new Set([
  'accept',
  'authorization',
  'client-cert',
  'client-cert-chain',
  'connection',
  'content-length',
  'content-type',
  'cookie',
  'expect',
  'forwarded',
  'host',
  'keep-alive',
  'origin',
  'proxy-authorization',
  'proxy-connection',
  'referer',
  'set-cookie',
  'te',
  'trailer',
  'transfer-encoding',
  'upgrade',
  'via',
  'x-id-tenant-name',
  'x-real-ip',
]);
const takenPrefixes =
  /^(?:remote-|sec-|x-auth-|x-drawbridge-|x-envoy-|x-forwarded-|x-original-|x-remote-|x-webauth-)/;

/** @returns the fault in the name of a header that a gateway sends, or undefined */
export const checkGatewayHeader = (name: string): string | undefined => {
  if (!/^[A-Za-z0-9](?:[A-Za-z0-9-]{0,98}[A-Za-z0-9])?$/.test(name))
    return 'is not the name of a header; write letters, digits and hyphens, such as X-Gateway-Key';
  const lower = name.toLowerCase();
  return takenHeaders.has(lower) || takenPrefixes.test(lower)
    ? 'is a header that means something else to proxies or services; write one of your own, such as X-Gateway-Key'
    : undefined;
};

/** RFC 7518 section 6.2.2, 6.3.2, 6.4.1. */
const privateMembers = ['d', 'p', 'q', 'dp', 'dq', 'qi', 'oth', 'k'];

/** @returns the fault in a JWK that is meant for verification, or undefined; never repeats a member */
export const checkPublicKey = (
  key: Readonly<Record<string, unknown>>,
): { readonly path: string[]; readonly message: string } | undefined => {
  const secret = privateMembers.find((member) => member in key);
  if (secret !== undefined)
    return {
      path: [secret],
      message:
        'is a part of a private key, which only its owner may have; remove it, make a new key, and write the public one here',
    };
  const message =
    'is not a public key that signatures can be checked with; write a JWK of kty RSA (2048 bits or more), EC or OKP';
  try {
    const { asymmetricKeyType, asymmetricKeyDetails } = createPublicKey({ key, format: 'jwk' });
    const isFit =
      asymmetricKeyType === 'rsa'
        ? (asymmetricKeyDetails?.modulusLength ?? 0) >= 2048
        : asymmetricKeyType === 'ec' || asymmetricKeyType === 'ed25519';
    return isFit ? undefined : { path: [], message };
  } catch {
    return { path: [], message };
  }
};
