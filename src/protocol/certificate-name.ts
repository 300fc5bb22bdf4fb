import { isIP } from 'node:net';
import { readDistinguishedName } from './distinguished-name.ts';

export const certificateNameKinds = ['subject_dn', 'san_dns', 'san_uri', 'san_ip', 'san_email'] as const;
export type CertificateNameKind = (typeof certificateNameKinds)[number];

/** What a certificate must have: its subject, or one of its alternative names (RFC 8705 section 2.1.2). */
export interface CertificateName {
  readonly kind: CertificateNameKind;
  readonly value: string;
}

/** @returns the fault, or undefined */
export const faultOfCertificateName = ({ kind, value }: CertificateName): string | undefined => {
  switch (kind) {
    case 'subject_dn': {
      const read = readDistinguishedName(value);
      return read.ok ? undefined : read.message;
    }
    case 'san_dns':
      return /^(?=.{1,253}$)[a-z0-9_](?:[a-z0-9_-]*[a-z0-9_])?(?:\.[a-z0-9_](?:[a-z0-9_-]*[a-z0-9_])?)*$/i.test(
        value,
      ) && isIP(value) === 0
        ? undefined
        : 'is not the name of one host; write such as robot.example.com, without a wildcard';
    case 'san_uri':
      return URL.canParse(value) && !/[\s\p{Cc}]/u.test(value)
        ? undefined
        : 'is not a URI; write such as spiffe://example.com/robot, exactly as in the certificate';
    case 'san_ip':
      return isIP(value) !== 0 && !value.includes('%')
        ? undefined
        : 'is not an IP address; write one such as 10.0.0.5';
    case 'san_email':
      return /^[^\s@\p{Cc}]+@[^\s@\p{Cc}]+$/u.test(value)
        ? undefined
        : 'is not an e-mail address; write one such as robot@example.com';
  }
};
