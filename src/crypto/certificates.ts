// Client certificates: whose they are, and whether an authority of a tenant has issued them. Nothing of a chain that a client
// sends is used: the file of the tenant has the authorities that issue the certificates themselves.
import { createHash, X509Certificate } from 'node:crypto';
import type { CertificateName } from '../protocol/certificate-name.ts';
import { isSameName, readDistinguishedName, readSubject } from '../protocol/distinguished-name.ts';

/** RFC 8705 section 3.1: SHA-256 of the DER form in base64url. */
export const thumbprintOf = ({ raw }: X509Certificate): string =>
  createHash('sha256').update(raw).digest('base64url');

/** Epoch milliseconds. */
export const endOf = ({ validTo }: X509Certificate): number => Date.parse(validTo);

export const isWithinDates = (certificate: X509Certificate, nowMs: number): boolean =>
  Date.parse(certificate.validFrom) <= nowMs && nowMs < endOf(certificate) + 1000;

export type CertificateVerdict = 'trusted' | 'untrusted' | 'expired';

export interface CertificateTrust {
  /** `expired`: of one of the authorities, but not valid at this time. */
  judge(certificate: X509Certificate, nowMs: number): CertificateVerdict;
}

/** @param authorities PEM, each of which issues client certificates */
export const createCertificateTrust = (authorities: string): CertificateTrust => {
  const issuers = certificatesIn(authorities).map((authority) => ({
    authority,
    key: authority.publicKey,
  }));
  return {
    judge: (certificate, nowMs) => {
      if (!isForClients(certificate)) return 'untrusted';
      // several when the certificate of an authority was renewed with the same key
      const own = issuers.filter(
        ({ authority, key }) => authority.ca && certificate.checkIssued(authority) && certificate.verify(key),
      );
      if (own.length === 0) return 'untrusted';
      const isValid =
        isWithinDates(certificate, nowMs) && own.some(({ authority }) => isWithinDates(authority, nowMs));
      return isValid ? 'trusted' : 'expired';
    },
  };
};

const clientAuth = '1.3.6.1.5.5.7.3.2';
const anyUsage = '2.5.29.37.0';

/** RFC 5280 section 4.2.1.12; Node calls the extended key usage `keyUsage`. */
const isForClients = ({ ca, keyUsage }: X509Certificate): boolean => {
  const usages = keyUsage as readonly string[] | undefined; // undefined without the extension
  return !ca && (usages === undefined || usages.includes(clientAuth) || usages.includes(anyUsage));
};

export const certificatesIn = (pem: string): readonly X509Certificate[] =>
  (pem.match(/-----BEGIN CERTIFICATE-----.+?-----END CERTIFICATE-----/gs) ?? []).map(
    (block) => new X509Certificate(block),
  );

/** No wildcards, and alternative names never by the common name of the subject. */
export const hasName = (certificate: X509Certificate, { kind, value }: CertificateName): boolean => {
  switch (kind) {
    case 'subject_dn': {
      const [wanted, subject] = [readDistinguishedName(value), readSubject(certificate.subject)];
      return wanted.ok && subject.ok && isSameName(wanted.value, subject.value);
    }
    case 'san_dns':
      return certificate.checkHost(value, { subject: 'never', wildcards: false }) !== undefined;
    case 'san_ip':
      return certificate.checkIP(value) !== undefined;
    case 'san_email':
      return certificate.checkEmail(value, { subject: 'never' }) !== undefined;
    case 'san_uri':
      return urisIn(certificate.subjectAltName).includes(value);
  }
};

/** Node writes values with special characters as JSON texts. */
const entryForm = /(?:^|, )([A-Za-z ]+):("(?:[^"\\]|\\.)*"|[^",]*)/y;

const urisIn = (names = ''): readonly string[] => {
  const uris: string[] = [];
  entryForm.lastIndex = 0;
  while (entryForm.lastIndex < names.length) {
    const [, type, value = ''] = entryForm.exec(names) ?? [];
    // what cannot be read whole is not read at all
    if (type === undefined) return [];
    if (type === 'URI') uris.push(value.startsWith('"') ? (JSON.parse(value) as string) : value);
  }
  return uris;
};
