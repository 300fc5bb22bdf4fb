import { X509Certificate } from 'node:crypto';

/** How reverse proxies write the certificate of a client into a header. */
export const certificateHeaderForms = ['rfc9440', 'nginx', 'haproxy', 'envoy', 'traefik'] as const;
export type CertificateHeaderForm = (typeof certificateHeaderForms)[number];

const longest = 16 * 1024;

/**
 * Undefined: there is no certificate.
 * @throws Error when it cannot be read, or there are several
 */
export const readCertificateHeader = (
  form: CertificateHeaderForm,
  value: string,
): X509Certificate | undefined => {
  if (value.length > longest) throw new Error('the header is too long');
  if (value === '') return undefined;
  const written = writtenIn[form](value);
  if (written === '') return undefined;
  if (!written.startsWith('-----BEGIN')) return new X509Certificate(readBase64(written));
  if ((written.match(/-----BEGIN/g) ?? []).length !== 1) throw new Error('there are several certificates');
  return new X509Certificate(written);
};

/** PEM, or DER in base64. */
const writtenIn: Readonly<Record<CertificateHeaderForm, (value: string) => string>> = {
  /** Client-Cert: a byte sequence between colons (RFC 9440 section 2.2, RFC 8941 section 3.3.5). */
  rfc9440: (value) => {
    const [matched, base64 = ''] = /^:([A-Za-z0-9+/]*={0,2}):$/.exec(value) ?? [];
    if (matched === undefined) throw new Error('it is not one byte sequence between colons');
    return base64;
  },
  /** `$ssl_client_escaped_cert`. */
  nginx: (value) => {
    const pem = decodeURIComponent(value);
    if (!pem.startsWith('-----BEGIN CERTIFICATE-----')) throw new Error('it is no URL-encoded PEM');
    return pem;
  },
  /** `%[ssl_c_der,base64]`. */
  haproxy: (value) => value,
  /** The member `Cert` of the only element of X-Forwarded-Client-Cert. */
  envoy: (value) => {
    const pairs = [...value.matchAll(/([A-Za-z]+)=("(?:[^"\\]|\\.)*"|[^",;]*)(;|,|$)/g)];
    if (pairs.map(([whole]) => whole).join('') !== value) throw new Error('it cannot be read');
    if (pairs.some(([, , , end]) => end === ',')) throw new Error('there are several elements');
    const certificates = pairs.filter(([, key = '']) => key.toLowerCase() === 'cert');
    if (certificates.length > 1) throw new Error('there are several certificates');
    return decodeURIComponent((certificates[0]?.[2] ?? '').replace(/^"|"$/g, ''));
  },
  /** DER in base64, URL-encoded by some versions; the chain that the client sent follows after commas without spaces. */
  traefik: (value) => {
    // so joined are several headers of one name, of which one may be the client's
    if (/\s/.test(value)) throw new Error('there are several headers');
    return decodeURIComponent(value).split(',')[0] ?? '';
  },
};

const readBase64 = (text: string): Buffer => {
  const bytes = Buffer.from(text, 'base64');
  // Node skips characters that are not base64
  if (bytes.toString('base64') !== text) throw new Error('it is no base64');
  return bytes;
};
