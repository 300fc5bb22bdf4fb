import { createPrivateKey, type KeyObject, X509Certificate } from 'node:crypto';
import { definedOnly } from '../../defined-only.ts';
import type { TlsMaterial } from '../source/source-definition.ts';
import type { PathFault } from './fault.ts';
import { resolveSecret, type SecretSources } from './secrets.ts';
import { systemCertificates } from './system-certificates.ts';

export interface SecretContext {
  readonly demo: boolean;
  readonly sources: SecretSources;
}

export type ReadText =
  | { readonly ok: true; readonly value: string }
  | { readonly ok: false; readonly message: string };

/** A secret of a source: a reference, or in demo tenants the secret itself. */
export const readSecretText = (text: string, { demo, sources }: SecretContext): ReadText => {
  const resolved = resolveSecret(text, sources);
  if (!resolved.ok) return resolved;
  if (resolved.inline && !demo)
    return refuse(
      'is written out; write a reference, env:NAME or file:/path (only demo tenants hold secrets)',
    );
  return { ok: true, value: resolved.value };
};

/** The same without line ends and other controls, which no password and no header can have. */
export const readSecretLine = (text: string, context: SecretContext): ReadText => {
  const read = readSecretText(text, context);
  return read.ok && /\p{Cc}/u.test(read.value)
    ? refuse('holds a line end or another control character; write the secret alone')
    : read;
};

export interface TlsFile {
  readonly ca?: string | undefined;
  readonly cert?: string | undefined;
  readonly key?: string | undefined;
  readonly serverName?: string | undefined;
}

export type ReadTls =
  | { readonly ok: true; readonly value: TlsMaterial }
  | { readonly ok: false; readonly faults: readonly PathFault[] };

/** Reads what `tls` refers to and checks it. Paths begin at `tls`. */
export const readTls = (file: TlsFile, context: SecretContext): ReadTls => {
  const faults: PathFault[] = [];
  const fault = (key: keyof TlsFile, message: string) => faults.push({ path: [key], message });
  const read = (key: 'ca' | 'cert' | 'key', check: (pem: string) => string | undefined) => {
    const text = file[key];
    if (text === undefined) return undefined;
    // certificates are no secrets, so any file may contain them
    const resolved = readSecretText(text, key === 'key' ? context : { ...context, demo: true });
    const message = resolved.ok ? check(resolved.value) : resolved.message;
    if (message !== undefined) fault(key, message);
    return resolved.ok && message === undefined ? resolved.value : undefined;
  };
  const systemCa = file.ca === 'system' ? systemCertificates(context.sources.readFile) : undefined;
  if (file.ca === 'system' && systemCa === undefined)
    fault('ca', 'finds no certificates of this system; install them (ca-certificates), or write file:/path');
  const ca = file.ca === 'system' ? systemCa : read('ca', checkCertificates);
  const cert = read('cert', checkCertificates);
  const key = read('key', (pem) =>
    readPrivateKey(pem) === undefined ? `is no private key in PEM; ${keyWords}` : undefined,
  );
  if (file.cert !== undefined && file.key === undefined)
    fault('key', 'is missing; a certificate needs its private key, as file:/path');
  if (file.key !== undefined && file.cert === undefined)
    fault('cert', 'is missing; a private key needs its certificate, as file:/path');
  if (cert !== undefined && key !== undefined && !belongTogether(cert, key))
    fault('key', 'is not the key of the certificate in cert; write the one that it was made with');
  if (faults.length > 0) return { ok: false, faults };
  return {
    ok: true,
    value: {
      ...definedOnly({ ca, cert, key, serverName: file.serverName }),
    },
  };
};

const keyWords = 'write file:/path of one without a pass phrase';

/** Undefined when the text is no key, or the key is protected by a pass phrase. */
export const readPrivateKey = (pem: string): KeyObject | undefined => {
  if (!pem.includes('PRIVATE KEY-----')) return undefined;
  try {
    return createPrivateKey(pem);
  } catch {
    // the message of the parser may contain parts of the key
    return undefined;
  }
};

const checkCertificates = (pem: string): string | undefined => {
  if (pem.includes('PRIVATE KEY-----')) return 'holds a private key; write the certificates alone';
  const blocks = pem.match(/-----BEGIN CERTIFICATE-----.+?-----END CERTIFICATE-----/gs) ?? [];
  return blocks.length > 0 && blocks.every(isCertificate)
    ? undefined
    : 'is no certificate in PEM; write file:/path of one that begins with -----BEGIN CERTIFICATE-----, or system';
};

const isCertificate = (pem: string): boolean => {
  try {
    return new X509Certificate(pem).serialNumber !== '';
  } catch {
    return false;
  }
};

const belongTogether = (cert: string, key: string): boolean => {
  const privateKey = readPrivateKey(key);
  return privateKey !== undefined && new X509Certificate(cert).checkPrivateKey(privateKey);
};

const refuse = (message: string): ReadText => ({ ok: false, message });
