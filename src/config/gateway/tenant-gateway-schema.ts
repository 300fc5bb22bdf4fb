import { z } from 'zod';
import { canonicalLogin } from '../../protocol/canonical-login.ts';
import { plainText } from '../parsing/field-types.ts';
import { secretText } from '../source/source-field-types.ts';
import { accessRulesSchema } from './access-rule-schema.ts';
import { checkGatewayHeader, checkPublicKey } from './gateway-proofs.ts';

const header = (description: string) =>
  z
    .string()
    .superRefine((value, context) => {
      const message = checkGatewayHeader(value);
      if (message !== undefined) context.addIssue({ code: 'custom', message });
    })
    .transform((value) => value.toLowerCase())
    .meta({ description });

const secretProof = z.strictObject({
  type: z.literal('secret').meta({ description: 'It sends a secret that both know.' }),
  header: header('Header that carries it.'),
  secret: secretText('At least 16 characters.'),
});

const certificateProof = z.strictObject({
  type: z.literal('certificate').meta({
    description: 'It shows a client certificate to the proxy in front, which passes it on (RFC 9440).',
  }),
  fingerprints: z
    .array(
      z
        .string()
        .regex(/^(?:[0-9a-f]{64}|[0-9a-f]{2}(?::[0-9a-f]{2}){31})$/i, {
          error:
            'is not the SHA-256 of a certificate; write what this says: openssl x509 -noout -fingerprint -sha256 -in <file>',
        })
        .transform((value) => value.replaceAll(':', '').toLowerCase()),
    )
    .min(1, { error: 'is empty; write at least one' })
    .max(20)
    .meta({ description: 'SHA-256 of its certificates, hexadecimal; two while they are renewed.' }),
});

const publicKey = z.record(z.string(), z.unknown()).superRefine((key, context) => {
  const fault = checkPublicKey(key);
  if (fault !== undefined) context.addIssue({ code: 'custom', ...fault });
});

const assertionProof = z.strictObject({
  type: z.literal('assertion').meta({ description: 'It sends a JWT that it has signed.' }),
  header: header('Header that carries it.'),
  issuer: plainText(500).meta({ description: 'Its iss.' }),
  audience: plainText(500).meta({ description: 'Its aud, which stands for Drawbridge.' }),
  jwks: z
    .strictObject({
      keys: z.array(publicKey).min(1, { error: 'is empty; write at least one public key' }).max(20),
    })
    .meta({ description: 'JWK Set (RFC 7517) of its public keys.' }),
});

const userName = z
  .string()
  .refine((value) => canonicalLogin(value) === value, {
    error: 'is not a user name in its canonical spelling; write it in lower case',
  })
  .meta({ description: 'User name of the person that it stands for.' });

const keyInPlace = z.strictObject({
  key: secretText('The subscription key, at least 16 characters.'),
  user: userName,
});

const hashedKey = z.strictObject({
  sha256: z
    .string()
    .regex(/^[A-Za-z0-9_-]{42}[AEIMQUYcgkosw048]$/, {
      error: 'is not a SHA-256 in base64url; write its 43 characters, or key: env:NAME',
    })
    .meta({ description: 'SHA-256 of the key in base64url, where the key itself shall not be known here.' }),
  user: userName,
});

const headerUser = z.strictObject({
  type: z.literal('header').meta({ description: 'A header holds the user name.' }),
  header: header('That header.'),
});

const subscriptionUser = z.strictObject({
  type: z.literal('subscription').meta({ description: 'A header holds a key that stands for a user.' }),
  header: header('That header, such as Ocp-Apim-Subscription-Key.'),
  keys: z
    .array(
      z.union([keyInPlace, hashedKey], {
        error: 'is not a subscription key; write key: env:NAME or sha256:, and user:',
      }),
    )
    .min(1, { error: 'is empty; write at least one key' })
    .max(5000),
});

const claimUser = z.strictObject({
  type: z.literal('claim').meta({ description: 'A claim of the assertion is the user name.' }),
  claim: plainText(100),
});

const trustedGateway = z.strictObject({
  id: z
    .string()
    .regex(/^[a-z0-9][a-z0-9-]{0,62}$/, {
      error: 'is not an id; write small letters, digits and hyphens, a letter or digit first',
    })
    .meta({ description: 'For the log.' }),
  proof: z
    .union([secretProof, certificateProof, assertionProof], {
      error: 'is of no known kind; write type: secret, certificate or assertion',
    })
    .meta({ description: 'How it proves itself.' }),
  user: z
    .union([headerUser, subscriptionUser, claimUser], {
      error: 'is of no known kind; write type: header, subscription or claim',
    })
    .meta({ description: 'How it says who the user is.' }),
});

/** `gateway:` of a tenant's file. */
export const tenantGatewaySchema = z.strictObject({
  deviceClient: z.string().optional().meta({
    description: 'client_id that devices get tokens for at /tenant/<tenant>/loginDevice.',
  }),
  services: z
    .record(
      z.string(),
      z.strictObject({
        enabled: z.boolean().default(true).meta({ description: 'False: nobody of this tenant.' }),
        rules: accessRulesSchema.meta({
          description: "Must allow too, after the server's own rules have.",
        }),
      }),
    )
    .prefault({})
    .meta({ description: "By the name of the service in the server's file, which this may only narrow." }),
  trustedGateways: z
    .array(trustedGateway)
    .max(20)
    .prefault([])
    .meta({ description: 'API gateways that may say who the user is.' }),
});

export type TenantGatewayFile = z.infer<typeof tenantGatewaySchema>;
export type TrustedGatewayFile = TenantGatewayFile['trustedGateways'][number];
