import { z } from 'zod';
import { isScopeName } from '../../protocol/scopes.ts';
import { signingAlgorithms } from '../../protocol/signature-algorithms.ts';
import {
  durationSeconds,
  isOrigin,
  originWords,
  parseUrl,
  plainText,
  wholeNumber,
} from '../parsing/field-types.ts';
import { webAddress } from '../source/source-field-types.ts';
import { checkSpelling } from './redirect-uri.ts';
import { lifetimeRanges } from './tenant-lifetimes.ts';

/** Printable, and not the name of a member of every JavaScript object: safe as a key, in a path and in a log. */
const clientId = z
  .string()
  .regex(/^[A-Za-z0-9][A-Za-z0-9._-]{0,99}$/, {
    error:
      'is not a client id; write letters, digits, dots, hyphens or underscores, at most 100, a letter or digit first',
    abort: true,
  })
  .refine((id) => !(id in Object.prototype) && id !== 'prototype', {
    error: "is a word of JavaScript's objects; choose another name",
  })
  .refine((id) => !id.toLowerCase().startsWith('drawbridge'), {
    error: 'begins with drawbridge, which is kept for built-in clients; choose another name',
  });

const httpsUrl = z
  .string()
  .max(2000)
  .refine((value) => parseUrl(value)?.protocol === 'https:', {
    error: 'is not an https URL; write https://…',
  });

const redirectUris = z.array(
  z.string().superRefine((uri, context) => {
    const message = checkSpelling(uri);
    if (message !== undefined) context.addIssue({ code: 'custom', message });
  }),
);

const allowedOrigin = z
  .string()
  .refine(isOrigin, { error: originWords })
  .refine((value) => !value.startsWith('http:') || isLocal(value), {
    error: 'is http and not loopback; write https://…',
  });

const isLocal = (origin: string): boolean =>
  ['localhost', '127.0.0.1', '[::1]'].includes(parseUrl(origin)?.hostname ?? '');

const privateMembers = ['d', 'p', 'q', 'dp', 'dq', 'qi', 'oth', 'k'];
const jwk = z
  .record(z.string(), z.unknown())
  .refine((key) => typeof key.kty === 'string' && key.kty !== 'oct', {
    error: 'is not a public key; write a JWK with kty RSA, EC or OKP',
  })
  .refine((key) => !privateMembers.some((member) => member in key), {
    error: 'holds the private part of a key, which only the client may have; write the public members alone',
  });

const {
  authorizationCode,
  accessToken,
  idToken,
  refreshToken,
  refreshTokenAbsolute,
  refreshTokenGrace,
  deviceCode,
} = lifetimeRanges;

