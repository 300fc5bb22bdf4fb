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
  type: z.literal('secret').meta({ description: 'The API gateway sends a shared secret.' }),
  header: header('Header that contains it.'),
  secret: secretText('At least 16 characters.'),
});

const certificateProof = z.strictObject({
  type: z.literal('certificate').meta({
    description:
      'The API gateway uses a client certificate. The proxy that terminates TLS sends it to Drawbridge.',
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
    .meta({
      description:
        'SHA-256 fingerprints of the client certificates, hexadecimal; two while a certificate is replaced.',
    }),
});

const publicKey = z.record(z.string(), z.unknown()).superRefine((key, context) => {
  const fault = checkPublicKey(key);
  if (fault !== undefined) context.addIssue({ code: 'custom', ...fault });
});

const assertionProof = z.strictObject({
  type: z.literal('assertion').meta({ description: 'The API gateway sends a signed JWT.' }),
  header: header('Header that contains it.'),
  issuer: plainText(500).meta({ description: 'Required iss of the JWT.' }),
  audience: plainText(500).meta({ description: 'Required aud of the JWT.' }),
  jwks: z
    .strictObject({
      keys: z.array(publicKey).min(1, { error: 'is empty; write at least one public key' }).max(20),
    })
    .meta({ description: 'Public keys of the API gateway as a JWK Set (RFC 7517).' }),
});

const userName = z
  .string()
  .refine((value) => canonicalLogin(value) === value, {
    error: 'is not a user name in its canonical spelling; write it in lower case',
  })
  .meta({ description: 'User name for this key.' });

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
    .meta({ description: 'SHA-256 of the subscription key in base64url, instead of the key.' }),
  user: userName,
});

const headerUser = z.strictObject({
  type: z.literal('header').meta({ description: 'The user name is in a header.' }),
  header: header('Header with the user name.'),
});

const subscriptionUser = z.strictObject({
  type: z
    .literal('subscription')
    .meta({ description: 'A subscription key in a header identifies the user.' }),
  header: header('Header with the subscription key, such as Ocp-Apim-Subscription-Key.'),
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
  type: z.literal('claim').meta({ description: 'The user name is in a claim of the assertion.' }),
  claim: plainText(100),
});

const trustedGateway = z.strictObject({
  id: z
    .string()
    .regex(/^[a-z0-9][a-z0-9-]{0,62}$/, {
      error: 'is not an id; write small letters, digits and hyphens, a letter or digit first',
    })
    .meta({ description: 'Name of the API gateway in the log.' }),
  proof: z
    .union([secretProof, certificateProof, assertionProof], {
      error: 'is of no known kind; write type: secret, certificate or assertion',
    })
    .meta({ description: 'How the API gateway authenticates itself.' }),
  user: z
    .union([headerUser, subscriptionUser, claimUser], {
      error: 'is of no known kind; write type: header, subscription or claim',
    })
    .meta({ description: 'Where the user name is.' }),
});

/** `gateway:` of a tenant's file. */
export const tenantGatewaySchema = z.strictObject({
  deviceClient: z.string().optional().meta({
    description: 'client_id for devices that use /tenant/<tenant>/loginDevice.',
  }),
  services: z
    .record(
      z.string(),
      z.strictObject({
        enabled: z
          .boolean()
          .default(true)
          .meta({ description: 'false: no user or client of this tenant may use the service.' }),
        rules: accessRulesSchema.meta({
          description:
            "Further rules for this tenant. A request must be allowed by the server's rules and by these.",
        }),
      }),
    )
    .prefault({})
    .meta({ description: "Restrictions for services, by the name of the service in the server's file." }),
  trustedGateways: z
    .array(trustedGateway)
    .max(20)
    .prefault([])
    .meta({ description: 'API gateways that may assert the user name.' }),
});

export type TenantGatewayFile = z.infer<typeof tenantGatewaySchema>;
export type TrustedGatewayFile = TenantGatewayFile['trustedGateways'][number];
