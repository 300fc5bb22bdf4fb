import tls from 'node:tls';
import type { SecretSources } from './secrets.ts';

interface TlsOfNewerNode {
  readonly getCACertificates?: (type: 'system') => readonly string[];
}

/** Where Linux and BSD systems keep all certificates of the system in one file. */
const bundles = [
  '/etc/ssl/certs/ca-certificates.crt', // Debian, Ubuntu, Alpine
  '/etc/pki/tls/certs/ca-bundle.crt', // Fedora, RHEL
  '/etc/ssl/ca-bundle.pem', // SUSE
  '/etc/ssl/cert.pem', // Alpine, BSD, macOS
] as const;

/**
 * The CA certificates of the operating system as PEM, which Node does not use by itself. Undefined when there are none.
 * Node can read the stores of Windows and macOS from 22.15 on.
 */
export const systemCertificates = (readFile: SecretSources['readFile']): string | undefined => {
  const { getCACertificates } = tls as TlsOfNewerNode; // the types are those of the oldest Node that is supported
  const found = getCACertificates?.('system') ?? [];
  if (found.length > 0) return found.join('\n');
  for (const path of bundles) {
    try {
      return readFile(path).toString('utf8');
    } catch {
      // another system keeps them elsewhere
    }
  }
  return undefined;
};
