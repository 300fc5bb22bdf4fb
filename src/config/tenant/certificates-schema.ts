import { z } from 'zod';
import { canonicalLogin } from '../../protocol/canonical-login.ts';
import { type CertificateNameKind, faultOfCertificateName } from '../../protocol/certificate-name.ts';

/** A name that a certificate must have. */
export const certificateName = (kind: CertificateNameKind) =>
  z
    .string()
    .max(2000)
    .superRefine((value, context) => {
      const message = faultOfCertificateName({ kind, value });
      if (message !== undefined) context.addIssue({ code: 'custom', message });
    })
    .optional();

const machine = z.strictObject({
  subject: certificateName('subject_dn').meta({
    description:
      'Subject of the certificate (RFC 4514), as openssl x509 -noout -subject -nameopt RFC2253 writes it.',
  }),
  dns: certificateName('san_dns').meta({ description: 'DNS name in subjectAltName.' }),
  uri: certificateName('san_uri').meta({ description: 'URI in subjectAltName, such as a SPIFFE ID.' }),
  ip: certificateName('san_ip').meta({ description: 'IP address in subjectAltName.' }),
  email: certificateName('san_email').meta({ description: 'E-mail address in subjectAltName.' }),
  user: z
    .string()
    .refine((value) => canonicalLogin(value) === value, {
      error: 'is not a user name in its canonical spelling; write it in lower case',
    })
    .meta({ description: 'User name of the system user.' }),
});

/** `certificates` of a tenant's file. */
export const certificatesSchema = z.strictObject({
  ca: z
    .string()
    .optional()
    .meta({
      description:
        'Certificates (PEM, file:/path) of the authorities that issue the client certificates themselves, for clients with tls_client_auth and for machines.',
      examples: ['file:/etc/drawbridge/acme-clients-ca.pem'],
    }),
  machines: z
    .array(machine)
    .max(1000)
    .default([])
    .meta({
      description:
        'Certificates that stand for system users at services behind the gateway; each has one name, and the first entry that fits decides.',
      examples: [[{ subject: 'CN=backup,O=Acme', user: 'backup' }]],
    }),
});

export type MachineFile = CertificatesFile['machines'][number];
export type CertificatesFile = z.infer<typeof certificatesSchema>;
