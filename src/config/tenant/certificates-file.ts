import { X509Certificate } from 'node:crypto';
import type { CertificateName, CertificateNameKind } from '../../protocol/certificate-name.ts';
import type { PathFault } from '../parsing/fault.ts';
import type { SecretSources } from '../parsing/secrets.ts';
import { readTls } from '../parsing/tls-material.ts';
import type { CertificatesFile, MachineFile } from './certificates-schema.ts';
import type { CertificateRules, MachineCertificate } from './tenant-definition.ts';

/** DER of the object identifier of name constraints (RFC 5280 section 4.2.1.10), which are not evaluated. */
const nameConstraints = Buffer.from('0603551d1e', 'hex');

/** Reads the authorities. Paths begin at the file. */
export const loadCertificates = (
  { ca, machines }: CertificatesFile,
  sources: SecretSources,
): { readonly certificates: CertificateRules | undefined; readonly faults: readonly PathFault[] } => {
  if (ca === undefined)
    return { certificates: undefined, faults: machines.length === 0 ? [] : [withoutAuthority] };
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
  return { certificates: { ca: pem, machines: machines.map(toMachine) }, faults: [] };
};

const withoutAuthority: PathFault = {
  path: ['certificates', 'machines'],
  message: 'need the authority that issues the certificates; write certificates: { ca: file:/path, … }',
};

const kinds = {
  subject: 'subject_dn',
  dns: 'san_dns',
  uri: 'san_uri',
  ip: 'san_ip',
  email: 'san_email',
} as const satisfies Readonly<Record<string, CertificateNameKind>>;

const namesIn = (machine: MachineFile): readonly CertificateName[] =>
  (Object.keys(kinds) as (keyof typeof kinds)[]).flatMap((key) => {
    const value = machine[key];
    return value === undefined ? [] : [{ kind: kinds[key], value }];
  });

/** `checkMachines` has found exactly one name. */
const toMachine = (machine: MachineFile): MachineCertificate => {
  const [name = { kind: 'subject_dn', value: '' }] = namesIn(machine);
  return { name, user: machine.user };
};

/** Paths begin at the file. */
export const checkMachines = ({ machines }: CertificatesFile): readonly PathFault[] =>
  machines.flatMap((machine, index): readonly PathFault[] => {
    const path = ['certificates', 'machines', index];
    const names = namesIn(machine);
    if (names.length !== 1)
      return [
        {
          path,
          message: `has ${names.length === 0 ? 'no name' : 'several names'}; write one of ${Object.keys(kinds).join(', ')}`,
        },
      ];
    const isRepeated = machines
      .slice(0, index)
      .some((other) => JSON.stringify(namesIn(other)) === JSON.stringify(names));
    return isRepeated ? [{ path, message: 'has a name that was given above; remove one of the two' }] : [];
  });

const nameOf = ({ subject }: X509Certificate): string =>
  JSON.stringify((subject ?? '').replaceAll('\n', ', ').slice(0, 100));
