import { X509Certificate } from 'node:crypto';
import type { PathFault } from '../parsing/fault.ts';
import type { SecretSources } from '../parsing/secrets.ts';
import { readTls } from '../parsing/tls-material.ts';
import type { CertificatesFile } from './certificates-schema.ts';
import type { CertificateRules } from './tenant-definition.ts';

/** DER of the object identifier of name constraints (RFC 5280 section 4.2.1.10), which are not evaluated. */
const nameConstraints = Buffer.from('0603551d1e', 'hex');

/** Reads the authorities. Paths begin at the file. */
export const loadCertificates = (
  { ca }: CertificatesFile,
  sources: SecretSources,
): { readonly certificates: CertificateRules | undefined; readonly faults: readonly PathFault[] } => {
  if (ca === undefined) return { certificates: undefined, faults: [] };
  const fault = (message: string) => ({
    certificates: undefined,
    faults: [{ path: ['certificates', 'ca'], message }],
  });
  if (ca === 'system')
    return fault('would trust every public authority; write file:/path of the one that issues your clients');
  const read = readTls({ ca }, { demo: true, sources });
  if (!read.ok) return fault(read.faults[0]?.message ?? '');
  const pem = read.value.ca ?? '';
  const authorities = (pem.match(/-----BEGIN CERTIFICATE-----.+?-----END CERTIFICATE-----/gs) ?? []).map(
    (block) => new X509Certificate(block),
  );
  const other = authorities.find((one) => !one.ca);
  if (other !== undefined)
    return fault(
      `holds ${nameOf(other)}, which is no authority (CA:TRUE); write the one that issued the certificates of the clients`,
    );
  const limited = authorities.find(({ raw }) => raw.includes(nameConstraints));
  if (limited !== undefined)
    return fault(
      `holds ${nameOf(limited)}, which is limited to some names (nameConstraints); Drawbridge does not check these, so write an authority without them`,
    );
  return { certificates: { ca: pem }, faults: [] };
};

const nameOf = ({ subject }: X509Certificate): string =>
  JSON.stringify((subject ?? '').replaceAll('\n', ', ').slice(0, 100));
