import { z } from 'zod';
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
});

export type CertificatesFile = z.infer<typeof certificatesSchema>;
