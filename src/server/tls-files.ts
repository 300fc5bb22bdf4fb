import { createPrivateKey, X509Certificate } from 'node:crypto';
import { readFileSync } from 'node:fs';
import type { Server as HttpsServer } from 'node:https';
import type { TlsSettings } from '../config/server/server-settings.ts';
import { AppError } from '../errors.ts';
import type { Log } from '../log.ts';

/** PEM. */
export interface TlsKeyPair {
  readonly cert: Buffer;
  readonly key: Buffer;
}

const checkEveryMs = 1000;

/** @throws AppError `unavailable`, with the remedy and without a part of the key */
export const readKeyPair = ({ certFile, keyFile }: TlsSettings): TlsKeyPair => {
  const cert = read(certFile, 'tls.cert');
  const key = read(keyFile, 'tls.key');
  if (!belongTogether(cert, key))
    throw new AppError(
      'unavailable',
      `The key in ${keyFile} (tls.key) is not the one of the certificate in ${certFile} (tls.cert), or one of them cannot be read. Write both as PEM, the certificate of this server first, and the key without a pass phrase.`,
    );
  return { cert, key };
};

/**
 * Looks at the files every second, by content: a mounted secret is replaced through links, which do not show in the
 * times of a file. Connections that are open keep what they have. Files that do not belong together, as while the second
 * one is being written, change nothing.
 * @returns stops it
 */
export const renewKeyPair = (
  server: Pick<HttpsServer, 'setSecureContext'>,
  {
    tls,
    first,
    secureOptions,
    log,
  }: {
    readonly tls: TlsSettings;
    readonly first: TlsKeyPair;
    readonly secureOptions: object;
    readonly log: Log;
  },
): (() => void) => {
  let used = first;
  let lastFault = '';
  const look = (): void => {
    try {
      const found = readKeyPair(tls);
      lastFault = '';
      if (found.cert.equals(used.cert) && found.key.equals(used.key)) return;
      server.setSecureContext({ ...secureOptions, ...found });
      used = found;
      log.info({ validTo: new X509Certificate(found.cert).validTo }, 'a new TLS certificate is in use');
    } catch (error) {
      const { message } = error as Error;
      if (message !== lastFault) log.warn({ err: error }, 'the TLS certificate in use stays');
      lastFault = message;
    }
  };
  const timer = setInterval(look, checkEveryMs);
  timer.unref();
  return () => clearInterval(timer);
};

const read = (path: string, setting: string): Buffer => {
  try {
    return readFileSync(path);
  } catch (cause) {
    throw new AppError(
      'unavailable',
      `${path} (${setting}) cannot be read. Write it, or correct its rights.`,
      {
        cause,
      },
    );
  }
};

const belongTogether = (cert: Buffer, key: Buffer): boolean => {
  try {
    return new X509Certificate(cert).checkPrivateKey(createPrivateKey(key));
  } catch {
    // the message of the parser may contain parts of the key
    return false;
  }
};
