import type { KeyObject } from 'node:crypto';
import { definedOnly } from '../../defined-only.ts';
import type { PathFault } from '../parsing/fault.ts';
import { readPrivateKey, readSecretText, type SecretContext } from '../parsing/tls-material.ts';
import type { UpstreamSource } from '../source/source-definition.ts';
import type { UpstreamSourceFile } from '../source/upstream-source-schema.ts';

type KeyFile = NonNullable<UpstreamSourceFile['privateKey']>;

export type ReadClientKey =
  | { readonly ok: true; readonly value: NonNullable<UpstreamSource['privateKey']> }
  | { readonly ok: false; readonly fault: PathFault };

/** The key of private_key_jwt, converted to PKCS #8. Paths begin at `privateKey`. */
export const readClientKey = (file: KeyFile, context: SecretContext): ReadClientKey => {
  const refuse = (key: keyof KeyFile, message: string): ReadClientKey => ({
    ok: false,
    fault: { path: [key], message },
  });
  const text = readSecretText(file.pem, context);
  if (!text.ok) return refuse('pem', text.message);
  const key = readPrivateKey(text.value);
  if (key === undefined)
    return refuse('pem', 'is no private key in PEM; write file:/path of one without a pass phrase');
  const fitting = algorithmsOf(key);
  const [first] = fitting;
  if (first === undefined)
    return refuse(
      'pem',
      'is a key that no algorithm of ours signs with; make one with: openssl genpkey -algorithm ED25519, or RSA with at least 2048 bits',
    );
  if (file.alg !== undefined && !fitting.includes(file.alg))
    return refuse('alg', `does not fit the key; write one of ${fitting.join(', ')}, or leave it out`);
  const pem = key.export({ type: 'pkcs8', format: 'pem' }).toString();
  return {
    ok: true,
    value: { pem, alg: file.alg ?? first, ...definedOnly({ kid: file.kid }) },
  };
};

const byCurve: Readonly<Record<string, readonly string[]>> = {
  prime256v1: ['ES256'],
  secp384r1: ['ES384'],
  secp521r1: ['ES512'],
};

/** RFC 7518 section 3.1, RFC 8037; the usual one first. */
const algorithmsOf = ({ asymmetricKeyType, asymmetricKeyDetails }: KeyObject): readonly string[] => {
  if (asymmetricKeyType === 'rsa')
    return (asymmetricKeyDetails?.modulusLength ?? 0) < 2048
      ? []
      : ['RS256', 'RS384', 'RS512', 'PS256', 'PS384', 'PS512'];
  if (asymmetricKeyType === 'ec') return byCurve[asymmetricKeyDetails?.namedCurve ?? ''] ?? [];
  return asymmetricKeyType === 'ed25519' ? ['EdDSA', 'Ed25519'] : [];
};