/** One entry of `clients`: client metadata by its RFC 7591 names, and Drawbridge's own members in camelCase. */
export const clientSchema = z.strictObject({
  client_id: clientId.meta({ description: 'Name of the client in the protocol. Unique within the tenant.' }),
  client_name: plainText(200).optional().meta({ description: 'Name shown to people at consent.' }),
  client_secret: z
    .string()
    .optional()
    .meta({
      description:
        'Reference to the secret: env:NAME or file:/path; at least 32 characters. Written out only in demo tenants (at least 16).',
      examples: ['env:ACME_WEB_SECRET', 'file:/run/secrets/acme-web'],
    }),
  application_type: z
    .enum(['web', 'native'])
    .default('web')
    .meta({ description: 'native for apps on a device: custom schemes and loopback ports become possible.' }),
  token_endpoint_auth_method: z
    .enum(['client_secret_basic', 'client_secret_post', 'private_key_jwt', 'none'])
    .default('client_secret_basic')
    .meta({ description: 'How the client proves itself; none makes it a public client.' }),
  token_endpoint_auth_signing_alg: z
    .enum(signingAlgorithms)
    .optional()
    .meta({ description: 'The one algorithm of its assertions, with private_key_jwt.' }),
  grant_types: z
    .array(
      z.enum([
        'authorization_code',
        'refresh_token',
        'client_credentials',
        'password',
        'urn:ietf:params:oauth:grant-type:device_code',
        'urn:ietf:params:oauth:grant-type:token-exchange',
      ]),
    )
    .default(['authorization_code'])
    .meta({ description: 'The flows it may use.' }),
  response_types: z
    .array(z.enum(['code']))
    .optional()
    .meta({
      description: '[code] with authorization_code, else []. Follows from grant_types; leave it out.',
    }),
  redirect_uris: redirectUris.default([]).meta({
    description: 'Where codes may be sent; compared character by character (any port for native loopback).',
  }),
  post_logout_redirect_uris: redirectUris
    .default([])
    .meta({ description: 'Where the browser may go after a sign-out.' }),
  scope: z
    .string()
    .refine((value) => value.split(' ').every(isScopeName), {
      error: 'is not a list of scopes; write names with one space between, such as openid profile',
    })
    .optional()
    .meta({ description: 'Scopes it may ask for, with spaces between. Without: every scope of the tenant.' }),
  id_token_signed_response_alg: z
    .enum(signingAlgorithms)
    .default('RS256')
    .meta({ description: 'Algorithm of its ID tokens.' }),
  jwks: z
    .strictObject({ keys: z.array(jwk).min(1).max(20) })
    .optional()
    .meta({ description: 'Its public keys, for private_key_jwt.' }),
  jwks_uri: httpsUrl.optional().meta({ description: 'Where its public keys are, for private_key_jwt.' }),
  client_uri: httpsUrl.optional().meta({ description: 'Its home page, linked at consent.' }),
  logo_uri: httpsUrl.optional().meta({ description: 'Its logo, shown at consent.' }),
  policy_uri: httpsUrl.optional().meta({ description: 'Its privacy policy, linked at consent.' }),
  tos_uri: httpsUrl.optional().meta({ description: 'Its terms of service, linked at consent.' }),
  initiate_login_uri: httpsUrl.optional().meta({ description: 'Where it wants sign-ins to begin.' }),
  backchannel_logout_uri: webAddress().optional().meta({
    description:
      'Where it gets a logout token when a session has ended (OpenID Connect Back-Channel Logout 1.0).',
  }),
  backchannel_logout_session_required: z
    .boolean()
    .optional()
    .meta({ description: 'Puts sid into its logout tokens, one for each session.' }),
  contacts: z
    .array(z.string().regex(/^[^\s@]+@[^\s@]+$/, { error: 'is not an e-mail address' }))
    .optional()
    .meta({ description: 'E-mail addresses of the people who run it.' }),
  default_max_age: wholeNumber({ min: 0, max: 31_536_000 })
    .optional()
    .meta({ description: 'After so many seconds a sign-in has to be renewed for it.' }),
  require_auth_time: z.boolean().optional().meta({ description: 'Puts auth_time into its ID tokens.' }),
  require_pushed_authorization_requests: z
    .boolean()
    .optional()
    .meta({ description: 'Accept its authorization requests only when pushed (RFC 9126).' }),
  dpop_bound_access_tokens: z
    .boolean()
    .optional()
    .meta({ description: 'Give it DPoP-bound tokens only (RFC 9449).' }),
  firstParty: z
    .boolean()
    .default(false)
    .meta({ description: 'One of your own apps: people are not asked for consent.' }),
  idTokenClaims: z.enum(['standard', 'all']).default('standard').meta({
    description:
      'standard: the claims of profile and email are in userinfo (OpenID Connect Core section 5.4); all: in its ID tokens too.',
  }),
  assertionAudience: z.enum(['issuer', 'token_endpoint']).optional().meta({
    description:
      'With private_key_jwt: token_endpoint accepts that URL as aud too, for libraries that know no other. By default the issuer alone.',
  }),
  allowedOrigins: z
    .array(allowedOrigin)
    .default([])
    .meta({ description: 'Exact origins that may call token and userinfo from a browser (CORS).' }),
  defaultResource: z
    .string()
    .optional()
    .meta({ description: 'The resource meant when it names none. Without: the one of the tenant.' }),
  lifetimes: z
    .strictObject({
      accessToken: durationSeconds(accessToken).optional(),
      idToken: durationSeconds(idToken).optional(),
      refreshToken: durationSeconds(refreshToken).optional(),
      refreshTokenAbsolute: durationSeconds(refreshTokenAbsolute).optional(),
      refreshTokenGrace: durationSeconds(refreshTokenGrace).optional(),
      authorizationCode: durationSeconds(authorizationCode).optional(),
      deviceCode: durationSeconds(deviceCode).optional(),
    })
    .prefault({})
    .meta({ description: "In place of the tenant's lifetimes, for this client." }),
  passwordGrant: z
    .strictObject({
      sunset: z
        .string()
        .refine(isDate, { error: 'is not a date; write one such as 2027-06-30 or 2027-06-30T12:00:00Z' })
        .transform((value) => Date.parse(value))
        .optional()
        .meta({
          description:
            'From then on the password grant is refused; until then its answers say so. ISO date, in UTC.',
          examples: ['2027-06-30'],
        }),
    })
    .prefault({})
    .meta({ description: 'RFC 9700 advises against the password grant: say when it ends.' }),
});

export type ClientFile = z.infer<typeof clientSchema>;

/** A calendar date that exists: JavaScript itself reads the 30th of February as a day in March. */
function isDate(value: string): boolean {
  const [, date] = /^(\d{4}-\d{2}-\d{2})(?:T\d{2}:\d{2}(?::\d{2})?(?:Z|[+-]\d{2}:\d{2}))?$/.exec(value) ?? [];
  if (date === undefined || Number.isNaN(Date.parse(value))) return false;
  return new Date(`${date}T00:00:00Z`).toISOString().startsWith(date);
}
